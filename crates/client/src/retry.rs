//! Sends a command again, but only after it was provably not accepted.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::{Error, Options};

/// The pauses between repetitions: doubling, each between half and all of its nominal length, so
/// that clients which were refused together do not come back together.
pub(crate) struct Backoff {
    nominal: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { nominal: first, max }
    }

    /// The next pause.
    pub(crate) fn next_pause(&mut self) -> Duration {
        let nominal = self.nominal;
        self.nominal = nominal.saturating_mul(2).min(self.max);
        let half = nominal / 2;
        // A fresh RandomState is a cheap source of jitter; nothing depends on its quality.
        let jitter = RandomState::new().hash_one(nominal) % 1_000;
        half + half.mul_f64(jitter as f64 / 1_000.0)
    }
}

/// Calls `send` until it succeeds, fails in a way that may have been accepted, or the retries are
/// used up.
pub(crate) async fn call<T, F>(options: &Options, mut send: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut backoff = Backoff::new(options.retry_pause, options.request_timeout);
    let mut retries_left = options.retries_max;
    loop {
        match send().await {
            Err(error) if error.is_not_accepted() && retries_left > 0 => {
                retries_left -= 1;
                tokio::time::sleep(backoff.next_pause()).await;
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    fn options() -> Options {
        Options { retries_max: 2, retry_pause: Duration::from_micros(1), ..Options::default() }
    }

    #[tokio::test]
    async fn backpressure_is_repeated_until_the_retries_are_used_up() {
        let mut calls = 0;
        let outcome: Result<(), _> = call(&options(), || {
            calls += 1;
            async { Err(Status::resource_exhausted("full").into()) }
        })
        .await;
        assert!(outcome.is_err());
        assert_eq!(calls, 3);
    }

    #[tokio::test]
    async fn an_unknown_outcome_is_never_repeated() {
        let mut calls = 0;
        let outcome: Result<(), _> = call(&options(), || {
            calls += 1;
            async { Err(Status::unavailable("connection reset").into()) }
        })
        .await;
        assert!(outcome.is_err());
        assert_eq!(calls, 1);
    }

    #[test]
    fn pauses_grow_to_the_maximum_and_stay_there() {
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(40));
        let pauses: Vec<_> = (0..5).map(|_| backoff.next_pause()).collect();
        assert!(pauses[0] >= Duration::from_millis(5) && pauses[0] <= Duration::from_millis(10));
        assert!(pauses[4] >= Duration::from_millis(20) && pauses[4] <= Duration::from_millis(40));
    }
}
