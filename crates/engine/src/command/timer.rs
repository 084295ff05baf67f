//! TIMER TRIGGER: a timer is due.

use bytes::Bytes;
use skep_bpmn::model::{BoundaryTrigger, CatchEvent, Element, ElementKind, TimerEvent};
use skep_protocol::{Command, NO_KEY, Payload, RejectionType, TimerIntent, TimerRecord};

use crate::behavior::creation::NewInstance;
use crate::context::Context;

pub(super) fn trigger(context: &mut Context<'_>, command: &Command, value: &TimerRecord) {
    let id = (value.element_instance_key, command.key);
    let Some(timer) = context.state.timers.get(&id) else {
        let reason = format!(
            "Expected to trigger timer with key '{}', but no such timer was found",
            command.key
        );
        return context.reject(command, RejectionType::NotFound, reason);
    };
    if timer.due_date_ms > context.now_ms {
        let reason = format!("Expected timer with key '{}' to be due, but it is not", command.key);
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    context.event(command.key, Payload::Timer(TimerIntent::Triggered, timer.clone()));
    schedule_next(context, &timer);
    if timer.element_instance_key == NO_KEY {
        start_instance(context, &timer);
    } else {
        context.trigger(timer.element_instance_key, &timer.target_element_id, Bytes::new());
    }
}

fn timer_event(element: &Element) -> Option<&TimerEvent> {
    match &element.kind {
        ElementKind::StartEvent(CatchEvent::Timer(timer))
        | ElementKind::IntermediateCatchEvent(CatchEvent::Timer(timer)) => Some(timer),
        ElementKind::BoundaryEvent(boundary) => match &boundary.trigger {
            BoundaryTrigger::Timer(timer) => Some(timer),
            _ => None,
        },
        _ => None,
    }
}

/// A cycle goes on with a new timer, before what it triggers can change anything.
fn schedule_next(context: &mut Context<'_>, fired: &TimerRecord) {
    let Some(definition) = context.definition(fired.process_definition_key) else { return };
    let Some((_, element)) = definition.process.find(&fired.target_element_id) else { return };
    let Some(event) = timer_event(element) else { return };
    match context.next_firing(event, fired.element_instance_key, fired) {
        Ok(Some(firing)) => context.create_timer(TimerRecord {
            due_date_ms: firing.due_date_ms,
            repetitions: firing.repetitions,
            ..fired.clone()
        }),
        Ok(None) => {}
        Err(problem) => context.stop_at(fired.element_instance_key, problem),
    }
}

fn start_instance(context: &mut Context<'_>, timer: &TimerRecord) {
    let Some(definition) = context.definition(timer.process_definition_key) else { return };
    let Some((start, _)) = definition.process.find(&timer.target_element_id) else { return };
    let key = context.next_key();
    let new = NewInstance { start: Some((start, Bytes::new())), ..NewInstance::default() };
    context.create_instance(key, &definition, new);
}
