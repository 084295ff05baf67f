//! The thread that writes the journal.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::error::{copy, is_full};
use super::format::{FRAME_HEADER_BYTES, FrameEncoder, FrameKind, SegmentHeader, StreamBounds};
use super::segments::{ActiveSegment, Reserves, StartError};
use super::stream::{Done, FramePlace, Operation, Stream, poisoned};
use super::{JournalHealth, Shared};
use crate::limits::{CONTROL_RESERVE_BYTES, GROUP_BYTES_MAX, SPACE_RECHECK_MS, ZERO_AHEAD_BYTES};

pub(super) struct Writer {
    shared: Arc<Shared>,
    active: ActiveSegment,
    reserves: Reserves,
    buffer: Vec<u8>,
    /// Purges that could not be recorded when a write failed. They have taken effect, so they go
    /// before anything else.
    owed: Vec<Operation>,
    /// Appends failed for lack of space and none has succeeded since.
    stalled: bool,
    /// The segments could not be looked after; they must not be reused.
    recycling_failed: bool,
    /// Nothing was written to the segment yet.
    segment_is_fresh: bool,
}

/// Hard states to write: of several of a stream the last one counts.
#[derive(Default)]
struct HardStates {
    latest: BTreeMap<u32, (Arc<Stream>, bytes::Bytes)>,
    dones: Vec<(u32, Done)>,
}

impl HardStates {
    /// Takes them out of the operations.
    fn take(operations: &mut VecDeque<Operation>) -> Self {
        let mut states = Self::default();
        if !operations.iter().any(|it| matches!(it, Operation::HardState { .. })) {
            return states;
        }
        for operation in std::mem::take(operations) {
            match operation {
                Operation::HardState { stream, value, done } => {
                    states.dones.extend(done.map(|done| (stream.id, done)));
                    states.latest.insert(stream.id, (stream, value));
                }
                other => operations.push_back(other),
            }
        }
        states
    }
}

/// What the writer woke up for.
enum Work {
    Write(VecDeque<Operation>),
    LookAfterSpace,
    Stop,
}

/// Why a group was not written.
enum WriteError {
    /// Nothing of it counts; it may succeed later.
    Full(io::Error),
    /// What is on the disk is not known.
    Broken(io::Error),
}

