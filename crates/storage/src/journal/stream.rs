//! One stream of the journal: what a partition appends to and reads from.
//!
//! A stream has two views. The *logical* one (`first`, `next`, the cache) is ahead of the disk by
//! what is queued; the *durable* one (`frames`, `durable_next`, `durable_first`) follows the writer.
//! Whatever is not durable is in the cache, so that a reader finds an entry in the cache or, if its
//! index is below `pinned`, on the disk. When a write fails the logical view falls back to the
//! durable one.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::error::{JournalError, at};
use super::format::{FrameHeader, decode_entries, entries_payload_bytes, frame_bytes};
use super::hard_state::HardState;
use super::segments::segment_path;
use super::{JournalHealth, Shared};
use crate::limits::{FRAME_BYTES_MAX, HARD_STATE_BYTES_MAX};

/// Called once, on the thread of the writer, when a change is durable or has failed. It must not
/// block: the next write waits for it.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// A stream of the journal. Clones are the same stream.
#[derive(Clone)]
pub struct StreamHandle {
    shared: Arc<Shared>,
    stream: Arc<Stream>,
}

pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) state: Mutex<StreamState>,
    pub(super) hard: Mutex<HardState>,
}

/// Where a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FramePlace {
    pub(super) first_index: u64,
    /// Entries of the frame that are still part of the stream.
    pub(super) count: u32,
    pub(super) segment: u64,
    pub(super) offset: u32,
    pub(super) bytes: u32,
}

impl FramePlace {
    fn end(&self) -> u64 {
        self.first_index + u64::from(self.count)
    }
}

#[derive(Default)]
pub(super) struct StreamState {
    /// The first index that may be read.
    pub(super) first: u64,
    /// The index of the next entry.
    pub(super) next: u64,
    /// All entries below are durable as they are now.
    pinned: u64,
    /// Rises with every truncation: an append that completes after a later truncation was queued
    /// does not make the present entries of these indexes durable.
    generation: u64,
    cache: VecDeque<Bytes>,
    cache_first: u64,
    cache_bytes: usize,

    /// Frames on the disk, by index, without gaps.
    pub(super) frames: VecDeque<FramePlace>,
    pub(super) frames_bytes: u64,
    /// As recorded on the disk.
    pub(super) durable_first: u64,
    pub(super) durable_next: u64,
}

/// A change that waits for the writer.
pub(super) enum Operation {
    Append {
        stream: Arc<Stream>,
        generation: u64,
        first_index: u64,
        entries: Vec<Bytes>,
        done: Option<Done>,
    },
    Truncate {
        stream: Arc<Stream>,
        from: u64,
        done: Option<Done>,
    },
    Purge {
        stream: Arc<Stream>,
        first: u64,
    },
    HardState {
        stream: Arc<Stream>,
        value: Bytes,
        done: Option<Done>,
    },
}

impl Operation {
    /// What the frame of this change takes in a segment, in bytes.
    pub(super) fn frame_bytes(&self) -> usize {
        match self {
            Self::Append { entries, .. } => frame_bytes(entries_payload_bytes(entries)),
            Self::Truncate { .. } | Self::Purge { .. } => frame_bytes(0),
            Self::HardState { .. } => 0,
        }
    }

    pub(super) fn take_done(&mut self) -> Option<Done> {
        match self {
            Self::Append { done, .. } | Self::Truncate { done, .. } => done.take(),
            Self::HardState { done, .. } => done.take(),
            Self::Purge { .. } => None,
        }
    }
}

impl Stream {
    pub(super) fn new(id: u32) -> Self {
        Self { id, state: Mutex::default(), hard: Mutex::default() }
    }

    pub(super) fn recovered(id: u32, state: StreamState, hard: HardState) -> Self {
        Self { id, state: Mutex::new(state), hard: Mutex::new(hard) }
    }
}

impl StreamState {
    /// The durable view, replayed: entries were written at this place.
    pub(super) fn durable_append(&mut self, place: FramePlace) {
        debug_assert_eq!(place.first_index, self.durable_next);
        self.durable_next = place.end();
        self.frames_bytes += u64::from(place.bytes);
        self.frames.push_back(place);
    }

