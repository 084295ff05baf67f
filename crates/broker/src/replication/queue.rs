//! The events of a replica on their way to its stream processor.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::limits;
use crate::replication::ReplicationEvent;

/// Events in order. Whoever replays entries into it waits for room; events of the leader's own
/// entries never wait, their number is bounded by the rounds in flight.
pub struct EventQueue {
    state: Mutex<State>,
    wake: Arc<Notify>,
    room: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<ReplicationEvent>,
    bytes: usize,
}

impl EventQueue {
    /// A queue that signals `wake` when something was added.
    #[must_use]
    pub fn new(wake: Arc<Notify>) -> Self {
        Self { state: Mutex::default(), wake, room: Notify::new() }
    }

    /// Adds an event.
    pub fn push(&self, event: ReplicationEvent) {
        let mut state = self.state.lock();
        state.bytes += bytes_of(&event);
        state.events.push_back(event);
        drop(state);
        self.wake.notify_one();
    }

    /// Takes the next event.
    pub fn pop(&self) -> Option<ReplicationEvent> {
        let mut state = self.state.lock();
        let event = state.events.pop_front()?;
        state.bytes -= bytes_of(&event);
        if state.bytes < limits::REPLAY_READ_BYTES {
            self.room.notify_one();
        }
        Some(event)
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.state.lock().events.is_empty()
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
