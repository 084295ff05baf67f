//! PROCESS_INSTANCE, its creation and triggers.

use std::ops::ControlFlow;

use skep_protocol::{
    ElementType, EventType, Key, NO_KEY, ProcessEventIntent, ProcessEventRecord,
    ProcessInstanceCreationIntent, ProcessInstanceCreationRecord, ProcessInstanceIntent,
    ProcessInstanceRecord, Record,
};

use crate::limits::OPERATION_REFERENCE_WINDOW_MS;
use crate::state::{Creation, ElementInstance, Lifecycle, State};

pub(crate) fn apply(
    state: &mut State,
    key: Key,
    intent: ProcessInstanceIntent,
    value: &ProcessInstanceRecord,
) {
    match intent {
        ProcessInstanceIntent::ElementActivating => activating(state, key, value),
        ProcessInstanceIntent::ElementActivated => set(state, key, Lifecycle::Activated),
        ProcessInstanceIntent::ElementCompleting => set(state, key, Lifecycle::Completing),
        ProcessInstanceIntent::ElementTerminating => set(state, key, Lifecycle::Terminating),
        ProcessInstanceIntent::ElementCompleted | ProcessInstanceIntent::ElementTerminated => {
            ended(state, key, value);
            if intent == ProcessInstanceIntent::ElementCompleted
                && value.event_type == EventType::Terminate as i32
            {
                interrupt(state, value.flow_scope_key);
            }
        }
        ProcessInstanceIntent::SequenceFlowTaken => flow_taken(state, value),
        ProcessInstanceIntent::Cancel
        | ProcessInstanceIntent::ActivateElement
        | ProcessInstanceIntent::CompleteElement
        | ProcessInstanceIntent::TerminateElement => {}
    }
}

fn set(state: &mut State, key: Key, lifecycle: Lifecycle) {
    state.element_instances.update(&key, |instance| instance.lifecycle = lifecycle as i32);
}

fn activating(state: &mut State, key: Key, value: &ProcessInstanceRecord) {
    let instance = ElementInstance {
        record: value.clone(),
        lifecycle: Lifecycle::Activating as i32,
        ..ElementInstance::default()
    };
    state.element_instances.insert_new(key, instance);
    if value.flow_scope_key != NO_KEY {
        state.element_children.insert_new((value.flow_scope_key, key), ());
        state.element_instances.update(&value.flow_scope_key, |scope| {
            scope.children_active += 1;
            scope.flows_active = scope.flows_active.saturating_sub(value.tokens_taken);
        });
        if !value.join_element_id.is_empty() {
            take_waiting(state, value.flow_scope_key, &value.join_element_id);
        }
        return;
    }
    state.process_instances_by_definition.insert_new((value.process_definition_key, key), ());
    if value.parent_element_instance_key != NO_KEY {
        state
            .element_instances
            .update(&value.parent_element_instance_key, |caller| caller.called_instance_key = key);
    }
    if !value.business_id.is_empty() && value.parent_element_instance_key == NO_KEY {
        state.business_ids.insert((value.bpmn_process_id.clone(), value.business_id.clone()), key);
    }
}

/// The gateway takes one token of each of its flows; a surplus waits for the next round.
fn take_waiting(state: &mut State, scope_key: Key, gateway_id: &str) {
    for (key, count) in waiting(state, scope_key, Some(gateway_id)) {
        if count <= 1 {
            state.flows_taken.remove(&key);
        } else {
            state.flows_taken.insert(key, count - 1);
        }
    }
}

type WaitingFlow = ((Key, String, String), u32);

fn waiting(state: &State, scope_key: Key, gateway_id: Option<&str>) -> Vec<WaitingFlow> {
    let mut rows = Vec::new();
    let from = (scope_key, gateway_id.unwrap_or_default().to_owned(), String::new());
    state.flows_taken.scan(
        &from,
        Some(&(scope_key + 1, String::new(), String::new())),
        &mut |key, count| {
            if gateway_id.is_some_and(|id| id != key.1) {
                return ControlFlow::Break(());
            }
            rows.push((key.clone(), *count));
            ControlFlow::Continue(())
        },
    );
    rows
}

