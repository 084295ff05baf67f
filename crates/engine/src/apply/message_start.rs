//! MESSAGE_START_EVENT_SUBSCRIPTION.

use skep_protocol::{MessageStartEventSubscriptionIntent, MessageStartEventSubscriptionRecord};

use crate::state::{MessageLock, State};

pub(crate) fn apply(
    state: &mut State,
    intent: MessageStartEventSubscriptionIntent,
    value: &MessageStartEventSubscriptionRecord,
) {
    let id =
        (value.message_name.clone(), value.process_definition_key, value.start_event_id.clone());
    match intent {
        MessageStartEventSubscriptionIntent::Created => {
            state.message_start_subscriptions.insert(id, value.clone());
        }
        MessageStartEventSubscriptionIntent::Deleted => {
            state.message_start_subscriptions.remove(&id)
        }
        MessageStartEventSubscriptionIntent::Correlated => {
            if state.messages.contains(&value.message_key) {
                state
                    .message_correlations
                    .insert((value.message_key, value.bpmn_process_id.clone()), ());
            }
            if !value.correlation_key.is_empty() {
                let lock = MessageLock {
                    bpmn_process_id: value.bpmn_process_id.clone(),
                    correlation_key: value.correlation_key.clone(),
                };
                state.message_locks.insert(
                    (lock.bpmn_process_id.clone(), lock.correlation_key.clone()),
                    value.process_instance_key,
                );
                state.message_locks_held.insert(value.process_instance_key, lock);
            }
        }
    }
}
