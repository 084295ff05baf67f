//! What a command works with: state to read, a writer of events, the queue of steps.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use skep_protocol::{
    Command, Key, PartitionId, Payload, ProcessInstanceBatchIntent, ProcessInstanceBatchRecord,
    Record, RecordType, Rejection, RejectionType, TimerIntent, key,
};

use crate::apply;
use crate::definitions::{Definition, Definitions};
use crate::distribute::Receivers;
use crate::engine::Settings;
use crate::outcome::{Effect, Outcome, RequestId, Response};
use crate::state::State;
use crate::step::Step;

/// Requests that wait for more than their own command. Lost with the leader; clients time out then.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Process instance to who awaits its result, and which variables.
    pub(crate) results: BTreeMap<Key, (RequestId, Vec<String>)>,
    /// Message to who awaits its correlation.
    pub(crate) correlations: BTreeMap<Key, RequestId>,
    /// Who awaits that other partitions have something.
    pub(crate) distributions: Vec<DistributionWaiter>,
}

/// A request that is answered when other partitions have acknowledged a distribution.
pub(crate) struct DistributionWaiter {
    pub(crate) request: RequestId,
    pub(crate) response: Response,
    /// Partitions that have not, and what each has to acknowledge.
    pub(crate) on: Vec<(PartitionId, Key)>,
    /// When it is answered at the latest, epoch milliseconds.
    pub(crate) until_ms: i64,
}

impl Waiting {
    /// Forgets a request whose command was undone: the keys it waits for will be given out again.
    pub(crate) fn forget(&mut self, request: Option<RequestId>) {
        let is_other = |other: &RequestId| Some(*other) != request;
        self.results.retain(|_, (other, _)| is_other(other));
        self.correlations.retain(|_, other| is_other(other));
        self.distributions.retain(|waiter| is_other(&waiter.request));
    }
}

/// Records that most commands stay below; growing step by step would copy them again and again.
const RECORDS_USUAL: usize = 40;

/// Processing of one command.
pub(crate) struct Context<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) definitions: &'a mut Definitions,
    pub(crate) waiting: &'a mut Waiting,
    pub(crate) receivers: &'a mut Receivers,
    pub(crate) settings: Settings,
    pub(crate) now_ms: i64,
    pub(crate) request: Option<RequestId>,
    pub(crate) operation_reference: u64,
    pub(crate) steps: VecDeque<Step>,
    /// Commands for this partition itself that follow from this one.
    pub(crate) local_commands: VecDeque<Command>,
    /// Steps that the instance ran before this command without waiting.
    pub(crate) steps_done: u64,
    pub(crate) outcome: &'a mut Outcome,
    pub(crate) source_position: u64,
    /// About how many bytes the records so far take.
    pub(crate) bytes: usize,
    intent: &'static str,
    /// Evaluations so far: each has a random seed of its own.
    pub(crate) evaluations: Cell<u64>,
}

impl<'a> Context<'a> {
    #[expect(clippy::too_many_arguments, reason = "the parts of the engine, borrowed one by one")]
    pub(crate) fn new(
        state: &'a mut State,
        definitions: &'a mut Definitions,
        waiting: &'a mut Waiting,
        receivers: &'a mut Receivers,
        settings: Settings,
        now_ms: i64,
        request: Option<RequestId>,
        operation_reference: u64,
        outcome: &'a mut Outcome,
    ) -> Self {
        Self {
            state,
            definitions,
            waiting,
            receivers,
            settings,
            now_ms,
            request,
            operation_reference,
            steps: VecDeque::new(),
            local_commands: VecDeque::new(),
            steps_done: 0,
            outcome,
            source_position: 0,
            bytes: 0,
            intent: "",
            evaluations: Cell::new(0),
        }
    }

    /// Writes the command itself; what follows names it as its source.
    pub(crate) fn begin(&mut self, command: &Command) {
        self.source_position = 0;
        self.intent = command.payload.intent_name();
        self.outcome.records.reserve(RECORDS_USUAL);
        self.push(command.key, RecordType::Command, None, command.payload.clone());
        self.source_position = self.state.meta.last_position;
    }

    /// Takes the command's own record back: it turned out that nothing happened.
    pub(crate) fn forget_command(&mut self) {
        if self.outcome.records.len() == 1 {
            self.outcome.records.clear();
            self.state.meta.last_position -= 1;
        }
    }

