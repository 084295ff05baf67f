//! Replication without a disk and without others: what is proposed is committed.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::replication::{EntryId, EventQueue, Replication, ReplicationError, ReplicationEvent};

/// A replica that leads from the start and keeps its log in memory, up to the last checkpoint.
pub struct MemoryReplication {
    events: EventQueue,
    state: Mutex<State>,
}

struct State {
    term: u64,
    next_index: u64,
    log: VecDeque<(EntryId, Bytes)>,
    /// Proposals wait for [`MemoryReplication::commit`] instead of being committed at once.
    held: Option<VecDeque<Bytes>>,
}

impl MemoryReplication {
    /// Commits at once.
    #[must_use]
    pub fn new(wake: Arc<Notify>) -> Self {
        Self::with(wake, None)
    }

    /// Commits when it is told to: tests see what happens in between.
    #[must_use]
    pub fn held(wake: Arc<Notify>) -> Self {
        Self::with(wake, Some(VecDeque::new()))
    }

    fn with(wake: Arc<Notify>, held: Option<VecDeque<Bytes>>) -> Self {
        let events = EventQueue::new(wake);
        events.push(ReplicationEvent::Leading { term: 1 });
        let state = State { term: 1, next_index: 0, log: VecDeque::new(), held };
        Self { events, state: Mutex::new(state) }
    }

    /// Commits up to `count` held proposals; says how many.
    pub fn commit(&self, count: usize) -> usize {
        let mut committed = 0;
        while committed < count {
            let batch = self.state.lock().held.as_mut().and_then(VecDeque::pop_front);
            let Some(batch) = batch else { break };
            self.append(batch);
            committed += 1;
        }
        committed
    }

    /// Proposals that are held.
    pub fn proposals_held(&self) -> usize {
        self.state.lock().held.as_ref().map_or(0, VecDeque::len)
    }

    /// Loses what is held and the leadership, and gets the leadership back in the next term.
    pub fn lose_leadership(&self) {
        let mut state = self.state.lock();
        state.term += 1;
        let term = state.term;
        if let Some(held) = state.held.as_mut() {
            held.clear();
        }
        drop(state);
        self.events.push(ReplicationEvent::Following { term });
        self.events.push(ReplicationEvent::Leading { term });
    }

    fn append(&self, batch: Bytes) {
        let mut state = self.state.lock();
        let entry = EntryId { term: state.term, index: state.next_index };
        state.next_index += 1;
        state.log.push_back((entry, batch.clone()));
        drop(state);
        self.events.push(ReplicationEvent::Committed { entry, batch, own: true });
    }
}

impl Replication for MemoryReplication {
    async fn propose(&self, term: u64, batch: Bytes) -> Result<(), ReplicationError> {
        let mut state = self.state.lock();
        if term != state.term {
            return Ok(());
        }
        if let Some(held) = state.held.as_mut() {
            held.push_back(batch);
        } else {
            drop(state);
            self.append(batch);
        }
        Ok(())
    }

    fn events(&self) -> &EventQueue {
        &self.events
    }

    fn read(
        &self,
        after: Option<EntryId>,
        up_to: EntryId,
        _max_bytes: usize,
    ) -> Result<Vec<(EntryId, Bytes)>, ReplicationError> {
        let state = self.state.lock();
        let entries = state.log.iter();
        Ok(entries.filter(|(entry, _)| Some(*entry) > after && *entry <= up_to).cloned().collect())
    }

    async fn checkpointed(&self, entry: EntryId) -> Result<(), ReplicationError> {
        let mut state = self.state.lock();
        while state.log.front().is_some_and(|(first, _)| *first <= entry) {
            state.log.pop_front();
        }
        Ok(())
    }

    fn checkpoint_meta(&self, _: EntryId) -> Vec<u8> {
        Vec::new()
    }

    async fn transfer_leader(&self, _: u64) -> Result<(), ReplicationError> {
        Err(ReplicationError("there is no other replica".to_owned()))
    }

    async fn shutdown(&self) {}
}

impl std::fmt::Debug for MemoryReplication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryReplication").finish_non_exhaustive()
    }
}
