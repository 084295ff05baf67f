//! One round: what waits is processed, and its records are proposed together.

use bytes::Bytes;
use skep_engine::{Outcome, RequestId};
use skep_protocol::{Command, DeploymentIntent, Payload, codec};

use crate::error::BrokerError;
use crate::limits;
use crate::metrics::{figure, seconds};
use crate::partition::processor::{End, Partition, Round, SLOTS_SWEEP_MIN, Slot, Step};
use crate::partition::{Processing, Request};
use crate::replication::Replication;

impl<E: Processing, R: Replication> Partition<E, R> {
    /// Processes what waits, up to the limits of a round, and proposes it.
    pub(super) async fn round(&mut self) -> Step {
        let Some(term) = self.leading else { return Ok(()) };
        let started_us = self.parts.clock.monotonic_us();
        let now_ms = self.parts.clock.now_ms();
        let mut round = Round::default();
        self.ask_for_due(now_ms, &mut round);
        self.fill();
        self.process_waiting(now_ms, &mut round);
        self.push_jobs(now_ms, &mut round);
        if let Some(reason) = self.failure.take() {
            return Err(End::Failed(reason));
        }
        if round.commands == 0 && round.effects.is_empty() && round.requests.is_empty() {
            return Ok(());
        }
        self.activity += 1;
        self.nothing_due_at_ms = None;
        let now_us = self.parts.clock.monotonic_us();
        self.metrics.processing.record(seconds(now_us.saturating_sub(started_us)));
        self.metrics.round_commands.record(figure(round.commands as u64));
        self.finish_round(term, round, now_us).await
    }

    /// Due work waits in a queue of its own, so that a burst of it shares rounds with clients.
    fn ask_for_due(&mut self, now_ms: i64, round: &mut Round) {
        if !self.due.is_empty() || !self.is_due() {
            return;
        }
        let effects_before = round.effects.len();
        self.due.extend(self.engine.due(now_ms, &mut round.effects));
        if self.due.is_empty() && round.effects.len() == effects_before {
            self.nothing_due_at_ms = Some(now_ms);
        }
    }

    fn fill(&mut self) {
        let waiting = self.requests.len().max(self.commands.len());
        let max = limits::ROUND_COMMANDS_MAX.saturating_sub(waiting);
        if max > 0 {
            self.parts.inbox.take(max, &mut self.requests, &mut self.commands);
        }
    }

    /// Takes turns between clients, other partitions and due work.
    fn process_waiting(&mut self, now_ms: i64, round: &mut Round) {
        let mut outcome = Outcome::default();
        let mut due_left = limits::ROUND_DUE_COMMANDS_MAX;
        while self.failure.is_none()
            && round.commands < limits::ROUND_COMMANDS_MAX
            && round.batch.len() < self.parts.round_bytes_max
        {
            let request = self.requests.pop_front();
            let command = self.commands.pop_front();
            let due = if due_left > 0 { self.due.pop_front() } else { None };
            if request.is_none() && command.is_none() && due.is_none() {
                break;
            }
            if let Some(request) = request {
                self.process_request(request, now_ms, &mut outcome, round);
            }
            if let Some(command) = command {
                self.process(command, None, now_ms, &mut outcome, round);
            }
            if let Some(due) = due {
                due_left -= 1;
                self.process(due, None, now_ms, &mut outcome, round);
            }
        }
    }

    fn process_request(
        &mut self,
        request: Box<Request>,
        now_ms: i64,
        outcome: &mut Outcome,
        round: &mut Round,
    ) {
        if request.reply.is_closed() {
            // The caller gave up while it waited: nobody wants this done any more.
            let now_us = self.parts.clock.monotonic_us();
            self.parts.limiter.done(request.bytes, None, now_us);
            return;
        }
        self.sweep_slots();
        if self.slots.len() >= limits::ANSWERS_PENDING_MAX {
            let reason = format!(
                "{} requests wait for an answer, which is the limit; await fewer results",
                limits::ANSWERS_PENDING_MAX
            );
            self.refuse(request, BrokerError::exhausted(reason));
            return;
        }
        let id = self.add_slot(Slot::Caller(request.reply));
        round.requests.push((request.bytes, request.accepted_us));
        self.process(request.command, Some(id), now_ms, outcome, round);
    }

    pub(super) fn add_slot(&mut self, slot: Slot) -> RequestId {
        let id = self.next_request;
        self.next_request += 1;
        self.slots.insert(id, slot);
        RequestId(id)
    }

    /// Callers that gave up waiting for a result leave their slots behind.
    fn sweep_slots(&mut self) {
        if self.slots.len() >= self.slots_sweep_at {
            self.slots.retain(|_, slot| match slot {
                Slot::Caller(reply) => !reply.is_closed(),
                Slot::Push { .. } => true,
            });
            self.slots_sweep_at = (self.slots.len() * 2).max(SLOTS_SWEEP_MIN);
        }
    }

    /// One command into the round, behind the checkpoint that its sender made before it.
    pub(super) fn process(
        &mut self,
        command: Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
        round: &mut Round,
    ) {
        if let Some(first) = self.engine.checkpoint_before(&command) {
            self.process_one(first, None, now_ms, outcome, round);
        }
        if self.failure.is_none() {
            self.process_one(command, request, now_ms, outcome, round);
        }
    }

    fn process_one(
        &mut self,
        command: Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
        round: &mut Round,
    ) {
        self.metrics.command(&command.payload);
        if let Payload::Deployment(DeploymentIntent::Distribute, _) = &command.payload {
            // The words that operators of Zeebe search their logs for.
            tracing::debug!(
                "Deployment DISTRIBUTE command for deployment {} was written on partition {}",
                command.key,
                self.parts.id
            );
        }
        self.engine.process(command, request, now_ms, outcome);
        round.commands += 1;
        if let Some(failure) = outcome.failure.take() {
            self.failure = Some(failure.to_string());
            return;
        }
        if !outcome.records.is_empty() {
            codec::encode_entry(&outcome.records, &mut round.batch);
            self.metrics.records.increment(outcome.records.len() as u64);
            self.metrics.rejections(&outcome.records);
            outcome.records.clear();
        }
        round.effects.append(&mut outcome.effects);
    }

    async fn finish_round(&mut self, term: u64, mut round: Round, now_us: u64) -> Step {
        round.last_position = self.engine.last_position();
        round.proposed_us = now_us;
        if round.batch.is_empty() {
            // It changed nothing, but it may tell of what is not committed yet.
            if self.held.is_empty() {
                self.release(round, now_us);
            } else {
                self.held.push_back(round);
            }
            return Ok(());
        }
        round.bytes = round.batch.len();
        round.proposed = true;
        self.metrics.append_bytes.record(figure(round.bytes as u64));
        let batch = Bytes::from(std::mem::take(&mut round.batch));
        self.held_bytes += round.bytes;
        self.held.push_back(round);
        #[cfg(feature = "mutation")]
        if skep_engine::mutation::is("answers come before their commit")
            && let Some(round) = self.held.back_mut()
        {
            let effects = std::mem::take(&mut round.effects);
            self.release(Round { effects, ..Round::default() }, now_us);
        }
        let proposed = self.parts.replication.propose(term, batch).await;
        proposed.map_err(|error| End::Failed(error.to_string()))
    }
}
