//! What is committed takes effect: answers, pushes, commands to other partitions.

use skep_engine::{Effect, Response};
use skep_protocol::{Command, Payload};

use crate::jobs::ActivatedJobs;
use crate::limits;
use crate::metrics::seconds;
use crate::partition::captures::Wanted;
use crate::partition::processor::{Partition, Round, Slot};
use crate::partition::{Answer, Processing};
use crate::replication::{EntryId, Replication};

/// A command is about to leave for another partition.
fn pass_crash_points(command: &Command) {
    match command.payload {
        Payload::Deployment(..) | Payload::ResourceDeletion(..) => {
            skep_env::crash_point!("distribution.before-send");
        }
        Payload::CommandDistribution(..) => {
            skep_env::crash_point!("distribution.before-acknowledge");
        }
        _ => {}
    }
}

impl<E: Processing, R: Replication> Partition<E, R> {
    /// The oldest proposed round is committed; rounds behind it that changed nothing go with it.
    pub(super) fn committed(&mut self, entry: EntryId, bytes: usize) {
        let now_us = self.parts.clock.monotonic_us();
        self.applied.entry = Some(entry);
        if bytes == 0 {
            return;
        }
        while let Some(round) = self.held.pop_front() {
            let proposed = round.proposed;
            if proposed {
                self.held_bytes -= round.bytes;
                self.applied.position = round.last_position;
                self.parts.status.set_position(round.last_position);
                self.metrics.commit.record(seconds(now_us.saturating_sub(round.proposed_us)));
            }
            self.release(round, now_us);
            if proposed {
                break;
            }
        }
        while let Some(round) = self.held.pop_front_if(|round| !round.proposed) {
            self.release(round, now_us);
        }
        self.checkpoints.committed(entry, self.applied.position, bytes);
    }

    /// Everything before this round is committed, and it too.
    pub(super) fn release(&mut self, round: Round, now_us: u64) {
        skep_env::crash_point!("partition.committed");
        for (bytes, accepted_us) in round.requests {
            let latency_us = now_us.saturating_sub(accepted_us);
            self.metrics.request.record(seconds(latency_us));
            self.parts.limiter.done(bytes, Some(latency_us), now_us);
        }
        for effect in round.effects {
            match effect {
                Effect::Respond { request, response } => self.respond(request.0, response),
                Effect::Send { partition, command } => {
                    pass_crash_points(&command);
                    #[cfg(feature = "mutation")]
                    let command = if skep_engine::mutation::is("sends do not carry the checkpoint")
                    {
                        Command { checkpoint_id: 0, ..command }
                    } else {
                        command
                    };
                    self.parts.transport.send(partition, command);
                }
                Effect::JobsAvailable { job_type } => {
                    self.parts.hub.announcements.announce(&job_type);
                }
                Effect::DistributionRetried { partition, key, attempts }
                    if attempts.is_power_of_two()
                        || attempts.is_multiple_of(limits::RETRIES_PER_WARNING) =>
                {
                    // The words that operators of Zeebe search their logs for.
                    tracing::warn!(
                        partition = self.parts.id,
                        attempts,
                        "Failed to receive deployment response for partition {partition} \
                         (on topic 'deployment-response-{key}-{partition}'). Retrying"
                    );
                }
                Effect::DistributionRetried { .. } => {}
                Effect::CheckpointCreated { id, position } => {
                    tracing::info!(partition = self.parts.id, id, position, "checkpoint created");
                    let checkpoint = Some((id, position));
                    let is_repeated = self.parts.status.backup_checkpoint() == checkpoint;
                    self.parts.status.set_backup_checkpoint(checkpoint);
                    self.want_part(Wanted { id, position, is_repeated });
                }
            }
        }
        skep_env::crash_point!("partition.answered");
    }

    fn respond(&mut self, request: u64, response: Response) {
        match (self.slots.remove(&request), response) {
            (Some(Slot::Caller(reply)), Response::Jobs { jobs, truncated }) => {
                let transport = self.parts.transport.clone();
                let jobs = ActivatedJobs::new(jobs, truncated, transport, None);
                // When the caller has gone, the jobs come back and go back.
                let _ = reply.send(Ok(Answer::Jobs(jobs)));
            }
            (Some(Slot::Caller(reply)), response) => {
                let _ = reply.send(Ok(Answer::Response(response)));
            }
            (Some(Slot::Push { stream, granted }), Response::Jobs { jobs, truncated }) => {
                let count = u32::try_from(jobs.len()).unwrap_or(granted).min(granted);
                let credit = self.parts.hub.credit(&stream, count);
                let transport = self.parts.transport.clone();
                self.metrics.jobs_pushed.increment(u64::from(count));
                stream.push(ActivatedJobs::new(jobs, truncated, transport, Some(credit)));
            }
            (Some(Slot::Push { stream, granted }), _) => {
                self.parts.hub.give_back(&stream, granted);
            }
            (None, Response::Jobs { jobs, truncated }) => {
                // Nobody is there to take them: they go back.
                let transport = self.parts.transport.clone();
                drop(ActivatedJobs::new(jobs, truncated, transport, None));
            }
            (None, _) => {}
        }
    }
}
