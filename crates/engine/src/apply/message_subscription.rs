//! MESSAGE_SUBSCRIPTION: the message's side.

use skep_protocol::{Key, MessageSubscriptionIntent, MessageSubscriptionRecord};

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
            } else {
                answered(state, key, value.message_key);
            }
        }
        MessageSubscriptionIntent::Rejected => {
            // The message may go to another subscription of the same process.
            state.message_correlations.remove(&(value.message_key, value.bpmn_process_id.clone()));
            answered(state, key, value.message_key);
        }
        MessageSubscriptionIntent::Deleted => remove(state, key, value),
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
