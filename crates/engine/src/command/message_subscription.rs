//! MESSAGE_SUBSCRIPTION commands: what the instance's side asks of the message's side.

use skep_protocol::{
    Command, Key, MessageCorrelationRecord, MessageSubscriptionIntent, MessageSubscriptionRecord,
    NO_KEY, Payload, ProcessMessageSubscriptionIntent, RejectionType, key::partition_of,
};

use crate::context::Context;
use crate::state::MessageSubscription;

pub(super) fn process(
    context: &mut Context<'_>,
    command: &Command,
    intent: MessageSubscriptionIntent,
    value: &MessageSubscriptionRecord,
) {
    let found = find(context, value);
    match intent {
        MessageSubscriptionIntent::Create => create(context, command, value, found),
        MessageSubscriptionIntent::Correlate => correlated(context, command, value, found),
        MessageSubscriptionIntent::Reject => rejected(context, command, value, found),
        MessageSubscriptionIntent::Delete => delete(context, command, value, found),
        _ => {
            let reason =
                format!("Expected a command, but MESSAGE_SUBSCRIPTION {} is none", intent.name());
            context.reject(command, RejectionType::InvalidArgument, reason);
        }
    }
}

/// The subscription that the command means: opened by the same subscription of the instance's side.
fn find(
    context: &Context<'_>,
    value: &MessageSubscriptionRecord,
) -> Option<(Key, MessageSubscription)> {
    let id = (value.element_instance_key, value.message_name.clone());
    let key = context.state.message_subscriptions_by_element.get(&id)?;
    let row = context.state.message_subscriptions.get(&key)?;
    (row.record.subscription_key == value.subscription_key).then_some((key, row))
}

fn is_correlating(row: &MessageSubscription, message_key: Key) -> bool {
    row.correlating.iter().any(|pending| pending.message_key == message_key)
}

