//! PROCESS.

use skep_protocol::{Key, ProcessIntent, ProcessRecord};

use crate::state::State;

pub(crate) fn apply(state: &mut State, key: Key, intent: ProcessIntent, value: &ProcessRecord) {
    match intent {
        ProcessIntent::Created => {
            state.processes.insert(key, value.clone());
            state.process_versions.insert((value.bpmn_process_id.clone(), value.version), key);
            let highest =
                state.process_versions_highest.get(&value.bpmn_process_id).unwrap_or_default();
            state
                .process_versions_highest
                .insert(value.bpmn_process_id.clone(), highest.max(value.version));
        }
        // No new instances: the version is not found any more, but what runs can go on.
        ProcessIntent::Deleting => {
            state.process_versions.remove(&(value.bpmn_process_id.clone(), value.version));
        }
        ProcessIntent::Deleted => {
            state.process_versions.remove(&(value.bpmn_process_id.clone(), value.version));
            state.processes.remove(&key);
        }
    }
}