    /// The durable view, replayed: the stream ends before `from`.
    pub(super) fn durable_truncate(&mut self, from: u64) {
        self.durable_next = self.durable_next.min(from);
        while let Some(last) = self.frames.back_mut() {
            if last.first_index < from {
                let kept = from - last.first_index;
                last.count = last.count.min(u32::try_from(kept).unwrap_or(u32::MAX));
                break;
            }
            self.frames_bytes -= u64::from(last.bytes);
            self.frames.pop_back();
        }
    }

    /// The durable view, replayed: the stream starts at `first`.
    pub(super) fn durable_purge(&mut self, first: u64) {
        self.durable_first = self.durable_first.max(first);
        self.durable_next = self.durable_next.max(first);
        while let Some(frame) = self.frames.front().filter(|frame| frame.end() <= first) {
            self.frames_bytes -= u64::from(frame.bytes);
            self.frames.pop_front();
        }
    }

    /// Forgets what is not durable, except purges: the state after a failed write and after a
    /// start.
    pub(super) fn fall_back(&mut self) {
        self.first = self.first.max(self.durable_first);
        self.next = self.durable_next.max(self.first);
        self.generation += 1;
        self.pinned = self.next;
        self.clear_cache();
    }

    /// An append that was queued under `generation` is durable up to `end`.
    pub(super) fn unpin(&mut self, generation: u64, end: u64, cache_bytes_max: usize) {
        if generation == self.generation {
            self.pinned = self.pinned.max(end);
        }
        self.evict(cache_bytes_max);
    }

    fn clear_cache(&mut self) {
        self.cache.clear();
        self.cache_bytes = 0;
        self.cache_first = self.next;
    }

    fn evict(&mut self, cache_bytes_max: usize) {
        while self.cache_bytes > cache_bytes_max && self.cache_first < self.pinned {
            self.pop_cache();
        }
    }

    fn pop_cache(&mut self) {
        if let Some(entry) = self.cache.pop_front() {
            self.cache_bytes -= entry.len();
            self.cache_first += 1;
        }
    }

    fn push(&mut self, entry: Bytes) {
        debug_assert_eq!(self.cache_first + self.cache.len() as u64, self.next);
        self.cache_bytes += entry.len();
        self.cache.push_back(entry);
        self.next += 1;
    }

    fn truncate(&mut self, from: u64) {
        self.generation += 1;
        while self.cache.len() as u64 > from.saturating_sub(self.cache_first) {
            if let Some(entry) = self.cache.pop_back() {
                self.cache_bytes -= entry.len();
            }
        }
        self.cache_first = self.cache_first.min(from);
        self.pinned = self.pinned.min(from);
        self.next = from;
    }

    fn purge(&mut self, first: u64) {
        self.first = first;
        while self.cache_first < first && !self.cache.is_empty() {
            self.pop_cache();
        }
        if self.next < first {
            // Appends in flight are all below; whatever they do is not visible any more.
            self.generation += 1;
            self.next = first;
            self.pinned = first;
            self.clear_cache();
        }
    }
}

/// What a read found under the lock.
enum Found {
    Entries(Vec<(u64, Bytes)>),
    Frames(Vec<FramePlace>),
}

impl StreamHandle {
    pub(super) fn new(shared: Arc<Shared>, stream: Arc<Stream>) -> Self {
        Self { shared, stream }
    }

    /// The number of this stream.
    pub fn id(&self) -> u32 {
        self.stream.id
    }

    /// How well the journal can take more.
    pub fn health(&self) -> JournalHealth {
        self.shared.health()
    }

