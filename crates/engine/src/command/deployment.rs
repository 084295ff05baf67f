//! DEPLOYMENT CREATE on partition 1, and its distribution to the others (`spec/engine.md` 7.11).

use std::collections::BTreeSet;

use bytes::Bytes;
use skep_bpmn::Process;
use skep_bpmn::model::{Binding, CatchEvent, ElementKind, TimerEvent, Value as ModelValue};
use skep_feel::{Environment, NoVariables, Value};
use skep_protocol::{
    Command, DeploymentIntent, DeploymentRecord, Key, MessageStartEventSubscriptionIntent,
    MessageStartEventSubscriptionRecord, NO_KEY, Payload, ProcessIntent, ProcessMetadata,
    ProcessRecord, RejectionType, ResourceRecord, TimerIntent, TimerRecord,
};

use super::distribution;
use crate::context::Context;
use crate::definitions::Definition;
use crate::limits::DEPLOYMENT_ANSWER_WAIT_MS;
use crate::outcome::Response;

/// Partition that decides about deployments and runs timer start events.
const DEPLOYMENT_PARTITION: u32 = 1;

pub(super) fn create(context: &mut Context<'_>, command: &Command, value: &DeploymentRecord) {
    let processes = match read(context, value) {
        Ok(processes) => processes,
        Err(reason) => return context.reject(command, RejectionType::InvalidArgument, reason),
    };
    let deployment_key = context.next_key();
    let metadata = assign_versions(context, &processes);
    let record = DeploymentRecord {
        resources: Vec::new(),
        processes: metadata.clone(),
        deployment_key,
        tenant_id: value.tenant_id.clone(),
    };
    let payload = Payload::Deployment(DeploymentIntent::Created, record.clone());
    context.event(deployment_key, payload.clone());
    let distributed = DeploymentRecord { resources: value.resources.clone(), ..record };
    receive(context, &distributed);
    if metadata.iter().all(|process| process.duplicate) || context.settings.partitions == 1 {
        return context.respond_accepted(deployment_key, payload);
    }
    distribution::start(
        context,
        deployment_key,
        &Payload::Deployment(DeploymentIntent::Distribute, distributed),
    );
    // Answered when all partitions have it, so that a create right after it finds the process on
    // each; a partition that is away delays the answer no longer than the limit.
    if let Some(request) = context.request.take() {
        let position = context.state.meta.last_position;
        let response =
            Response::Accepted { key: deployment_key, position, payload: Box::new(payload) };
        let at_the_latest_ms = context.now_ms.saturating_add(DEPLOYMENT_ANSWER_WAIT_MS);
        context.waiting.distributions.insert(deployment_key, (request, response, at_the_latest_ms));
    }
}

/// Reads every resource; one reason for all that is wrong, a block for each resource.
fn read<'a>(
    context: &Context<'_>,
    value: &'a DeploymentRecord,
) -> Result<Vec<(&'a ResourceRecord, Process)>, String> {
    if value.resources.is_empty() {
        return Err("Expected to deploy at least one resource, but none given".to_owned());
    }
    let mut processes = Vec::new();
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for resource in &value.resources {
        let found = if names.insert(resource.name.as_str()) {
            read_resource(context, resource)
        } else {
            Err("the resource name is used twice in this deployment".to_owned())
        };
        match found {
            Ok(found) => {
                for process in found {
                    if !ids.insert(process.id.to_string()) {
                        problems.push(format!(
                            "'{}': the process id '{}' is used twice in this deployment",
                            resource.name, process.id
                        ));
                    }
                    processes.push((resource, process));
                }
            }
            Err(reason) => problems.push(format!("'{}': {reason}", resource.name)),
        }
    }
    if problems.is_empty() {
        Ok(processes)
    } else {
        Err(format!(
            "Expected to deploy new resources, but encountered the following errors:\n{}",
            problems.join("\n")
        ))
    }
}

fn read_resource(context: &Context<'_>, resource: &ResourceRecord) -> Result<Vec<Process>, String> {
    let name = resource.name.to_ascii_lowercase();
    if !(name.ends_with(".bpmn") || name.ends_with(".xml")) {
        let what = if name.ends_with(".dmn") || name.ends_with(".form") {
            "not supported yet"
        } else {
            "unknown"
        };
        return Err(format!("this kind of resource is {what}; deploy BPMN files (.bpmn)"));
    }
    let xml = std::str::from_utf8(&resource.content)
        .map_err(|_| "the file is not UTF-8 text; save it with that encoding".to_owned())?;
    let processes = skep_bpmn::parse(xml).map_err(|violations| violations.to_string())?;
    for process in &processes {
        for (element, timer) in start_timers(process) {
            context
                .first_firing(timer, NO_KEY)
                .map_err(|problem| format!("element '{element}': {}", problem.message))?;
        }
    }
    Ok(processes)
}

fn start_events(process: &Process) -> impl Iterator<Item = (&str, &CatchEvent)> {
    let starts = match &process.root().kind {
        ElementKind::Process(scope) => scope.event_starts.as_slice(),
        _ => &[],
    };
    starts.iter().filter_map(|index| {
        let element = process.element(*index);
        match &element.kind {
            ElementKind::StartEvent(event) => Some((element.id.as_ref(), event)),
            _ => None,
        }
    })
}

fn start_timers(process: &Process) -> impl Iterator<Item = (&str, &TimerEvent)> {
    start_events(process).filter_map(|(id, event)| match event {
        CatchEvent::Timer(timer) => Some((id, timer)),
        _ => None,
    })
}