fn create(
    context: &mut Context<'_>,
    command: &Command,
    value: &MessageSubscriptionRecord,
    found: Option<(Key, MessageSubscription)>,
) {
    if found.is_some() {
        context.send_to_instance_side(value, ProcessMessageSubscriptionIntent::Create);
        let reason = format!(
            "Expected to open a subscription for element with key '{}', but it is open already",
            value.element_instance_key
        );
        return context.reject(command, RejectionType::AlreadyExists, reason);
    }
    if context.state.message_subscriptions_closed.contains(&value.subscription_key) {
        let reason = format!(
            "Expected to open a subscription for element with key '{}', but it is closed already",
            value.element_instance_key
        );
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    let key = context.next_key();
    context.event(
        key,
        Payload::MessageSubscription(MessageSubscriptionIntent::Created, value.clone()),
    );
    let mut correlated = false;
    while let Some((message_key, message)) =
        context.oldest_message(&value.message_name, &value.correlation_key, &value.bpmn_process_id)
    {
        context.correlate_to_subscription(key, value, message_key, &message);
        correlated = true;
        if value.interrupting {
            break;
        }
    }
    if !correlated {
        context.send_to_instance_side(value, ProcessMessageSubscriptionIntent::Create);
    }
}

/// The instance took the message.
fn correlated(
    context: &mut Context<'_>,
    command: &Command,
    value: &MessageSubscriptionRecord,
    found: Option<(Key, MessageSubscription)>,
) {
    let known = found.as_ref().filter(|(_, row)| is_correlating(row, value.message_key));
    if let Some((key, _)) = known {
        context.event(
            *key,
            Payload::MessageSubscription(MessageSubscriptionIntent::Correlated, value.clone()),
        );
        context.answer_correlation(
            value.message_key,
            MessageCorrelationRecord {
                name: value.message_name.clone(),
                correlation_key: value.correlation_key.clone(),
                message_key: value.message_key,
                process_instance_key: value.process_instance_key,
                tenant_id: value.tenant_id.clone(),
                ..MessageCorrelationRecord::default()
            },
        );
    } else {
        let reason = format!(
            "Expected to note a correlation of message '{}', but it is noted already",
            value.message_key
        );
        context.reject(command, RejectionType::InvalidState, reason);
    }
    if partition_of(value.process_instance_key) != context.settings.partition_id {
        context.send_to_instance_side(value, ProcessMessageSubscriptionIntent::Acknowledge);
    }
}

/// The instance did not take the message: another subscription of the process may.
fn rejected(
    context: &mut Context<'_>,
    command: &Command,
    value: &MessageSubscriptionRecord,
    found: Option<(Key, MessageSubscription)>,
) {
    // Only once: the message may be on its way to another subscription already.
    let Some((key, _)) = found.filter(|(_, row)| is_correlating(row, value.message_key)) else {
        let reason = format!(
            "Expected message '{}' to be on its way to the subscription, but it is not",
            value.message_key
        );
        return context.reject(command, RejectionType::InvalidState, reason);
    };
    context.event(
        key,
        Payload::MessageSubscription(MessageSubscriptionIntent::Rejected, value.clone()),
    );
    let next = context.next_subscription(value);
    match (next, context.state.messages.get(&value.message_key)) {
        (Some((key, row)), Some(message)) => {
            context.correlate_to_subscription(key, &row.record, value.message_key, &message);
        }
        _ => context.answer_no_correlation(
            value.message_key,
            &value.message_name,
            &value.correlation_key,
        ),
    }
}

impl Context<'_> {
    /// The oldest other subscription of the same process that could take the message.
    fn next_subscription(
        &self,
        value: &MessageSubscriptionRecord,
    ) -> Option<(Key, MessageSubscription)> {
        let mut found = None;
        let from = (value.message_name.clone(), value.correlation_key.clone(), NO_KEY);
        let to = (value.message_name.clone(), value.correlation_key.clone(), Key::MAX);
        self.state.message_subscriptions_by_name.scan(&from, Some(&to), &mut |(_, _, key), ()| {
            let free = self.state.message_subscriptions.get(key).filter(|row| {
                let busy = row.record.interrupting && !row.correlating.is_empty();
                !busy
                    && row.record.bpmn_process_id == value.bpmn_process_id
                    && row.record.subscription_key != value.subscription_key
            });
            match free {
                Some(row) => {
                    found = Some((*key, row));
                    std::ops::ControlFlow::Break(())
                }
                None => std::ops::ControlFlow::Continue(()),
            }
        });
        found
    }
}

fn delete(
    context: &mut Context<'_>,
    command: &Command,
    value: &MessageSubscriptionRecord,
    found: Option<(Key, MessageSubscription)>,
) {
    let is_elsewhere = partition_of(value.process_instance_key) != context.settings.partition_id;
    match found {
        Some((_, row)) if !row.correlating.is_empty() => {
            // Whether the instance took the message is not known yet. The answer to that comes with
            // another request to close, so that the message is neither lost nor taken twice.
            let reason = format!(
                "Expected to close the subscription of element with key '{}', but a message is on its way to it",
                value.element_instance_key
            );
            return context.reject(command, RejectionType::InvalidState, reason);
        }
        Some((key, row)) => {
            context.event(
                key,
                Payload::MessageSubscription(MessageSubscriptionIntent::Deleted, row.record),
            );
        }
        // Closed before it was opened: the request to open it comes too late.
        None if is_elsewhere
            && !context.state.message_subscriptions_closed.contains(&value.subscription_key) =>
        {
            context.event(
                NO_KEY,
                Payload::MessageSubscription(MessageSubscriptionIntent::Deleted, value.clone()),
            );
        }
        None => {
            let reason = format!(
                "Expected to close the subscription of element with key '{}', but there is none",
                value.element_instance_key
            );
            context.reject(command, RejectionType::NotFound, reason);
        }
    }
    context.send_to_instance_side(value, ProcessMessageSubscriptionIntent::Delete);
}