fn flow_taken(state: &mut State, value: &ProcessInstanceRecord) {
    state.element_instances.update(&value.flow_scope_key, |scope| scope.flows_active += 1);
    if !value.join_element_id.is_empty() {
        let key = (value.flow_scope_key, value.join_element_id.clone(), value.element_id.clone());
        let count = state.flows_taken.get(&key).unwrap_or_default();
        state.flows_taken.insert(key, count + 1);
    }
}

fn ended(state: &mut State, key: Key, value: &ProcessInstanceRecord) {
    state.element_instances.remove(&key);
    super::variable::remove_scope(state, key);
    remove_triggers(state, key);
    let is_scope = value.element_type == ElementType::Process as i32
        || value.element_type == ElementType::SubProcess as i32;
    if is_scope {
        for (flow, _) in waiting(state, key, None) {
            state.flows_taken.remove(&flow);
        }
    }
    if value.flow_scope_key != NO_KEY {
        state.element_children.remove(&(value.flow_scope_key, key));
        state.element_instances.update(&value.flow_scope_key, |scope| {
            scope.children_active = scope.children_active.saturating_sub(1);
        });
        return;
    }
    state.process_instances_by_definition.remove(&(value.process_definition_key, key));
    if value.parent_element_instance_key != NO_KEY {
        state.element_instances.update(&value.parent_element_instance_key, |caller| {
            caller.called_instance_key = NO_KEY
        });
    }
    if !value.business_id.is_empty() {
        let id = (value.bpmn_process_id.clone(), value.business_id.clone());
        if state.business_ids.get(&id) == Some(key) {
            state.business_ids.remove(&id);
        }
    }
    if let Some(lock) = state.message_locks_held.get(&key) {
        state.message_locks_held.remove(&key);
        state.message_locks.remove(&(lock.bpmn_process_id, lock.correlation_key));
    }
}

/// A terminate end event: no token inside the scope goes on.
fn interrupt(state: &mut State, scope_key: Key) {
    state.element_instances.update(&scope_key, |scope| {
        scope.interrupted = true;
        scope.flows_active = 0;
    });
    for (flow, _) in waiting(state, scope_key, None) {
        state.flows_taken.remove(&flow);
    }
}

fn remove_triggers(state: &mut State, scope_key: Key) {
    let mut keys = Vec::new();
    state.event_triggers.scan(&(scope_key, 0), Some(&(scope_key + 1, 0)), &mut |key, _| {
        keys.push(*key);
        ControlFlow::Continue(())
    });
    for key in keys {
        state.event_triggers.remove(&key);
    }
}

pub(crate) fn apply_trigger(
    state: &mut State,
    key: Key,
    intent: ProcessEventIntent,
    value: &ProcessEventRecord,
) {
    match intent {
        ProcessEventIntent::Triggering => {
            state.event_triggers.insert_new((value.scope_key, key), value.clone());
        }
        ProcessEventIntent::Triggered => state.event_triggers.remove(&(value.scope_key, key)),
    }
}

pub(crate) fn apply_creation(
    state: &mut State,
    intent: ProcessInstanceCreationIntent,
    value: &ProcessInstanceCreationRecord,
    record: &Record,
) {
    if intent != ProcessInstanceCreationIntent::Created || record.operation_reference == 0 {
        return;
    }
    let id = (record.operation_reference, value.bpmn_process_id.clone());
    let creation = Creation {
        process_instance_key: value.process_instance_key,
        process_definition_key: value.process_definition_key,
        version: u32::try_from(value.version).unwrap_or_default(),
        fingerprint: value.request_fingerprint,
    };
    state.creations.insert(id.clone(), creation);
    let end_ms = record.timestamp_ms.saturating_add(OPERATION_REFERENCE_WINDOW_MS);
    state.creation_expiries.insert((end_ms, id.0, id.1), ());
    forget_old_creations(state, record.timestamp_ms);
}

/// Creations that one creation forgets at most: more than it adds, so that the table drains.
const CREATIONS_FORGOTTEN_MAX: usize = 4;

fn forget_old_creations(state: &mut State, now_ms: i64) {
    let mut old = Vec::new();
    state.creation_expiries.scan(
        &(i64::MIN, 0, String::new()),
        Some(&(now_ms, 0, String::new())),
        &mut |key, ()| {
            old.push(key.clone());
            if old.len() < CREATIONS_FORGOTTEN_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        },
    );
    for key in old {
        state.creation_expiries.remove(&key);
        state.creations.remove(&(key.1, key.2));
    }
}
