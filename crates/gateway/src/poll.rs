//! Polling for jobs: all partitions in turn, then waiting until jobs are announced.
//!
//! A poll asks every partition once, beginning with another one each time, and gives one delivery
//! per partition that had jobs. When a whole round gave nothing it waits: until jobs of its type are
//! announced, until a probe is due, or until its time is up. It registers for announcements before
//! it asks, so that none falls between asking and waiting. A partition without a leader does not end
//! it while another one answers: when it has a leader again that is announced too.

use std::time::Duration;

use skep_protocol::{JobBatchRecord, PartitionId};
use tokio::time::Instant;

use crate::backend::{BoxFuture, Delivery};
use crate::check;
use crate::error::{ErrorKind, GatewayError};
use crate::gateway::Gateway;
use crate::limits::{
    JOBS_MAX, POLL_PROBE, POLL_TIMEOUT_DEFAULT, REQUEST_TIMEOUT_DEFAULT, REQUEST_TIMEOUT_MAX,
};

/// A poll for jobs as both protocols spell it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PollRequest {
    pub(crate) job_type: String,
    pub(crate) worker: String,
    pub(crate) timeout_ms: i64,
    pub(crate) jobs_max: i32,
    pub(crate) fetch_variables: Vec<String>,
    /// Positive: wait so long. Zero: the gateway's default. Negative: answer at once.
    pub(crate) request_timeout_ms: i64,
    pub(crate) tenant_ids: Vec<String>,
    pub(crate) with_lease: bool,
}

impl PollRequest {
    /// Checks what polls and streams have in common.
    pub(crate) fn check(&self) -> Result<(), GatewayError> {
        check::name("a job type", &self.job_type)?;
        check::text("a worker name", &self.worker)?;
        check::positive("timeout", self.timeout_ms)?;
        check::unsupported(self.with_lease, "withLease")?;
        for tenant_id in &self.tenant_ids {
            check::tenant(tenant_id)?;
        }
        Ok(())
    }

    /// The record of an activation of at most `jobs_max` jobs.
    pub(crate) fn record(self, jobs_max: u32) -> JobBatchRecord {
        JobBatchRecord {
            job_type: self.job_type,
            worker: self.worker,
            timeout_ms: self.timeout_ms,
            jobs_max,
            fetch_variables: self.fetch_variables,
            ..JobBatchRecord::default()
        }
    }
}

/// A poll under way.
pub(crate) struct Poll {
    gateway: Gateway,
    record: JobBatchRecord,
    remaining: u32,
    found: bool,
    /// When to stop waiting; `None`: do not wait.
    deadline: Option<Instant>,
    round: Option<Round>,
}

/// One walk over the partitions.
struct Round {
    first: PartitionId,
    visited: u32,
    announced: BoxFuture<'static, ()>,
    /// Some partition has answered.
    answered: bool,
    refused: Option<GatewayError>,
}

impl Round {
    /// Why it makes no sense to wait.
    fn failure(&mut self) -> Option<GatewayError> {
        let one_is_away = |refused: &GatewayError| refused.kind == ErrorKind::Unavailable;
        self.refused.take_if(|refused| !(self.answered && one_is_away(refused)))
    }
}

impl Poll {
    /// Checks the request and begins.
    pub(crate) fn new(gateway: Gateway, request: PollRequest) -> Result<Self, GatewayError> {
        request.check()?;
        check::positive("maxJobsToActivate", i64::from(request.jobs_max))?;
        let wait = match u64::try_from(request.request_timeout_ms) {
            Ok(0) => Some(POLL_TIMEOUT_DEFAULT),
            Ok(milliseconds) => Some(Duration::from_millis(milliseconds).min(REQUEST_TIMEOUT_MAX)),
            Err(_) => None,
        };
        let remaining = u32::try_from(request.jobs_max).unwrap_or(1).min(JOBS_MAX);
        let record = request.record(remaining);
        let deadline = wait.map(|wait| Instant::now() + wait);
        Ok(Self { gateway, record, remaining, found: false, deadline, round: None })
    }

    /// The next jobs; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Box<dyn Delivery>>, GatewayError> {
        loop {
            let mut round = match self.round.take() {
                Some(round) => round,
                None => self.begin_round(),
            };
            if let Some(delivery) = self.visit(&mut round).await? {
                self.round = Some(round);
                return Ok(Some(delivery));
            }
            if self.found {
                return Ok(None);
            }
            if let Some(refused) = round.failure() {
                return Err(refused);
            }
            let Some(deadline) = self.deadline else { return Ok(None) };
            if Instant::now() >= deadline || !wait(&self.gateway, round.announced, deadline).await {
                return Ok(None);
            }
        }
    }

    fn begin_round(&self) -> Round {
        Round {
            announced: self.gateway.backend().jobs_available(&self.record.job_type),
            first: self.gateway.next_partition(),
            visited: 0,
            answered: false,
            refused: None,
        }
    }

    /// Asks the partitions that are left until one has jobs.
    async fn visit(
        &mut self,
        round: &mut Round,
    ) -> Result<Option<Box<dyn Delivery>>, GatewayError> {
        let backend = self.gateway.backend().clone();
        let partitions = backend.partitions().max(1);
        while round.visited < partitions && self.remaining > 0 {
            let partition = (round.first - 1 + round.visited) % partitions + 1;
            round.visited += 1;
            self.record.jobs_max = self.remaining;
            let answer = backend
                .activate_jobs(partition, self.record.clone(), REQUEST_TIMEOUT_DEFAULT)
                .await;
            match answer {
                Ok(delivery) if delivery.jobs().is_empty() => round.answered = true,
                Ok(delivery) => {
                    let count = u32::try_from(delivery.jobs().len()).unwrap_or(u32::MAX);
                    self.remaining = self.remaining.saturating_sub(count);
                    self.gateway.metrics().jobs_polled.increment(u64::from(count));
                    self.found = true;
                    return Ok(Some(delivery));
                }
                Err(refused)
                    if matches!(
                        refused.error.kind,
                        ErrorKind::ResourceExhausted | ErrorKind::Unavailable
                    ) =>
                {
                    // Exhaustion is the news that makes clients slow down; it wins.
                    if round.refused.is_none() || refused.error.kind == ErrorKind::ResourceExhausted
                    {
                        round.refused = Some(refused.error);
                    }
                }
                Err(refused) => return Err(refused.error),
            }
        }
        Ok(None)
    }
}

/// Waits for a reason to ask again; false when the time is up or the gateway stops.
async fn wait(gateway: &Gateway, announced: BoxFuture<'static, ()>, deadline: Instant) -> bool {
    let waiting = &gateway.metrics().polls_waiting;
    waiting.increment(1.0);
    let _decrement = Decrement(waiting);
    let probe = (Instant::now() + POLL_PROBE).min(deadline);
    tokio::select! {
        biased;
        () = announced => true,
        () = tokio::time::sleep_until(probe) => probe < deadline,
        () = gateway.stopping() => false,
    }
}

/// Takes one off a gauge however the wait ends.
pub(crate) struct Decrement<'a>(pub(crate) &'a metrics::Gauge);

impl Drop for Decrement<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
