//! The wall clock of a simulated node: simulated time, shifted, running fast or slow, and jumping.

use std::fmt;

use parking_lot::Mutex;
use skep_env::Clock;
use tokio::time::Instant;

/// Where all clocks begin: 2024-01-01T00:00:00Z, in milliseconds since 1970.
pub const EPOCH_MS: i64 = 1_704_067_200_000;

/// The clock of one node. It goes on while the node is down.
pub struct SimClock {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    offset_ms: i64,
    /// How much faster it runs, in parts per million; negative: slower.
    drift_ppm: i64,
}

impl SimClock {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, state: Mutex::default() }
    }

    /// Moves it at once; negative: back.
    pub fn jump(&self, offset_ms: i64) {
        let mut state = self.state.lock();
        state.offset_ms = state.offset_ms.saturating_add(offset_ms);
    }

    /// Makes it run faster (or slower) from now on, by so many parts per million.
    pub fn set_drift(&self, drift_ppm: i64) {
        let before_ms = self.now_ms();
        let mut state = self.state.lock();
        state.drift_ppm = drift_ppm;
        // No jump: what the new drift makes of the past is taken back.
        state.offset_ms += before_ms - read(*state, self.elapsed_ms());
    }

    /// How far it is from simulated time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.now_ms() - EPOCH_MS - self.elapsed_ms()
    }

    /// Back to simulated time.
    pub fn correct(&self) {
        *self.state.lock() = State::default();
    }

    fn elapsed_ms(&self) -> i64 {
        let elapsed = Instant::now().saturating_duration_since(self.start);
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }
}

fn read(state: State, elapsed_ms: i64) -> i64 {
    EPOCH_MS + elapsed_ms + elapsed_ms * state.drift_ppm / 1_000_000 + state.offset_ms
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        read(*self.state.lock(), self.elapsed_ms())
    }

    fn monotonic_us(&self) -> u64 {
        let elapsed = Instant::now().saturating_duration_since(self.start);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for SimClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimClock").field("state", &*self.state.lock()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_shifts_drifts_and_jumps() {
        let clock = SimClock::new(Instant::now());
        assert_eq!(clock.now_ms(), EPOCH_MS);
        clock.jump(-500);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now_ms(), EPOCH_MS + 500);
        clock.set_drift(100_000);
        assert_eq!(clock.now_ms(), EPOCH_MS + 500, "a new drift is no jump");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now_ms(), EPOCH_MS + 1_600);
        assert_eq!(clock.offset_ms(), -400);
        clock.correct();
        assert_eq!(clock.offset_ms(), 0);
        assert_eq!(clock.monotonic_us(), 2_000_000);
    }
}
