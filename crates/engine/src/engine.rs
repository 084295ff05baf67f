//! The engine's outside: one command in, one outcome out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use skep_protocol::{
    Command, ErrorIntent, ErrorRecord, ErrorType, Key, NO_KEY, PartitionId, Payload, Record,
    RecordType, RejectionType,
};

use skep_protocol::codec::ENTRY_RECORDS_MAX;

use crate::apply;
use crate::command;
use crate::context::{Context, Waiting};
use crate::definitions::Definitions;
use crate::distribute::{self, PendingDistributions, Receivers};
use crate::limits::{OUTCOME_BYTES_MAX, SLICE_BYTES_MAX, SLICE_STEPS_MAX};
use crate::outcome::{Effect, Outcome, RequestId};
use crate::problem::Problem;
use crate::resend::Resending;
use crate::schedule;
use crate::state::{Backing, BackingError, Checkpoint, Meta, State};
use crate::step::Step;

/// What an engine has to know about its place in the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// This partition.
    pub partition_id: PartitionId,
    /// How many partitions the cluster began with, the same for ever: correlation keys are spread
    /// over them. More may be added by SCALE, which is state ([`Engine::partition_count`]).
    pub partitions: u32,
}

/// One partition's engine.
pub struct Engine {
    settings: Settings,
    state: State,
    definitions: Definitions,
    waiting: Waiting,
    receivers: Receivers,
    resending: Resending,
    checkpoint_position: u64,
    checkpoint: Option<Arc<Checkpoint>>,
}

/// A record cannot be applied: this replica must stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayError(pub String);

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReplayError {}

impl Engine {
    /// An engine whose state is what `backing` holds.
    ///
    /// # Errors
    /// When the backing cannot be read.
    pub fn new(settings: Settings, backing: Arc<dyn Backing>) -> Result<Self, BackingError> {
        let state = State::new(&backing)?;
        Ok(Self {
            settings,
            checkpoint_position: state.meta.last_position,
            state,
            definitions: Definitions::default(),
            waiting: Waiting::default(),
            receivers: Receivers::default(),
            resending: Resending::default(),
            checkpoint: None,
        })
    }

    /// Processes one command as of `now_ms` and adds what it gives to `outcome`, whose records must
    /// be empty.
    ///
    /// Never fails for reasons that a user or a bug in an element's behavior can cause: what goes
    /// wrong becomes a rejection or an incident. `request` is answered by an effect of this or a
    /// later command.
    pub fn process(
        &mut self,
        command: Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
    ) {
        let effects_before = outcome.effects.len();
        let mut attempt = self.attempt(&command, request, now_ms, outcome, SLICE_STEPS_MAX);
        if matches!(attempt, Attempt::TooLarge { .. }) {
            // What follows from the command may be too much for one entry, one step at a time is not.
            self.undo(request, outcome, effects_before);
            attempt = self.attempt(&command, request, now_ms, outcome, 1);
        }
        if !matches!(attempt, Attempt::Done) {
            self.undo(request, outcome, effects_before);
            self.contain(&command, request, now_ms, outcome, &attempt);
        }
        outcome.failure = outcome.failure.take().or_else(|| self.state.take_failure());
        self.state.commit();
    }

    fn attempt(
        &mut self,
        command: &Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
        steps_max: usize,
    ) -> Attempt {
        match catch_unwind(AssertUnwindSafe(|| {
            self.try_process(command, request, now_ms, outcome, steps_max)
        })) {
            Ok(bytes) if bytes > OUTCOME_BYTES_MAX || outcome.records.len() > ENTRY_RECORDS_MAX => {
                Attempt::TooLarge { bytes, records: outcome.records.len() }
            }
            Ok(_) => Attempt::Done,
            Err(panic) => Attempt::Failed(panic_message(panic.as_ref())),
        }
    }

    /// Takes back everything that an attempt did. Keys will be given out again, so whatever is
    /// remembered by key and is not state goes too.
    fn undo(&mut self, request: Option<RequestId>, outcome: &mut Outcome, effects_before: usize) {
        self.state.rollback();
        self.definitions = Definitions::default();
        self.waiting.forget(request);
        self.receivers.forget_undone(&self.state);
        outcome.records.clear();
        outcome.effects.truncate(effects_before);
    }

