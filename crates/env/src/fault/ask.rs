//! What the places ask at which faults act.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::message::{Direction, Passing, Verdict};
use super::{DiskAction, FaultKind, FaultPoints};

impl FaultPoints {
    /// Whether messages have to be held against faults at all.
    #[inline]
    #[must_use]
    pub fn has_messages(&self) -> bool {
        self.of_messages.load(Ordering::Acquire)
    }

    /// What becomes of a message.
    #[must_use]
    pub fn message(&self, passing: &Passing<'_>) -> Verdict {
        let now_us = self.parts.time.monotonic_us();
        let mut state = self.state.lock();
        for armed in state.armed.values_mut() {
            let is_on_route =
                armed.route.as_ref().is_some_and(|route| route.is(passing.peer, passing.direction));
            if is_on_route && armed.spec.means(passing) && armed.acts(now_us) {
                return armed.spec.verdict(&armed.random);
            }
        }
        Verdict::Pass
    }

    /// Whether nothing passes between this node and another in one of the directions, so that no
    /// connection can be made.
    #[must_use]
    pub fn is_cut(&self, peer: &str) -> bool {
        if !self.has_messages() {
            return false;
        }
        let now_us = self.parts.time.monotonic_us();
        let mut state = self.state.lock();
        for armed in state.armed.values_mut() {
            let is_it = armed.route.as_ref().is_some_and(|route| {
                route.is(peer, Direction::Out) || route.is(peer, Direction::In)
            });
            if is_it && armed.spec.cuts() && armed.acts(now_us) {
                return true;
            }
        }
        false
    }

    /// Whether the disk has to be held against faults at all.
    #[inline]
    pub(super) fn has_disk(&self) -> bool {
        self.of_disk.load(Ordering::Acquire)
    }

    /// How much of this many bytes finds room on the disk; counted when it is less.
    pub(super) fn take_room(&self, bytes: u64) -> u64 {
        let mut taken = bytes;
        for armed in self.state.lock().armed.values_mut() {
            if armed.spec.fault == FaultKind::DiskFull {
                let own = bytes.min(armed.room);
                armed.room -= own;
                if own < bytes {
                    armed.hit();
                }
                taken = taken.min(own);
            }
        }
        taken
    }

    /// Room that is left on the disk, when a fault says so.
    pub(super) fn room(&self) -> Option<u64> {
        let state = self.state.lock();
        let full = state.armed.values().filter(|armed| armed.spec.fault == FaultKind::DiskFull);
        full.map(|armed| armed.room).min()
    }

    /// Whether this access of the disk fails.
    pub(super) fn disk_fails(&self, action: DiskAction) -> bool {
        let now_us = self.parts.time.monotonic_us();
        let mut state = self.state.lock();
        state.armed.values_mut().any(|armed| {
            armed.spec.fault == FaultKind::DiskError
                && armed.spec.operation.unwrap_or(DiskAction::Write) == action
                && armed.acts(now_us)
        })
    }

    /// Takes as long as a slow disk does; returns at once when the fault ends. Blocks the thread.
    pub(super) fn wait_for_slow_sync(&self) {
        let now_us = self.parts.time.monotonic_us();
        let mut state = self.state.lock();
        let mut longest = None;
        for (number, armed) in &mut state.armed {
            if armed.spec.fault == FaultKind::SlowFsync && armed.acts(now_us) {
                longest = longest.max(Some((armed.spec.delay(&armed.random), *number)));
            }
        }
        let Some((delay, number)) = longest else { return };
        let delay_us = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        let until_us = now_us.saturating_add(delay_us);
        while state.armed.contains_key(&number) {
            let left_us = until_us.saturating_sub(self.parts.time.monotonic_us());
            if left_us == 0 {
                return;
            }
            self.changed.wait_for(&mut state, Duration::from_micros(left_us));
        }
    }

    /// The process has come to a place that may be where it is to crash.
    pub(super) fn crash_at(&self, name: &str) {
        let now_us = self.parts.time.monotonic_us();
        let is_here = {
            let mut state = self.state.lock();
            state.armed.values_mut().any(|armed| {
                armed.spec.fault == FaultKind::Crash
                    && armed.spec.point.as_deref() == Some(name)
                    && armed.acts(now_us)
            })
        };
        if is_here {
            tracing::warn!(point = name, "fault hit: the process is killed at {name}");
            (self.parts.end)(name);
        }
    }
}
