//! Which frames of the other side have come already.
//!
//! A connection does not repeat frames, but what carries it may (a proxy that retries, a fault that was
//! armed, the simulated network). A request that is served twice could be refused once and taken once, and its
//! caller would hear only one of the two.

use parking_lot::Mutex;

use crate::cluster::frame::{Answered, Frame};
use crate::cluster::limits::SEEN_NUMBERS;

/// What came on a link and must not be served again.
#[derive(Default)]
pub(crate) struct Arrived {
    requests: Seen,
    deliveries: Seen,
}

impl Arrived {
    /// Whether this frame came before and would do harm a second time: requests of clients and of operators,
    /// and jobs, whose second copy would go back although the first has found its worker. Everything else
    /// may come twice: the replication and the commands between partitions are made for it.
    pub(crate) fn is_repeated(&self, frame: &Frame) -> bool {
        match frame {
            Frame::Submit { request, .. } | Frame::Manage { request, .. } => {
                !self.requests.is_first(*request)
            }
            Frame::StreamJobs { jobs, .. } => !self.deliveries.is_first(jobs.delivery),
            Frame::Answer { answer, .. } => match &**answer {
                Ok(Answered::Jobs(jobs)) => !self.deliveries.is_first(jobs.delivery),
                _ => false,
            },
            _ => false,
        }
    }
}

const WORD_BITS: u64 = u64::BITS as u64;
const WORDS: usize = (SEEN_NUMBERS / WORD_BITS) as usize;

/// A window over numbers that grow by one each and may overtake each other.
#[derive(Default)]
struct Seen(Mutex<State>);

struct State {
    highest: u64,
    /// One bit for each of the last numbers, at its remainder.
    window: Box<[u64; WORDS]>,
}

impl Default for State {
    fn default() -> Self {
        Self { highest: 0, window: Box::new([0; WORDS]) }
    }
}

impl Seen {
    /// Whether this number comes for the first time. One that is older than the window counts as seen: its
    /// frame is lost then, which its caller has to bear anyway.
    fn is_first(&self, number: u64) -> bool {
        let mut state = self.0.lock();
        if number > state.highest {
            state.advance(number);
        } else if state.highest - number >= SEEN_NUMBERS {
            return false;
        }
        let (word, bit) = place(number);
        let first = state.window[word] & bit == 0;
        state.window[word] |= bit;
        first
    }
}

impl State {
    /// Makes room for the numbers up to this one.
    fn advance(&mut self, number: u64) {
        if number - self.highest >= SEEN_NUMBERS {
            self.window.fill(0);
        } else {
            for skipped in self.highest + 1..=number {
                let (word, bit) = place(skipped);
                self.window[word] &= !bit;
            }
        }
        self.highest = number;
    }
}

fn place(number: u64) -> (usize, u64) {
    let at = number % SEEN_NUMBERS;
    ((at / WORD_BITS) as usize, 1 << (at % WORD_BITS))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::cluster::frame::RemoteJobs;

    #[test]
    fn a_request_is_served_once_and_so_are_jobs() {
        let arrived = Arrived::default();
        let manage = |request| Frame::Manage { request, document: Bytes::new() };
        assert!(!arrived.is_repeated(&manage(1)));
        assert!(!arrived.is_repeated(&manage(2)));
        assert!(arrived.is_repeated(&manage(1)));
        let jobs = RemoteJobs { delivery: 1, ..RemoteJobs::default() };
        let answer = Box::new(Ok(Answered::Jobs(jobs.clone())));
        let answer = Frame::Answer { request: 1, answer };
        assert!(!arrived.is_repeated(&answer), "deliveries have numbers of their own");
        assert!(arrived.is_repeated(&answer));
        assert!(arrived.is_repeated(&Frame::StreamJobs { stream: 3, jobs }));
        let append = Frame::RaftRequest { request: 1, partition: 1, bytes: Bytes::new() };
        assert!(!arrived.is_repeated(&append) && !arrived.is_repeated(&append));
    }

    #[test]
    fn a_number_is_new_once_in_whatever_order_it_comes() {
        let seen = Seen::default();
        for number in [1, 2, 5, 3, 4, 70, 6] {
            assert!(seen.is_first(number), "{number}");
        }
        for number in 1..=6 {
            assert!(!seen.is_first(number), "{number}");
        }
        assert!(seen.is_first(69));
        assert!(!seen.is_first(70));
    }

    #[test]
    fn the_window_moves_on_and_what_is_behind_it_counts_as_seen() {
        let seen = Seen::default();
        for number in 1..=3 * SEEN_NUMBERS {
            assert!(seen.is_first(number) && !seen.is_first(number), "{number}");
        }
        assert!(!seen.is_first(2 * SEEN_NUMBERS), "just behind the window");
        let far = 9 * SEEN_NUMBERS + 7;
        assert!(seen.is_first(far));
        assert!(seen.is_first(far - SEEN_NUMBERS + 1), "a jump forgets what was at its place");
        assert!(!seen.is_first(far - SEEN_NUMBERS));
    }
}
