//! The loop of a partition.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use skep_engine::Effect;
use skep_env::Clock;
use skep_protocol::{Command, PartitionId};
use tokio::sync::oneshot;

use crate::backup::PartSettings;
use crate::error::BrokerError;
use crate::jobs::{JobHub, StreamSlot};
use crate::limits;
use crate::metrics::{PartitionMetrics, figure, seconds};
use crate::observer::{Inspection, Observed};
use crate::partition::captures::Captures;
use crate::partition::checkpoint::{CheckpointSettings, Checkpoints};
use crate::partition::distributions::Distributions;
use crate::partition::{
    Answer, Control, EngineFactory, Inbox, Limiter, Processing, Reply, Request, Status,
};
use crate::replication::{EntryId, Replication, ReplicationEvent};
use crate::topology::PartitionHealth;
use crate::transport::Transport;

/// What a partition is made of.
pub(crate) struct Parts<E, R> {
    pub(crate) id: PartitionId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) status: Arc<Status>,
    pub(crate) hub: Arc<JobHub>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) replication: Arc<R>,
    pub(crate) factory: EngineFactory<E>,
    pub(crate) checkpoints: CheckpointSettings,
    /// The entry as of which the store holds the state.
    pub(crate) checkpoint: Option<EntryId>,
    /// Where and how parts of backups are written, if anywhere.
    pub(crate) backup: Option<PartSettings>,
    /// Bytes of records after which a round ends.
    pub(crate) round_bytes_max: usize,
    /// Sees what is committed.
    pub(crate) observer: Observed,
    /// Whether the disk has so little space that only what frees some should go on.
    pub(crate) space_low: Box<dyn Fn() -> bool + Send>,
}

/// Who waits for an answer.
pub(super) enum Slot {
    /// A caller.
    Caller(Reply),
    /// A job stream that was granted so many jobs.
    Push { stream: Arc<StreamSlot>, granted: u32 },
}

/// What was processed together, is proposed together and has effect together.
#[derive(Default)]
pub(super) struct Round {
    pub(super) effects: Vec<Effect>,
    /// Encoded records; empty once they are proposed.
    pub(super) batch: Vec<u8>,
    /// Whether it has to wait for a commit of its own.
    pub(super) proposed: bool,
    pub(super) bytes: usize,
    pub(super) last_position: u64,
    pub(super) proposed_us: u64,
    /// Requests in it: bytes, and when they were accepted.
    pub(super) requests: Vec<(usize, u64)>,
    pub(super) commands: usize,
}

/// How far this replica has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Applied {
    pub(super) entry: Option<EntryId>,
    pub(super) position: u64,
}

/// A partition on its thread.
pub(crate) struct Partition<E, R> {
    pub(super) parts: Parts<E, R>,
    pub(super) engine: E,
    /// How often the state in the store had been replaced when the engine was made.
    pub(super) engine_replaced: u64,
    pub(super) metrics: PartitionMetrics,
    /// The term that this replica leads.
    pub(super) leading: Option<u64>,
    pub(super) applied: Applied,
    pub(super) slots: HashMap<u64, Slot>,
    pub(super) next_request: u64,
    pub(super) slots_sweep_at: usize,
    /// Rounds whose effects wait for their commit, in order.
    pub(super) held: VecDeque<Round>,
    pub(super) held_bytes: usize,
    pub(super) requests: VecDeque<Box<Request>>,
    pub(super) commands: VecDeque<Command>,
    pub(super) due: VecDeque<Command>,
    /// The engine had nothing due at this time, and nothing has changed since.
    pub(super) nothing_due_at_ms: Option<i64>,
    /// Job types whose streams have room again.
    pub(super) room: Vec<String>,
    pub(super) checkpoints: Checkpoints,
    pub(super) distributions: Distributions,
    pub(super) captures: Captures,
    pub(super) disk_full: bool,
    /// Leadership is on its way to another node: nothing is processed until it is there.
    handing_over: bool,
    pub(super) space_was_low: bool,
    /// Things done so far; two equal readings with idleness between mean that nothing happened.
    pub(super) activity: u64,
    quiesce: Vec<oneshot::Sender<u64>>,
    /// Who wants to see the state.
    inspections: Vec<oneshot::Sender<Inspection>>,
    pub(super) needs_rebuild: bool,
    /// The engine could not read its state: the partition must not go on.
    pub(super) failure: Option<String>,
    stopping: bool,
    started_us: u64,
}