    /// A new key of this partition. It must become the key of the next event.
    pub(crate) fn next_key(&mut self) -> Key {
        self.state.meta.key_counter += 1;
        key::compose(self.settings.partition_id, self.state.meta.key_counter)
    }

    /// Writes an event and applies it.
    pub(crate) fn event(&mut self, key: Key, payload: Payload) {
        self.push(key, RecordType::Event, None, payload);
        if let Some(record) = self.outcome.records.last() {
            apply::apply(self.state, self.settings.partition_id, record);
        }
    }

    fn push(
        &mut self,
        key: Key,
        record_type: RecordType,
        rejection: Option<Rejection>,
        payload: Payload,
    ) {
        self.state.meta.last_position += 1;
        self.bytes += payload.bytes_estimate();
        self.outcome.records.push(Record {
            position: self.state.meta.last_position,
            source_position: self.source_position,
            key,
            timestamp_ms: self.now_ms,
            record_type,
            operation_reference: self.operation_reference,
            rejection,
            payload,
        });
    }

    /// Refuses the command: a record, and the answer.
    pub(crate) fn reject(
        &mut self,
        command: &Command,
        kind: RejectionType,
        reason: impl Into<String>,
    ) {
        let rejection = Rejection::new(kind, reason);
        self.push(
            command.key,
            RecordType::Rejection,
            Some(rejection.clone()),
            command.payload.clone(),
        );
        self.respond_rejected(rejection);
    }

    /// Answers the request with a refusal.
    pub(crate) fn respond_rejected(&mut self, rejection: Rejection) {
        let intent = self.intent;
        self.respond(Response::Rejected { intent, rejection });
    }

    /// Answers the request, once.
    pub(crate) fn respond(&mut self, response: Response) {
        if let Some(request) = self.request.take() {
            self.outcome.effects.push(Effect::Respond { request, response });
        }
    }

    /// Answers the request with the event that fulfilled it.
    pub(crate) fn respond_accepted(&mut self, key: Key, payload: Payload) {
        if self.request.is_some() {
            let position = self.state.meta.last_position;
            self.respond(Response::Accepted { key, position, payload: Box::new(payload) });
        }
    }

    /// Adds an effect.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.outcome.effects.push(effect);
    }

    /// Hands a command to a partition: to this one at once, to another after the commit.
    pub(crate) fn send(&mut self, partition: PartitionId, mut command: Command) {
        if partition == self.settings.partition_id {
            self.local_commands.push_back(command);
        } else {
            command.checkpoint_id = self.state.meta.checkpoint_id;
            self.effect(Effect::Send { partition, command });
        }
    }

    /// How many partitions there are.
    pub(crate) fn partition_count(&self) -> u32 {
        self.state.partition_count(self.settings.partitions)
    }

    /// Queues a step.
    pub(crate) fn step(&mut self, step: Step) {
        self.steps.push_back(step);
    }

    /// The definition with this key.
    pub(crate) fn definition(&mut self, key: Key) -> Option<Arc<Definition>> {
        self.definitions.get(self.state, key)
    }

    /// Puts the steps that are left into a record that a later command takes up again.
    pub(crate) fn spill(&mut self) {
        let Some(first) = self.steps.front() else { return };
        let process_instance_key = self
            .state
            .element_instances
            .get(&first.key())
            .map_or(skep_protocol::NO_KEY, |instance| instance.record.process_instance_key);
        let steps = self.steps.drain(..).map(|step| step.encode()).collect();
        let key = self.next_key();
        let record =
            ProcessInstanceBatchRecord { process_instance_key, steps, steps_done: self.steps_done };
        self.event(
            key,
            Payload::ProcessInstanceBatch(ProcessInstanceBatchIntent::Enqueued, record),
        );
    }

    /// Removes work that came due and cannot be done: it would come due again and again.
    pub(crate) fn drop_failed_work(&mut self, command: &Command) {
        match &command.payload {
            Payload::ProcessInstanceBatch(..) => {
                if let Some(mut record) = self.state.batches.get(&command.key) {
                    record.steps.clear();
                    self.event(
                        command.key,
                        Payload::ProcessInstanceBatch(
                            ProcessInstanceBatchIntent::Continued,
                            record,
                        ),
                    );
                }
            }
            Payload::Timer(_, value) => {
                if let Some(record) =
                    self.state.timers.get(&(value.element_instance_key, command.key))
                {
                    self.event(command.key, Payload::Timer(TimerIntent::Canceled, record));
                }
            }
            _ => {}
        }
    }
}
