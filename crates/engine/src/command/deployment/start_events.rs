//! The start events of a process that messages and timers trigger: only those of its latest version.

use skep_bpmn::Process;
use skep_bpmn::model::{CatchEvent, ElementKind, TimerEvent, Value as ModelValue};
use skep_feel::{Environment, NoVariables, Value};
use skep_protocol::{
    Key, MessageStartEventSubscriptionIntent, MessageStartEventSubscriptionRecord, NO_KEY, Payload,
    TimerIntent, TimerRecord,
};

use super::DEPLOYMENT_PARTITION;
use crate::context::Context;
use crate::definitions::Definition;

fn start_events(process: &Process) -> impl Iterator<Item = (&str, &CatchEvent)> {
    let starts = match &process.root().kind {
        ElementKind::Process(scope) => scope.event_starts.as_slice(),
        _ => &[],
    };
    starts.iter().filter_map(|index| {
        let element = process.element(*index);
        match &element.kind {
            ElementKind::StartEvent(event) => Some((element.id.as_ref(), event)),
            _ => None,
        }
    })
}

pub(super) fn start_timers(process: &Process) -> impl Iterator<Item = (&str, &TimerEvent)> {
    start_events(process).filter_map(|(id, event)| match event {
        CatchEvent::Timer(timer) => Some((id, timer)),
        _ => None,
    })
}

fn start_messages(process: &Process) -> impl Iterator<Item = (&str, String)> {
    start_events(process).filter_map(|(id, event)| match event {
        CatchEvent::Message(message) => Some((id, constant_text(&message.name)?)),
        _ => None,
    })
}

/// Names of the messages that start a process.
pub(crate) fn message_start_names(definition: &Definition) -> Vec<String> {
    start_messages(&definition.process).map(|(_, name)| name).collect()
}

/// A name that needs no variables; validation made sure that it is one.
fn constant_text(value: &ModelValue) -> Option<String> {
    match value {
        ModelValue::Static(text) => Some(text.to_string()),
        ModelValue::Expression(expression) => {
            match expression.evaluate(&NoVariables, &Environment::at(0)).ok()?.value {
                Value::String(text) => Some(text.to_string()),
                _ => None,
            }
        }
    }
}

/// Only the latest version of a process is started by messages and timers.
pub(in crate::command) fn open_start_events(context: &mut Context<'_>, definition_key: Key) {
    let Some(definition) = context.definition(definition_key) else { return };
    let process = &definition.process;
    for (start_event_id, message_name) in start_messages(process) {
        let key = context.next_key();
        let record = MessageStartEventSubscriptionRecord {
            process_definition_key: definition_key,
            bpmn_process_id: process.id.to_string(),
            start_event_id: start_event_id.to_owned(),
            message_name,
            tenant_id: definition.tenant_id.clone(),
            ..MessageStartEventSubscriptionRecord::default()
        };
        context.event(
            key,
            Payload::MessageStartEventSubscription(
                MessageStartEventSubscriptionIntent::Created,
                record,
            ),
        );
    }
    if context.settings.partition_id != DEPLOYMENT_PARTITION {
        return;
    }
    for (element_id, timer) in start_timers(process) {
        if let Ok(Some(firing)) = context.first_firing(timer, NO_KEY) {
            context.create_timer(TimerRecord {
                process_definition_key: definition_key,
                target_element_id: element_id.to_owned(),
                due_date_ms: firing.due_date_ms,
                repetitions: firing.repetitions,
                tenant_id: definition.tenant_id.clone(),
                ..TimerRecord::default()
            });
        }
    }
}

/// A version that is not the latest any more is started by nothing.
pub(in crate::command) fn close_start_events(context: &mut Context<'_>, definition_key: Key) {
    let Some(definition) = context.definition(definition_key) else { return };
    for (start_event_id, message_name) in start_messages(&definition.process) {
        let id = (message_name, definition_key, start_event_id.to_owned());
        if let Some(record) = context.state.message_start_subscriptions.get(&id) {
            let key = context.next_key();
            context.event(
                key,
                Payload::MessageStartEventSubscription(
                    MessageStartEventSubscriptionIntent::Deleted,
                    record,
                ),
            );
        }
    }
    let mut timers = Vec::new();
    context.state.timers.scan(
        &(NO_KEY, NO_KEY),
        Some(&(NO_KEY + 1, NO_KEY)),
        &mut |(_, key), record| {
            if record.process_definition_key == definition_key {
                timers.push((*key, record.clone()));
            }
            std::ops::ControlFlow::Continue(())
        },
    );
    for (key, record) in timers {
        context.event(key, Payload::Timer(TimerIntent::Canceled, record));
    }
}
