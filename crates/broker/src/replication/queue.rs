//! The events of a replica on their way to its stream processor.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::limits;
use crate::replication::{EntryId, ReplicationEvent};

/// Events in order. Whoever replays entries into it waits for room; events of the leader's own
/// entries never wait, their number is bounded by the rounds in flight.
///
/// A replaced state overtakes the entries before it, which are in it: nothing may be applied to the
/// new state that the old one still lacked.
pub struct EventQueue {
    state: Mutex<State>,
    wake: Arc<Notify>,
    room: Notify,
    drained: Notify,
}

#[derive(Default)]
struct State {
    is_held: bool,
    replaced: Option<EntryId>,
    events: VecDeque<ReplicationEvent>,
    bytes: usize,
}

impl EventQueue {
    /// A queue that signals `wake` when something was added.
    #[must_use]
    pub fn new(wake: Arc<Notify>) -> Self {
        let (room, drained) = Default::default();
        Self { state: Mutex::default(), wake, room, drained }
    }

    /// Adds an event.
    pub fn push(&self, event: ReplicationEvent) {
        let mut state = self.state.lock();
        if let ReplicationEvent::StateReplaced { entry } = event {
            state.replaced = Some(entry);
            state.events.retain(|event| !matches!(event, ReplicationEvent::Committed { .. }));
            state.bytes = 0;
            self.room.notify_one();
        } else {
            state.bytes += bytes_of(&event);
            state.events.push_back(event);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// The entry as of which the state was replaced, if it was and nobody has heard.
    pub fn take_replaced(&self) -> Option<EntryId> {
        self.state.lock().replaced.take()
    }

    /// Takes the next event.
    pub fn pop(&self) -> Option<ReplicationEvent> {
        let mut state = self.state.lock();
        if state.is_held {
            return None;
        }
        if let Some(entry) = state.replaced.take() {
            return Some(ReplicationEvent::StateReplaced { entry });
        }
        let event = state.events.pop_front()?;
        state.bytes -= bytes_of(&event);
        if state.bytes < limits::REPLAY_READ_BYTES {
            self.room.notify_one();
        }
        if state.events.is_empty() {
            self.drained.notify_one();
        }
        Some(event)
    }

    /// Gives nothing out while the state in the store is replaced, which may take more than one
    /// attempt.
    pub fn hold(&self, is_held: bool) {
        self.state.lock().is_held = is_held;
        self.wake.notify_one();
    }

    /// Waits until every event was taken.
    pub async fn wait_until_empty(&self) {
        while !self.is_empty() {
            self.drained.notified().await;
        }
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        let state = self.state.lock();
        state.is_held || (state.events.is_empty() && state.replaced.is_none())
    }

    /// Waits until what waits is less than one read of the log.
    pub async fn wait_for_room(&self) {
        while self.state.lock().bytes >= limits::REPLAY_READ_BYTES {
            self.room.notified().await;
        }
    }
}

fn bytes_of(event: &ReplicationEvent) -> usize {
    match event {
        ReplicationEvent::Committed { batch, own: false, .. } => batch.len(),
        _ => 0,
    }
}

impl std::fmt::Debug for EventQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventQueue")
            .field("events", &self.state.lock().events.len())
            .finish_non_exhaustive()
    }
}
