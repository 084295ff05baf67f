//! Every limit of this crate, with its unit and reason.

/// Default size of a journal segment, in bytes: 64 MiB is some 20 000 process instances, so a
/// segment is recycled every few seconds under full load, and two of them fit on any disk.
pub const SEGMENT_BYTES_DEFAULT: u32 = 64 * 1024 * 1024;

/// Smallest segment, in bytes: below, the reserve for control frames would leave no room.
pub const SEGMENT_BYTES_MIN: u32 = 16 * 1024;

/// Largest segment, in bytes: offsets in a segment are 32 bits wide.
pub const SEGMENT_BYTES_MAX: u32 = 1024 * 1024 * 1024;

/// Default size of the ballast file, in bytes: what a checkpoint may need on a disk that is full.
pub const BALLAST_BYTES_DEFAULT: u64 = 32 * 1024 * 1024;

/// Default size of the cache of recent entries of one stream, in bytes: followers and appliers that
/// keep up never read the disk, and three partitions stay within the memory goal of an idle node.
pub const CACHE_BYTES_DEFAULT: usize = 4 * 1024 * 1024;

/// Default bound of the queue of the journal's writer, in bytes of entries: about a tenth of a
/// second of the fastest disk; a longer queue only makes latency.
pub const QUEUE_BYTES_DEFAULT: usize = 64 * 1024 * 1024;

/// Most bytes that are written and flushed together (one larger frame goes alone): the flush of
/// 4 MiB takes some milliseconds, which bounds how long a small append waits behind a big one.
pub(crate) const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most bytes of several entries in one frame; reading one old entry reads its whole frame.
pub(crate) const FRAME_BYTES_MAX: usize = 256 * 1024;

/// Largest entry, in bytes (less if a segment is small): four times the largest message that a
/// client may send. It bounds how far a scan looks for proof of damage behind a torn tail.
pub const ENTRY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How far a fresh segment is zeroed ahead of what is written, in bytes. A flush into blocks that
/// were never written also writes file system metadata and takes almost twice as long.
pub(crate) const ZERO_AHEAD_BYTES: u32 = 1024 * 1024;

/// Bytes at the end of a segment that only truncations and purges may use when no next segment can
/// be had, so that a full disk can still be emptied: room for about 70 of them.
pub(crate) const CONTROL_RESERVE_BYTES: u32 = 4 * 1024;

/// Spare segments kept for recycling: one to change to at once, one that absorbs the wave of a
/// purge. More would be disk space that nobody uses.
pub(crate) const SPARE_SEGMENTS_MAX: usize = 2;

/// How often a journal that misses its reserves looks for free space, in milliseconds.
pub(crate) const SPACE_RECHECK_MS: u64 = 500;

/// Largest hard state of a stream, in bytes: a slot is one page.
pub const HARD_STATE_BYTES_MAX: usize = 4096 - 28;

/// Largest payload in which a flipped bit is looked for at the end of a journal, in bytes. Of interrupted writes of
/// this size one in 2 000 would be taken for one; a larger one is an entry of its own, and taken for interrupted.
pub(crate) const FLIP_PAYLOAD_BYTES_MAX: usize = FRAME_BYTES_MAX;

/// Window of the reader that scans segments at start, in bytes: memory use, not a limit of frames.
pub(crate) const SCAN_WINDOW_BYTES: usize = 1024 * 1024;

/// Default address space for the file of a state store, in bytes: far above what a partition holds,
/// far below what a process may map (128 TiB).
pub const STATE_MAP_BYTES_DEFAULT: usize = 256 * 1024 * 1024 * 1024;

/// Most transactions that read a state store at the same time: more than a process has threads.
pub(crate) const STATE_READERS_MAX: u32 = 1024;

/// Idle read transactions kept for use again: as many as threads that read at the same time on a
/// large machine.
pub(crate) const STATE_READERS_KEPT_MAX: usize = 64;

/// Size of a chunk of a snapshot, in bytes (more if a single entry is larger): large enough that
/// headers and messages do not matter, small enough to send one between two heartbeats.
pub(crate) const SNAPSHOT_CHUNK_BYTES: usize = 1024 * 1024;

/// How much of a snapshot is imported in one commit, in bytes: bounds the memory of an import.
pub(crate) const SNAPSHOT_COMMIT_BYTES: usize = 16 * 1024 * 1024;
