//! The lifecycle that all elements share.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use skep_bpmn::model::{BoundaryEvent, BoundaryTrigger, ElementIndex, ElementKind, EndEvent};
use skep_protocol::{ErrorType, Key, NO_KEY, Payload, ProcessEventIntent, ProcessInstanceIntent};

use super::Current;
use crate::behavior::variables;
use crate::context::Context;
use crate::limits::{LOOP_STEPS_MAX, TERMINATE_CHILDREN_MAX};
use crate::problem::{Outcome, Problem};
use crate::state::Lifecycle;
use crate::step::Step;

impl Context<'_> {
    /// A token reached an element. A parallel gateway waits for one token on each of its flows.
    pub(super) fn enter(&mut self, scope_key: Key, element_id: &str, triggered: Option<Bytes>) {
        let Ok(scope) = self.current(scope_key) else { return };
        if !scope.instance.runs() {
            return;
        }
        let definition = Arc::clone(&scope.definition);
        let Some((index, element)) = definition.process.find(element_id) else { return };
        let tokens = match element.kind {
            ElementKind::ParallelGateway => {
                let all = element.incoming.iter().all(|flow| {
                    definition.process.flow(*flow).is_some_and(|flow| {
                        let waiting = (scope_key, element_id.to_owned(), flow.id.to_string());
                        self.state.flows_taken.contains(&waiting)
                    })
                });
                if !all {
                    return;
                }
                u32::try_from(element.incoming.len()).unwrap_or(u32::MAX)
            }
            _ => 1,
        };
        let key =
            self.write_activating(&definition, index, (scope_key, &scope.instance.record), tokens);
        if let Some(variables) = triggered {
            self.activated_and_completed(key, variables);
        } else if self.steps_done > LOOP_STEPS_MAX {
            self.stop_loop(key);
        } else {
            self.attempt(key, |context| context.activate(key));
        }
    }

    /// Runs one transition of an element; what goes wrong becomes its incident.
    pub(crate) fn attempt(&mut self, key: Key, transition: impl FnOnce(&mut Self) -> Outcome) {
        if let Err(problem) = transition(self) {
            self.stop_at(key, problem);
        }
    }

    /// Raises the incident of an element that cannot go on.
    pub(crate) fn stop_at(&mut self, key: Key, problem: Problem) {
        if let Some(instance) = self.state.element_instances.get(&key) {
            self.raise(key, &instance, problem);
        }
    }

    fn stop_loop(&mut self, key: Key) {
        self.steps_done = 0;
        let message = format!(
            "The instance ran {LOOP_STEPS_MAX} steps without waiting for anything. If the loop is intended, \
             resolve this incident to let it go on; otherwise cancel the instance and add a wait state."
        );
        self.stop_at(key, Problem::new(ErrorType::Unknown, message));
    }

    /// Goes through an activation: input mappings, then what the element does.
    pub(crate) fn activate(&mut self, key: Key) -> Outcome {
        let Ok(current) = self.current(key) else { return Ok(()) };
        if !current.instance.is(Lifecycle::Activating) {
            return Ok(());
        }
        let definition = Arc::clone(&current.definition);
        let element = definition.process.element(current.index);
        self.map_inputs(&element.inputs, key)?;
        match &element.kind {
            ElementKind::StartEvent(_)
            | ElementKind::IntermediateThrowEvent
            | ElementKind::BoundaryEvent(_)
            | ElementKind::ManualTask
            | ElementKind::UndefinedTask
            | ElementKind::ParallelGateway
            | ElementKind::EndEvent(EndEvent::None | EndEvent::Terminate) => {
                self.activated_and_completed(key, Bytes::new());
                Ok(())
            }
            ElementKind::EndEvent(EndEvent::Error { code }) => {
                self.activate_error_end(&current, code)
            }
            ElementKind::EndEvent(EndEvent::Message(task))
            | ElementKind::ServiceTask(task)
            | ElementKind::SendTask(task)
            | ElementKind::ScriptTaskJob(task)
            | ElementKind::BusinessRuleTaskJob(task) => self.activate_job_task(&current, task),
            ElementKind::UserTaskJob(task) => self.activate_user_task(&current, task),
            ElementKind::ScriptTaskExpression(script) => self.activate_script(&current, script),
            ElementKind::BusinessRuleTaskDecision(decision) => {
                self.activate_decision(&current, decision)
            }
            ElementKind::IntermediateCatchEvent(_)
            | ElementKind::ReceiveTask(_)
            | ElementKind::EventBasedGateway { .. } => self.activate_waiting(&current),
            ElementKind::CallActivity(call) => self.activate_call(&current, call),
            ElementKind::ExclusiveGateway(gateway) => {
                self.activate_exclusive_gateway(&current, gateway)
            }
            ElementKind::SubProcess(scope) => self.activate_sub_process(&current, scope),
            ElementKind::Process(_) => {
                Err(Problem::internal("a process is never entered by a token"))
            }
        }
    }

    /// An element that does not wait: ACTIVATED, then completed with these variables.
    pub(crate) fn activated_and_completed(&mut self, key: Key, variables: Bytes) {
        let Ok(current) = self.current(key) else { return };
        self.write(&current, ProcessInstanceIntent::ElementActivated);
        self.attempt(key, |context| context.complete(key, variables));
    }

    /// Completes an element with the variables that its event, job or child brought.
    pub(crate) fn complete(&mut self, key: Key, event_variables: Bytes) -> Outcome {
        let Ok(current) = self.current(key) else { return Ok(()) };
        if !current.instance.is(Lifecycle::Activated) {
            return Ok(());
        }
        if waits(&current.element().kind) {
            // The one of a boundary timer that could not be repeated: nobody waits for it now.
            self.resolve_incident_of(key);
        }
        self.write(&current, ProcessInstanceIntent::ElementCompleting);
        let entries = variables::entries(&event_variables)?;
        if current.element().outputs.is_empty() {
            self.propagate(&current, entries);
        } else {
            self.set_local_all(key, entries);
        }
        self.finish_completion(&current)
    }

    /// Takes up a completion that an incident stopped: the variables are on the element already.
    pub(super) fn resume_completion(&mut self, key: Key) -> Outcome {
        let Ok(current) = self.current(key) else { return Ok(()) };
        if current.instance.is(Lifecycle::Completing) {
            self.finish_completion(&current)
        } else {
            Ok(())
        }
    }

    /// Without output mappings, variables of an event go outward from the element itself.
    fn propagate(&mut self, current: &Current, entries: Vec<(String, Bytes)>) {
        if entries.is_empty() {
            return;
        }
        match &current.element().kind {
            ElementKind::CallActivity(call) if !call.propagate_all_child_variables => {}
            // Variables of an error stay with the catch event unless it maps them
            // (`spec/engine.md` 7.1, item 8).
            ElementKind::BoundaryEvent(BoundaryEvent {
                trigger: BoundaryTrigger::Error { .. },
                ..
            }) => self.set_local_all(current.key, entries),
            _ => self.merge(current.key, entries),
        }
    }

    fn finish_completion(&mut self, current: &Current) -> Outcome {
        let definition = Arc::clone(&current.definition);
        let element = definition.process.element(current.index);
        if !element.outputs.is_empty() {
            self.map_outputs(&element.outputs, current.key, current.flow_scope_key())?;
        }
        match &element.kind {
            ElementKind::Process(_) => {
                self.complete_process(current);
                return Ok(());
            }
            kind if waits(kind) => self.close_waits(current.key),
            _ => {}
        }
        self.write(current, ProcessInstanceIntent::ElementCompleted);
        match &element.kind {
            ElementKind::EndEvent(EndEvent::Terminate) => {
                self.terminate_rest(current.flow_scope_key())
            }
            _ => self.leave(current),
        }
        Ok(())
    }

    /// A terminate end event ends everything else in its scope; the scope completes then.
    fn terminate_rest(&mut self, scope_key: Key) {
        self.step(Step::TerminateChildren { scope_key, after: NO_KEY });
        self.path_ended(scope_key);
    }

    /// Ends an element from outside: what it waits for, its job, its incident, its children.
    pub(super) fn terminate(&mut self, key: Key) -> Outcome {
        let Ok(current) = self.current(key) else { return Ok(()) };
        if current.instance.is(Lifecycle::Terminating) {
            return Ok(());
        }
        self.write(&current, ProcessInstanceIntent::ElementTerminating);
        self.close_waits(key);
        self.cancel_job(current.instance.job_key);
        self.resolve_incident_of(key);
        if current.instance.called_instance_key != NO_KEY {
            self.step(Step::Terminate { key: current.instance.called_instance_key });
        } else if current.instance.children_active > 0 {
            self.step(Step::TerminateChildren { scope_key: key, after: NO_KEY });
        } else {
            self.finish_termination(key)?;
        }
        Ok(())
    }

    /// Ends the children of a scope, some at a time.
    pub(super) fn terminate_children(&mut self, scope_key: Key, after: Key) {
        let mut children = Vec::new();
        let from = (scope_key, after + 1);
        self.state.element_children.scan(
            &from,
            Some(&(scope_key + 1, NO_KEY)),
            &mut |(_, child), ()| {
                children.push(*child);
                if children.len() < TERMINATE_CHILDREN_MAX {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        let more =
            (children.len() == TERMINATE_CHILDREN_MAX).then(|| children.last().copied()).flatten();
        for key in children {
            self.step(Step::Terminate { key });
        }
        if let Some(after) = more {
            self.step(Step::TerminateChildren { scope_key, after });
        }
    }

    /// An element that is being terminated is gone when nothing inside it is left.
    pub(super) fn finish_termination(&mut self, key: Key) -> Outcome {
        let Ok(current) = self.current(key) else { return Ok(()) };
        let busy =
            current.instance.children_active > 0 || current.instance.called_instance_key != NO_KEY;
        if !current.instance.is(Lifecycle::Terminating) || busy {
            return Ok(());
        }
        if current.index == ElementIndex::PROCESS {
            self.finish_process_termination(&current);
            return Ok(());
        }
        let trigger = self.pending_trigger(key);
        self.write(&current, ProcessInstanceIntent::ElementTerminated);
        if let Some((trigger_key, trigger)) = trigger
            && self.scope_runs(current.flow_scope_key())
            && let Some((boundary, _)) = current.definition.process.find(&trigger.target_element_id)
        {
            let variables = trigger.variables.clone();
            self.event(trigger_key, Payload::ProcessEvent(ProcessEventIntent::Triggered, trigger));
            self.enter_triggered(
                &current.definition,
                boundary,
                current.flow_scope_key(),
                variables,
            );
            return Ok(());
        }
        self.path_ended(current.flow_scope_key());
        Ok(())
    }

    fn pending_trigger(&self, key: Key) -> Option<(Key, skep_protocol::ProcessEventRecord)> {
        let mut found = None;
        self.state.event_triggers.scan(
            &(key, NO_KEY),
            Some(&(key + 1, NO_KEY)),
            &mut |(_, event), trigger| {
                found = Some((*event, trigger.clone()));
                ControlFlow::Break(())
            },
        );
        found
    }

    /// Completes an event-based gateway by the event that won.
    pub(crate) fn complete_event_based_gateway(
        &mut self,
        current: &Current,
        target: ElementIndex,
        variables: Bytes,
    ) {
        self.write(current, ProcessInstanceIntent::ElementCompleting);
        self.close_waits(current.key);
        self.write(current, ProcessInstanceIntent::ElementCompleted);
        let process = &current.definition.process;
        let flow = current
            .element()
            .outgoing
            .iter()
            .copied()
            .find(|flow| process.flow(*flow).is_some_and(|flow| flow.target == target));
        if let Some(flow) = flow {
            self.take_flow(current, flow, Some(variables));
        }
    }
}

/// Whether an element may have open subscriptions or timers.
fn waits(kind: &ElementKind) -> bool {
    !matches!(
        kind,
        ElementKind::StartEvent(_)
            | ElementKind::IntermediateThrowEvent
            | ElementKind::BoundaryEvent(_)
            | ElementKind::EndEvent(_)
            | ElementKind::ExclusiveGateway(_)
            | ElementKind::ParallelGateway
            | ElementKind::ManualTask
            | ElementKind::UndefinedTask
    )
}
