//! PROCESS_MESSAGE_SUBSCRIPTION: the instance's side.

use skep_protocol::{ProcessMessageSubscriptionIntent, ProcessMessageSubscriptionRecord};

use crate::state::{ProcessMessageSubscription, State, SubscriptionState};

pub(crate) fn apply(
    state: &mut State,
    intent: ProcessMessageSubscriptionIntent,
    value: &ProcessMessageSubscriptionRecord,
) {
    let id = (value.element_instance_key, value.message_name.clone());
    match intent {
        ProcessMessageSubscriptionIntent::Creating => {
            let row = ProcessMessageSubscription::new(value.clone(), SubscriptionState::Opening);
            state.process_message_subscriptions.insert(id.clone(), row);
            state.process_message_subscriptions_pending.insert(id, ());
        }
        ProcessMessageSubscriptionIntent::Created => {
            state
                .process_message_subscriptions
                .update(&id, |row| row.state = SubscriptionState::Open as i32);
            state.process_message_subscriptions_pending.remove(&id);
        }
        ProcessMessageSubscriptionIntent::Correlated => {
            if value.remembered {
                state
                    .process_message_correlations
                    .insert((value.element_instance_key, value.message_key), value.clone());
            }
            state.process_message_subscriptions_pending.remove(&id);
            if value.interrupting {
                state.process_message_subscriptions.remove(&id);
            } else {
                state.process_message_subscriptions.update(&id, |row| {
                    row.state = SubscriptionState::Open as i32;
                    row.take(value.sequence);
                });
            }
        }
        ProcessMessageSubscriptionIntent::Deleting => {
            let row = state.process_message_subscriptions.get(&id);
            let mut row = row.unwrap_or_else(|| {
                ProcessMessageSubscription::new(value.clone(), SubscriptionState::Closing)
            });
            row.state = SubscriptionState::Closing as i32;
            state.process_message_subscriptions.insert(id.clone(), row);
            state.process_message_subscriptions_pending.insert(id, ());
        }
        ProcessMessageSubscriptionIntent::Deleted => {
            state.process_message_subscriptions.remove(&id);
            state.process_message_subscriptions_pending.remove(&id);
        }
        // The message's side has heard that this message was taken: it will not ask again.
        ProcessMessageSubscriptionIntent::Acknowledged => state
            .process_message_correlations
            .remove(&(value.element_instance_key, value.message_key)),
        ProcessMessageSubscriptionIntent::Create
        | ProcessMessageSubscriptionIntent::Correlate
        | ProcessMessageSubscriptionIntent::Delete
        | ProcessMessageSubscriptionIntent::Acknowledge => {}
    }
}
