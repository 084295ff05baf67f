//! One file per kind of command: validate, decide, write records.

mod batch;
pub(crate) mod checkpoint;
mod creation;
mod decision_evaluation;
pub(crate) mod deployment;
mod incident;
mod job;
mod job_batch;
mod message;
mod message_correlation;
mod message_subscription;
mod process_instance;
mod process_message_subscription;
mod resource_deletion;
pub(crate) mod scale;
mod signal;
mod timer;
mod variable_document;

use skep_protocol::{
    CheckpointIntent, Command, CommandDistributionIntent, DecisionEvaluationIntent,
    DeploymentIntent, IncidentIntent, MessageBatchIntent, MessageCorrelationIntent, MessageIntent,
    Payload, ProcessInstanceBatchIntent, ProcessInstanceCreationIntent, ProcessInstanceIntent,
    RejectionType, ResourceDeletionIntent, SignalIntent, TimerIntent, VariableDocumentIntent,
};

use crate::context::Context;
use crate::distribute;

/// Processes one command: exactly one event or rejection fulfils it.
pub(crate) fn process(context: &mut Context<'_>, command: &Command) {
    context.begin(command);
    if command.checkpoint_id > context.state.meta.checkpoint_id {
        let reason = format!(
            "Expected checkpoint '{}' to be there before a command that was sent behind it, but it is not",
            command.checkpoint_id
        );
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    match &command.payload {
        Payload::Deployment(DeploymentIntent::Create, value) => {
            deployment::create(context, command, value)
        }
        Payload::Deployment(DeploymentIntent::Distribute, value) => {
            distribute::receive(context, command, |context| deployment::receive(context, value));
        }
        Payload::DecisionEvaluation(DecisionEvaluationIntent::Evaluate, value) => {
            decision_evaluation::evaluate(context, command, value);
        }
        Payload::ProcessInstanceCreation(
            intent @ (ProcessInstanceCreationIntent::Create
            | ProcessInstanceCreationIntent::CreateWithAwaitingResult),
            value,
        ) => creation::create(context, command, *intent, value),
        Payload::ProcessInstance(ProcessInstanceIntent::Cancel, _) => {
            process_instance::cancel(context, command)
        }
        Payload::Job(intent, value) => job::process(context, command, *intent, value),
        Payload::JobBatch(skep_protocol::JobBatchIntent::Activate, value) => {
            job_batch::activate(context, command, value);
        }
        Payload::Incident(IncidentIntent::Resolve, _) => incident::resolve(context, command),
        Payload::VariableDocument(VariableDocumentIntent::Update, value) => {
            variable_document::update(context, command, value);
        }
        Payload::Message(MessageIntent::Publish, value) => {
            message::publish(context, command, value)
        }
        Payload::MessageBatch(MessageBatchIntent::Expire, _) => message::expire(context),
        Payload::MessageCorrelation(MessageCorrelationIntent::Correlate, value) => {
            message_correlation::correlate(context, command, value);
        }
        Payload::MessageSubscription(intent, value) => {
            message_subscription::process(context, command, *intent, value);
        }
        Payload::ProcessMessageSubscription(intent, value) => {
            process_message_subscription::process(context, command, *intent, value);
        }
        Payload::Timer(TimerIntent::Trigger, value) => timer::trigger(context, command, value),
        Payload::Signal(SignalIntent::Broadcast, value) => {
            signal::broadcast(context, command, value)
        }
        Payload::ResourceDeletion(ResourceDeletionIntent::Delete, value) => {
            resource_deletion::delete(context, command, value);
        }
        Payload::CommandDistribution(CommandDistributionIntent::Acknowledge, value) => {
            distribute::acknowledge(context, command, value);
        }
        Payload::ProcessInstanceBatch(ProcessInstanceBatchIntent::Continue, _) => {
            batch::go_on(context, command)
        }
        Payload::Scale(intent, value) => scale::process(context, command, *intent, value),
        Payload::Checkpoint(CheckpointIntent::Create, value) => {
            checkpoint::create(context, value);
        }
        other => {
            let reason = format!(
                "Expected a command that the engine knows, but {} {} is none",
                other.value_type().name(),
                other.intent_name()
            );
            context.reject(command, RejectionType::InvalidArgument, reason);
        }
    }
}
