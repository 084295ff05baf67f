//! Opening and closing what an element waits for: messages and timers of its own and of its
//! boundary events. All expressions are evaluated before the first subscription opens, so that a
//! failure opens none (`spec/engine.md` 7.4, item 53).

use std::ops::ControlFlow;

use skep_bpmn::model::{
    BoundaryTrigger, CatchEvent, Element, ElementIndex, ElementKind, MessageEvent, TimerEvent,
};
use skep_protocol::{
    Command, ErrorType, Key, MessageSubscriptionIntent, MessageSubscriptionRecord, Payload,
    ProcessMessageSubscriptionIntent, ProcessMessageSubscriptionRecord, TimerIntent, TimerRecord,
    key::partition_of_correlation_key,
};

use super::timer::Firing;
use crate::context::Context;
use crate::element::Current;
use crate::problem::{Outcome, Problem};
use crate::state::{ProcessMessageSubscription, SubscriptionState};

/// What an element will wait for, evaluated.
#[derive(Default)]
pub(crate) struct Waits {
    messages: Vec<MessageWait>,
    timers: Vec<(String, Firing)>,
}

struct MessageWait {
    element_id: String,
    name: String,
    correlation_key: String,
    interrupting: bool,
}

/// One event that an element instance waits for.
enum Trigger<'a> {
    Message(&'a MessageEvent, bool),
    Timer(&'a TimerEvent),
}

fn own_trigger(element: &Element) -> Option<Trigger<'_>> {
    match &element.kind {
        ElementKind::IntermediateCatchEvent(CatchEvent::Message(message)) => {
            Some(Trigger::Message(message, true))
        }
        ElementKind::IntermediateCatchEvent(CatchEvent::Timer(timer)) => {
            Some(Trigger::Timer(timer))
        }
        ElementKind::ReceiveTask(message) => Some(Trigger::Message(message, true)),
        _ => None,
    }
}

fn boundary_trigger(element: &Element) -> Option<Trigger<'_>> {
    let ElementKind::BoundaryEvent(boundary) = &element.kind else { return None };
    match &boundary.trigger {
        BoundaryTrigger::Message(message) => Some(Trigger::Message(message, boundary.interrupting)),
        BoundaryTrigger::Timer(timer) => Some(Trigger::Timer(timer)),
        BoundaryTrigger::Error { .. } => None,
    }
}

