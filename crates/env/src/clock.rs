//! Time as an input: what the system asks instead of looking at a wall clock.
//!
//! Two implementations: [`SystemClock`] is the machine's, [`ControlledClock`] can be pinned, moved
//! and reset while the system runs (tests and `serve --virtual-time`).

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Called after the time of a clock was changed by hand. It runs on the thread that changed the
/// clock and must not block: wake whoever waits for a point in time and return.
pub type ChangeListener = Box<dyn Fn() + Send + Sync>;

/// Where time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since 1970-01-01T00:00:00Z. May jump in both directions.
    fn now_ms(&self) -> i64;

    /// Microseconds since an arbitrary point. Never goes back and is never controlled by hand: for
    /// measuring how long something took, not for deciding what is due.
    fn monotonic_us(&self) -> u64;

    /// Counts the changes made by hand, so that a waiter can tell "time passed" from "time was
    /// moved". A clock that nobody can move stays at 0.
    fn generation(&self) -> u64 {
        0
    }

    /// Registers a listener for changes made by hand, for the life of the clock. A clock that
    /// nobody can move ignores it.
    fn on_change(&self, listener: ChangeListener) {
        drop(listener);
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// The point that `monotonic_us` counts from: the first time anybody asked.
static MONOTONIC_START: LazyLock<Instant> = LazyLock::new(monotonic_now);

#[expect(clippy::disallowed_methods, reason = "this is the door that the ban points to")]
fn monotonic_now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the door that the ban points to")]
fn wall_now() -> SystemTime {
    SystemTime::now()
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        // A machine set to before 1970 gets negative times, not a panic.
        match wall_now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn monotonic_us(&self) -> u64 {
        let start = *MONOTONIC_START;
        let elapsed = monotonic_now().saturating_duration_since(start);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

/// A clock that can be pinned to a point in time, moved, and given back to its base clock.
///
/// Share it as `Arc<ControlledClock>`; every change raises [`Clock::generation`] and then calls the
/// listeners.
pub struct ControlledClock {
    base: Arc<dyn Clock>,
    state: Mutex<State>,
    listeners: Mutex<Vec<Arc<ChangeListener>>>,
}

#[derive(Debug, Default)]
struct State {
    pinned_ms: Option<i64>,
    offset_ms: i64,
    generation: u64,
}

impl fmt::Debug for ControlledClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlledClock").field("state", &*self.state.lock()).finish()
    }
}

impl Default for ControlledClock {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl ControlledClock {
    /// A clock that follows `base` until it is pinned or moved.
    pub fn new(base: Arc<dyn Clock>) -> Self {
        Self { base, state: Mutex::default(), listeners: Mutex::default() }
    }

    /// Stops the clock at `epoch_ms` (milliseconds since 1970 in UTC).
    pub fn pin(&self, epoch_ms: i64) {
        self.change(|state| {
            state.pinned_ms = Some(epoch_ms);
            state.offset_ms = 0;
        });
    }

    /// Moves the clock by `offset_ms` (negative: back). A pinned clock stays pinned, at the new
    /// point; a running one keeps running from the new point. Returns the new time.
    pub fn advance(&self, offset_ms: i64) -> i64 {
        self.change(|state| match &mut state.pinned_ms {
            Some(pinned_ms) => *pinned_ms = pinned_ms.saturating_add(offset_ms),
            None => state.offset_ms = state.offset_ms.saturating_add(offset_ms),
        });
        self.now_ms()
    }

    /// Gives the clock back to its base clock.
    pub fn reset(&self) {
        self.change(|state| {
            state.pinned_ms = None;
            state.offset_ms = 0;
        });
    }

    /// Whether the clock stands still.
    pub fn is_pinned(&self) -> bool {
        self.state.lock().pinned_ms.is_some()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        {
            let mut state = self.state.lock();
            change(&mut state);
            state.generation += 1;
        }
        // Called without the lock: a listener may read the clock or register another one.
        let listeners = self.listeners.lock().clone();
        for listener in listeners {
            listener();
        }
    }
}

impl Clock for ControlledClock {
    fn now_ms(&self) -> i64 {
        let state = self.state.lock();
        match state.pinned_ms {
            Some(pinned_ms) => pinned_ms,
            None => self.base.now_ms().saturating_add(state.offset_ms),
        }
    }

    fn monotonic_us(&self) -> u64 {
        self.base.monotonic_us()
    }

    fn generation(&self) -> u64 {
        self.state.lock().generation
    }

    fn on_change(&self, listener: ChangeListener) {
        self.listeners.lock().push(Arc::new(listener));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn system_clock_is_after_2020_and_monotonic() {
        let clock = SystemClock;
        assert!(clock.now_ms() > 1_577_836_800_000);
        let first = clock.monotonic_us();
        assert!(clock.monotonic_us() >= first);
        assert_eq!(clock.generation(), 0);
    }

    #[test]
    fn pin_stops_advance_moves_reset_releases() {
        let base = Arc::new(ControlledClock::default());
        base.pin(1_000);
        let clock = ControlledClock::new(base.clone());
        assert_eq!(clock.now_ms(), 1_000);
        assert_eq!(clock.advance(500), 1_500);
        base.advance(10);
        assert_eq!(clock.now_ms(), 1_510, "a moved clock keeps running");
        clock.pin(7);
        base.advance(10);
        assert_eq!(clock.now_ms(), 7, "a pinned clock stands still");
        assert_eq!(clock.advance(-3), 4);
        assert!(clock.is_pinned());
        clock.reset();
        assert_eq!(clock.now_ms(), 1_020);
    }

    #[test]
    fn listeners_hear_every_change_after_it_happened() {
        let clock = Arc::new(ControlledClock::default());
        let seen = Arc::new(AtomicU64::new(0));
        let (reader, writer) = (Arc::downgrade(&clock), seen.clone());
        clock.on_change(Box::new(move || {
            let clock = reader.upgrade().expect("the test holds the clock");
            writer.store(clock.generation(), Ordering::SeqCst);
        }));
        clock.pin(1);
        assert_eq!(seen.load(Ordering::SeqCst), 1);
        clock.advance(1);
        clock.reset();
        assert_eq!(seen.load(Ordering::SeqCst), 3);
    }
}