/// Why a partition ends.
pub(super) enum End {
    /// It was asked to.
    Stopped,
    /// It must not go on.
    Failed(String),
}

pub(super) type Step = Result<(), End>;

impl<E: Processing, R: Replication> Partition<E, R> {
    /// A partition in the state that the store holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn new(parts: Parts<E, R>) -> Result<Self, String> {
        let engine_replaced = (parts.checkpoints.replaced)();
        let engine = (parts.factory)()?;
        let applied = Applied { entry: parts.checkpoint, position: engine.last_position() };
        // A replica that has nothing to replay is where its checkpoint is.
        parts.status.set_position(applied.position);
        let now_us = parts.clock.monotonic_us();
        let checkpoints = Checkpoints::new(parts.checkpoint, now_us);
        Ok(Self {
            metrics: PartitionMetrics::new(parts.id),
            engine,
            engine_replaced,
            leading: None,
            applied,
            slots: HashMap::new(),
            next_request: 1,
            slots_sweep_at: SLOTS_SWEEP_MIN,
            held: VecDeque::new(),
            held_bytes: 0,
            requests: VecDeque::new(),
            commands: VecDeque::new(),
            due: VecDeque::new(),
            nothing_due_at_ms: None,
            room: Vec::new(),
            checkpoints,
            distributions: Distributions::default(),
            captures: Captures::default(),
            disk_full: false,
            handing_over: false,
            space_was_low: false,
            activity: 0,
            quiesce: Vec::new(),
            inspections: Vec::new(),
            needs_rebuild: false,
            failure: None,
            stopping: false,
            started_us: now_us,
            parts,
        })
    }

    /// Runs until it is stopped or must not go on.
    pub(crate) async fn run(mut self) {
        let end = loop {
            match self.step().await {
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        let reason = match &end {
            End::Stopped => "the broker has stopped".to_owned(),
            End::Failed(reason) => {
                tracing::error!(partition = self.parts.id, %reason, "the partition has stopped");
                reason.clone()
            }
        };
        self.parts.status.set_health(PartitionHealth::Dead { reason: reason.clone() });
        self.abandon(&reason);
        for request in self.parts.inbox.close() {
            self.hand_back(request);
        }
        self.parts.replication.shutdown().await;
    }

    async fn step(&mut self) -> Step {
        if let Some(entry) = self.parts.replication.events().take_replaced() {
            self.observe(&ReplicationEvent::StateReplaced { entry });
            self.state_replaced(entry);
        }
        self.take_controls().await?;
        if self.needs_rebuild {
            self.rebuild()?;
        }
        if !self.needs_rebuild {
            self.take_events()?;
        }
        self.watch_space();
        self.show_distributions();
        self.turn_away();
        if self.may_process() {
            self.round().await?;
        }
        self.advance_checkpoint().await?;
        if self.stopping && self.has_drained() {
            return Err(End::Stopped);
        }
        if self.has_work() {
            // The replication runs on this thread too.
            tokio::task::yield_now().await;
        } else {
            self.answer_quiesce();
            self.wait().await;
        }
        Ok(())
    }

    async fn take_controls(&mut self) -> Step {
        while let Some(control) = self.parts.inbox.take_control() {
            match control {
                Control::Quiesce(reply) => self.quiesce.push(reply),
                Control::Inspect(reply) => self.inspections.push(reply),
                Control::Reachable { partition, reachable } => {
                    self.engine.set_reachable(partition, reachable);
                    self.nothing_due_at_ms = None;
                }
                Control::StreamRoom(job_type) => self.room.push(job_type),
                Control::CheckpointDone(result) => self.checkpoint_done(result).await?,
                Control::Backup(step) => self.captures.step(step),
                Control::Stop => self.stopping = true,
            }
        }
        Ok(())
    }

    fn take_events(&mut self) -> Step {
        while let Some(event) = self.parts.replication.events().pop() {
            self.activity += 1;
            self.observe(&event);
            match event {
                ReplicationEvent::Committed { entry, batch, own } => {
                    if own && self.leading == Some(entry.term) {
                        self.committed(entry, batch.len());
                    } else {
                        self.replay(entry, batch)?;
                    }
                }
                ReplicationEvent::Leading { term } => self.lead(term),
                ReplicationEvent::Following { term } => self.follow(term),
                ReplicationEvent::HandingOver(handing_over) => self.handing_over = handing_over,
                ReplicationEvent::StateReplaced { entry } => self.state_replaced(entry),
                ReplicationEvent::DiskFull(full) => self.set_disk_full(full),
                ReplicationEvent::Failed { reason } => return Err(End::Failed(reason)),
            }
            if self.needs_rebuild {
                break;
            }
        }
        Ok(())
    }

    fn observe(&self, event: &ReplicationEvent) {
        let Some(observer) = &self.parts.observer else { return };
        match event {
            ReplicationEvent::Committed { entry, batch, .. } => {
                observer.committed(self.parts.id, *entry, batch);
            }
            ReplicationEvent::StateReplaced { entry } => {
                observer.state_replaced(self.parts.id, *entry);
            }
            _ => {}
        }
    }

    fn lead(&mut self, term: u64) {
        self.handing_over = false;
        let replay_us = self.parts.clock.monotonic_us().saturating_sub(self.started_us);
        tracing::info!(
            partition = self.parts.id,
            term,
            position = self.applied.position,
            replay_us,
            "leading"
        );
        self.metrics.replay_time.set(seconds(replay_us));
        self.metrics.leader.set(1.0);
        self.leading = Some(term);
        self.nothing_due_at_ms = None;
        self.parts.status.set_position(self.applied.position);
        self.parts.status.set_backup_checkpoint(self.engine.last_checkpoint());
        self.parts.status.set_leading(Some(term));
    }

    /// Terms up to this one are not led any more: speculative state is worth nothing, and nobody
    /// hears of it.
    fn follow(&mut self, term: u64) {
        if self.leading.is_some_and(|leading| leading <= term) {
            self.leading = None;
            tracing::info!(partition = self.parts.id, "not leading any more");
            self.handing_over = false;
            self.parts.status.set_leading(None);
            self.metrics.leader.set(0.0);
            self.abandon("this node does not lead the partition any more");
            #[cfg(feature = "mutation")]
            if skep_engine::mutation::is("lost leadership is not followed by a rebuild") {
                return;
            }
            self.needs_rebuild = true;
        }
    }

    /// Drops what was processed and not committed; callers hear that they have to look.
    pub(super) fn abandon(&mut self, reason: &str) {
        let now_us = self.parts.clock.monotonic_us();
        for round in self.held.drain(..) {
            for (bytes, _) in round.requests {
                self.parts.limiter.done(bytes, None, now_us);
            }
        }
        self.held_bytes = 0;
        let mut slots: Vec<_> = self.slots.drain().collect();
        // In the order of the requests: a simulation repeats itself.
        slots.sort_unstable_by_key(|(request, _)| *request);
        for (_, slot) in slots {
            match slot {
                Slot::Caller(reply) => {
                    let _ = reply.send(Err(BrokerError::interrupted(reason)));
                }
                Slot::Push { stream, granted } => self.parts.hub.give_back(&stream, granted),
            }
        }
        for request in std::mem::take(&mut self.requests) {
            self.hand_back(request);
        }
        self.commands.clear();
        self.due.clear();
    }

    /// What comes in while another node leads goes back to its callers, who know where to go on.
    fn turn_away(&mut self) {
        if self.leading.is_none() {
            for request in self.parts.inbox.take_requests() {
                self.hand_back(request);
            }
        }
    }

    /// Gives a request that was not processed back, command and all.
    fn hand_back(&self, request: Box<Request>) {
        self.parts.limiter.done(request.bytes, None, self.parts.clock.monotonic_us());
        let Request { command, reply, .. } = *request;
        let _ = reply.send(Ok(Answer::Returned(Box::new(command))));
    }

    /// Answers a request that was not processed.
    pub(super) fn refuse(&self, request: Box<Request>, error: BrokerError) {
        self.parts.limiter.done(request.bytes, None, self.parts.clock.monotonic_us());
        let _ = request.reply.send(Err(error));
    }

    fn may_process(&self) -> bool {
        self.leading.is_some()
            && !self.needs_rebuild
            && !self.disk_full
            // A node that stops finishes what it accepted.
            && (self.stopping || !self.parts.status.is_paused())
            && !self.handing_over
            && self.held.len() < limits::ROUNDS_IN_FLIGHT_MAX
            && self.held_bytes < limits::ROUNDS_IN_FLIGHT_BYTES_MAX
    }

    fn has_work(&mut self) -> bool {
        self.parts.inbox.has_controls()
            || (!self.needs_rebuild && !self.parts.replication.events().is_empty())
            || (self.may_process()
                && (!self.requests.is_empty()
                    || !self.commands.is_empty()
                    || !self.due.is_empty()
                    || !self.room.is_empty()
                    || !self.parts.inbox.is_empty()
                    || self.is_due()))
    }

    /// Whether the engine may have something that is due now.
    pub(super) fn is_due(&mut self) -> bool {
        let now_ms = self.parts.clock.now_ms();
        self.nothing_due_at_ms.is_none_or(|asked_ms| now_ms > asked_ms)
            && self.engine.next_due_ms().is_some_and(|due_ms| due_ms <= now_ms)
    }

    fn has_drained(&mut self) -> bool {
        let idle = self.held.is_empty()
            && self.requests.is_empty()
            && self.commands.is_empty()
            && self.parts.inbox.is_empty();
        // What a full disk holds up was never acknowledged.
        self.disk_full || self.leading.is_none() || (idle && self.is_checkpointed())
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping
    }

    fn answer_quiesce(&mut self) {
        if self.held.is_empty() && !self.quiesce.is_empty() {
            for reply in self.quiesce.drain(..) {
                let _ = reply.send(self.activity);
            }
        }
        if self.held.is_empty() && !self.needs_rebuild {
            for reply in std::mem::take(&mut self.inspections) {
                let _ = reply.send(Inspection {
                    entry: self.applied.entry,
                    position: self.engine.last_position(),
                    rows: self.engine.dump(),
                });
            }
        }
    }

    async fn wait(&mut self) {
        self.publish_metrics();
        let mut wait_ms = limits::DUE_SLEEP_MAX_MS;
        if self.leading.is_some()
            && let Some(due_ms) = self.engine.next_due_ms()
        {
            let until_due = due_ms.saturating_sub(self.parts.clock.now_ms());
            wait_ms = wait_ms.min(u64::try_from(until_due).unwrap_or(0).max(1));
        }
        if self.distributions.any() {
            wait_ms = wait_ms.min(limits::DISTRIBUTION_LOOK_US / 1_000);
        }
        if self.space_was_low || self.disk_full {
            wait_ms = wait_ms.min(limits::DISK_FULL_PROBE_MS);
        }
        let inbox = self.parts.inbox.clone();
        let woken = inbox.wake.notified();
        let _ = tokio::time::timeout(Duration::from_millis(wait_ms), woken).await;
    }

    fn publish_metrics(&self) {
        let (in_flight, limit) = self.parts.limiter.usage();
        let metrics = &self.metrics;
        metrics.requests_queued.set(figure(self.parts.inbox.requests() as u64));
        metrics.requests_in_flight.set(figure(in_flight as u64));
        metrics.requests_limit.set(figure(limit as u64));
        metrics.rounds_in_flight.set(figure(self.held.len() as u64));
        metrics.last_position.set(figure(self.applied.position));
        metrics.dirty_bytes.set(figure(self.engine.dirty_bytes() as u64));
    }
}

/// Answers owed before the first look for callers that have gone.
pub(super) const SLOTS_SWEEP_MIN: usize = 1_000;
