//! The log of a node: the entries of all partitions ("streams") in one sequence of segments, so
//! that one flush makes the batches of all of them durable.
//!
//! One thread writes. It takes whatever all streams have queued, writes it in one piece, flushes
//! once and then runs the callbacks; meanwhile the next pieces queue up. It never waits for more.
//!
//! # What it promises
//! - After `done(Ok)` of an append or truncation, and after `done(Ok)` of every one before it, the
//!   change survives a crash of the process and of the machine.
//! - After a crash a stream holds a prefix of what was appended, at least all that was done.
//! - Corruption of what was durable is never repaired silently: the journal refuses to open and
//!   says where. A torn tail (a write that the crash interrupted) is cut and reported.
//! - A full disk fails appends with `StorageFull`; they succeed again when there is space. A failed
//!   flush poisons the journal until it is opened again: nobody knows what is on the disk then.
//!
//! # Files
//! All numbers are little-endian. The folder holds
//! - `segment-NNNNNNNNNN.log`: the segments, numbered without gaps; the highest is being written;
//! - `spare-NNNNNNNNNN.log`: preallocated or recycled files that become the next segments;
//! - `ballast`: reserved space that [`Journal::release_ballast`] gives to a checkpoint when the
//!   disk is full;
//! - `stream-N.hard`: the hard state of stream N, see below.
//!
//! # Segment, version 1
//! A header of 64 bytes, then frames one after another, each starting at a multiple of 8:
//!
//! | offset | bytes | segment header |
//! |---|---|---|
//! | 0 | 8 | `SKEPJRNL` |
//! | 8 | 4 | version = 1 |
//! | 12 | 4 | crc32c of bytes 16..64 |
//! | 16 | 8 | segment number |
//! | 24 | 4 | size of the segment |
//! | 28 | 4 | where the frames of the segment before end; 0 in segment 1 |
//! | 32 | 4 | header crc of the last frame of the segment before; 0 in segment 1 |
//! | 36 | 28 | zero |
//!
//! | offset | bytes | frame header |
//! |---|---|---|
//! | 0 | 4 | `SKFR` |
//! | 4 | 4 | crc32c of bytes 8..56 |
//! | 8 | 8 | segment number: a frame left by an earlier life of a recycled segment ends the scan |
//! | 16 | 8 | first index |
//! | 24 | 4 | offset of this frame in the segment |
//! | 28 | 4 | offset where the write that this frame was part of began: all before was durable |
//! | 32 | 4 | stream |
//! | 36 | 1 | kind: 1 entries, 2 truncate, 3 purge, 4 state |
//! | 37 | 3 | zero |
//! | 40 | 4 | bytes of payload |
//! | 44 | 4 | crc32c of the payload |
//! | 48 | 4 | header crc of the frame before (of the segment header, for the first) |
//! | 52 | 4 | count |
//!
//! - *entries*: `count` lengths of 4 bytes, then the entries; they have indexes from "first index".
//! - *truncate*: the stream ends before "first index".
//! - *purge*: the stream starts at "first index"; if it ended before, it is empty.
//! - *state*: the first frame of every segment: for `count` streams the stream (4 bytes), 4 zero
//!   bytes, the index where it starts and the index after its last (8 bytes each).
//!
//! Every write is followed by a frame header of zeros, which the next write overwrites.
//!
//! The chain of header crcs makes leftovers of an abandoned write invalid after anything else was
//! written before them. Where the scan of the highest segment meets a frame that is not valid, a
//! later frame whose write began after that place proves that the place was once durable: that is
//! corruption. So it is when one bit makes the frame whole. Otherwise it is a torn tail. No write is longer than 4 MiB or one frame
//! with an entry of 16 MiB, so the proof cannot be further away than that.
//!
//! # Hard state, version 1
//! Two slots at 0 and 4096, written in turn; the valid one with the higher generation counts:
//! `SKEPHARD`, version (4 bytes), crc32c of all that follows, generation (8), length (4), bytes.

