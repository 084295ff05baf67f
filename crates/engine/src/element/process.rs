//! The end of a process instance: who hears of it.

use bytes::Bytes;
use skep_bpmn::model::ElementKind;
use skep_protocol::{
    Key, NO_KEY, Payload, ProcessInstanceIntent, ProcessInstanceResultIntent,
    ProcessInstanceResultRecord,
};

use super::Current;
use crate::behavior::variables;
use crate::context::Context;
use crate::outcome::{Effect, Response};
use crate::state::Lifecycle;
use crate::step::Step;

impl Context<'_> {
    /// The last path ended: answer who awaits the result, complete the caller.
    pub(super) fn complete_process(&mut self, current: &Current) {
        let key = current.key;
        let awaited = self.waiting.results.remove(&key);
        let parent = current.instance.record.parent_element_instance_key;
        let for_parent =
            if parent == NO_KEY { Bytes::new() } else { self.variables_for_caller(parent, key) };
        let result = awaited.map(|(request, names)| {
            let variables = variables::visible(self.state, key, &names);
            (request, result_record(current, variables))
        });
        let lock = self.state.message_locks_held.get(&key);
        self.write(current, ProcessInstanceIntent::ElementCompleted);
        if let Some((request, record)) = result {
            let payload =
                Payload::ProcessInstanceResult(ProcessInstanceResultIntent::Completed, record);
            self.event(key, payload.clone());
            let position = self.state.meta.last_position;
            let response = Response::Accepted { key, position, payload: Box::new(payload) };
            self.effect(Effect::Respond { request, response });
        }
        if parent != NO_KEY {
            self.step(Step::Complete { key: parent, variables: for_parent });
        }
        self.forget_drained_definition(current.definition.key);
        if let Some(lock) = lock {
            self.start_next_by_message(&lock.bpmn_process_id, &lock.correlation_key);
        }
    }

    /// The child's root variables, if the call activity looks at them at all.
    fn variables_for_caller(&mut self, caller_key: Key, key: Key) -> Bytes {
        let Ok(caller) = self.current(caller_key) else { return Bytes::new() };
        let element = caller.element();
        match &element.kind {
            ElementKind::CallActivity(call)
                if call.propagate_all_child_variables || !element.outputs.is_empty() =>
            {
                variables::visible(self.state, key, &[])
            }
            _ => Bytes::new(),
        }
    }

    /// A process instance ended from outside: whoever called it may be ending too.
    pub(super) fn finish_process_termination(&mut self, current: &Current) {
        self.waiting.results.remove(&current.key);
        let parent = current.instance.record.parent_element_instance_key;
        let lock = self.state.message_locks_held.get(&current.key);
        self.write(current, ProcessInstanceIntent::ElementTerminated);
        let caller = self.state.element_instances.get(&parent);
        if caller.is_some_and(|caller| caller.is(Lifecycle::Terminating)) {
            self.step(Step::FinishTermination { key: parent });
        }
        self.forget_drained_definition(current.definition.key);
        if let Some(lock) = lock {
            self.start_next_by_message(&lock.bpmn_process_id, &lock.correlation_key);
        }
    }
}

fn result_record(current: &Current, variables: Bytes) -> ProcessInstanceResultRecord {
    let value = &current.instance.record;
    ProcessInstanceResultRecord {
        bpmn_process_id: value.bpmn_process_id.clone(),
        version: value.version,
        process_definition_key: value.process_definition_key,
        process_instance_key: value.process_instance_key,
        variables,
        tenant_id: value.tenant_id.clone(),
        tags: value.tags.clone(),
        business_id: value.business_id.clone(),
    }
}
