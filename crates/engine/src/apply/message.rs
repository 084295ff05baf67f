//! MESSAGE.

use std::ops::ControlFlow;

use skep_protocol::{Key, MessageIntent, MessageRecord};

use crate::state::State;

pub(crate) fn apply(state: &mut State, key: Key, intent: MessageIntent, value: &MessageRecord) {
    match intent {
        MessageIntent::Published => {
            state.messages.insert_new(key, value.clone());
            state
                .messages_by_name
                .insert((value.name.clone(), value.correlation_key.clone(), key), ());
            state.message_deadlines.insert((value.deadline_ms, key), ());
            if !value.message_id.is_empty() {
                state.message_ids.insert(id_of(value), key);
            }
        }
        MessageIntent::Expired => {
            let Some(message) = state.messages.get(&key) else { return };
            state.messages.remove(&key);
            state.messages_by_name.remove(&(
                message.name.clone(),
                message.correlation_key.clone(),
                key,
            ));
            state.message_deadlines.remove(&(message.deadline_ms, key));
            if !message.message_id.is_empty() {
                state.message_ids.remove(&id_of(&message));
            }
            forget_correlations(state, key);
        }
        MessageIntent::Publish | MessageIntent::Expire => {}
    }
}

fn id_of(message: &MessageRecord) -> (String, String, String) {
    (message.name.clone(), message.correlation_key.clone(), message.message_id.clone())
}

fn forget_correlations(state: &mut State, key: Key) {
    let mut correlations = Vec::new();
    state.message_correlations.scan(
        &(key, String::new()),
        Some(&(key + 1, String::new())),
        &mut |key, ()| {
            correlations.push(key.clone());
            ControlFlow::Continue(())
        },
    );
    for correlation in correlations {
        state.message_correlations.remove(&correlation);
    }
}
