//! When each partition answered, and the longest time it did not.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Time of a run, microseconds since its start.
#[derive(Clone, Copy)]
pub(crate) struct RunClock(Instant);

impl RunClock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.at_us(Instant::now())
    }

    pub(crate) fn at_us(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0).as_micros()).unwrap_or(u64::MAX)
    }
}

/// A creation that was acknowledged.
#[derive(Clone, Copy, Debug)]
struct Success {
    began_us: u64,
    ended_us: u64,
}

/// The acknowledged creations of each partition, in the order of their answers.
#[derive(Default)]
pub(crate) struct Availability {
    successes: Mutex<BTreeMap<u64, Vec<Success>>>,
}

impl Availability {
    /// A creation on a partition was acknowledged.
    pub(crate) fn success(&self, partition: u64, began_us: u64, ended_us: u64) {
        let mut successes = self.successes.lock().unwrap_or_else(PoisonError::into_inner);
        successes.entry(partition).or_default().push(Success { began_us, ended_us });
    }

    /// When a partition acknowledged something within a window.
    pub(crate) fn answers_us(&self, partition: u64, window: &Range<u64>) -> Vec<u64> {
        let successes = self.successes.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = successes.get(&partition).into_iter().flatten().map(|success| success.ended_us);
        let mut times: Vec<u64> = ends.filter(|at| window.contains(at)).collect();
        times.sort_unstable();
        times
    }

    /// The longest time within a window in which a partition acknowledged nothing.
    pub(crate) fn longest_gap_us(&self, partition: u64, window: &Range<u64>) -> u64 {
        let times = self.answers_us(partition, window);
        let mut gap = 0;
        let mut last = window.start;
        for at in times.into_iter().chain([window.end]) {
            gap = gap.max(at - last);
            last = at;
        }
        gap
    }

    /// When a partition first answered a creation that was sent at or after `since_us`.
    pub(crate) fn first_success_us(&self, partition: u64, since_us: u64) -> Option<u64> {
        let successes = self.successes.lock().unwrap_or_else(PoisonError::into_inner);
        let later =
            successes.get(&partition)?.iter().filter(|success| success.began_us >= since_us);
        later.map(|success| success.ended_us).min()
    }
}

#[cfg(test)]
mod tests {
    use super::Availability;

    #[test]
    fn a_gap_lasts_from_answer_to_answer_or_to_the_edge_of_the_window() {
        let availability = Availability::default();
        for at in [10, 20, 70, 80] {
            availability.success(1, at - 5, at);
        }
        assert_eq!(availability.longest_gap_us(1, &(0..100)), 50);
        assert_eq!(availability.longest_gap_us(1, &(70..200)), 120);
        assert_eq!(availability.longest_gap_us(2, &(0..100)), 100, "it never answered");
    }

    #[test]
    fn the_first_success_is_of_a_call_that_was_sent_afterwards() {
        let availability = Availability::default();
        availability.success(1, 5, 30);
        availability.success(1, 20, 40);
        assert_eq!(availability.first_success_us(1, 10), Some(40));
        assert_eq!(availability.first_success_us(1, 21), None);
    }
}
