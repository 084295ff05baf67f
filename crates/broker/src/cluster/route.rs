//! Requests to the leader of a partition, wherever it is.
//!
//! What was certainly not taken is tried again until the caller's patience ends; what may have been taken is
//! answered as such, and never sent twice.

use std::sync::Arc;
use std::time::Duration;

use skep_engine::Response;
use skep_protocol::{Command, PartitionId};
use tokio::time::{Instant, timeout_at};

use crate::cluster::frame::{FrameKind, NodeName, encode_submit};
use crate::cluster::limits::{LEADER_WAIT_MAX, RETRY_PAUSE};
use crate::cluster::link::{Link, Reply, Unsent};
use crate::cluster::metrics::{REROUTED, ROUTED};
use crate::cluster::node::Cluster;
use crate::error::BrokerError;
use crate::partition::Answer;

/// Longest wait for an answer that is understood: beyond it a number is a mistake.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a request may wait for a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as makes sense.
    Wait,
    /// Not at all: the caller has other partitions to ask.
    None,
}

/// When a caller gives up, and how long that was when it began.
#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    timeout_ms: u64,
}

impl Deadline {
    fn passed(self) -> BrokerError {
        BrokerError::Timeout { timeout_ms: self.timeout_ms }
    }
}

/// What became of one attempt.
enum Attempt {
    Done(Result<Answer, BrokerError>),
    /// Certainly not taken; here it is again.
    NotTaken(Box<Command>, BrokerError),
}

impl Cluster {
    /// Brings a command to the leader of a partition and waits for the answer.
    pub(crate) async fn ask(
        &self,
        partition: PartitionId,
        mut command: Command,
        timeout: Duration,
        patience: Patience,
    ) -> Result<Answer, BrokerError> {
        let started = Instant::now();
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let at = started.checked_add(timeout).unwrap_or(started + WAIT_MAX);
        let deadline = Deadline { at, timeout_ms };
        let give_up = match patience {
            Patience::Wait => deadline.at.min(started + LEADER_WAIT_MAX),
            Patience::None => started,
        };
        let mut leaders = self.view.leaders();
        loop {
            leaders.borrow_and_update();
            let error = match self.attempt(partition, command, deadline).await {
                Attempt::Done(result) => return result,
                Attempt::NotTaken(back, error) => {
                    command = *back;
                    error
                }
            };
            let now = Instant::now();
            if now >= give_up {
                return Err(error);
            }
            metrics::counter!(REROUTED).increment(1);
            // A leader that refuses does not lead any more, or not yet: its word may come late.
            let pause = (now + RETRY_PAUSE).min(give_up);
            let _ = timeout_at(pause, leaders.changed()).await;
        }
    }

    async fn attempt(
        &self,
        partition: PartitionId,
        command: Command,
        deadline: Deadline,
    ) -> Attempt {
        if self.parts.members.leads(partition) {
            return self.attempt_here(partition, command, deadline).await;
        }
        let not_taken = |command, reason: String| {
            Attempt::NotTaken(Box::new(command), BrokerError::unavailable(reason))
        };
        if self.config().is_none() {
            return not_taken(command, "no broker has been reached yet".to_owned());
        }
        let Some(leader) = self.view.leader(partition) else {
            return not_taken(command, format!("partition {partition} has no known leader"));
        };
        let Some(link) = self.link(NodeName::Broker(leader)) else {
            let reason = format!("node {leader}, which leads partition {partition}, is away");
            return not_taken(command, reason);
        };
        self.attempt_there(&link, partition, command, deadline).await
    }

    async fn attempt_here(
        &self,
        partition: PartitionId,
        command: Command,
        deadline: Deadline,
    ) -> Attempt {
        let mut command = Some(command);
        let accepted = self.parts.members.accept(partition, &mut command);
        let receiver = match (accepted, command) {
            (Ok(receiver), _) => receiver,
            (Err(error @ BrokerError::Unavailable { .. }), Some(command))
                if self.parts.members.is_accepting() =>
            {
                return Attempt::NotTaken(Box::new(command), error);
            }
            (Err(error), _) => return Attempt::Done(Err(error)),
        };
        match timeout_at(deadline.at, receiver).await {
            Ok(Ok(Ok(Answer::Returned(command)))) => {
                let reason = format!("this node does not lead partition {partition} any more");
                Attempt::NotTaken(command, BrokerError::unavailable(reason))
            }
            Ok(Ok(answer)) => Attempt::Done(answer),
            Ok(Err(_)) => Attempt::Done(Err(BrokerError::interrupted("the partition has ended"))),
            Err(_) => Attempt::Done(Err(deadline.passed())),
        }
    }

    async fn attempt_there(
        &self,
        link: &Arc<Link>,
        partition: PartitionId,
        command: Command,
        deadline: Deadline,
    ) -> Attempt {
        let left = deadline.at.saturating_duration_since(Instant::now());
        let timeout_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let encode = |request| encode_submit(request, partition, timeout_ms, &command);
        let node = link.name();
        let call = match link.request(FrameKind::Submit, encode) {
            Ok(call) => call,
            Err(Unsent::Broken) => {
                let error = BrokerError::unavailable(format!("the connection to {node} was lost"));
                return Attempt::NotTaken(Box::new(command), error);
            }
            Err(Unsent::Full) => {
                return Attempt::Done(Err(BrokerError::exhausted(format!(
                    "{node} does not keep up with what is sent to it; try again later, with a growing pause"
                ))));
            }
        };
        metrics::counter!(ROUTED).increment(1);
        let answer = match timeout_at(deadline.at, call.answer()).await {
            Ok(Some(Reply::Answer(answer))) => *answer,
            Ok(Some(Reply::Bytes(_))) => Err(BrokerError::internal("an answer of another kind")),
            Ok(None) => Err(BrokerError::interrupted(format!(
                "the connection to {node} was lost before it answered; the command may have been taken"
            ))),
            Err(_) => Err(deadline.passed()),
        };
        match answer {
            Err(error @ BrokerError::Unavailable { not_accepted: true, .. }) => {
                Attempt::NotTaken(Box::new(command), error)
            }
            Ok(Answer::Response(Response::Rejected { rejection, .. })) => {
                // The intent is the command's; it does not travel.
                let intent = command.payload.intent_name();
                Attempt::Done(Ok(Answer::Response(Response::Rejected { intent, rejection })))
            }
            answer => Attempt::Done(answer),
        }
    }
}
