//! Backpressure: how many requests a partition accepts before earlier ones are committed.
//!
//! The limit grows by one for every request that is committed in time while the limit is in use, and
//! shrinks by a tenth, at most once per latency target, when one was late (AIMD).

use parking_lot::Mutex;
use skep_protocol::{DeploymentIntent, JobIntent, Payload, ProcessInstanceIntent};

use crate::limits;

/// Counts the requests and bytes of one partition that were accepted and are not committed yet.
pub(crate) struct Limiter(Mutex<State>);

struct State {
    requests: usize,
    bytes: usize,
    limit: usize,
    shrunk_at_us: u64,
    disk_full: bool,
    /// An operator has set the limit: it neither grows nor shrinks.
    fixed: bool,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            requests: 0,
            bytes: 0,
            limit: limits::REQUESTS_INITIAL,
            shrunk_at_us: 0,
            disk_full: false,
            fixed: false,
        }))
    }

    /// Takes a request on, or says why not.
    pub(crate) fn accept(&self, payload: &Payload, bytes: usize) -> Result<(), String> {
        let mut state = self.0.lock();
        if state.disk_full {
            return Err(
                "the disk is full: nothing can be written until space returns; free some, \
                        or move the data folder to a larger disk"
                    .to_owned(),
            );
        }
        let factor = if is_exempt(payload) { limits::EXEMPT_FACTOR } else { 1 };
        if state.requests >= state.limit * factor {
            return Err(format!(
                "{} requests are waiting on this partition, which is as many as it answers in \
                 time; try again later, with a growing pause",
                state.requests
            ));
        }
        if state.requests > 0 && state.bytes + bytes > limits::REQUESTS_BYTES_MAX * factor {
            return Err(format!(
                "requests of {} bytes are waiting on this partition, the limit is {}; try again \
                 later, with a growing pause",
                state.bytes,
                limits::REQUESTS_BYTES_MAX
            ));
        }
        state.requests += 1;
        state.bytes += bytes;
        Ok(())
    }

    /// A request is committed, or was dropped without being processed.
    pub(crate) fn done(&self, bytes: usize, latency_us: Option<u64>, now_us: u64) {
        let mut state = self.0.lock();
        let in_use = state.requests * 2 >= state.limit;
        state.requests = state.requests.saturating_sub(1);
        state.bytes = state.bytes.saturating_sub(bytes);
        let Some(latency_us) = latency_us.filter(|_| !state.fixed) else { return };
        let in_time = latency_us <= limits::LATENCY_TARGET_US;
        let since_us = now_us.saturating_sub(state.shrunk_at_us);
        if in_time && in_use {
            state.limit = (state.limit + 1).min(limits::REQUESTS_MAX);
        } else if !in_time && since_us >= limits::LATENCY_TARGET_US {
            state.shrunk_at_us = now_us;
            state.limit = (state.limit * 9 / 10).max(limits::REQUESTS_MIN);
        }
    }

    /// While the disk is full nothing is accepted.
    pub(crate) fn set_disk_full(&self, disk_full: bool) {
        self.0.lock().disk_full = disk_full;
    }

    /// Sets the limit, within what a partition can bear; None lets it find its own again.
    pub(crate) fn set_limit(&self, limit: Option<usize>) {
        let mut state = self.0.lock();
        state.fixed = limit.is_some();
        state.limit = limit.unwrap_or(limits::REQUESTS_INITIAL).clamp(1, limits::REQUESTS_MAX);
    }

    /// Requests under way, and how many may be.
    pub(crate) fn usage(&self) -> (usize, usize) {
        let state = self.0.lock();
        (state.requests, state.limit)
    }
}

/// Commands that finish or undo work get through longer: refusing them would keep the load up
/// (`spec/engine.md` 4.10). Commands of the node itself never come through here.
fn is_exempt(payload: &Payload) -> bool {
    matches!(
        payload,
        Payload::Job(JobIntent::Complete | JobIntent::Fail | JobIntent::Yield, _)
            | Payload::ProcessInstance(ProcessInstanceIntent::Cancel, _)
            | Payload::Deployment(DeploymentIntent::Create | DeploymentIntent::Distribute, _)
            | Payload::CommandDistribution(..)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_protocol::{JobRecord, MessageIntent, MessageRecord};

    fn publish() -> Payload {
        Payload::Message(MessageIntent::Publish, MessageRecord::default())
    }

    fn complete() -> Payload {
        Payload::Job(JobIntent::Complete, JobRecord::default())
    }

    #[test]
    fn refuses_beyond_the_limit_but_lets_work_finish() {
        let limiter = Limiter::new();
        for _ in 0..limits::REQUESTS_INITIAL {
            limiter.accept(&publish(), 1).unwrap();
        }
        assert!(limiter.accept(&publish(), 1).unwrap_err().contains("1024 requests"));
        for _ in limits::REQUESTS_INITIAL..limits::REQUESTS_INITIAL * limits::EXEMPT_FACTOR {
            limiter.accept(&complete(), 1).unwrap();
        }
        assert!(limiter.accept(&complete(), 1).is_err(), "exempt commands are bounded too");
    }

    #[test]
    fn refuses_beyond_the_bytes_but_takes_one_of_any_size() {
        let limiter = Limiter::new();
        limiter.accept(&publish(), limits::REQUESTS_BYTES_MAX + 1).unwrap();
        assert!(limiter.accept(&publish(), 1).unwrap_err().contains("bytes"));
        limiter.done(limits::REQUESTS_BYTES_MAX + 1, None, 0);
        limiter.accept(&publish(), 1).unwrap();
    }

    #[test]
    fn late_commits_shrink_the_limit_down_to_a_floor() {
        let limiter = Limiter::new();
        for step in 1..100 {
            limiter.accept(&publish(), 1).unwrap();
            limiter.done(1, Some(limits::LATENCY_TARGET_US + 1), step * limits::LATENCY_TARGET_US);
        }
        assert_eq!(limiter.usage(), (0, limits::REQUESTS_MIN));
        for _ in 0..limits::REQUESTS_MIN {
            limiter.accept(&publish(), 1).unwrap();
        }
        assert!(limiter.accept(&publish(), 1).is_err());
        limiter.done(1, Some(1), 0);
        assert_eq!(limiter.usage().1, limits::REQUESTS_MIN + 1, "timely commits make it grow");
    }

    #[test]
    fn an_operators_limit_stays_until_it_is_taken_back() {
        let limiter = Limiter::new();
        limiter.set_limit(Some(2));
        for _ in 0..2 {
            limiter.accept(&publish(), 1).unwrap();
        }
        assert!(limiter.accept(&publish(), 1).is_err());
        limiter.done(1, Some(1), 0);
        limiter.done(1, Some(limits::LATENCY_TARGET_US + 1), limits::LATENCY_TARGET_US);
        assert_eq!(limiter.usage(), (0, 2));
        limiter.set_limit(None);
        assert_eq!(limiter.usage(), (0, limits::REQUESTS_INITIAL));
    }

    #[test]
    fn a_full_disk_refuses_everything() {
        let limiter = Limiter::new();
        limiter.set_disk_full(true);
        assert!(limiter.accept(&complete(), 1).unwrap_err().contains("disk is full"));
        limiter.set_disk_full(false);
        limiter.accept(&publish(), 1).unwrap();
    }
}
