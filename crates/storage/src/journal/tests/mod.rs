mod crash;
mod damage;
mod format;
mod space;
mod streams;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;
use skep_env::{Disk, Faults, FaultyDisk, MemoryDisk, OpenMode};

use super::*;
use crate::limits::SEGMENT_BYTES_MIN;

fn folder() -> &'static Path {
    Path::new("/data/journal")
}

fn options() -> JournalOptions {
    JournalOptions {
        segment_bytes: SEGMENT_BYTES_MIN,
        ballast_bytes: 4096,
        ..JournalOptions::default()
    }
}

fn open(disk: &MemoryDisk) -> Journal {
    open_report(disk).0
}

fn open_report(disk: &MemoryDisk) -> (Journal, OpenReport) {
    Journal::open(Arc::new(disk.clone()), folder(), options()).expect("open")
}

fn open_error(disk: &MemoryDisk) -> JournalError {
    Journal::open(Arc::new(disk.clone()), folder(), options()).expect_err("refused")
}

fn open_faulty(disk: &MemoryDisk) -> (Journal, Faults) {
    let faulty = FaultyDisk::new(Arc::new(disk.clone()));
    let faults = faulty.faults();
    (Journal::open(Arc::new(faulty), folder(), options()).expect("open").0, faults)
}

/// A callback and what it will hear.
fn done() -> (Done, Receiver<io::Result<()>>) {
    let (sender, receiver) = sync_channel(1);
    (Box::new(move |result| drop(sender.send(result))), receiver)
}

fn try_append(stream: &StreamHandle, entries: &[&[u8]]) -> io::Result<()> {
    let (done, result) = done();
    let entries = entries.iter().map(|entry| Bytes::copy_from_slice(entry)).collect();
    stream.append(stream.next_index(), entries, done);
    result.recv().expect("called")
}

fn append(stream: &StreamHandle, entries: &[&[u8]]) {
    try_append(stream, entries).expect("append");
}

fn truncate(stream: &StreamHandle, from: u64) {
    let (done, result) = done();
    stream.truncate_from(from, done);
    result.recv().expect("called").expect("truncate");
}

fn save_hard_state(stream: &StreamHandle, value: &[u8]) {
    let (done, result) = done();
    stream.save_hard_state(value, done);
    result.recv().expect("called").expect("save");
}

/// All that a stream holds, as its first index and its entries.
fn content(stream: &StreamHandle) -> (u64, Vec<Vec<u8>>) {
    let first = stream.first_index();
    let entries = stream.read(first, u64::MAX, usize::MAX).expect("read");
    let indexes: Vec<u64> = entries.iter().map(|(index, _)| *index).collect();
    assert_eq!(indexes, (first..stream.next_index()).collect::<Vec<_>>());
    (first, entries.into_iter().map(|(_, entry)| entry.to_vec()).collect())
}

fn file_bytes(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).expect("open");
    let mut bytes = vec![0; file.len_bytes().expect("len") as usize];
    file.read_exact_at(0, &mut bytes).expect("read");
    bytes
}

fn segment(number: u64) -> PathBuf {
    segments::segment_path(folder(), number)
}

/// The segments in the folder.
fn segments_on(disk: &MemoryDisk) -> Vec<u64> {
    let names = disk.list(folder()).expect("list");
    names.iter().filter_map(|name| segments::parse_segment_name(name)).collect()
}

/// Waits until the writer has seen all that was asked of it before.
fn settle(journal: &Journal) {
    // The second one is written after the writer has looked after space behind the first one.
    truncate(&journal.stream(99), 0);
    truncate(&journal.stream(99), 0);
}