    /// Appends entries from `first_index`, which must be [`StreamHandle::next_index`]. They can be
    /// read at once; `done` hears when they are durable. Changes of a stream become durable in the
    /// order of the calls. Waits only while the queue of the writer is full. Appending nothing is
    /// done at once.
    ///
    /// `done` hears an error of kind
    /// - `InvalidInput`: the index does not follow, or an entry is too large; nothing was changed;
    /// - `StorageFull`: the disk is full; appends succeed again when there is space;
    /// - another: the journal is poisoned or closed, open it again.
    ///
    /// After an error that is not `InvalidInput` the stream ends where it ends on the disk: ask
    /// [`StreamHandle::next_index`].
    pub fn append(&self, first_index: u64, entries: Vec<Bytes>, done: Done) {
        let max = self.shared.entry_bytes_max();
        if let Some(entry) = entries.iter().find(|entry| entry.len() > max) {
            let text = format!("an entry has {} bytes, limit {max}; split it", entry.len());
            return done(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        if entries.is_empty() {
            return done(Ok(()));
        }
        if let Err((error, done)) = self.queue_append(first_index, entries, done) {
            done(Err(error));
        }
    }

    fn queue_append(
        &self,
        first_index: u64,
        entries: Vec<Bytes>,
        done: Done,
    ) -> Result<(), (io::Error, Done)> {
        self.wait_for_room();
        let mut state = self.stream.state.lock();
        let mut queue = self.shared.queue.lock();
        if let Err(error) = self.check_open(queue.closed) {
            return Err((error, done));
        }
        if first_index != state.next {
            let text = format!(
                "append at index {first_index}, but stream {} continues at {}",
                self.stream.id, state.next
            );
            return Err((io::Error::new(io::ErrorKind::InvalidInput, text), done));
        }
        for entry in &entries {
            state.push(entry.clone());
        }
        queue.bytes += entries_payload_bytes(&entries);
        self.split_into_frames(state.generation, first_index, entries, done, &mut |operation| {
            queue.operations.push(operation);
        });
        drop((queue, state));
        self.shared.work.notify_one();
        Ok(())
    }

    /// Only the last frame carries the callback: frames become durable in order.
    fn split_into_frames(
        &self,
        generation: u64,
        mut first_index: u64,
        entries: Vec<Bytes>,
        done: Done,
        push: &mut dyn FnMut(Operation),
    ) {
        let mut piece = Vec::with_capacity(entries.len());
        let mut bytes = 0;
        let mut append = |piece: &mut Vec<Bytes>, done: Option<Done>| {
            let count = piece.len() as u64;
            let (stream, entries) = (self.stream.clone(), std::mem::take(piece));
            push(Operation::Append { stream, generation, first_index, entries, done });
            first_index += count;
        };
        // A small segment gets small frames, so that an append never fills one on its own.
        let max = FRAME_BYTES_MAX.min(self.shared.options.segment_bytes as usize / 4);
        for entry in entries {
            if !piece.is_empty() && bytes + entry.len() > max {
                append(&mut piece, None);
                bytes = 0;
            }
            bytes += entry.len() + 4;
            piece.push(entry);
        }
        append(&mut piece, Some(done));
    }

    /// Removes the entries from `index` on; `done` as for [`StreamHandle::append`]. Removing
    /// nothing, or entries that were purged, is fine.
    pub fn truncate_from(&self, index: u64, done: Done) {
        self.wait_for_room();
        let mut state = self.stream.state.lock();
        let mut queue = self.shared.queue.lock();
        if let Err(error) = self.check_open(queue.closed) {
            drop((queue, state));
            return done(Err(error));
        }
        let from = index.clamp(state.first, state.next);
        state.truncate(from);
        let (stream, done) = (self.stream.clone(), Some(done));
        queue.operations.push(Operation::Truncate { stream, from, done });
        drop((queue, state));
        self.shared.work.notify_one();
    }

    /// Removes the entries up to and including `index`. Takes effect at once, becomes durable with
    /// a later write, and frees segments when all streams allow it. An `index` beyond the end makes
    /// the stream empty and continues it after `index` (the entries came as a snapshot).
    pub fn purge_to(&self, index: u64) {
        let mut state = self.stream.state.lock();
        let mut queue = self.shared.queue.lock();
        let first = index.saturating_add(1);
        if first <= state.first || self.check_open(queue.closed).is_err() {
            return;
        }
        state.purge(first);
        queue.operations.push(Operation::Purge { stream: self.stream.clone(), first });
        drop((queue, state));
        self.shared.work.notify_one();
    }

    /// Reads entries of `[from, to_exclusive)` in order: as many as fit into `max_bytes`, but at
    /// least one if there is one. What is beyond the end is left out.
    ///
    /// # Errors
    /// `Purged` when `from` was purged; `Corrupt` when the disk does not return what was written;
    /// or the disk fails.
    pub fn read(
        &self,
        from: u64,
        to_exclusive: u64,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, JournalError> {
        let mut entries = Vec::new();
        let mut budget = Budget { left: max_bytes, any: false };
        loop {
            let at = from + entries.len() as u64;
            match self.find(at, to_exclusive, &mut budget)? {
                Found::Entries(found) => {
                    entries.extend(found);
                    return Ok(entries);
                }
                Found::Frames(frames) => {
                    for frame in frames {
                        let Some(found) = self.read_frame(&frame)? else { break };
                        let end = frame.end().min(to_exclusive);
                        for index in from + entries.len() as u64..end {
                            let at = usize::try_from(index - frame.first_index).unwrap_or(0);
                            if !budget.take(found[at].len()) {
                                return Ok(entries);
                            }
                            entries.push((index, found[at].clone()));
                        }
                    }
                }
            }
        }
    }

    fn find(
        &self,
        from: u64,
        to_exclusive: u64,
        budget: &mut Budget,
    ) -> Result<Found, JournalError> {
        let state = self.stream.state.lock();
        if from < state.first {
            return Err(JournalError::Purged { first_index: state.first });
        }
        let to = to_exclusive.min(state.next);
        if from >= to || from >= state.cache_first {
            let indexes = from..to.max(from);
            let found = indexes.map_while(|index| {
                let at = usize::try_from(index - state.cache_first).ok()?;
                let entry = state.cache.get(at)?;
                budget.take(entry.len()).then(|| (index, entry.clone()))
            });
            return Ok(Found::Entries(found.collect()));
        }
        let to = to.min(state.cache_first);
        let start = state.frames.partition_point(|frame| frame.end() <= from);
        let mut room = budget.left;
        let frames = state.frames.range(start..).take_while(|frame| {
            let wanted = frame.first_index < to && room > 0;
            room = room.saturating_sub(frame.bytes as usize);
            wanted
        });
        let mut frames: Vec<FramePlace> = frames.copied().collect();
        // At least one, or the caller would ask for ever.
        if frames.is_empty() {
            frames.extend(state.frames.get(start));
        }
        match frames.last_mut() {
            // The end of the last frame may be superseded by what is in the cache.
            Some(last) => last.count = last.count.min((to - last.first_index) as u32),
            None => unreachable!("an entry that is not cached is on the disk"),
        }
        Ok(Found::Frames(frames))
    }

    /// Reads and checks a frame; None when it was purged meanwhile.
    fn read_frame(&self, place: &FramePlace) -> Result<Option<Vec<Bytes>>, JournalError> {
        let file = self.shared.files.lock().get(&place.segment).cloned();
        let result = match file {
            None => Err(self.corrupt(place, "its segment is gone")),
            Some(file) => {
                let mut bytes = vec![0; place.bytes as usize];
                let path = segment_path(&self.shared.folder, place.segment);
                file.read_exact_at(u64::from(place.offset), &mut bytes)
                    .map_err(|error| at(&path, "read", error))
                    .and_then(|()| self.decode_frame(place, Bytes::from(bytes)))
            }
        };
        match result {
            Ok(entries) => Ok(Some(entries)),
            // Purged (and its segment written anew) between finding and reading it.
            Err(_) if self.stream.state.lock().first >= place.end() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn decode_frame(&self, place: &FramePlace, bytes: Bytes) -> Result<Vec<Bytes>, JournalError> {
        let header = FrameHeader::decode(&bytes).map(|(header, _)| header);
        let header = header.filter(|header| {
            header.segment == place.segment
                && header.offset == place.offset
                && header.stream == self.stream.id
                && header.first_index == place.first_index
                && header.frame_bytes() == bytes.len()
        });
        let Some(header) = header else {
            return Err(self.corrupt(place, "its header is not what was written"));
        };
        let start = super::format::FRAME_HEADER_BYTES;
        let payload = bytes.slice(start..start + header.payload_bytes as usize);
        if crc32c::crc32c(&payload) != header.payload_crc {
            return Err(self.corrupt(place, "its entries fail their checksum"));
        }
        match decode_entries(header.count, &payload) {
            Some(entries) if entries.len() >= place.count as usize => Ok(entries),
            _ => Err(self.corrupt(place, "its entries do not add up")),
        }
    }

    fn corrupt(&self, place: &FramePlace, what: &str) -> JournalError {
        JournalError::Corrupt {
            segment: segment_path(&self.shared.folder, place.segment),
            offset: u64::from(place.offset),
            reason: format!(
                "the frame with index {} of stream {} cannot be read: {what}",
                place.first_index, self.stream.id
            ),
        }
    }

    /// The lowest index that is there, or would be if the stream is empty.
    pub fn first_index(&self) -> u64 {
        self.stream.state.lock().first
    }

    /// The index of the last entry; None when the stream is empty.
    pub fn last_index(&self) -> Option<u64> {
        let state = self.stream.state.lock();
        (state.first < state.next).then(|| state.next - 1)
    }

    /// The index that the next append must name.
    pub fn next_index(&self) -> u64 {
        self.stream.state.lock().next
    }

    /// What the durable entries of this stream take in the segments, in bytes.
    pub fn bytes(&self) -> u64 {
        self.stream.state.lock().frames_bytes
    }

    /// Replaces the hard state of the stream: a small value that is durable on its own when `done`
    /// hears Ok. It does not wait for appends and they do not wait for it. Errors as for
    /// [`StreamHandle::append`]; `InvalidInput` when it is larger than
    /// [`HARD_STATE_BYTES_MAX`] bytes.
    pub fn save_hard_state(&self, value: &[u8], done: Done) {
        if value.len() > HARD_STATE_BYTES_MAX {
            let text =
                format!("a hard state has {} bytes, limit {HARD_STATE_BYTES_MAX}", value.len());
            return done(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        self.wait_for_room();
        let mut queue = self.shared.queue.lock();
        if let Err(error) = self.check_open(queue.closed) {
            drop(queue);
            return done(Err(error));
        }
        let (stream, value) = (self.stream.clone(), Bytes::copy_from_slice(value));
        queue.bytes += value.len();
        queue.operations.push(Operation::HardState { stream, value, done: Some(done) });
        drop(queue);
        self.shared.work.notify_one();
    }

    /// The hard state that was saved last, if there ever was one.
    pub fn hard_state(&self) -> Option<Bytes> {
        self.stream.hard.lock().value()
    }

    fn check_open(&self, closed: bool) -> io::Result<()> {
        if closed {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the journal is closed"));
        }
        if self.shared.health() == JournalHealth::Poisoned {
            return Err(poisoned());
        }
        Ok(())
    }

    fn wait_for_room(&self) {
        let mut queue = self.shared.queue.lock();
        while queue.bytes >= self.shared.options.queue_bytes_max
            && !queue.closed
            && queue.writer != Some(std::thread::current().id())
        {
            self.shared.room.wait(&mut queue);
        }
    }
}

/// What every change hears after a failed flush.
pub(super) fn poisoned() -> io::Error {
    io::Error::other(
        "the journal is closed to changes because a write or flush failed before; what is on the \
         disk is not known until it is read again: restart this node",
    )
}

/// How much a read may still return.
struct Budget {
    left: usize,
    any: bool,
}

impl Budget {
    /// Takes an entry of this size; the first is always granted.
    fn take(&mut self, bytes: usize) -> bool {
        if self.any && bytes > self.left {
            return false;
        }
        self.any = true;
        self.left = self.left.saturating_sub(bytes);
        true
    }
}

impl fmt::Debug for StreamHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.stream.state.lock();
        f.debug_struct("StreamHandle")
            .field("id", &self.stream.id)
            .field("first", &state.first)
            .field("next", &state.next)
            .finish_non_exhaustive()
    }
}