    fn context<'a>(
        &'a mut self,
        request: Option<RequestId>,
        now_ms: i64,
        operation_reference: u64,
        outcome: &'a mut Outcome,
    ) -> Context<'a> {
        Context::new(
            &mut self.state,
            &mut self.definitions,
            &mut self.waiting,
            &mut self.receivers,
            self.settings,
            now_ms,
            request,
            operation_reference,
            outcome,
        )
    }

    /// Processes a command and its steps, at most so many; gives the bytes of its records.
    fn try_process(
        &mut self,
        command: &Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
        steps_max: usize,
    ) -> usize {
        let mut context = self.context(request, now_ms, command.operation_reference, outcome);
        command::process(&mut context, command);
        let mut steps = 0;
        loop {
            if steps >= steps_max || context.bytes >= SLICE_BYTES_MAX {
                context.spill();
            }
            if let Some(step) = context.steps.pop_front() {
                run_step(&mut context, step);
                steps += 1;
                context.steps_done += 1;
            } else if let Some(command) = context.local_commands.pop_front() {
                context.steps_done = 0;
                command::process(&mut context, &command);
            } else {
                return context.bytes;
            }
        }
    }

    /// A command that cannot be done: nothing of it happened, its sender hears so, and the instance
    /// it was about shows an incident unless the sender is a client who hears of it anyway.
    fn contain(
        &mut self,
        command: &Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
        attempt: &Attempt,
    ) {
        let mut context = self.context(request, now_ms, command.operation_reference, outcome);
        context.begin(command);
        let instance_key = instance_of(&context, command);
        let (rejection_type, error_type, reason) = match attempt {
            Attempt::Failed(message) => {
                let record = ErrorRecord {
                    exception_message: message.clone(),
                    error_event_position: context.state.meta.last_position,
                    process_instance_key: instance_key,
                };
                let key = context.next_key();
                context.event(key, Payload::Error(ErrorIntent::Created, record));
                let reason =
                    format!("Expected to process the command, but the engine failed: {message}");
                (RejectionType::ProcessingError, ErrorType::Unknown, reason)
            }
            Attempt::TooLarge { bytes, records } => {
                let reason = format!(
                    "Expected the command to give at most {ENTRY_RECORDS_MAX} records of {OUTCOME_BYTES_MAX} bytes, but it gives {records} of {bytes}. \
                     Use fewer or smaller variables: store large documents elsewhere and pass a reference."
                );
                (RejectionType::ExceededBatchRecordSize, ErrorType::MessageSizeExceeded, reason)
            }
            Attempt::Done => return,
        };
        let by_client = request.is_some();
        context.reject(command, rejection_type, reason.clone());
        if instance_key != NO_KEY
            && !(by_client && rejection_type == RejectionType::ExceededBatchRecordSize)
        {
            context.stop_at(instance_key, Problem::new(error_type, reason));
        }
        context.drop_failed_work(command);
    }

    /// Applies records that were committed before: the events change state, the rest is skipped.
    ///
    /// # Errors
    /// When a record contradicts the state; the replica must stop then.
    pub fn replay(&mut self, records: &[Record]) -> Result<(), ReplayError> {
        #[cfg(feature = "mutation")]
        crate::mutation::set_replaying(true);
        let replayed = self.replay_all(records);
        #[cfg(feature = "mutation")]
        crate::mutation::set_replaying(false);
        replayed
    }

    fn replay_all(&mut self, records: &[Record]) -> Result<(), ReplayError> {
        for record in records {
            let last = self.state.meta.last_position;
            if record.position <= self.checkpoint_position && record.position <= last {
                continue;
            }
            if record.position != last + 1 {
                return Err(ReplayError(format!(
                    "the log goes on at position {}, but the state is at {last}: the log has a gap or is not this \
                     state's; stop this replica and rebuild it from another one or a backup",
                    record.position
                )));
            }
            if record.record_type == RecordType::Event {
                self.forget_parsed(&record.payload);
            }
            apply::apply(&mut self.state, self.settings.partition_id, record);
        }
        self.state.commit();
        match self.state.take_failure() {
            Some(failure) => Err(ReplayError(failure.to_string())),
            None => Ok(()),
        }
    }

    fn forget_parsed(&mut self, payload: &Payload) {
        match payload {
            Payload::Process(_, process) => self.definitions.forget(process.process_definition_key),
            Payload::DecisionRequirements(_, graph) => {
                self.definitions.graphs.forget(graph.decision_requirements_key);
            }
            _ => {}
        }
    }

    /// Commands that have become due at `now_ms`: timers, deadlines, back-offs, expiries, queued
    /// slices. At most a few times [`crate::limits::DUE_COMMANDS_MAX`]; ask again after processing
    /// them. Sends to repeat and answers that waited long enough come as effects.
    pub fn due(&mut self, now_ms: i64, effects: &mut Vec<Effect>) -> Vec<Command> {
        self.receivers.due(&self.state, self.partition_count(), now_ms, effects);
        self.resending.due(&self.state, self.settings, now_ms, effects);
        let waiting = &mut self.waiting.distributions;
        for waiter in waiting.extract_if(.., |waiter| waiter.until_ms <= now_ms) {
            let (request, response) = (waiter.request, waiter.response);
            effects.push(Effect::Respond { request, response });
        }
        schedule::due(&mut self.state, now_ms)
    }

    /// When [`Engine::due`] has to be asked again at the latest, epoch milliseconds.
    pub fn next_due_ms(&mut self) -> Option<i64> {
        let scheduled = schedule::next_due_ms(&mut self.state);
        let resend = self.resending.next_ms(&mut self.state);
        let distribution = self.receivers.next_ms(&mut self.state);
        let waiting = self.waiting.distributions.iter();
        let answers =
            waiting.map(|waiter| waiter.until_ms).min().filter(|until_ms| *until_ms != i64::MAX);
        [scheduled, resend, distribution, answers].into_iter().flatten().min()
    }

    /// The broker says whether the leader of a partition can be reached. What was not acknowledged is
    /// sent again at once when it can (again, or the partition has another leader); no answer waits
    /// for it while it cannot. Without being told, the engine finds out by itself, a little later.
    pub fn set_reachable(&mut self, partition: PartitionId, reachable: bool) {
        self.receivers.set_reachable(&self.state, partition, reachable);
        if reachable {
            self.resending.reachable(partition);
        }
    }

    /// What other partitions have not acknowledged, ascending by partition; empty when all is well.
    #[must_use]
    pub fn pending_distributions(&self) -> Vec<PendingDistributions> {
        distribute::pending(&self.state, &self.receivers, self.partition_count())
    }

    /// How many partitions there are, as this one knows.
    #[must_use]
    pub fn partition_count(&self) -> u32 {
        self.state.partition_count(self.settings.partitions)
    }

    /// The position of the last record that was written or replayed.
    #[must_use]
    pub fn last_position(&self) -> u64 {
        self.state.meta.last_position
    }

    /// What has to be processed, in an outcome of its own, before a command of another partition:
    /// the checkpoint that its sender made before it sent it. Without it the command is refused.
    #[must_use]
    pub fn checkpoint_before(&self, command: &Command) -> Option<Command> {
        command::checkpoint::before(self.state.meta.checkpoint_id, command)
    }

    /// The last CHECKPOINT of this partition, for backups: its id, and the position of its CREATED
    /// event.
    #[must_use]
    pub fn last_checkpoint(&self) -> Option<(u64, u64)> {
        let meta = &self.state.meta;
        (meta.checkpoint_id > 0).then_some((meta.checkpoint_id, meta.checkpoint_position))
    }

    /// Position as of which the backing store holds the state (from its meta bytes).
    #[must_use]
    pub fn checkpoint_position(&self) -> u64 {
        self.checkpoint_position
    }

    /// Estimated bytes of state in memory that no checkpoint holds yet.
    #[must_use]
    pub fn dirty_bytes(&self) -> usize {
        self.state.recent_bytes()
    }

    /// Freezes what changed since the last checkpoint; `None` while one is under way or nothing changed.
    pub fn begin_checkpoint(&mut self) -> Option<Arc<Checkpoint>> {
        if self.checkpoint.is_some() || self.state.meta.last_position == self.checkpoint_position {
            return None;
        }
        let checkpoint = Arc::new(self.state.freeze());
        self.checkpoint = Some(Arc::clone(&checkpoint));
        Some(checkpoint)
    }

    /// The checkpoint that was begun is durable in the backing store: reads go there now.
    ///
    /// # Errors
    /// When the backing cannot be read.
    pub fn end_checkpoint(&mut self) -> Result<(), BackingError> {
        if let Some(checkpoint) = self.checkpoint.take() {
            self.state.thaw()?;
            self.checkpoint_position = checkpoint.position();
        }
        Ok(())
    }

    /// Every live row of state as bytes (table, key, value), sorted by table and key: equal states
    /// dump equally.
    #[must_use]
    pub fn dump(&self) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
        self.state.dump()
    }
}