impl Context<'_> {
    /// Evaluates everything that the element waits for.
    pub(crate) fn evaluate_waits(&self, current: &Current) -> Outcome<Waits> {
        let mut waits = Waits::default();
        let process = &current.definition.process;
        let element = current.element();
        let own: Vec<ElementIndex> = match &element.kind {
            ElementKind::EventBasedGateway { targets } => targets.clone(),
            _ => vec![current.index],
        };
        for index in own {
            let target = process.element(index);
            if let Some(trigger) = own_trigger(target) {
                self.evaluate_wait(&mut waits, target, trigger, current.key, current.key)?;
            }
        }
        for index in &element.boundary_events {
            let boundary = process.element(*index);
            if let Some(trigger) = boundary_trigger(boundary) {
                // Local variables of the activity are visible to its boundary's timer, but not to
                // its correlation key (`spec/engine.md` 7.3, item 31).
                self.evaluate_wait(
                    &mut waits,
                    boundary,
                    trigger,
                    current.key,
                    current.flow_scope_key(),
                )?;
            }
        }
        Ok(waits)
    }

    fn evaluate_wait(
        &self,
        waits: &mut Waits,
        element: &Element,
        trigger: Trigger<'_>,
        timer_scope_key: Key,
        message_scope_key: Key,
    ) -> Outcome {
        match trigger {
            Trigger::Message(message, interrupting) => {
                let name = self.evaluate_string(&message.name, message_scope_key)?;
                if let Some(other) = waits.messages.iter().find(|wait| wait.name == name) {
                    // The model only tells static names apart.
                    return Err(Problem::new(
                        ErrorType::ExtractValueError,
                        format!(
                            "Expected the messages of one element to have different names, but '{}' and '{}' both wait \
                             for '{name}'. Change the variables of their names.",
                            other.element_id, element.id
                        ),
                    )
                    .at_scope(message_scope_key));
                }
                let correlation_key = match &message.correlation_key {
                    Some(expression) => {
                        self.evaluate_correlation_key(expression, message_scope_key)?
                    }
                    None => String::new(),
                };
                waits.messages.push(MessageWait {
                    element_id: element.id.to_string(),
                    name,
                    correlation_key,
                    interrupting,
                });
            }
            Trigger::Timer(timer) => {
                if let Some(firing) = self.first_firing(timer, timer_scope_key)? {
                    waits.timers.push((element.id.to_string(), firing));
                }
            }
        }
        Ok(())
    }

    /// Opens what was evaluated: messages, then timers.
    pub(crate) fn open_waits(&mut self, current: &Current, waits: Waits) {
        for wait in waits.messages {
            self.open_message_subscription(current, wait);
        }
        for (target_element_id, firing) in waits.timers {
            self.create_timer(TimerRecord {
                element_instance_key: current.key,
                process_instance_key: current.instance.record.process_instance_key,
                process_definition_key: current.definition.key,
                target_element_id,
                due_date_ms: firing.due_date_ms,
                repetitions: firing.repetitions,
                tenant_id: current.instance.record.tenant_id.clone(),
            });
        }
    }

    fn open_message_subscription(&mut self, current: &Current, wait: MessageWait) {
        let key = self.next_key();
        let record = ProcessMessageSubscriptionRecord {
            process_instance_key: current.instance.record.process_instance_key,
            element_instance_key: current.key,
            message_name: wait.name,
            correlation_key: wait.correlation_key,
            bpmn_process_id: current.instance.record.bpmn_process_id.clone(),
            interrupting: wait.interrupting,
            tenant_id: current.instance.record.tenant_id.clone(),
            element_id: wait.element_id,
            process_definition_key: current.definition.key,
            subscription_key: key,
            ..ProcessMessageSubscriptionRecord::default()
        };
        self.event(
            key,
            Payload::ProcessMessageSubscription(
                ProcessMessageSubscriptionIntent::Creating,
                record.clone(),
            ),
        );
        self.send_to_message_side(&record, MessageSubscriptionIntent::Create);
    }

    /// Tells the partition of the correlation key what the instance's side wants or did.
    pub(crate) fn send_to_message_side(
        &mut self,
        record: &ProcessMessageSubscriptionRecord,
        intent: MessageSubscriptionIntent,
    ) {
        let partition =
            partition_of_correlation_key(&record.correlation_key, self.settings.partitions);
        let command = to_message_side(record, intent);
        self.send(partition, command);
    }

    /// Closes everything that an element instance waits for.
    pub(crate) fn close_waits(&mut self, element_instance_key: Key) {
        let mut timers = Vec::new();
        let upper = (element_instance_key + 1, 0);
        self.state.timers.scan(
            &(element_instance_key, 0),
            Some(&upper),
            &mut |(_, key), record| {
                timers.push((*key, record.clone()));
                ControlFlow::Continue(())
            },
        );
        for (key, record) in timers {
            self.event(key, Payload::Timer(TimerIntent::Canceled, record));
        }
        for row in self.message_subscriptions_of(element_instance_key) {
            if row.state == SubscriptionState::Closing as i32 {
                continue;
            }
            self.event(
                row.record.subscription_key,
                Payload::ProcessMessageSubscription(
                    ProcessMessageSubscriptionIntent::Deleting,
                    row.record.clone(),
                ),
            );
            self.send_to_message_side(&row.record, MessageSubscriptionIntent::Delete);
        }
    }

    fn message_subscriptions_of(
        &self,
        element_instance_key: Key,
    ) -> Vec<ProcessMessageSubscription> {
        let mut rows = Vec::new();
        self.state.process_message_subscriptions.scan(
            &(element_instance_key, String::new()),
            Some(&(element_instance_key + 1, String::new())),
            &mut |_, row| {
                rows.push(row.clone());
                ControlFlow::Continue(())
            },
        );
        rows
    }
}

/// The command that tells the message's side something.
pub(crate) fn to_message_side(
    record: &ProcessMessageSubscriptionRecord,
    intent: MessageSubscriptionIntent,
) -> Command {
    let value = MessageSubscriptionRecord {
        process_instance_key: record.process_instance_key,
        element_instance_key: record.element_instance_key,
        message_name: record.message_name.clone(),
        correlation_key: record.correlation_key.clone(),
        bpmn_process_id: record.bpmn_process_id.clone(),
        message_key: record.message_key,
        interrupting: record.interrupting,
        tenant_id: record.tenant_id.clone(),
        subscription_key: record.subscription_key,
        ..MessageSubscriptionRecord::default()
    };
    Command::new(skep_protocol::NO_KEY, Payload::MessageSubscription(intent, value))
}
