//! DEPLOYMENT CREATE on partition 1, and its distribution to the others (`spec/engine.md` 7.11).

mod graphs;
mod resources;
mod start_events;
mod versions;

use skep_protocol::{
    Command, DecisionIntent, DecisionRecord, DecisionRequirementsIntent,
    DecisionRequirementsRecord, DeploymentIntent, DeploymentRecord, Key, PartitionId, Payload,
    ProcessIntent, ProcessRecord, RejectionType, ResourceRecord,
};

use crate::context::{Context, DistributionWaiter};
use crate::distribute;
use crate::outcome::Response;

pub(crate) use start_events::message_start_names;
pub(super) use start_events::{close_start_events, open_start_events};

/// Partition that decides about deployments and runs timer start events.
const DEPLOYMENT_PARTITION: u32 = 1;

pub(super) fn create(context: &mut Context<'_>, command: &Command, value: &DeploymentRecord) {
    let resources = match resources::read(context, value) {
        Ok(resources) => resources,
        Err(reason) => return context.reject(command, RejectionType::InvalidArgument, reason),
    };
    let deployment_key = context.next_key();
    let record = DeploymentRecord {
        deployment_key,
        tenant_id: value.tenant_id.clone(),
        ..versions::assign(context, &resources)
    };
    let payload = Payload::Deployment(DeploymentIntent::Created, record.clone());
    context.event(deployment_key, payload.clone());
    let distributed = DeploymentRecord { resources: value.resources.clone(), ..record };
    receive(context, &distributed);
    let others = context.receivers_of_deployments();
    if !is_known(&distributed) {
        distribute::start(
            context,
            deployment_key,
            &Payload::Deployment(DeploymentIntent::Distribute, distributed),
            &others,
        );
    }
    answer(context, deployment_key, payload, value.awaits_all_partitions);
}

/// Answers when other partitions have the deployment, so that a create right after it finds the
/// process on each. One that is away is not waited for, and one that becomes so only shortly; unless
/// the client asked to wait for all, however long that takes.
fn answer(context: &mut Context<'_>, key: Key, payload: Payload, awaits_all: bool) {
    let mut on = context.pending_of_others();
    if !awaits_all {
        on.retain(|(partition, last)| *last == key && !context.receivers.is_away(*partition));
    }
    if on.is_empty() {
        return context.respond_accepted(key, payload);
    }
    let Some(request) = context.request.take() else { return };
    let position = context.state.meta.last_position;
    let response = Response::Accepted { key, position, payload: Box::new(payload) };
    let until_ms = if awaits_all {
        i64::MAX
    } else {
        let partitions: Vec<PartitionId> = on.iter().map(|(partition, _)| *partition).collect();
        context.now_ms.saturating_add(context.receivers.answer_wait_ms(&partitions))
    };
    context.waiting.distributions.push(DistributionWaiter { request, response, on, until_ms });
}

/// Whether a deployment has nothing that is new.
fn is_known(value: &DeploymentRecord) -> bool {
    value.processes.iter().all(|process| process.duplicate)
        && value.decision_requirements.iter().all(|graph| graph.duplicate)
}

/// Makes the definitions of a deployment on this partition. What is there already is written over
/// with the same, so that a second delivery changes nothing.
pub(super) fn receive(context: &mut Context<'_>, value: &DeploymentRecord) {
    receive_decisions(context, value);
    for metadata in value.processes.iter().filter(|process| !process.duplicate) {
        let Some(resource) = resource_of(value, &metadata.resource_name) else { continue };
        let previous = context.latest_definition_key(&metadata.bpmn_process_id);
        let record = ProcessRecord {
            bpmn_process_id: metadata.bpmn_process_id.clone(),
            version: metadata.version,
            process_definition_key: metadata.process_definition_key,
            resource_name: metadata.resource_name.clone(),
            resource: resource.content.clone(),
            checksum: metadata.checksum.clone(),
            deployment_key: value.deployment_key,
            version_tag: metadata.version_tag.clone(),
            tenant_id: value.tenant_id.clone(),
        };
        let key = metadata.process_definition_key;
        context.event(key, Payload::Process(ProcessIntent::Created, record));
        if let Some(previous) = previous {
            close_start_events(context, previous);
        }
        open_start_events(context, key);
    }
}

fn receive_decisions(context: &mut Context<'_>, value: &DeploymentRecord) {
    for metadata in value.decision_requirements.iter().filter(|graph| !graph.duplicate) {
        let Some(resource) = resource_of(value, &metadata.resource_name) else { continue };
        let imports = metadata.imported_resource_names.iter();
        let record = DecisionRequirementsRecord {
            decision_requirements_id: metadata.decision_requirements_id.clone(),
            decision_requirements_name: metadata.decision_requirements_name.clone(),
            version: metadata.version,
            decision_requirements_key: metadata.decision_requirements_key,
            namespace: metadata.namespace.clone(),
            resource_name: metadata.resource_name.clone(),
            resource: resource.content.clone(),
            checksum: metadata.checksum.clone(),
            deployment_key: value.deployment_key,
            tenant_id: value.tenant_id.clone(),
            imports: imports.filter_map(|name| resource_of(value, name)).cloned().collect(),
        };
        let key = metadata.decision_requirements_key;
        context
            .event(key, Payload::DecisionRequirements(DecisionRequirementsIntent::Created, record));
        context.definitions.graphs.forget(key);
    }
    for metadata in value.decisions.iter().filter(|decision| !decision.duplicate) {
        let record = DecisionRecord {
            decision_id: metadata.decision_id.clone(),
            decision_name: metadata.decision_name.clone(),
            version: metadata.version,
            decision_key: metadata.decision_key,
            decision_requirements_id: metadata.decision_requirements_id.clone(),
            decision_requirements_key: metadata.decision_requirements_key,
            version_tag: metadata.version_tag.clone(),
            deployment_key: value.deployment_key,
            tenant_id: value.tenant_id.clone(),
        };
        let payload = Payload::Decision(DecisionIntent::Created, record);
        context.event(metadata.decision_key, payload);
    }
}

fn resource_of<'a>(value: &'a DeploymentRecord, name: &str) -> Option<&'a ResourceRecord> {
    value.resources.iter().find(|resource| resource.name == name)
}
