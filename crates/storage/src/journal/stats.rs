//! Counters of a journal, for whoever publishes metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Number of buckets of the flush histogram.
pub const FSYNC_BUCKETS: usize = 24;

/// What was written and how fast, since the journal was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalStats {
    /// Flushes of segments.
    pub fsyncs: u64,
    /// Groups of frames written in one piece.
    pub batches: u64,
    /// Frames written.
    pub frames: u64,
    /// Entries written.
    pub entries: u64,
    /// Bytes of frames written, without zeroing.
    pub bytes: u64,
    /// Time spent in flushes, in microseconds.
    pub fsync_us_total: u64,
    /// The slowest flush, in microseconds.
    pub fsync_us_max: u64,
    /// Flushes by time: bucket `n` counts those below `2^n` microseconds and not below half of it;
    /// the last one counts all that took longer.
    pub fsync_us_buckets: [u64; FSYNC_BUCKETS],
    /// Changes of segment.
    pub rolls: u64,
}

#[derive(Default)]
pub(super) struct StatsCell {
    fsyncs: AtomicU64,
    batches: AtomicU64,
    frames: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
    fsync_us_total: AtomicU64,
    fsync_us_max: AtomicU64,
    fsync_us_buckets: [AtomicU64; FSYNC_BUCKETS],
    rolls: AtomicU64,
}

impl StatsCell {
    pub(super) fn fsync(&self, us: u64) {
        self.fsyncs.fetch_add(1, Ordering::Relaxed);
        self.fsync_us_total.fetch_add(us, Ordering::Relaxed);
        self.fsync_us_max.fetch_max(us, Ordering::Relaxed);
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        self.fsync_us_buckets[bucket.min(FSYNC_BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn batch(&self, frames: u64, entries: u64, bytes: u64) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.frames.fetch_add(frames, Ordering::Relaxed);
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn roll(&self) {
        self.rolls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> JournalStats {
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        JournalStats {
            fsyncs: load(&self.fsyncs),
            batches: load(&self.batches),
            frames: load(&self.frames),
            entries: load(&self.entries),
            bytes: load(&self.bytes),
            fsync_us_total: load(&self.fsync_us_total),
            fsync_us_max: load(&self.fsync_us_max),
            fsync_us_buckets: std::array::from_fn(|bucket| load(&self.fsync_us_buckets[bucket])),
            rolls: load(&self.rolls),
        }
    }
}
