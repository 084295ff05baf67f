//! PROCESS_INSTANCE_CREATION CREATE, with and without awaiting the result.

use std::sync::Arc;

use skep_protocol::{
    Command, Key, NO_KEY, Payload, ProcessInstanceCreationIntent, ProcessInstanceCreationRecord,
    Rejection, RejectionType,
};

use crate::behavior::creation::{NewInstance, none_start};
use crate::context::Context;
use crate::definitions::Definition;
use crate::document;

pub(super) fn create(
    context: &mut Context<'_>,
    command: &Command,
    intent: ProcessInstanceCreationIntent,
    value: &ProcessInstanceCreationRecord,
) {
    let definition = match find_definition(context, value) {
        Ok(definition) => definition,
        Err(rejection) => return context.reject(command, rejection.kind, rejection.reason),
    };
    let fingerprint = fingerprint(value);
    let before = created_before(context, &definition, fingerprint);
    #[cfg(feature = "mutation")]
    let before = before.filter(|_| !crate::mutation::is("creation is made again"));
    if let Some(created) = before {
        let reason = format!(
            "Expected to create a process instance for operation reference '{}', but it created '{}' already",
            command.operation_reference, created.process_instance_key
        );
        // The result of an instance that ended is not kept: nobody may wait for it.
        let is_awaited = intent == ProcessInstanceCreationIntent::CreateWithAwaitingResult;
        if !is_awaited || context.state.element_instances.contains(&created.process_instance_key) {
            answer(context, intent, value, created);
        }
        context.reject(command, RejectionType::AlreadyExists, reason);
        return;
    }
    if let Err(rejection) = check(context, &definition, value) {
        return context.reject(command, rejection.kind, rejection.reason);
    }
    let Some(variables) = document::entries(&value.variables) else {
        let reason = "Expected the variables to be one MessagePack map, but they are not";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    };
    let process_instance_key = context.next_key();
    let mut created = created_record(value, &definition, process_instance_key);
    created.request_fingerprint = if command.operation_reference == 0 { 0 } else { fingerprint };
    context.event(
        process_instance_key,
        Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Created, created.clone()),
    );
    answer(context, intent, value, created);
    let new = NewInstance {
        variables,
        business_id: value.business_id.clone(),
        tags: value.tags.clone(),
        ..NewInstance::default()
    };
    context.create_instance(process_instance_key, &definition, new);
}

/// By id and version, by id, or by key; the id has priority (`spec/engine.md` 7.10, item 103).
fn find_definition(
    context: &mut Context<'_>,
    value: &ProcessInstanceCreationRecord,
) -> Result<Arc<Definition>, Rejection> {
    let id = &value.bpmn_process_id;
    let (key, missing) = if !id.is_empty() && value.version >= 0 {
        let version = value.version.unsigned_abs();
        let missing = format!(
            "Expected to find process definition with process ID '{id}' and version '{version}', but none found"
        );
        (context.state.process_versions.get(&(id.clone(), version)), missing)
    } else if !id.is_empty() {
        let missing =
            format!("Expected to find process definition with process ID '{id}', but none found");
        (context.latest_definition_key(id), missing)
    } else if value.process_definition_key != NO_KEY {
        let key = value.process_definition_key;
        let missing =
            format!("Expected to find process definition with key '{key}', but none found");
        (Some(key).filter(|key| is_alive(context, *key)), missing)
    } else {
        let reason = "Expected at least a bpmnProcessId or a key greater than -1, but none given";
        return Err(Rejection::new(RejectionType::InvalidArgument, reason));
    };
    key.and_then(|key| context.definition(key))
        .ok_or_else(|| Rejection::new(RejectionType::NotFound, missing))
}

/// Whether a definition may get new instances: it exists and is not being deleted.
fn is_alive(context: &Context<'_>, key: Key) -> bool {
    context.state.processes.get(&key).is_some_and(|process| {
        context.state.process_versions.get(&(process.bpmn_process_id, process.version)) == Some(key)
    })
}

fn check(
    context: &Context<'_>,
    definition: &Definition,
    value: &ProcessInstanceCreationRecord,
) -> Result<(), Rejection> {
    if !value.start_element_ids.is_empty() {
        let reason = "Expected no start instructions, but there are some: they are not supported yet. \
                      Create the instance at its none start event.";
        return Err(Rejection::new(RejectionType::InvalidArgument, reason));
    }
    if none_start(definition).is_none() {
        let reason = "Expected to create instance of process with none start event, but there is no such event";
        return Err(Rejection::new(RejectionType::InvalidState, reason));
    }
    if !value.business_id.is_empty() {
        let id = (definition.process.id.to_string(), value.business_id.clone());
        if let Some(key) = context.state.business_ids.get(&id) {
            let reason = format!(
                "Expected to create a process instance with business id '{}', but the active instance '{key}' has it",
                value.business_id
            );
            return Err(Rejection::new(RejectionType::AlreadyExists, reason));
        }
    }
    Ok(())
}

fn created_record(
    value: &ProcessInstanceCreationRecord,
    definition: &Definition,
    process_instance_key: Key,
) -> ProcessInstanceCreationRecord {
    ProcessInstanceCreationRecord {
        bpmn_process_id: definition.process.id.to_string(),
        version: i32::try_from(definition.version).unwrap_or(i32::MAX),
        process_definition_key: definition.key,
        process_instance_key,
        tags: value.tags.clone(),
        business_id: value.business_id.clone(),
        tenant_id: definition.tenant_id.clone(),
        ..ProcessInstanceCreationRecord::default()
    }
}

/// A retry of a creation that was done already: same operation reference, same request
/// (docs/adr: idempotent creation).
fn created_before(
    context: &Context<'_>,
    definition: &Definition,
    fingerprint: u64,
) -> Option<ProcessInstanceCreationRecord> {
    if context.operation_reference == 0 {
        return None;
    }
    let id = (context.operation_reference, definition.process.id.to_string());
    let creation =
        context.state.creations.get(&id).filter(|creation| creation.fingerprint == fingerprint)?;
    Some(ProcessInstanceCreationRecord {
        bpmn_process_id: id.1,
        version: i32::try_from(creation.version).unwrap_or(i32::MAX),
        process_definition_key: creation.process_definition_key,
        process_instance_key: creation.process_instance_key,
        tenant_id: definition.tenant_id.clone(),
        ..ProcessInstanceCreationRecord::default()
    })
}

/// Answers at once, or remembers who awaits the result of an instance that still runs.
fn answer(
    context: &mut Context<'_>,
    intent: ProcessInstanceCreationIntent,
    value: &ProcessInstanceCreationRecord,
    created: ProcessInstanceCreationRecord,
) {
    let key = created.process_instance_key;
    if intent == ProcessInstanceCreationIntent::CreateWithAwaitingResult
        && let Some(request) = context.request.take()
    {
        context.waiting.results.insert(key, (request, value.fetch_variables.clone()));
        return;
    }
    context.respond_accepted(
        key,
        Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Created, created),
    );
}

/// FNV-1a over what makes a request: a retry is byte for byte the same.
fn fingerprint(value: &ProcessInstanceCreationRecord) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    add(value.bpmn_process_id.as_bytes());
    add(&value.version.to_le_bytes());
    add(&value.process_definition_key.to_le_bytes());
    add(&value.variables);
    add(value.business_id.as_bytes());
    hash
}