mod error;
mod flip;
mod format;
mod frames;
mod hard_state;
mod recovery;
mod segments;
mod stats;
mod stream;
mod writer;

#[cfg(test)]
mod tests;

pub use error::JournalError;
pub use recovery::{OpenReport, TornTail};
pub use stats::{FSYNC_BUCKETS, JournalStats};
pub use stream::{Done, StreamHandle};

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::ThreadId;

use parking_lot::{Condvar, Mutex};
use skep_env::task::Dedicated;
use skep_env::{Clock, Disk, DiskFile, OsTasks, SystemClock, Tasks};
use tokio::sync::Notify;

use crate::limits;
use error::at;
use format::FRAME_HEADER_BYTES;
use stats::StatsCell;
use stream::{Operation, Stream};
use writer::Writer;

/// How a journal is set up.
#[derive(Clone)]
pub struct JournalOptions {
    /// Size of new segments, in bytes; from [`limits::SEGMENT_BYTES_MIN`] to
    /// [`limits::SEGMENT_BYTES_MAX`]. May change between two starts.
    pub segment_bytes: u32,
    /// Size of the ballast file, in bytes; 0 for none.
    pub ballast_bytes: u64,
    /// Recent entries kept in memory for each stream, in bytes.
    pub cache_bytes_max: usize,
    /// Entries queued for writing before `append` waits, in bytes.
    pub queue_bytes_max: usize,
    /// Measures how long flushes take.
    pub clock: Arc<dyn Clock>,
    /// Runs the writer.
    pub tasks: Arc<dyn Tasks>,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: limits::SEGMENT_BYTES_DEFAULT,
            ballast_bytes: limits::BALLAST_BYTES_DEFAULT,
            cache_bytes_max: limits::CACHE_BYTES_DEFAULT,
            queue_bytes_max: limits::QUEUE_BYTES_DEFAULT,
            clock: Arc::new(SystemClock),
            tasks: Arc::new(OsTasks),
        }
    }
}

impl fmt::Debug for JournalOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalOptions")
            .field("segment_bytes", &self.segment_bytes)
            .field("ballast_bytes", &self.ballast_bytes)
            .field("cache_bytes_max", &self.cache_bytes_max)
            .field("queue_bytes_max", &self.queue_bytes_max)
            .finish_non_exhaustive()
    }
}

/// How well a journal can take more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalHealth {
    /// All is well.
    Ok,
    /// Appends still succeed, but the reserve (next segment or ballast) cannot be had because the
    /// disk is full: refuse new work, take checkpoints and purge. Heals by itself.
    SpaceLow,
    /// Appends fail because the disk is full. Heals by itself.
    Stalled,
    /// A flush or write failed: every change fails until the journal is opened again.
    Poisoned,
}

impl JournalHealth {
    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::SpaceLow,
            2 => Self::Stalled,
            _ => Self::Poisoned,
        }
    }
}

/// The journal of a node. Dropping it writes what is queued and ends its thread.
pub struct Journal {
    shared: Arc<Shared>,
    writer: Option<Dedicated>,
}

/// What the writer and the handles of streams share.
///
/// Locks are taken in this order: `streams`, the state of a stream (by number), `queue`; `files`
/// last and alone.
struct Shared {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    options: JournalOptions,
    streams: Mutex<BTreeMap<u32, Arc<Stream>>>,
    /// The segments that may be read, by number.
    files: Mutex<BTreeMap<u64, Arc<dyn DiskFile>>>,
    queue: Mutex<Queue>,
    /// There is something to write. A signal that nobody waits for is kept.
    work: Notify,
    /// There is room in the queue.
    room: Condvar,
    health: AtomicU8,
    stats: StatsCell,
}

#[derive(Default)]
struct Queue {
    operations: Vec<Operation>,
    bytes: usize,
    closed: bool,
    /// Look after the reserves even if there is nothing to write.
    look_for_space: bool,
    give_up_ballast: bool,
    /// May not wait for room: it is the one who makes it.
    writer: Option<ThreadId>,
}

