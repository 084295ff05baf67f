//! MESSAGE PUBLISH and expiry.

use std::ops::ControlFlow;

use skep_protocol::{Command, Key, MessageIntent, MessageRecord, NO_KEY, Payload, RejectionType};

use crate::context::Context;
use crate::document;
use crate::limits::MESSAGE_EXPIRY_BATCH_MAX;

pub(super) fn publish(context: &mut Context<'_>, command: &Command, value: &MessageRecord) {
    if document::entries(&value.variables).is_none() {
        let reason = "Expected the variables to be one MessagePack map, but they are not";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    let id = (value.name.clone(), value.correlation_key.clone(), value.message_id.clone());
    let known = !value.message_id.is_empty() && context.state.message_ids.contains(&id);
    #[cfg(feature = "mutation")]
    let known = known && !crate::mutation::is("message is published again");
    if known {
        let reason = format!(
            "Expected to publish a new message with id '{}', but a message with that id was already published",
            value.message_id
        );
        return context.reject(command, RejectionType::AlreadyExists, reason);
    }
    let (key, record) = context.publish_message(value.clone());
    context.respond_accepted(key, Payload::Message(MessageIntent::Published, record.clone()));
    context.correlate_message(key, &record);
    context.expire_at_once(key, record);
}

impl Context<'_> {
    /// Writes MESSAGE PUBLISHED.
    pub(super) fn publish_message(&mut self, value: MessageRecord) -> (Key, MessageRecord) {
        let deadline_ms = self.now_ms.saturating_add(value.time_to_live_ms.max(0));
        let record = MessageRecord { deadline_ms, ..value };
        let key = self.next_key();
        self.event(key, Payload::Message(MessageIntent::Published, record.clone()));
        (key, record)
    }

    /// A message without a time to live is not buffered.
    pub(super) fn expire_at_once(&mut self, key: Key, record: MessageRecord) {
        if record.time_to_live_ms <= 0 {
            self.write_expired(key, record);
        }
    }

    fn write_expired(&mut self, key: Key, mut record: MessageRecord) {
        record.variables = bytes::Bytes::new();
        self.event(key, Payload::Message(MessageIntent::Expired, record));
    }
}

/// Expires what is due, some at a time; the rest is due again at once.
pub(super) fn expire(context: &mut Context<'_>) {
    let mut due = Vec::new();
    let to = (context.now_ms.saturating_add(1), NO_KEY);
    context.state.message_deadlines.scan(&(i64::MIN, NO_KEY), Some(&to), &mut |(_, key), ()| {
        due.push(*key);
        if due.len() < MESSAGE_EXPIRY_BATCH_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    for key in due {
        if let Some(record) = context.state.messages.get(&key) {
            context.write_expired(key, record);
        }
    }
}