impl From<StartError> for WriteError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Before(error) if is_full(&error) => Self::Full(error),
            StartError::Before(error) | StartError::Flush(error) => Self::Broken(error),
        }
    }
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, active: ActiveSegment, reserves: Reserves) -> Self {
        Self {
            shared,
            active,
            reserves,
            buffer: Vec::new(),
            owed: Vec::new(),
            stalled: false,
            recycling_failed: false,
            segment_is_fresh: false,
        }
    }

    pub(super) async fn run(&mut self) {
        self.shared.queue.lock().writer = Some(std::thread::current().id());
        self.look_after_space();
        loop {
            match self.next_work().await {
                Work::Write(operations) => {
                    if let Some(latency) = self.active.file.sync_latency() {
                        tokio::time::sleep(latency).await;
                    }
                    self.write(operations);
                }
                Work::LookAfterSpace => {}
                Work::Stop => return,
            }
            self.look_after_space();
        }
    }

    async fn next_work(&mut self) -> Work {
        let shared = self.shared.clone();
        loop {
            if let Some(work) = self.look_for_work() {
                return work;
            }
            let healthy = matches!(shared.health(), JournalHealth::Ok | JournalHealth::Poisoned);
            if healthy && self.owed.is_empty() {
                shared.work.notified().await;
            } else {
                let recheck = Duration::from_millis(SPACE_RECHECK_MS);
                if tokio::time::timeout(recheck, shared.work.notified()).await.is_err() {
                    return Work::LookAfterSpace;
                }
            }
        }
    }

    fn look_for_work(&mut self) -> Option<Work> {
        let shared = self.shared.clone();
        let mut queue = shared.queue.lock();
        if std::mem::take(&mut queue.give_up_ballast) {
            if let Err(error) = self.reserves.give_up_ballast(shared.disk.as_ref()) {
                tracing::warn!(%error, "could not remove the ballast of the journal");
            }
            shared.set_health(self.health());
        }
        if !queue.operations.is_empty() {
            queue.bytes = 0;
            shared.room.notify_all();
            return Some(Work::Write(std::mem::take(&mut queue.operations).into()));
        }
        if queue.closed {
            return Some(Work::Stop);
        }
        std::mem::take(&mut queue.look_for_space).then_some(Work::LookAfterSpace)
    }

    fn write(&mut self, mut operations: VecDeque<Operation>) {
        if self.shared.health() == JournalHealth::Poisoned {
            return self.fail(operations, &poisoned());
        }
        let hard_states = HardStates::take(&mut operations);
        for owed in std::mem::take(&mut self.owed).into_iter().rev() {
            operations.push_front(owed);
        }
        self.write_frames(operations);
        // Only now: who queued an append and then a hard state takes the second for the proof of the
        // first. What has to come after a hard state is not queued before that is durable.
        if let Err(error) = self.write_hard_states(hard_states) {
            self.poison(VecDeque::new(), &error);
        }
    }

    fn write_frames(&mut self, mut operations: VecDeque<Operation>) {
        while !operations.is_empty() {
            match self.write_group(&mut operations) {
                Ok(()) => {}
                Err(WriteError::Full(error)) => {
                    self.stalled = true;
                    self.shared.set_health(JournalHealth::Stalled);
                    self.fail(operations, &error);
                    return self.write_owed();
                }
                Err(WriteError::Broken(error)) => return self.poison(operations, &error),
            }
        }
    }

    /// Purges are what makes room: they are tried again at once, in the room that is kept for them.
    fn write_owed(&mut self) {
        let mut owed: VecDeque<Operation> = std::mem::take(&mut self.owed).into();
        while !owed.is_empty() {
            match self.write_group(&mut owed) {
                Ok(()) => {}
                Err(WriteError::Full(_)) => {
                    self.owed = owed.into();
                    return;
                }
                Err(WriteError::Broken(error)) => return self.poison(owed, &error),
            }
        }
    }

    fn poison(&mut self, operations: VecDeque<Operation>, error: &io::Error) {
        tracing::error!(%error, "a write of the journal failed; it takes no more changes");
        self.shared.set_health(JournalHealth::Poisoned);
        self.fail(operations, error);
        self.owed.clear();
    }

    /// Makes the last hard state of each stream durable; fails when that broke the journal.
    fn write_hard_states(&mut self, states: HardStates) -> io::Result<()> {
        let was_poisoned = self.shared.health() == JournalHealth::Poisoned;
        let mut broken = was_poisoned.then(poisoned);
        let mut failures = BTreeMap::new();
        for (id, (stream, value)) in states.latest {
            if broken.is_none()
                && let Err(error) = self.write_hard_state(&stream, value)
            {
                match error {
                    WriteError::Full(error) => _ = failures.insert(id, error),
                    WriteError::Broken(error) => broken = Some(error),
                }
            }
        }
        if broken.is_some() {
            self.shared.set_health(JournalHealth::Poisoned);
        }
        for (id, done) in states.dones {
            match broken.as_ref().or_else(|| failures.get(&id)) {
                Some(error) => done(Err(copy(error))),
                None => done(Ok(())),
            }
        }
        broken.filter(|_| !was_poisoned).map_or(Ok(()), Err)
    }

    fn write_hard_state(
        &self,
        stream: &Arc<Stream>,
        value: bytes::Bytes,
    ) -> Result<(), WriteError> {
        let (disk, folder) = (self.shared.disk.as_ref(), &self.shared.folder);
        let mut hard = stream.hard.lock();
        let (file, is_new) = hard.write(disk, folder, stream.id, value).map_err(|error| {
            if is_full(&error) { WriteError::Full(error) } else { WriteError::Broken(error) }
        })?;
        skep_env::crash_point!("vote.before-sync");
        file.sync_data().map_err(WriteError::Broken)?;
        if is_new {
            disk.sync_dir(folder).map_err(WriteError::Broken)?;
        }
        Ok(())
    }

    /// Writes and flushes as many operations as go into one piece, and tells who waits. Changes the
    /// segment instead when not even the first one fits.
    fn write_group(&mut self, operations: &mut VecDeque<Operation>) -> Result<(), WriteError> {
        let group_start = self.active.end;
        self.buffer.clear();
        let mut group: Vec<(Operation, u32)> = Vec::new();
        let mut encoder = FrameEncoder {
            buffer: &mut self.buffer,
            segment: self.active.number,
            group_start,
            chain: self.active.chain,
        };
        while let Some(operation) = operations.front() {
            let bytes = operation.frame_bytes();
            let end = group_start as usize + encoder.buffer.len() + bytes;
            // Room at the end is kept for what frees space, as long as there is no next segment.
            let is_append = matches!(operation, Operation::Append { .. });
            let kept = if is_append { CONTROL_RESERVE_BYTES as usize } else { 0 };
            if end + kept > self.active.segment_bytes as usize
                || (!group.is_empty() && encoder.buffer.len() + bytes > GROUP_BYTES_MAX)
            {
                break;
            }
            let offset = encode(&mut encoder, operation);
            group.extend(operations.pop_front().map(|operation| (operation, offset)));
        }
        let chain = encoder.chain;
        if group.is_empty() {
            if self.segment_is_fresh {
                let text = "an entry does not fit into an empty segment; use larger segments";
                return Err(WriteError::Broken(io::Error::new(io::ErrorKind::InvalidInput, text)));
            }
            return self.change_segment();
        }
        let bytes = self.buffer.len();
        if let Err(error) = self.flush_buffer() {
            for (operation, _) in group.into_iter().rev() {
                operations.push_front(operation);
            }
            return Err(error);
        }
        self.segment_is_fresh = false;
        self.active.end += bytes as u32;
        self.active.chain = chain;
        self.complete(group, bytes as u64);
        Ok(())
    }

    /// Writes the buffer at the end of the segment, with the zeros that belong after it.
    fn flush_buffer(&mut self) -> Result<(), WriteError> {
        let active = &mut self.active;
        let frames_end = active.end + self.buffer.len() as u32;
        let marked = (frames_end + FRAME_HEADER_BYTES as u32).min(active.segment_bytes);
        let mut end = marked;
        if marked > active.zeroed {
            end = marked.next_multiple_of(ZERO_AHEAD_BYTES).min(active.segment_bytes);
        }
        self.buffer.resize((end - active.end) as usize, 0);
        skep_env::crash_point!("journal.before-append");
        if let Err(error) = active.file.write_at(u64::from(active.end), &self.buffer) {
            if !is_full(&error) {
                return Err(WriteError::Broken(error));
            }
            // Whoever queued this hears that it failed, so it had better not be found after a
            // crash. If this fails too, the next write goes to the same place.
            let marker = [0; FRAME_HEADER_BYTES];
            let marker =
                &marker[..FRAME_HEADER_BYTES.min((active.segment_bytes - active.end) as usize)];
            drop(active.file.write_at(u64::from(active.end), marker));
            return Err(WriteError::Full(error));
        }
        skep_env::crash_point!("journal.appended");
        let clock = &self.shared.options.clock;
        let started_us = clock.monotonic_us();
        active.file.sync_data().map_err(WriteError::Broken)?;
        skep_env::crash_point!("journal.synced");
        self.shared.stats.fsync(clock.monotonic_us().saturating_sub(started_us));
        active.zeroed = active.zeroed.max(end);
        Ok(())
    }

    /// Brings the durable views of the streams up to date, then tells who waits.
    fn complete(&mut self, group: Vec<(Operation, u32)>, bytes: u64) {
        let cache_bytes_max = self.shared.options.cache_bytes_max;
        let frames = group.len() as u64;
        let mut entry_count = 0;
        let mut dones = Vec::new();
        for (mut operation, offset) in group {
            dones.extend(operation.take_done());
            match &operation {
                Operation::Append { stream, generation, first_index, entries, .. } => {
                    entry_count += entries.len() as u64;
                    let count = entries.len() as u32;
                    let mut state = stream.state.lock();
                    state.durable_append(FramePlace {
                        first_index: *first_index,
                        count,
                        segment: self.active.number,
                        offset,
                        bytes: operation.frame_bytes() as u32,
                    });
                    let end = first_index + u64::from(count);
                    state.unpin(*generation, end, cache_bytes_max);
                    self.stalled = false;
                }
                Operation::Truncate { stream, from, .. } => {
                    stream.state.lock().durable_truncate(*from);
                }
                Operation::Purge { stream, first } => stream.state.lock().durable_purge(*first),
                Operation::HardState { .. } => {}
            }
        }
        self.shared.stats.batch(frames, entry_count, bytes);
        for done in dones {
            done(Ok(()));
        }
    }

    fn change_segment(&mut self) -> Result<(), WriteError> {
        let streams = self.shared.streams.lock().values().cloned().collect::<Vec<_>>();
        let bounds = streams.iter().map(|stream| {
            let state = stream.state.lock();
            StreamBounds {
                stream: stream.id,
                first_index: state.durable_first,
                next_index: state.durable_next,
            }
        });
        let bounds: Vec<StreamBounds> = bounds.filter(|it| it.next_index > 0).collect();
        let header = SegmentHeader {
            number: self.active.number + 1,
            segment_bytes: 0,
            previous_end: self.active.end,
            previous_chain: self.active.chain,
        };
        if self.recycling_failed {
            return Err(WriteError::Broken(poisoned()));
        }
        skep_env::crash_point!("journal.before-segment");
        self.active = self.reserves.start_segment(self.shared.disk.as_ref(), header, &bounds)?;
        self.shared.files.lock().insert(self.active.number, self.active.file.clone());
        self.shared.stats.roll();
        self.segment_is_fresh = true;
        Ok(())
    }

    /// Fails these operations and everything queued behind them, and takes the streams back to what
    /// is on the disk.
    fn fail(&mut self, operations: VecDeque<Operation>, error: &io::Error) {
        let mut failed: Vec<Operation> = operations.into();
        {
            let streams = self.shared.streams.lock();
            let mut states: Vec<_> = streams.values().map(|it| (it, it.state.lock())).collect();
            let mut queue = self.shared.queue.lock();
            failed.append(&mut queue.operations);
            queue.bytes = 0;
            self.owed.clear();
            for (stream, state) in &mut states {
                state.fall_back();
                if state.first > state.durable_first {
                    let first = state.first;
                    self.owed.push(Operation::Purge { stream: (*stream).clone(), first });
                }
            }
        }
        self.shared.room.notify_all();
        for operation in &mut failed {
            if let Some(done) = operation.take_done() {
                done(Err(copy(error)));
            }
        }
    }

    /// Frees segments that no stream needs and takes the reserves that are missing.
    fn look_after_space(&mut self) {
        if self.shared.health() == JournalHealth::Poisoned {
            return;
        }
        if let Err(error) = self.free_segments() {
            tracing::error!(%error, "could not free a segment of the journal");
            self.recycling_failed = true;
        }
        let had_spare = self.reserves.has_spare();
        let disk = self.shared.disk.as_ref();
        if let Err(error) = self.reserves.take_spare(disk) {
            tracing::debug!(%error, "no spare segment for the journal");
        } else if let Err(error) = self.reserves.take_ballast(disk) {
            tracing::debug!(%error, "no ballast for the journal");
        }
        if !had_spare && self.reserves.has_spare() {
            self.stalled = false;
        }
        if !self.owed.is_empty() {
            self.write_owed();
            if self.shared.health() == JournalHealth::Poisoned {
                return;
            }
        }
        let (before, health) = (self.shared.health(), self.health());
        if before != health {
            tracing::info!(?before, ?health, "the health of the journal changed");
            self.shared.set_health(health);
        }
    }

    fn health(&self) -> JournalHealth {
        match (self.shared.health(), self.stalled, self.reserves.complete()) {
            (JournalHealth::Poisoned, ..) => JournalHealth::Poisoned,
            (_, true, _) => JournalHealth::Stalled,
            (_, _, false) => JournalHealth::SpaceLow,
            _ => JournalHealth::Ok,
        }
    }

    fn free_segments(&mut self) -> io::Result<()> {
        let oldest_number = self.shared.files.lock().keys().next().copied();
        if self.recycling_failed || oldest_number.is_none_or(|it| it >= self.active.number) {
            return Ok(());
        }
        let streams = self.shared.streams.lock().values().cloned().collect::<Vec<_>>();
        let needed = streams
            .iter()
            .filter_map(|stream| stream.state.lock().frames.front().map(|frame| frame.segment));
        let needed = needed.min().unwrap_or(self.active.number);
        let mut freed = false;
        loop {
            // Oldest first, so that the numbers that are left stay without gaps.
            let oldest = self.shared.files.lock().iter().next().map(|(k, v)| (*k, v.clone()));
            let Some((number, file)) = oldest.filter(|(number, _)| *number < needed) else { break };
            self.shared.files.lock().remove(&number);
            let disk = self.shared.disk.as_ref();
            self.reserves.recycle(disk, number, file.len_bytes()?)?;
            freed = true;
        }
        if freed {
            self.shared.disk.sync_dir(&self.shared.folder)?;
        }
        Ok(())
    }
}

fn encode(encoder: &mut FrameEncoder<'_>, operation: &Operation) -> u32 {
    match operation {
        Operation::Append { stream, first_index, entries, .. } => {
            encoder.entries(stream.id, *first_index, entries)
        }
        Operation::Truncate { stream, from, .. } => {
            encoder.frame(FrameKind::Truncate, stream.id, *from, 0, |_| {})
        }
        Operation::Purge { stream, first } => {
            encoder.frame(FrameKind::Purge, stream.id, *first, 0, |_| {})
        }
        Operation::HardState { .. } => unreachable!("taken out before"),
    }
}
