//! MESSAGE_SUBSCRIPTION: the message's side.

use std::ops::ControlFlow;

use skep_protocol::{
    Key, MessageSubscriptionIntent, MessageSubscriptionRecord, key::compose, key::partition_of,
};

use crate::limits::{CLOSED_FORGOTTEN_MAX, CLOSED_KEYS_REMEMBERED};
use crate::state::{CorrelatingMessage, MessageSubscription, State};

pub(crate) fn apply(
    state: &mut State,
    key: Key,
    intent: MessageSubscriptionIntent,
    value: &MessageSubscriptionRecord,
) {
    match intent {
        MessageSubscriptionIntent::Created => {
            let row =
                MessageSubscription { record: value.clone(), correlating: Vec::new(), sequence: 0 };
            state.message_subscriptions.insert_new(key, row);
            state
                .message_subscriptions_by_name
                .insert((value.message_name.clone(), value.correlation_key.clone(), key), ());
            state
                .message_subscriptions_by_element
                .insert((value.element_instance_key, value.message_name.clone()), key);
        }
        MessageSubscriptionIntent::Correlating => {
            state.message_subscriptions.update(&key, |row| {
                row.sequence = row.sequence.max(value.sequence);
                row.correlating.push(CorrelatingMessage {
                    message_key: value.message_key,
                    variables: value.variables.clone(),
                    sequence: value.sequence,
                });
            });
            state.message_subscriptions_pending.insert(key, ());
            if state.messages.contains(&value.message_key) {
                state
                    .message_correlations
                    .insert((value.message_key, value.bpmn_process_id.clone()), ());
            }
        }
        MessageSubscriptionIntent::Correlated => {
            if value.interrupting {
                remove(state, key, value);
                remember_closed(state, key, value);
            } else {
                answered(state, key, value.message_key);
            }
        }
        MessageSubscriptionIntent::Rejected => {
            // The message may go to another subscription of the same process.
            state.message_correlations.remove(&(value.message_key, value.bpmn_process_id.clone()));
            answered(state, key, value.message_key);
        }
        MessageSubscriptionIntent::Deleted => {
            remove(state, key, value);
            remember_closed(state, key, value);
        }
        MessageSubscriptionIntent::Create
        | MessageSubscriptionIntent::Correlate
        | MessageSubscriptionIntent::Reject
        | MessageSubscriptionIntent::Delete => {}
    }
}

fn answered(state: &mut State, key: Key, message_key: Key) {
    let mut idle = true;
    state.message_subscriptions.update(&key, |row| {
        row.correlating.retain(|pending| pending.message_key != message_key);
        idle = row.correlating.is_empty();
    });
    if idle {
        state.message_subscriptions_pending.remove(&key);
    }
}

fn remove(state: &mut State, key: Key, value: &MessageSubscriptionRecord) {
    state.message_subscriptions.remove(&key);
    state.message_subscriptions_pending.remove(&key);
    state.message_subscriptions_by_name.remove(&(
        value.message_name.clone(),
        value.correlation_key.clone(),
        key,
    ));
    let by_element = (value.element_instance_key, value.message_name.clone());
    if state.message_subscriptions_by_element.get(&by_element) == Some(key) {
        state.message_subscriptions_by_element.remove(&by_element);
    }
}

/// A request to open it that comes late must not open it again: nobody would close it.
fn remember_closed(state: &mut State, key: Key, value: &MessageSubscriptionRecord) {
    let instance_partition = partition_of(value.process_instance_key);
    if instance_partition == partition_of(key) {
        return;
    }
    state.message_subscriptions_closed.insert(value.subscription_key, ());
    // Keys ascend with time: requests to open old ones are not under way any more.
    let oldest = value.subscription_key.saturating_sub(CLOSED_KEYS_REMEMBERED);
    let from = compose(instance_partition, 0);
    let mut forgotten = Vec::new();
    state.message_subscriptions_closed.scan(&from, Some(&oldest), &mut |key, ()| {
        forgotten.push(*key);
        if forgotten.len() < CLOSED_FORGOTTEN_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    for key in forgotten {
        state.message_subscriptions_closed.remove(&key);
    }
}
