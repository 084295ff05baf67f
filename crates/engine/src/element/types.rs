//! Element and event types as records name them.

use skep_bpmn::model::{BoundaryTrigger, CatchEvent, Element, ElementKind, EndEvent};
use skep_protocol::{ElementType, EventType};

fn of_catch(event: &CatchEvent) -> EventType {
    match event {
        CatchEvent::None => EventType::None,
        CatchEvent::Message(_) => EventType::Message,
        CatchEvent::Timer(_) => EventType::Timer,
    }
}

/// Element type and event type of an element.
pub(super) fn of(element: &Element) -> (ElementType, EventType) {
    let element_type = match &element.kind {
        ElementKind::StartEvent(event) => return (ElementType::StartEvent, of_catch(event)),
        ElementKind::IntermediateCatchEvent(event) => {
            return (ElementType::IntermediateCatchEvent, of_catch(event));
        }
        ElementKind::IntermediateThrowEvent => {
            return (ElementType::IntermediateThrowEvent, EventType::None);
        }
        ElementKind::BoundaryEvent(boundary) => {
            let event_type = match boundary.trigger {
                BoundaryTrigger::Message(_) => EventType::Message,
                BoundaryTrigger::Timer(_) => EventType::Timer,
                BoundaryTrigger::Error { .. } => EventType::Error,
            };
            return (ElementType::BoundaryEvent, event_type);
        }
        ElementKind::EndEvent(end) => {
            let event_type = match end {
                EndEvent::None => EventType::None,
                EndEvent::Error { .. } => EventType::Error,
                EndEvent::Terminate => EventType::Terminate,
                EndEvent::Message(_) => EventType::Message,
            };
            return (ElementType::EndEvent, event_type);
        }
        ElementKind::ReceiveTask(_) => return (ElementType::ReceiveTask, EventType::Message),
        ElementKind::Process(_) => ElementType::Process,
        ElementKind::SubProcess(_) => ElementType::SubProcess,
        ElementKind::ServiceTask(_) => ElementType::ServiceTask,
        ElementKind::SendTask(_) => ElementType::SendTask,
        ElementKind::ScriptTaskJob(_) | ElementKind::ScriptTaskExpression(_) => {
            ElementType::ScriptTask
        }
        ElementKind::BusinessRuleTaskJob(_) | ElementKind::BusinessRuleTaskDecision(_) => {
            ElementType::BusinessRuleTask
        }
        ElementKind::UserTaskJob(_) => ElementType::UserTask,
        ElementKind::ManualTask => ElementType::ManualTask,
        ElementKind::UndefinedTask => ElementType::Task,
        ElementKind::CallActivity(_) => ElementType::CallActivity,
        ElementKind::ExclusiveGateway(_) => ElementType::ExclusiveGateway,
        ElementKind::ParallelGateway => ElementType::ParallelGateway,
        ElementKind::EventBasedGateway { .. } => ElementType::EventBasedGateway,
    };
    (element_type, EventType::Unspecified)
}
