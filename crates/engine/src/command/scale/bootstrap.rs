//! SCALE BOOTSTRAP: the next slice of what is deployed, on its way to a new partition.
//!
//! Definitions go deployment by deployment, oldest first, with the keys and versions that they have,
//! so that the new partition makes the same of them. A deployment that is made meanwhile is not
//! distributed to it: its definitions are the newest, so this finds them last. What was deleted is
//! not among them.

use std::ops::ControlFlow;

use skep_protocol::{
    Command, DecisionMetadata, DecisionRequirementsMetadata, DecisionRequirementsRecord,
    DeploymentIntent, DeploymentRecord, Key, NO_KEY, PartitionId, Payload, ProcessMetadata,
    ProcessRecord, RejectionType, ResourceRecord, ScaleIntent, ScaleRecord,
};

use crate::context::Context;
use crate::decision_graphs::decisions_of;
use crate::distribute;
use crate::limits::{BOOTSTRAP_BYTES_MAX, BOOTSTRAP_DEPLOYMENTS_MAX};

pub(super) fn go_on(context: &mut Context<'_>, command: &Command, partition_id: PartitionId) {
    let Some(mut row) = context.state.bootstraps.get(&partition_id).filter(|row| !row.complete)
    else {
        let reason = format!(
            "Expected partition '{partition_id}' to lack something that is deployed, but it does not"
        );
        return context.reject(command, RejectionType::NotFound, reason);
    };
    let bytes_before = context.bytes;
    for _ in 0..BOOTSTRAP_DEPLOYMENTS_MAX {
        if context.bytes.saturating_sub(bytes_before) > BOOTSTRAP_BYTES_MAX {
            break;
        }
        let Some((deployment, last)) = next_deployment(context, row.definitions_up_to) else {
            row.complete = true;
            break;
        };
        row.definitions_up_to = last;
        row.last_distribution_key = context.next_key();
        distribute::start(
            context,
            row.last_distribution_key,
            &Payload::Deployment(DeploymentIntent::Distribute, deployment),
            &[partition_id],
        );
    }
    let record = ScaleRecord {
        partition_id,
        desired_partition_count: context.partition_count(),
        definitions_up_to: row.definitions_up_to,
        last_distribution_key: row.last_distribution_key,
        complete: row.complete,
        ..ScaleRecord::default()
    };
    context.event(NO_KEY, Payload::Scale(ScaleIntent::Bootstrapping, record));
    // Everything may have been acknowledged before this was known to be all.
    let is_pending =
        context.state.distributions_pending.contains(&(partition_id, row.last_distribution_key));
    if row.complete && !is_pending {
        super::acknowledged(context, partition_id, row.last_distribution_key);
    }
}

/// The oldest deployment with a living definition above a key, and the last of its definitions.
fn next_deployment(context: &Context<'_>, after: Key) -> Option<(DeploymentRecord, Key)> {
    let from = after.checked_add(1)?;
    let processes = processes_from(context, from);
    let graphs = graphs_from(context, from);
    let first = |key: Option<Key>| key.unwrap_or(Key::MAX);
    let deployment_key = first(processes.first().map(|process| process.deployment_key))
        .min(first(graphs.first().map(|graph| graph.deployment_key)));
    let mut deployment = DeploymentRecord { deployment_key, ..DeploymentRecord::default() };
    let mut last = NO_KEY;
    for process in processes.iter().filter(|one| one.deployment_key == deployment_key) {
        last = last.max(process.process_definition_key);
        add_process(&mut deployment, process);
    }
    for graph in graphs.iter().filter(|one| one.deployment_key == deployment_key) {
        last = last.max(graph.decision_requirements_key);
        add_graph(context, &mut deployment, graph);
    }
    (last != NO_KEY).then_some((deployment, last))
}

/// The living processes of the first deployment above a key.
fn processes_from(context: &Context<'_>, from: Key) -> Vec<ProcessRecord> {
    let mut found: Vec<ProcessRecord> = Vec::new();
    context.state.processes.scan(&from, None, &mut |key, process| {
        let id = (process.bpmn_process_id.clone(), process.version);
        if context.state.process_versions.get(&id) != Some(*key) {
            return ControlFlow::Continue(());
        }
        if found.first().is_some_and(|first| first.deployment_key != process.deployment_key) {
            return ControlFlow::Break(());
        }
        found.push(process.clone());
        ControlFlow::Continue(())
    });
    found
}

/// The decision requirements graphs of the first deployment above a key.
fn graphs_from(context: &Context<'_>, from: Key) -> Vec<DecisionRequirementsRecord> {
    let mut found: Vec<DecisionRequirementsRecord> = Vec::new();
    context.state.decision_requirements.scan(&from, None, &mut |_, graph| {
        if found.first().is_some_and(|first| first.deployment_key != graph.deployment_key) {
            return ControlFlow::Break(());
        }
        found.push(graph.clone());
        ControlFlow::Continue(())
    });
    found
}

fn add_resource(deployment: &mut DeploymentRecord, name: &str, content: &bytes::Bytes) {
    if deployment.resources.iter().all(|resource| resource.name != name) {
        let resource = ResourceRecord { name: name.to_owned(), content: content.clone() };
        deployment.resources.push(resource);
    }
}

fn add_process(deployment: &mut DeploymentRecord, process: &ProcessRecord) {
    add_resource(deployment, &process.resource_name, &process.resource);
    deployment.tenant_id.clone_from(&process.tenant_id);
    deployment.processes.push(ProcessMetadata {
        bpmn_process_id: process.bpmn_process_id.clone(),
        version: process.version,
        process_definition_key: process.process_definition_key,
        resource_name: process.resource_name.clone(),
        checksum: process.checksum.clone(),
        duplicate: false,
        version_tag: process.version_tag.clone(),
    });
}

fn add_graph(
    context: &Context<'_>,
    deployment: &mut DeploymentRecord,
    graph: &DecisionRequirementsRecord,
) {
    add_resource(deployment, &graph.resource_name, &graph.resource);
    for file in &graph.imports {
        add_resource(deployment, &file.name, &file.content);
    }
    deployment.tenant_id.clone_from(&graph.tenant_id);
    deployment.decision_requirements.push(DecisionRequirementsMetadata {
        decision_requirements_id: graph.decision_requirements_id.clone(),
        decision_requirements_name: graph.decision_requirements_name.clone(),
        version: graph.version,
        decision_requirements_key: graph.decision_requirements_key,
        namespace: graph.namespace.clone(),
        resource_name: graph.resource_name.clone(),
        checksum: graph.checksum.clone(),
        duplicate: false,
        imported_resource_names: graph.imports.iter().map(|file| file.name.clone()).collect(),
    });
    for key in decisions_of(context.state, graph.decision_requirements_key) {
        let Some(decision) = context.state.decisions.get(&key) else { continue };
        deployment.decisions.push(DecisionMetadata {
            decision_id: decision.decision_id,
            decision_name: decision.decision_name,
            version: decision.version,
            decision_key: decision.decision_key,
            decision_requirements_id: decision.decision_requirements_id,
            decision_requirements_key: decision.decision_requirements_key,
            duplicate: false,
            version_tag: decision.version_tag,
        });
    }
}
