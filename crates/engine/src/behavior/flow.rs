//! Tokens on sequence flows, and when a scope is done.

use bytes::Bytes;
use skep_bpmn::model::{ElementKind, FlowIndex};
use skep_protocol::{
    ElementType, EventType, Key, NO_KEY, Payload, ProcessInstanceIntent, ProcessInstanceRecord,
};

use crate::context::Context;
use crate::element::Current;
use crate::state::Lifecycle;
use crate::step::Step;

impl Context<'_> {
    /// Takes every outgoing flow of a completed element; without one, its path ends here.
    pub(crate) fn leave(&mut self, current: &Current) {
        let outgoing = current.element().outgoing.clone();
        if outgoing.is_empty() {
            self.path_ended(current.flow_scope_key());
            return;
        }
        for flow in outgoing {
            self.take_flow(current, flow, None);
        }
    }

    /// Puts a token on a flow; its target is entered next, or when all tokens of a join are there.
    pub(crate) fn take_flow(
        &mut self,
        current: &Current,
        flow: FlowIndex,
        triggered: Option<Bytes>,
    ) {
        let process = &current.definition.process;
        let Some(flow) = process.flow(flow) else { return };
        let target = process.element(flow.target);
        let joins = matches!(target.kind, ElementKind::ParallelGateway);
        let value = &current.instance.record;
        let record = ProcessInstanceRecord {
            bpmn_process_id: value.bpmn_process_id.clone(),
            version: value.version,
            process_definition_key: value.process_definition_key,
            process_instance_key: value.process_instance_key,
            element_id: flow.id.to_string(),
            flow_scope_key: value.flow_scope_key,
            element_type: ElementType::SequenceFlow as i32,
            event_type: EventType::Unspecified as i32,
            tenant_id: value.tenant_id.clone(),
            join_element_id: if joins { target.id.to_string() } else { String::new() },
            ..ProcessInstanceRecord::default()
        };
        let element_id = target.id.to_string();
        let scope_key = value.flow_scope_key;
        let key = self.next_key();
        self.event(key, Payload::ProcessInstance(ProcessInstanceIntent::SequenceFlowTaken, record));
        self.step(Step::Enter { scope_key, element_id, triggered });
    }

    /// A path inside a scope ended: the scope is done when nothing else moves in it.
    pub(crate) fn path_ended(&mut self, scope_key: Key) {
        if scope_key == NO_KEY {
            return;
        }
        let Some(scope) = self.state.element_instances.get(&scope_key) else { return };
        if scope.children_active > 0 {
            return;
        }
        if scope.is(Lifecycle::Activated) && scope.flows_active == 0 {
            self.step(Step::Complete { key: scope_key, variables: Bytes::new() });
        } else if scope.is(Lifecycle::Terminating) {
            // Tokens that wait at a join end with their scope.
            self.step(Step::FinishTermination { key: scope_key });
        }
    }
}
