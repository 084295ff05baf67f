//! Messages that are held for a while, because a fault delays them.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::cluster::limits::{HELD_BYTES_MAX, HELD_OVERHEAD_BYTES};

/// What is held, by when it goes on. Beyond its limit it loses what comes, like a wire.
pub(super) struct Later<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

struct State<T> {
    sequence: u64,
    /// When the last one goes on of those that keep their order.
    last: Option<Instant>,
    held: BTreeMap<(Instant, u64), (usize, T)>,
    bytes: usize,
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        let state = State { sequence: 0, last: None, held: BTreeMap::new(), bytes: 0 };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }
}

impl<T> Later<T> {
    /// Holds a message of so many bytes; with `in_order` at least as long as those before it.
    pub(super) fn hold(&self, by: Duration, in_order: bool, bytes: usize, message: T) {
        let mut state = self.state.lock();
        let bytes = bytes + HELD_OVERHEAD_BYTES;
        if state.bytes + bytes > HELD_BYTES_MAX {
            return;
        }
        let mut due = Instant::now() + by;
        if in_order {
            due = state.last.map_or(due, |last| last.max(due));
            state.last = Some(due);
        }
        state.sequence += 1;
        let at = (due, state.sequence);
        state.held.insert(at, (bytes, message));
        state.bytes += bytes;
        drop(state);
        self.changed.notify_one();
    }

    /// The next message, when it is time for it.
    pub(super) async fn next(&self) -> T {
        loop {
            let due = match self.take() {
                Ok(message) => return message,
                Err(due) => due,
            };
            match due {
                None => self.changed.notified().await,
                Some(due) => tokio::select! {
                    biased;
                    () = self.changed.notified() => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    /// What is due, or when to look again.
    fn take(&self) -> Result<T, Option<Instant>> {
        let mut state = self.state.lock();
        let due = state.held.first_key_value().map(|((due, _), _)| *due);
        if due.is_some_and(|due| due <= Instant::now())
            && let Some((_, (bytes, message))) = state.held.pop_first()
        {
            state.bytes -= bytes;
            return Ok(message);
        }
        Err(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_held_comes_in_its_time_and_order() {
        let later = Later::default();
        let ms = Duration::from_millis;
        let began = Instant::now();
        later.hold(ms(30), true, 1, "first");
        later.hold(ms(10), true, 1, "second: not before the first");
        later.hold(ms(5), false, 1, "overtakes");
        assert_eq!(later.next().await, "overtakes");
        assert_eq!(began.elapsed(), ms(5));
        assert_eq!(later.next().await, "first");
        assert_eq!(later.next().await, "second: not before the first");
        assert_eq!(began.elapsed(), ms(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_wire_loses_what_comes() {
        let later = Later::default();
        later.hold(Duration::ZERO, true, HELD_BYTES_MAX, "too large");
        later.hold(Duration::ZERO, true, 1, "fits");
        assert_eq!(later.next().await, "fits");
    }
}