fn start_messages(process: &Process) -> impl Iterator<Item = (&str, String)> {
    start_events(process).filter_map(|(id, event)| match event {
        CatchEvent::Message(message) => Some((id, constant_text(&message.name)?)),
        _ => None,
    })
}

/// Names of the messages that start a process.
pub(crate) fn message_start_names(definition: &Definition) -> Vec<String> {
    start_messages(&definition.process).map(|(_, name)| name).collect()
}

/// A name that needs no variables; validation made sure that it is one.
fn constant_text(value: &ModelValue) -> Option<String> {
    match value {
        ModelValue::Static(text) => Some(text.to_string()),
        ModelValue::Expression(expression) => {
            match expression.evaluate(&NoVariables, &Environment::at(0)).ok()?.value {
                Value::String(text) => Some(text.to_string()),
                _ => None,
            }
        }
    }
}

/// Keys and versions, decided once here and the same on every partition.
fn assign_versions(
    context: &mut Context<'_>,
    processes: &[(&ResourceRecord, Process)],
) -> Vec<ProcessMetadata> {
    let latest: Vec<Option<ProcessRecord>> = processes
        .iter()
        .map(|(_, process)| {
            let key = context.latest_definition_key(&process.id)?;
            context.state.processes.get(&key)
        })
        .collect();
    let same: Vec<bool> = processes
        .iter()
        .zip(&latest)
        .map(|((resource, _), latest)| {
            latest.as_ref().is_some_and(|latest| {
                latest.resource == resource.content && latest.resource_name == resource.name
            })
        })
        .collect();
    let any_new = same.iter().any(|same| !same);
    let mut metadata = Vec::with_capacity(processes.len());
    for (((resource, process), latest), same) in processes.iter().zip(latest).zip(same) {
        // What refers to its own deployment is new when anything in the deployment is.
        let duplicate = same && !(any_new && binds_to_deployment(process));
        let (version, process_definition_key) = match latest.filter(|_| duplicate) {
            Some(latest) => (latest.version, latest.process_definition_key),
            None => {
                let id = process.id.to_string();
                let highest = context.state.process_versions_highest.get(&id).unwrap_or_default();
                (highest + 1, context.next_key())
            }
        };
        metadata.push(ProcessMetadata {
            bpmn_process_id: process.id.to_string(),
            version,
            process_definition_key,
            resource_name: resource.name.clone(),
            checksum: checksum(&resource.content),
            duplicate,
            version_tag: process.version_tag.to_string(),
        });
    }
    metadata
}

fn binds_to_deployment(process: &Process) -> bool {
    process.elements.iter().any(
        |element| matches!(&element.kind, ElementKind::CallActivity(call) if call.binding == Binding::Deployment),
    )
}

/// FNV-1a, 64 bits; tells files apart for people, while duplicates are found by comparing contents.
fn checksum(content: &[u8]) -> Bytes {
    let hash = content.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    Bytes::copy_from_slice(&hash.to_be_bytes())
}

/// Makes the definitions of a deployment on this partition.
pub(super) fn receive(context: &mut Context<'_>, value: &DeploymentRecord) {
    for metadata in value.processes.iter().filter(|process| !process.duplicate) {
        let Some(resource) =
            value.resources.iter().find(|resource| resource.name == metadata.resource_name)
        else {
            continue;
        };
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

/// Only the latest version of a process is started by messages and timers.
pub(super) fn open_start_events(context: &mut Context<'_>, definition_key: Key) {
    let Some(definition) = context.definition(definition_key) else { return };
    let process = &definition.process;
    for (start_event_id, message_name) in start_messages(process) {
        let key = context.next_key();
        let record = MessageStartEventSubscriptionRecord {
            process_definition_key: definition_key,
            bpmn_process_id: process.id.to_string(),
            start_event_id: start_event_id.to_owned(),
            message_name,
            tenant_id: definition.tenant_id.clone(),
            ..MessageStartEventSubscriptionRecord::default()
        };
        context.event(
            key,
            Payload::MessageStartEventSubscription(
                MessageStartEventSubscriptionIntent::Created,
                record,
            ),
        );
    }
    if context.settings.partition_id != DEPLOYMENT_PARTITION {
        return;
    }
    for (element_id, timer) in start_timers(process) {
        if let Ok(Some(firing)) = context.first_firing(timer, NO_KEY) {
            context.create_timer(TimerRecord {
                process_definition_key: definition_key,
                target_element_id: element_id.to_owned(),
                due_date_ms: firing.due_date_ms,
                repetitions: firing.repetitions,
                tenant_id: definition.tenant_id.clone(),
                ..TimerRecord::default()
            });
        }
    }
}

/// A version that is not the latest any more is started by nothing.
pub(super) fn close_start_events(context: &mut Context<'_>, definition_key: Key) {
    let Some(definition) = context.definition(definition_key) else { return };
    for (start_event_id, message_name) in start_messages(&definition.process) {
        let id = (message_name, definition_key, start_event_id.to_owned());
        if let Some(record) = context.state.message_start_subscriptions.get(&id) {
            let key = context.next_key();
            context.event(
                key,
                Payload::MessageStartEventSubscription(
                    MessageStartEventSubscriptionIntent::Deleted,
                    record,
                ),
            );
        }
    }
    let mut timers = Vec::new();
    context.state.timers.scan(
        &(NO_KEY, NO_KEY),
        Some(&(NO_KEY + 1, NO_KEY)),
        &mut |(_, key), record| {
            if record.process_definition_key == definition_key {
                timers.push((*key, record.clone()));
            }
            std::ops::ControlFlow::Continue(())
        },
    );
    for (key, record) in timers {
        context.event(key, Payload::Timer(TimerIntent::Canceled, record));
    }
}
