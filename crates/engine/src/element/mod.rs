//! Behavior of elements: entering, completing, terminating (`spec/engine.md` 4.7).
//!
//! The lifecycle is here, shared by all; what an element does in it is in one file per kind.

mod activity;
mod business_rule_task;
mod call_activity;
mod end_event;
mod exclusive_gateway;
mod lifecycle;
mod process;
mod script_task;
mod types;

use std::sync::Arc;

use bytes::Bytes;
use skep_bpmn::model::{Element, ElementIndex, ElementKind};
use skep_protocol::{Key, NO_KEY, Payload, ProcessInstanceIntent, ProcessInstanceRecord};

use crate::context::Context;
use crate::definitions::Definition;
use crate::problem::{Outcome, Problem};
use crate::state::{ElementInstance, Lifecycle};
use crate::step::Step;

/// An element instance together with its model.
pub(crate) struct Current {
    pub(crate) key: Key,
    pub(crate) instance: ElementInstance,
    pub(crate) definition: Arc<Definition>,
    pub(crate) index: ElementIndex,
}

impl Current {
    pub(crate) fn element(&self) -> &Element {
        self.definition.process.element(self.index)
    }

    pub(crate) fn flow_scope_key(&self) -> Key {
        self.instance.record.flow_scope_key
    }
}

impl Context<'_> {
    /// Looks up an element instance and its model.
    pub(crate) fn current(&mut self, key: Key) -> Outcome<Current> {
        let instance = self
            .state
            .element_instances
            .get(&key)
            .ok_or_else(|| Problem::internal(format!("there is no element instance {key}")))?;
        let definition_key = instance.record.process_definition_key;
        let definition = self.definition(definition_key).ok_or_else(|| {
            Problem::internal(format!("there is no process definition {definition_key}"))
        })?;
        let index = match definition.process.find(&instance.record.element_id) {
            Some((index, _)) => index,
            None if instance.record.flow_scope_key == NO_KEY => ElementIndex::PROCESS,
            None => {
                let id = &instance.record.element_id;
                return Err(Problem::internal(format!("the model has no element '{id}'")));
            }
        };
        Ok(Current { key, instance, definition, index })
    }

    /// Runs one step.
    pub(crate) fn run(&mut self, step: Step) -> Outcome {
        match step {
            Step::Activate { key }
            | Step::Complete { key, .. }
            | Step::ResumeCompletion { key }
                if self.is_overtaken(key) =>
            {
                Ok(())
            }
            Step::Enter { scope_key, element_id, triggered } => {
                self.enter(scope_key, &element_id, triggered);
                Ok(())
            }
            Step::Activate { key } => self.activate(key),
            Step::Complete { key, variables } => self.complete(key, variables),
            Step::ResumeCompletion { key } => self.resume_completion(key),
            Step::Terminate { key } => self.terminate(key),
            Step::TerminateChildren { scope_key, after } => {
                self.terminate_children(scope_key, after);
                Ok(())
            }
            Step::FinishTermination { key } => self.finish_termination(key),
            Step::RepeatTimer { key, element_id, due_date_ms, repetitions } => {
                self.repeat_timer(key, element_id, due_date_ms, repetitions)
            }
            Step::ThrowError { key, job_key, code, message, variables } => {
                let retry = Step::ThrowError {
                    key,
                    job_key,
                    code: code.clone(),
                    message,
                    variables: variables.clone(),
                };
                self.throw_error(key, &code, variables).map_err(|problem| problem.retry_with(retry))
            }
        }
    }

    /// Whether what an element is in, or the call activity that started its process, began to end
    /// after the step was queued. The termination of the element is then among the steps to come.
    fn is_overtaken(&self, key: Key) -> bool {
        let instances = &self.state.element_instances;
        let around = instances.read(&key, |instance| {
            (instance.record.flow_scope_key, instance.record.parent_element_instance_key)
        });
        let Some((scope, caller)) = around else { return false };
        let caller_runs = || {
            caller == NO_KEY
                || instances.read(&caller, |caller| caller.is(Lifecycle::Activated)) == Some(true)
        };
        !(self.scope_runs(scope) && caller_runs())
    }

    /// Writes ELEMENT_ACTIVATING of a new element instance.
    pub(crate) fn write_activating(
        &mut self,
        definition: &Definition,
        index: ElementIndex,
        scope: (Key, &ProcessInstanceRecord),
        tokens_taken: u32,
    ) -> Key {
        let element = definition.process.element(index);
        let (element_type, event_type) = types::of(element);
        let joins = matches!(element.kind, ElementKind::ParallelGateway) && tokens_taken > 0;
        let (scope_key, scope) = scope;
        let record = ProcessInstanceRecord {
            bpmn_process_id: scope.bpmn_process_id.clone(),
            version: scope.version,
            process_definition_key: scope.process_definition_key,
            process_instance_key: scope.process_instance_key,
            element_id: element.id.to_string(),
            flow_scope_key: scope_key,
            element_type: element_type as i32,
            event_type: event_type as i32,
            tenant_id: scope.tenant_id.clone(),
            tokens_taken,
            join_element_id: if joins { element.id.to_string() } else { String::new() },
            ..ProcessInstanceRecord::default()
        };
        let key = self.next_key();
        self.event(key, Payload::ProcessInstance(ProcessInstanceIntent::ElementActivating, record));
        key
    }

    /// Enters an element whose event has happened already: it completes with these variables.
    pub(crate) fn enter_triggered(
        &mut self,
        definition: &Arc<Definition>,
        index: ElementIndex,
        scope_key: Key,
        variables: Bytes,
    ) {
        let Some(scope) = self.state.element_instances.get(&scope_key) else { return };
        let key = self.write_activating(definition, index, (scope_key, &scope.record), 0);
        self.activated_and_completed(key, variables);
    }

    /// Writes a lifecycle event of an element instance.
    pub(crate) fn write(&mut self, current: &Current, intent: ProcessInstanceIntent) {
        let mut record = current.instance.record.clone();
        record.tokens_taken = 0;
        record.join_element_id.clear();
        self.event(current.key, Payload::ProcessInstance(intent, record));
    }
}
