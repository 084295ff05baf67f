//! A wall clock that is wrong on demand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::clock::{ChangeListener, Clock};

/// A clock with faults in front of it. With none armed it costs one branch.
pub struct ChaosClock {
    base: Arc<dyn Clock>,
    is_wrong: AtomicBool,
    errors: Mutex<Vec<Error>>,
    generation: AtomicU64,
    listeners: Mutex<Vec<Arc<ChangeListener>>>,
}

/// One way in which the clock is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) offset_ms: i64,
    pub(super) drift_ppm: i64,
    /// When it began, in microseconds of [`Clock::monotonic_us`].
    pub(super) since_us: u64,
}

impl ChaosClock {
    /// This clock, which nothing is wrong with.
    #[must_use]
    pub fn new(base: Arc<dyn Clock>) -> Self {
        Self {
            base,
            is_wrong: AtomicBool::new(false),
            errors: Mutex::default(),
            generation: AtomicU64::new(0),
            listeners: Mutex::default(),
        }
    }

    /// From now on the clock is wrong in these ways and no other.
    pub(super) fn set(&self, errors: Vec<Error>) {
        {
            let mut current = self.errors.lock();
            if *current == errors {
                return;
            }
            self.is_wrong.store(!errors.is_empty(), Ordering::Release);
            *current = errors;
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        // Called without the lock: a listener may read the clock.
        let listeners = self.listeners.lock().clone();
        for listener in listeners {
            listener();
        }
    }

    fn wrong_by_ms(&self) -> i64 {
        let now_us = self.base.monotonic_us();
        let errors = self.errors.lock();
        let drifted = |error: &Error| {
            let for_us = i128::from(now_us.saturating_sub(error.since_us));
            i64::try_from(for_us * i128::from(error.drift_ppm) / 1_000_000_000).unwrap_or_default()
        };
        errors.iter().map(|error| error.offset_ms.saturating_add(drifted(error))).sum()
    }
}

impl fmt::Debug for ChaosClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosClock").field("errors", &*self.errors.lock()).finish_non_exhaustive()
    }
}

impl Clock for ChaosClock {
    fn now_ms(&self) -> i64 {
        let now_ms = self.base.now_ms();
        if !self.is_wrong.load(Ordering::Acquire) {
            return now_ms;
        }
        now_ms.saturating_add(self.wrong_by_ms())
    }

    fn monotonic_us(&self) -> u64 {
        self.base.monotonic_us()
    }

    fn generation(&self) -> u64 {
        self.base.generation() + self.generation.load(Ordering::Acquire)
    }

    fn on_change(&self, listener: ChangeListener) {
        let listener = Arc::new(listener);
        self.listeners.lock().push(listener.clone());
        self.base.on_change(Box::new(move || listener()));
    }
}
