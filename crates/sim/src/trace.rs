//! The trace: everything that a simulation decides, as one running hash. Two runs of a seed are the
//! same run when their hashes are equal; recorded events show where two runs part.

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::seeds::mix;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A node started (node, life).
    Start,
    /// A node ended (node, life, how).
    End,
    /// A node was polled (node).
    Poll,
    /// A connection was made (from, to, number).
    Connect,
    /// A connection was refused or timed out (from, to).
    Refuse,
    /// A frame was sent (connection, direction, bytes, checksum).
    Send,
    /// A frame arrived (connection, direction, bytes, checksum).
    Arrive,
    /// A frame was lost (connection, direction).
    Lose,
    /// A connection broke for one of its sides (connection, direction).
    Break,
    /// An operation of a disk (node, operation, bytes, outcome).
    Disk,
    /// A commit of a state store (node, partition, changes).
    Commit,
    /// A fault began or ended (which, and its numbers).
    Fault,
    /// A client called or was answered (node, number).
    Call,
    /// Whatever a scenario wants to have in the trace.
    Note,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in microseconds of simulated time.
    pub at_us: u64,
    /// What.
    pub kind: Kind,
    /// Its numbers; see [`Kind`].
    pub numbers: [u64; 4],
}

/// The trace of a simulation.
#[derive(Debug)]
pub struct Trace {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    hash: u64,
    count: u64,
    recorded: Option<Vec<Event>>,
}

impl Trace {
    pub(crate) fn new(record: bool) -> Self {
        let recorded = record.then(Vec::new);
        let state = State { recorded, ..State::default() };
        Self { start: Instant::now(), state: Mutex::new(state) }
    }

    /// Simulated time since the start, in microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        let elapsed = Instant::now().saturating_duration_since(self.start);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }

    /// Adds an event.
    pub fn add(&self, kind: Kind, numbers: [u64; 4]) {
        let at_us = self.now_us();
        let mut state = self.state.lock();
        let mut hash = state.hash ^ mix(at_us ^ ((kind as u64) << 56));
        for number in numbers {
            hash = hash.rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number;
        }
        state.hash = mix(hash);
        state.count += 1;
        if let Some(recorded) = &mut state.recorded {
            recorded.push(Event { at_us, kind, numbers });
        }
    }

    /// The hash of all events so far, and their number.
    #[must_use]
    pub fn hash(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.hash, state.count)
    }

    /// The events, when they are recorded.
    pub fn take_recorded(&self) -> Vec<Event> {
        self.state.lock().recorded.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
