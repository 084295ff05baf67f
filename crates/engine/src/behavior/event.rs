//! A trigger has happened to an element instance: complete it, interrupt it, or start a boundary
//! event beside it.

use bytes::Bytes;
use skep_bpmn::model::{ElementIndex, ElementKind};
use skep_protocol::{Key, NO_KEY, Payload, ProcessEventIntent, ProcessEventRecord};

use crate::context::Context;
use crate::element::Current;
use crate::state::{ElementInstance, Lifecycle};
use crate::step::Step;

impl Context<'_> {
    /// Delivers a trigger to an element instance. `false`: it does not take triggers any more.
    pub(crate) fn trigger(
        &mut self,
        element_instance_key: Key,
        target_element_id: &str,
        variables: Bytes,
    ) -> bool {
        let Ok(current) = self.current(element_instance_key) else { return false };
        if !self.takes_triggers(&current) {
            return false;
        }
        let Some((target, element)) = current.definition.process.find(target_element_id) else {
            return false;
        };
        match &element.kind {
            ElementKind::BoundaryEvent(boundary) if boundary.interrupting => {
                self.trigger_interrupting(&current, target_element_id, variables);
                true
            }
            ElementKind::BoundaryEvent(_) => {
                let definition = std::sync::Arc::clone(&current.definition);
                self.write_trigger(&current, target_element_id, &variables);
                self.enter_triggered(&definition, target, current.flow_scope_key(), variables);
                true
            }
            _ if !current.instance.is(Lifecycle::Activated) => false,
            _ if target == current.index => {
                self.write_trigger(&current, target_element_id, &variables);
                self.step(Step::Complete { key: element_instance_key, variables });
                true
            }
            _ => self.trigger_gateway(&current, target, variables),
        }
    }

    /// Whether an instance and all scopes around it still run.
    pub(crate) fn takes_triggers(&self, current: &Current) -> bool {
        !current.instance.is(Lifecycle::Terminating) && self.scope_runs(current.flow_scope_key())
    }

    /// Whether new elements may be entered in a scope. The process itself has none around it.
    pub(crate) fn scope_runs(&self, scope_key: Key) -> bool {
        let instances = &self.state.element_instances;
        scope_key == NO_KEY || instances.read(&scope_key, ElementInstance::runs) == Some(true)
    }

    /// The activity ends first; its boundary event follows when it is gone.
    pub(crate) fn trigger_interrupting(
        &mut self,
        current: &Current,
        target_element_id: &str,
        variables: Bytes,
    ) {
        let key = self.next_key();
        let record = trigger_record(current, target_element_id, variables);
        self.event(key, Payload::ProcessEvent(ProcessEventIntent::Triggering, record));
        self.step(Step::Terminate { key: current.key });
    }

    fn write_trigger(&mut self, current: &Current, target_element_id: &str, variables: &Bytes) {
        let key = self.next_key();
        let record = trigger_record(current, target_element_id, variables.clone());
        self.event(key, Payload::ProcessEvent(ProcessEventIntent::Triggering, record.clone()));
        self.event(key, Payload::ProcessEvent(ProcessEventIntent::Triggered, record));
    }

    /// The first event wins: the gateway completes, and the catch event behind it with it.
    fn trigger_gateway(
        &mut self,
        current: &Current,
        target: ElementIndex,
        variables: Bytes,
    ) -> bool {
        let ElementKind::EventBasedGateway { targets } = &current.element().kind else {
            return false;
        };
        if !targets.contains(&target) {
            return false;
        }
        let target_id = current.definition.process.element(target).id.to_string();
        self.write_trigger(current, &target_id, &variables);
        self.complete_event_based_gateway(current, target, variables);
        true
    }
}

fn trigger_record(
    current: &Current,
    target_element_id: &str,
    variables: Bytes,
) -> ProcessEventRecord {
    ProcessEventRecord {
        scope_key: current.key,
        process_instance_key: current.instance.record.process_instance_key,
        process_definition_key: current.definition.key,
        target_element_id: target_element_id.to_owned(),
        variables,
    }
}
