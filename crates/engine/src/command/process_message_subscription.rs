//! PROCESS_MESSAGE_SUBSCRIPTION commands: what the message's side tells the instance's side.

use skep_protocol::{
    Command, MessageSubscriptionIntent, NO_KEY, Payload, ProcessMessageSubscriptionIntent,
    ProcessMessageSubscriptionRecord, RejectionType, key::partition_of_correlation_key,
};

use crate::context::Context;
use crate::state::{ProcessMessageSubscription, SubscriptionState};

pub(super) fn process(
    context: &mut Context<'_>,
    command: &Command,
    intent: ProcessMessageSubscriptionIntent,
    value: &ProcessMessageSubscriptionRecord,
) {
    let id = (value.element_instance_key, value.message_name.clone());
    let found = context
        .state
        .process_message_subscriptions
        .get(&id)
        .filter(|row| row.record.subscription_key == value.subscription_key);
    match intent {
        ProcessMessageSubscriptionIntent::Create => opened(context, command, value, found),
        ProcessMessageSubscriptionIntent::Correlate => correlate(context, command, value, found),
        ProcessMessageSubscriptionIntent::Delete => deleted(context, command, found),
        ProcessMessageSubscriptionIntent::Acknowledge => {
            context.event(
                value.subscription_key,
                Payload::ProcessMessageSubscription(
                    ProcessMessageSubscriptionIntent::Acknowledged,
                    without_variables(value),
                ),
            );
        }
        _ => {
            let reason = format!(
                "Expected a command, but PROCESS_MESSAGE_SUBSCRIPTION {} is none",
                intent.name()
            );
            context.reject(command, RejectionType::InvalidArgument, reason);
        }
    }
}

fn without_variables(value: &ProcessMessageSubscriptionRecord) -> ProcessMessageSubscriptionRecord {
    ProcessMessageSubscriptionRecord { variables: bytes::Bytes::new(), ..value.clone() }
}

fn already(context: &mut Context<'_>, command: &Command, what: &str) {
    let reason = format!("Expected a subscription that is {what}, but there is none");
    context.reject(command, RejectionType::InvalidState, reason);
}

fn opened(
    context: &mut Context<'_>,
    command: &Command,
    value: &ProcessMessageSubscriptionRecord,
    found: Option<ProcessMessageSubscription>,
) {
    match found {
        Some(row) if row.state == SubscriptionState::Opening as i32 => context.event(
            row.record.subscription_key,
            Payload::ProcessMessageSubscription(
                ProcessMessageSubscriptionIntent::Created,
                row.record,
            ),
        ),
        Some(_) => already(context, command, "opening"),
        None => {
            // It was closed here before the other side opened it.
            close_again(context, value);
            already(context, command, "opening");
        }
    }
}

/// The message's side has a subscription that is not here: nobody else would close it there, so that
/// is remembered and asked for until it is done.
fn close_again(context: &mut Context<'_>, value: &ProcessMessageSubscriptionRecord) {
    let id = (value.element_instance_key, value.message_name.clone());
    if !context.state.process_message_subscriptions.contains(&id) {
        let record =
            ProcessMessageSubscriptionRecord { message_key: NO_KEY, ..without_variables(value) };
        context.event(
            record.subscription_key,
            Payload::ProcessMessageSubscription(ProcessMessageSubscriptionIntent::Deleting, record),
        );
    }
    context.send_to_message_side(value, MessageSubscriptionIntent::Delete);
}

fn deleted(
    context: &mut Context<'_>,
    command: &Command,
    found: Option<ProcessMessageSubscription>,
) {
    match found.filter(|row| row.state == SubscriptionState::Closing as i32) {
        Some(mut row) => {
            row.record.message_key = NO_KEY;
            context.event(
                row.record.subscription_key,
                Payload::ProcessMessageSubscription(
                    ProcessMessageSubscriptionIntent::Deleted,
                    row.record,
                ),
            );
        }
        None => already(context, command, "closing"),
    }
}

/// A message came: the element takes it, or another subscription may.
fn correlate(
    context: &mut Context<'_>,
    command: &Command,
    value: &ProcessMessageSubscriptionRecord,
    found: Option<ProcessMessageSubscription>,
) {
    let correlation = (value.element_instance_key, value.message_key);
    let known = context.state.process_message_correlations.contains(&correlation);
    #[cfg(feature = "mutation")]
    let known = known && !crate::mutation::is("correlation is applied again");
    if known {
        context.send_to_message_side(value, MessageSubscriptionIntent::Correlate);
        return already(context, command, "waiting for this message");
    }
    if found.as_ref().is_some_and(|row| row.has_taken(value.sequence)) {
        // And the message's side knows, so it was asked before that.
        return already(context, command, "waiting for this message");
    }
    let is_closed = found.as_ref().is_none_or(|row| row.state == SubscriptionState::Closing as i32);
    let open = found.filter(|row| row.state != SubscriptionState::Closing as i32);
    let taken = open.filter(|_| {
        context
            .current(value.element_instance_key)
            .is_ok_and(|current| context.takes_triggers(&current))
    });
    let Some(row) = taken else {
        context.send_to_message_side(value, MessageSubscriptionIntent::Reject);
        if is_closed {
            close_again(context, value);
        }
        return already(context, command, "open");
    };
    let message_partition =
        partition_of_correlation_key(&row.record.correlation_key, context.settings.partitions);
    let record = ProcessMessageSubscriptionRecord {
        message_key: value.message_key,
        variables: bytes::Bytes::new(),
        remembered: message_partition != context.settings.partition_id,
        sequence: value.sequence,
        ..row.record
    };
    context.event(
        record.subscription_key,
        Payload::ProcessMessageSubscription(
            ProcessMessageSubscriptionIntent::Correlated,
            record.clone(),
        ),
    );
    context.trigger(record.element_instance_key, &record.element_id, value.variables.clone());
    context.send_to_message_side(&record, MessageSubscriptionIntent::Correlate);
}
