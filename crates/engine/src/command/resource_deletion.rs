//! RESOURCE_DELETION DELETE: a process definition gets no new instances and is gone when its last one
//! ended (`spec/engine.md` 7.11, item 118); a decision requirements graph is gone at once, with its
//! decisions.

use std::ops::ControlFlow;

use skep_protocol::{
    Command, DecisionIntent, DecisionRequirementsIntent, Key, NO_KEY, Payload, ProcessIntent,
    ProcessRecord, RejectionType, ResourceDeletionIntent, ResourceDeletionRecord,
    key::partition_of,
};

use super::deployment;
use crate::context::Context;
use crate::decision_graphs::decisions_of;
use crate::distribute;

pub(super) fn delete(context: &mut Context<'_>, command: &Command, value: &ResourceDeletionRecord) {
    if command.key != NO_KEY && partition_of(command.key) != context.settings.partition_id {
        let key = value.resource_key;
        return distribute::receive(context, command, |context| delete_resource(context, key));
    }
    let key = value.resource_key;
    let process = context.state.processes.get(&key);
    let is_process = process.is_some_and(|process| is_alive(context, &process));
    if !is_process && !context.state.decision_requirements.contains(&key) {
        let reason = format!("Expected to delete resource but no resource found with key '{key}'");
        return context.reject(command, RejectionType::NotFound, reason);
    }
    let deletion_key = context.next_key();
    let event = |intent| Payload::ResourceDeletion(intent, value.clone());
    context.event(deletion_key, event(ResourceDeletionIntent::Deleting));
    delete_resource(context, key);
    context.event(deletion_key, event(ResourceDeletionIntent::Deleted));
    context.respond_accepted(deletion_key, event(ResourceDeletionIntent::Deleted));
    let others = context.others();
    distribute::start(context, deletion_key, &event(ResourceDeletionIntent::Delete), &others);
}

fn delete_resource(context: &mut Context<'_>, key: Key) {
    delete_definition(context, key);
    delete_decision_requirements(context, key);
}

/// The graph and its decisions; the versions before them are the latest again.
fn delete_decision_requirements(context: &mut Context<'_>, key: Key) {
    let Some(mut graph) = context.state.decision_requirements.get(&key) else { return };
    for decision_key in decisions_of(context.state, key) {
        if let Some(decision) = context.state.decisions.get(&decision_key) {
            context.event(decision_key, Payload::Decision(DecisionIntent::Deleted, decision));
        }
    }
    graph.resource = bytes::Bytes::new();
    graph.imports.clear();
    context.event(key, Payload::DecisionRequirements(DecisionRequirementsIntent::Deleted, graph));
    context.definitions.graphs.forget(key);
}

fn is_alive(context: &Context<'_>, process: &ProcessRecord) -> bool {
    let id = (process.bpmn_process_id.clone(), process.version);
    context.state.process_versions.get(&id) == Some(process.process_definition_key)
}

fn delete_definition(context: &mut Context<'_>, key: Key) {
    let Some(mut process) = context.state.processes.get(&key) else { return };
    process.resource = bytes::Bytes::new();
    let was_latest = context.latest_definition_key(&process.bpmn_process_id) == Some(key);
    if was_latest {
        deployment::close_start_events(context, key);
    }
    context.event(key, Payload::Process(ProcessIntent::Deleting, process.clone()));
    if was_latest && let Some(previous) = context.latest_definition_key(&process.bpmn_process_id) {
        deployment::open_start_events(context, previous);
    }
    context.forget_drained_definition(key);
}

impl Context<'_> {
    /// Removes a definition that is being deleted when its last instance is gone.
    pub(crate) fn forget_drained_definition(&mut self, key: Key) {
        // Every completed instance comes here: the look at the others, which may have to pass many
        // that ended since the last checkpoint, is only for definitions on their way out.
        let Some(mut process) = self.state.processes.get(&key) else { return };
        if is_alive(self, &process) {
            return;
        }
        let mut in_use = false;
        let to = (key + 1, NO_KEY);
        self.state.process_instances_by_definition.scan(&(key, NO_KEY), Some(&to), &mut |_, ()| {
            in_use = true;
            ControlFlow::Break(())
        });
        if in_use {
            return;
        }
        process.resource = bytes::Bytes::new();
        self.event(key, Payload::Process(ProcessIntent::Deleted, process));
        self.definitions.forget(key);
    }
}
