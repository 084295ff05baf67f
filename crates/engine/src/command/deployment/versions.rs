//! Keys and versions of a deployment, decided once on the deployment partition and the same on
//! every other.

use bytes::Bytes;
use skep_bpmn::Process;
use skep_bpmn::model::{Binding, ElementKind};
use skep_protocol::{
    DecisionMetadata, DecisionRequirementsMetadata, DecisionRequirementsRecord, DeploymentRecord,
    ProcessMetadata, ProcessRecord, ResourceRecord,
};

use super::graphs::Graph;
use super::resources::Resources;
use crate::context::Context;
use crate::decision_graphs::decisions_of;

/// The metadata of everything that the resources define.
pub(super) fn assign(context: &mut Context<'_>, resources: &Resources<'_>) -> DeploymentRecord {
    let processes: Vec<Option<ProcessRecord>> = resources
        .processes
        .iter()
        .map(|(resource, process)| known_process(context, resource, process))
        .collect();
    let graphs: Vec<Option<DecisionRequirementsRecord>> =
        resources.graphs.iter().map(|graph| known_graph(context, graph)).collect();
    let any_new = processes.iter().any(Option::is_none) || graphs.iter().any(Option::is_none);
    // What refers to its own deployment is new when anything in the deployment is, and so is what it
    // may refer to.
    let renew =
        any_new && resources.processes.iter().any(|(_, process)| binds_to_deployment(process));
    let mut record = DeploymentRecord::default();
    for ((resource, process), known) in resources.processes.iter().zip(processes) {
        let metadata = process_metadata(context, resource, process, known.filter(|_| !renew));
        record.processes.push(metadata);
    }
    for (graph, known) in resources.graphs.iter().zip(graphs) {
        add_graph(context, graph, known.filter(|_| !renew), &mut record);
    }
    record
}

/// The latest version of a process, if it is from this file.
fn known_process(
    context: &Context<'_>,
    resource: &ResourceRecord,
    process: &Process,
) -> Option<ProcessRecord> {
    let key = context.latest_definition_key(&process.id)?;
    let latest = context.state.processes.get(&key)?;
    let same = latest.resource == resource.content && latest.resource_name == resource.name;
    same.then_some(latest)
}

fn process_metadata(
    context: &mut Context<'_>,
    resource: &ResourceRecord,
    process: &Process,
    known: Option<ProcessRecord>,
) -> ProcessMetadata {
    let duplicate = known.is_some();
    let (version, process_definition_key) = match known {
        Some(known) => (known.version, known.process_definition_key),
        None => {
            let id = process.id.to_string();
            let highest = context.state.process_versions_highest.get(&id).unwrap_or_default();
            (highest + 1, context.next_key())
        }
    };
    ProcessMetadata {
        bpmn_process_id: process.id.to_string(),
        version,
        process_definition_key,
        resource_name: resource.name.clone(),
        checksum: checksum(&resource.content),
        duplicate,
        version_tag: process.version_tag.to_string(),
    }
}

fn binds_to_deployment(process: &Process) -> bool {
    process.elements.iter().any(|element| {
        let binding = match &element.kind {
            ElementKind::CallActivity(call) => &call.binding,
            ElementKind::BusinessRuleTaskDecision(decision) => &decision.binding,
            _ => return false,
        };
        *binding == Binding::Deployment
    })
}

/// The latest version of a graph, if it is from these files.
fn known_graph(context: &Context<'_>, graph: &Graph<'_>) -> Option<DecisionRequirementsRecord> {
    let key = context.state.latest_decision_requirements(graph.model.id())?;
    let latest = context.state.decision_requirements.get(&key)?;
    let same = latest.resource == graph.resource.content
        && latest.resource_name == graph.resource.name
        && latest.imports.iter().eq(graph.imports.iter().copied());
    same.then_some(latest)
}

/// A changed graph is a new version of itself and of all its decisions.
fn add_graph(
    context: &mut Context<'_>,
    graph: &Graph<'_>,
    known: Option<DecisionRequirementsRecord>,
    record: &mut DeploymentRecord,
) {
    let duplicate = known.is_some();
    let id = graph.model.id().to_owned();
    let (version, decision_requirements_key) = match known {
        Some(known) => (known.version, known.decision_requirements_key),
        None => {
            let highest = context.state.decision_requirements_versions_highest.get(&id);
            (highest.unwrap_or_default() + 1, context.next_key())
        }
    };
    record.decision_requirements.push(DecisionRequirementsMetadata {
        decision_requirements_id: id.clone(),
        decision_requirements_name: graph.model.name().to_owned(),
        version,
        decision_requirements_key,
        namespace: graph.model.namespace().to_owned(),
        resource_name: graph.resource.name.clone(),
        checksum: checksum(&graph.resource.content),
        duplicate,
        imported_resource_names: graph.imports.iter().map(|file| file.name.clone()).collect(),
    });
    let decisions = if duplicate {
        known_decisions(context, decision_requirements_key)
    } else {
        new_decisions(context, graph, decision_requirements_key)
    };
    record.decisions.extend(decisions);
}

fn known_decisions(context: &Context<'_>, requirements_key: u64) -> Vec<DecisionMetadata> {
    decisions_of(context.state, requirements_key)
        .into_iter()
        .filter_map(|key| context.state.decisions.get(&key))
        .map(|decision| DecisionMetadata {
            decision_id: decision.decision_id,
            decision_name: decision.decision_name,
            version: decision.version,
            decision_key: decision.decision_key,
            decision_requirements_id: decision.decision_requirements_id,
            decision_requirements_key: decision.decision_requirements_key,
            duplicate: true,
            version_tag: decision.version_tag,
        })
        .collect()
}

fn new_decisions(
    context: &mut Context<'_>,
    graph: &Graph<'_>,
    requirements_key: u64,
) -> Vec<DecisionMetadata> {
    let mut decisions = Vec::with_capacity(graph.model.decisions().len());
    for decision in graph.model.decisions() {
        let id = decision.id.to_string();
        let highest = context.state.decision_versions_highest.get(&id).unwrap_or_default();
        decisions.push(DecisionMetadata {
            decision_id: id,
            decision_name: decision.name.to_string(),
            version: highest + 1,
            decision_key: context.next_key(),
            decision_requirements_id: graph.model.id().to_owned(),
            decision_requirements_key: requirements_key,
            duplicate: false,
            version_tag: decision.version_tag.to_string(),
        });
    }
    decisions
}

/// FNV-1a, 64 bits; tells files apart for people, while duplicates are found by comparing contents.
fn checksum(content: &[u8]) -> Bytes {
    let hash = content.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    Bytes::copy_from_slice(&hash.to_be_bytes())
}
