//! Appends to the journal that outlive a full disk.
//!
//! openraft gives a node up when an append fails. A full disk is no reason for that: appends that
//! failed for lack of space are kept, in order, and repeated until there is space. They were never
//! acknowledged, so nothing is lost or done twice; the partition refuses new work meanwhile.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::storage::IOFlushed;
use parking_lot::Mutex;
use skep_storage::StreamHandle;
use tokio::sync::Notify;

use crate::limits;
use crate::replication::raft::types::TypeConfig;
use crate::replication::{EventQueue, ReplicationEvent};

type Flushed = IOFlushed<TypeConfig>;

/// Appends of one stream. Everything but the callbacks runs on one thread: that of a
/// `current_thread` runtime.
#[derive(Clone)]
pub(crate) struct Appender(Arc<Shared>);

struct Shared {
    stream: StreamHandle,
    events: Arc<EventQueue>,
    runtime: tokio::runtime::Handle,
    state: Mutex<State>,
    /// Nothing is pending any more.
    settled: Notify,
}

#[derive(Default)]
struct State {
    /// Appends that are not durable, in order.
    pending: VecDeque<Pending>,
    /// How many of them the journal has not reported on.
    in_flight: usize,
    full: bool,
    /// A repetition is scheduled.
    probing: bool,
}

struct Pending {
    first_index: u64,
    entries: Vec<Bytes>,
    flushed: Flushed,
}

impl Appender {
    /// Must be made inside the runtime that repetitions shall run in.
    pub(crate) fn new(stream: StreamHandle, events: Arc<EventQueue>) -> Self {
        let runtime = tokio::runtime::Handle::current();
        let (state, settled) = Default::default();
        Self(Arc::new(Shared { stream, events, runtime, state, settled }))
    }

    /// Appends, now or as soon as there is space.
    pub(crate) fn append(&self, first_index: u64, entries: Vec<Bytes>, flushed: Flushed) {
        let mut state = self.0.state.lock();
        state.pending.push_back(Pending { first_index, entries: entries.clone(), flushed });
        if state.full {
            return;
        }
        state.in_flight += 1;
        drop(state);
        self.hand_over(first_index, entries);
    }

    /// Waits until every append is durable, or has failed for good. openraft takes a vote that is
    /// durable for the proof that the appends before it are.
    pub(crate) async fn settled(&self) {
        loop {
            let settled = self.0.settled.notified();
            if self.0.state.lock().pending.is_empty() {
                return;
            }
            settled.await;
        }
    }

    fn pop(&self, state: &mut State) -> Option<Pending> {
        let pending = state.pending.pop_front();
        if state.pending.is_empty() {
            self.0.settled.notify_waiters();
        }
        pending
    }

    /// Entries of `[from, to)` that wait for space, at least one when there is one.
    pub(crate) fn read(&self, from: u64, to: u64) -> Vec<(u64, Bytes)> {
        let state = self.0.state.lock();
        let waits = |pending: &&Pending| {
            pending.first_index <= from && from < pending.first_index + pending.entries.len() as u64
        };
        let Some(pending) = state.pending.iter().rev().find(waits) else { return Vec::new() };
        let indexes = pending.first_index..to;
        let entries = indexes.zip(&pending.entries).filter(|(index, _)| *index >= from);
        entries.map(|(index, bytes)| (index, bytes.clone())).collect()
    }

    /// Forgets appends from `index` on that wait for space: another leader has overruled them.
    pub(crate) fn forget_from(&self, index: u64) {
        let mut state = self.0.state.lock();
        if state.full && state.in_flight == 0 {
            state.pending.retain(|pending| pending.first_index < index);
            if state.pending.is_empty() {
                self.0.settled.notify_waiters();
            }
        }
    }

    fn hand_over(&self, first_index: u64, entries: Vec<Bytes>) {
        let appender = self.clone();
        self.0.stream.append(
            first_index,
            entries,
            Box::new(move |result| appender.done(first_index, result)),
        );
    }

    /// Runs on the journal's thread, in the order of the appends.
    fn done(&self, first_index: u64, result: io::Result<()>) {
        let mut state = self.0.state.lock();
        state.in_flight -= 1;
        let Some(front) = state.pending.front() else { return };
        let is_front = front.first_index == first_index;
        match result {
            Ok(()) if is_front => {
                let pending = self.pop(&mut state);
                let was_full = state.full;
                drop(state);
                if let Some(pending) = pending {
                    pending.flushed.io_completed(Ok(()));
                }
                if was_full {
                    let appender = self.clone();
                    self.0.runtime.spawn(async move { appender.resume() });
                }
            }
            Err(error) if is_full(&error) || !is_front => {
                // Behind an append that found no space, the next ones find a gap.
                let first_to_see = !std::mem::replace(&mut state.full, true);
                let probe = state.in_flight == 0 && !std::mem::replace(&mut state.probing, true);
                drop(state);
                if first_to_see {
                    tracing::warn!(%error, "the disk is full: waiting for space");
                    self.0.events.push(ReplicationEvent::DiskFull(true));
                }
                if probe {
                    self.probe_later();
                }
            }
            other => {
                let pending = self.pop(&mut state);
                drop(state);
                let error = other.err().unwrap_or_else(|| {
                    io::Error::other("the journal finished appends out of order")
                });
                if let Some(pending) = pending {
                    pending.flushed.io_completed(Err(error));
                }
            }
        }
    }

    fn probe_later(&self) {
        let appender = self.clone();
        self.0.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(limits::DISK_FULL_PROBE_MS)).await;
            appender.probe();
        });
    }

    /// Repeats the first append that found no space; the others follow when it succeeds.
    fn probe(&self) {
        let mut state = self.0.state.lock();
        state.probing = false;
        let done = self.drop_written(&mut state);
        let next = state.pending.front().map(|it| (it.first_index, it.entries.clone()));
        if next.is_some() {
            state.in_flight += 1;
        }
        drop(state);
        for flushed in done {
            flushed.io_completed(Ok(()));
        }
        match next {
            Some((first_index, entries)) => self.hand_over(first_index, entries),
            None => self.resume(),
        }
    }

    /// Drops what the stream does not want any more: pieces of an append that were durable before
    /// the next piece found no space, and entries that others have made durable and a checkpoint
    /// holds, so that they were purged before they were written. Nothing may be in flight.
    fn drop_written(&self, state: &mut State) -> Vec<Flushed> {
        let next_index = self.0.stream.next_index();
        let mut done = Vec::new();
        while let Some(front) = state.pending.front_mut() {
            let written = next_index.saturating_sub(front.first_index);
            let count = usize::try_from(written).unwrap_or(usize::MAX);
            if count < front.entries.len() {
                front.entries.drain(..count);
                front.first_index += written;
                break;
            }
            done.extend(self.pop(state).map(|pending| pending.flushed));
        }
        done
    }

    /// There is space: hands over what waited. Runs on the runtime's thread, which is the one that
    /// appends, so that nothing can come in between.
    fn resume(&self) {
        let waiting: Vec<_> = {
            let mut state = self.0.state.lock();
            state.full = false;
            state.in_flight += state.pending.len();
            state.pending.iter().map(|it| (it.first_index, it.entries.clone())).collect()
        };
        tracing::info!("the disk has space again");
        self.0.events.push(ReplicationEvent::DiskFull(false));
        for (first_index, entries) in waiting {
            self.hand_over(first_index, entries);
        }
    }
}

/// There is no space on the disk, for now.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests;
