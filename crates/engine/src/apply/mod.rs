//! Event appliers: the only writers of state.
//!
//! An applier turns one event into changes of tables. It never decides, never looks at a model and
//! never fails: whatever it needs is in the event or in state. Replay runs the same code.

mod checkpoint;
mod decision;
mod deployment;
mod distribution;
mod incident;
mod job;
mod message;
mod message_start;
mod message_subscription;
mod process_instance;
mod process_message_subscription;
mod scale;
mod timer;
mod variable;

use skep_protocol::{PartitionId, Payload, ProcessInstanceBatchIntent, Record, RecordType};

use crate::state::State;

/// Applies one record; commands and rejections only move the position.
pub(crate) fn apply(state: &mut State, partition_id: PartitionId, record: &Record) {
    state.meta.last_position = record.position;
    if record.record_type != RecordType::Event {
        return;
    }
    #[cfg(feature = "mutation")]
    let partition_id = if crate::mutation::is_in_replay("keys are not counted in replay") {
        PartitionId::MAX
    } else {
        partition_id
    };
    state.note_key(partition_id, record.key);
    let key = record.key;
    match &record.payload {
        Payload::ProcessInstance(intent, value) => {
            process_instance::apply(state, key, *intent, value)
        }
        Payload::ProcessInstanceCreation(intent, value) => {
            process_instance::apply_creation(state, *intent, value, record);
        }
        Payload::Variable(_, value) => variable::apply(state, key, value),
        Payload::Job(intent, value) => job::apply(state, key, *intent, value),
        Payload::JobBatch(_, value) => job::apply_batch(state, value),
        Payload::Incident(intent, value) => incident::apply(state, key, *intent, value),
        Payload::Timer(intent, value) => timer::apply(state, key, *intent, value),
        Payload::Message(intent, value) => message::apply(state, key, *intent, value),
        Payload::MessageSubscription(intent, value) => {
            message_subscription::apply(state, key, *intent, value);
        }
        Payload::ProcessMessageSubscription(intent, value) => {
            process_message_subscription::apply(state, *intent, value);
        }
        Payload::MessageStartEventSubscription(intent, value) => {
            message_start::apply(state, *intent, value);
        }
        Payload::ProcessEvent(intent, value) => {
            process_instance::apply_trigger(state, key, *intent, value)
        }
        Payload::Process(intent, value) => deployment::apply(state, key, *intent, value),
        Payload::Decision(intent, value) => decision::apply(state, key, *intent, value),
        Payload::DecisionRequirements(intent, value) => {
            decision::apply_requirements(state, key, *intent, value);
        }
        Payload::CommandDistribution(intent, value) => {
            distribution::apply(state, key, *intent, value, record.timestamp_ms)
        }
        Payload::ProcessInstanceBatch(intent, value) => match intent {
            ProcessInstanceBatchIntent::Enqueued => state.batches.insert_new(key, value.clone()),
            ProcessInstanceBatchIntent::Continued => state.batches.remove(&key),
            ProcessInstanceBatchIntent::Terminate
            | ProcessInstanceBatchIntent::Activate
            | ProcessInstanceBatchIntent::Continue => {}
        },
        Payload::Scale(intent, value) => scale::apply(state, key, *intent, value),
        Payload::Checkpoint(intent, value) => checkpoint::apply(state, *intent, value),
        // These state facts for exporters; what they change is in the events around them.
        Payload::Deployment(..)
        | Payload::DecisionEvaluation(..)
        | Payload::VariableDocument(..)
        | Payload::ProcessInstanceResult(..)
        | Payload::MessageCorrelation(..)
        | Payload::MessageBatch(..)
        | Payload::Signal(..)
        | Payload::ResourceDeletion(..)
        | Payload::Error(..) => {}
    }
}
