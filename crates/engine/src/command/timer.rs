//! TIMER TRIGGER: a timer is due.

use bytes::Bytes;
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
    // Before what it triggers can change anything.
    if let Err(problem) = context.schedule_next(&timer) {
        context.stop_at(timer.element_instance_key, problem);
    }
    if timer.element_instance_key == NO_KEY {
        start_instance(context, &timer);
    } else {
        context.trigger(timer.element_instance_key, &timer.target_element_id, Bytes::new());
    }
}

fn start_instance(context: &mut Context<'_>, timer: &TimerRecord) {
    let Some(definition) = context.definition(timer.process_definition_key) else { return };
    let Some((start, _)) = definition.process.find(&timer.target_element_id) else { return };
    let key = context.next_key();
    let new = NewInstance { start: Some((start, Bytes::new())), ..NewInstance::default() };
    context.create_instance(key, &definition, new);
}