/// How processing a command went.
enum Attempt {
    Done,
    /// It has more records, or they take more bytes, than an entry may hold.
    TooLarge {
        bytes: usize,
        records: usize,
    },
    /// The engine panicked, with this message.
    Failed(String),
}

/// Position of a checkpoint from its meta bytes; `None` when they are damaged.
#[must_use]
pub fn position_of_meta(meta: &[u8]) -> Option<u64> {
    <Meta as prost::Message>::decode(meta).ok().map(|meta| meta.last_position)
}

fn run_step(context: &mut Context<'_>, step: Step) {
    let key = step.key();
    let job_key = match &step {
        Step::ThrowError { job_key, .. } => *job_key,
        _ => NO_KEY,
    };
    if let Err(problem) = context.run(step) {
        if job_key == NO_KEY {
            context.stop_at(key, problem);
        } else {
            context.stop_job_at(job_key, problem);
        }
    }
}

/// The element instance that a command is about, for the incident of an internal error.
fn instance_of(context: &Context<'_>, command: &Command) -> Key {
    let key = match &command.payload {
        Payload::ProcessInstance(..) => command.key,
        Payload::Job(..) => context
            .state
            .jobs
            .get(&command.key)
            .map_or(NO_KEY, |job| job.record.element_instance_key),
        Payload::Timer(_, timer) => timer.element_instance_key,
        Payload::ProcessMessageSubscription(_, value) => value.element_instance_key,
        Payload::VariableDocument(_, value) => value.scope_key,
        Payload::Incident(..) => context
            .state
            .incidents
            .get(&command.key)
            .map_or(NO_KEY, |incident| incident.element_instance_key),
        Payload::ProcessInstanceBatch(..) => context
            .state
            .batches
            .get(&command.key)
            .map_or(NO_KEY, |batch| batch.process_instance_key),
        _ => NO_KEY,
    };
    if context.state.element_instances.contains(&key) { key } else { NO_KEY }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown failure".to_owned())
}