impl Shared {
    fn health(&self) -> JournalHealth {
        JournalHealth::from_code(self.health.load(Ordering::Acquire))
    }

    fn set_health(&self, health: JournalHealth) {
        self.health.store(health as u8, Ordering::Release);
    }

    /// Largest entry, in bytes: at most half a segment, so that a segment is never wasted for one.
    fn entry_bytes_max(&self) -> usize {
        let half = self.options.segment_bytes as usize / 2 - 2 * FRAME_HEADER_BYTES;
        half.min(limits::ENTRY_BYTES_MAX)
    }
}

impl Journal {
    /// Opens the journal in a folder, or makes a new one, and starts its thread.
    ///
    /// # Errors
    /// When the journal is damaged or of an unknown version, or the disk fails.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        mut options: JournalOptions,
    ) -> Result<(Self, OpenReport), JournalError> {
        options.segment_bytes =
            options.segment_bytes.clamp(limits::SEGMENT_BYTES_MIN, limits::SEGMENT_BYTES_MAX) & !7;
        let recovered = recovery::recover(disk.as_ref(), folder, &options)?;
        let shared = Arc::new(Shared {
            disk,
            folder: folder.to_owned(),
            options,
            streams: Mutex::new(recovered.streams),
            files: Mutex::new(recovered.files),
            queue: Mutex::default(),
            work: Notify::new(),
            room: Condvar::new(),
            health: AtomicU8::new(JournalHealth::Ok as u8),
            stats: StatsCell::default(),
        });
        let mut writer = Writer::new(shared.clone(), recovered.active, recovered.reserves);
        let writer = shared
            .options
            .tasks
            .dedicated(
                "skep-journal",
                Box::new(move || Box::pin(async move { writer.run().await })),
            )
            .map_err(|error| at(folder, "start the writer of", error))?;
        Ok((Self { shared, writer: Some(writer) }, recovered.report))
    }

    /// The stream of this number: as recovered, or a new and empty one that starts at index 0.
    pub fn stream(&self, stream: u32) -> StreamHandle {
        let mut streams = self.shared.streams.lock();
        let stream = streams.entry(stream).or_insert_with(|| Arc::new(Stream::new(stream))).clone();
        StreamHandle::new(self.shared.clone(), stream)
    }

    /// The numbers of the streams that exist.
    pub fn streams(&self) -> Vec<u32> {
        self.shared.streams.lock().keys().copied().collect()
    }

    /// How well the journal can take more. Ask before accepting new work.
    pub fn health(&self) -> JournalHealth {
        self.shared.health()
    }

    /// What was written and how fast, since the journal was opened.
    pub fn flushed_stats(&self) -> JournalStats {
        self.shared.stats.read()
    }

    /// Largest entry that `append` takes, in bytes.
    pub fn entry_bytes_max(&self) -> usize {
        self.shared.entry_bytes_max()
    }

    /// Space that the segments take on the disk, in bytes, without spare segments and ballast.
    pub fn disk_bytes(&self) -> u64 {
        let files: Vec<_> = self.shared.files.lock().values().cloned().collect();
        files.iter().filter_map(|file| file.len_bytes().ok()).sum()
    }

    /// Gives the ballast back to the disk, so that a checkpoint can be written although the disk is
    /// full. The journal takes a new ballast by itself when twice its size is free.
    pub fn release_ballast(&self) {
        let mut queue = self.shared.queue.lock();
        queue.give_up_ballast = true;
        self.shared.work.notify_one();
    }

    /// Looks for free space now instead of at the next regular time.
    pub fn look_for_space(&self) {
        self.shared.queue.lock().look_for_space = true;
        self.shared.work.notify_one();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock();
        queue.closed = true;
        // A callback may hold the last reference; the writer cannot wait for itself.
        let is_writer = queue.writer == Some(std::thread::current().id());
        drop(queue);
        self.shared.work.notify_one();
        self.shared.room.notify_all();
        if let Some(writer) = self.writer.take().filter(|_| !is_writer)
            && !writer.join_blocking()
        {
            tracing::error!("the writer of the journal panicked");
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}
