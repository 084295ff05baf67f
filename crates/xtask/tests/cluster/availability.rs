//! When each partition answered, and the longest time it did not though it was asked.

use std::collections::{BTreeMap, BTreeSet};
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
    /// When creations were sent, wherever they went and however they ended.
    sent_us: Mutex<BTreeSet<u64>>,
}

impl Availability {
    /// A creation is sent; the gateway chooses the partition.
    pub(crate) fn sent(&self, at_us: u64) {
        self.sent_us.lock().unwrap_or_else(PoisonError::into_inner).insert(at_us);
    }

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

    /// The longest time within a window in which a partition acknowledged nothing though creations
    /// were sent: a load that pauses by itself leaves no gap.
    pub(crate) fn longest_gap_us(&self, partition: u64, window: &Range<u64>) -> u64 {
        let successes = self.successes.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = self.sent_us.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answered: Vec<Success> = successes.get(&partition).cloned().unwrap_or_default();
        answered.retain(|success| window.contains(&success.ended_us));
        answered.sort_unstable_by_key(|success| success.ended_us);
        answered.push(Success { began_us: window.end, ended_us: window.end });
        let mut gap = 0;
        let mut last = window.start;
        for Success { began_us, ended_us } in answered {
            let asked = sent.range(last..).next().copied().unwrap_or(u64::MAX);
            let since = if began_us <= last { last } else { asked };
            gap = gap.max(ended_us.saturating_sub(since));
            last = ended_us;
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
        (0..200).for_each(|at| availability.sent(at));
        for at in [10, 20, 70, 80] {
            availability.success(1, at - 5, at);
        }
        assert_eq!(availability.longest_gap_us(1, &(0..100)), 50);
        assert_eq!(availability.longest_gap_us(1, &(70..200)), 120);
        assert_eq!(availability.longest_gap_us(2, &(0..100)), 100, "it never answered");
    }

    #[test]
    fn whoever_is_not_asked_leaves_no_gap() {
        let availability = Availability::default();
        for (began, ended) in [(5, 10), (60, 70), (65, 90)] {
            availability.sent(began);
            availability.success(1, began, ended);
        }
        assert_eq!(availability.longest_gap_us(1, &(0..100)), 20, "the third was under way");
        availability.sent(20);
        assert_eq!(availability.longest_gap_us(1, &(0..100)), 50, "one was sent and is not back");
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
