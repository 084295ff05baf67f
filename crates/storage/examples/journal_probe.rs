//! Measures the journal on this machine's disk: flushes and appends per second with 1, 16 and 128
//! appends in flight, one entry of 700 bytes each; and, to compare with, the bare disk: 4 KiB written
//! into a file that was written before, and flushed, one after another.
//!
//! `cargo run --release -p skep-storage --example journal_probe -- [FOLDER] [SECONDS]`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use bytes::Bytes;
use skep_env::{Clock, Disk, OpenMode, OsDisk, SystemClock};
use skep_storage::{Journal, JournalOptions, StreamHandle};

const ENTRY_BYTES: usize = 700;
const STREAMS: u32 = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("skep-journal-probe-{}", std::process::id()));
    let seconds: u64 = arguments.next().map_or(Ok(2), |text| text.parse())?;
    for in_flight in [1, 16, 128] {
        bare_disk(&folder.with_extension("bare"))?;
        let started_us = SystemClock.monotonic_us();
        let (journal, _) = Journal::open(Arc::new(OsDisk), &folder, JournalOptions::default())?;
        let opened_us = SystemClock.monotonic_us() - started_us;
        measure(&journal, in_flight, seconds, opened_us);
        drop(journal);
        let started_us = SystemClock.monotonic_us();
        let (journal, report) =
            Journal::open(Arc::new(OsDisk), &folder, JournalOptions::default())?;
        let ms = (SystemClock.monotonic_us() - started_us) / 1000;
        println!("    opened again in {ms} ms: {} MB of frames", report.bytes / 1_000_000);
        drop(journal);
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// Flushes of the bare disk, for a second.
fn bare_disk(path: &Path) -> std::io::Result<()> {
    const BYTES: u64 = 4 * 1024 * 1024;
    let file = OsDisk.open(path, OpenMode::Create)?;
    file.write_at(0, &vec![1; BYTES as usize])?;
    file.sync_data()?;
    let (started_us, mut times_us) = (SystemClock.monotonic_us(), Vec::new());
    let mut now_us = started_us;
    while now_us < started_us + 1_000_000 {
        file.write_at(times_us.len() as u64 * 4096 % BYTES, &[2; 4096])?;
        file.sync_data()?;
        let before_us = std::mem::replace(&mut now_us, SystemClock.monotonic_us());
        times_us.push(now_us - before_us);
    }
    times_us.sort_unstable();
    println!("bare disk: {} flushes/s, p50 {} us", times_us.len(), times_us[times_us.len() / 2]);
    OsDisk.remove(path)
}

/// A closed loop: every append that is done is followed by another one.
fn measure(journal: &Journal, in_flight: usize, seconds: u64, opened_us: u64) {
    let streams: Vec<StreamHandle> = (0..STREAMS).map(|id| journal.stream(id)).collect();
    let entry = Bytes::from(vec![7; ENTRY_BYTES]);
    let (sender, receiver) = sync_channel(in_flight);
    let clock = SystemClock;
    let append = |number: usize| {
        let (stream, sender) = (&streams[number % streams.len()], sender.clone());
        let (index, begun_us) = (stream.next_index(), clock.monotonic_us());
        if index % 10_000 == 9_999 {
            stream.purge_to(index - 5_000);
        }
        let done = move |result: std::io::Result<()>| {
            drop(sender.send((result, number, begun_us)));
        };
        stream.append(index, vec![entry.clone()], Box::new(done));
    };
    (0..in_flight).for_each(append);
    let started_us = clock.monotonic_us();
    let mut latencies_us = Vec::new();
    let mut now_us = started_us;
    while now_us < started_us + seconds * 1_000_000 {
        let Ok((Ok(()), number, begun_us)) = receiver.recv() else { return };
        now_us = clock.monotonic_us();
        latencies_us.push(now_us - begun_us);
        append(number);
    }
    latencies_us.sort_unstable();
    let stats = journal.flushed_stats();
    let at = |share: f64| latencies_us[((latencies_us.len() - 1) as f64 * share) as usize];
    println!(
        "{in_flight:>4} in flight: {:>7} appends/s, p50 {} us, p99 {} us, p99.9 {} us; {} flushes/s \
         of {} us; opened new in {opened_us} us, {} segments changed",
        latencies_us.len() as u64 / seconds,
        at(0.5),
        at(0.99),
        at(0.999),
        stats.fsyncs / seconds,
        stats.fsync_us_total / stats.fsyncs.max(1),
        stats.rolls,
    );
}
