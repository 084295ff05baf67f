//! MESSAGE_CORRELATION CORRELATE: publishes without buffering and answers who took it.

use skep_protocol::{
    Command, Key, MessageCorrelationIntent, MessageCorrelationRecord, MessageRecord, Payload,
    Rejection, RejectionType,
};

use crate::context::Context;
use crate::document;
use crate::outcome::{Effect, Response};

pub(super) fn correlate(
    context: &mut Context<'_>,
    command: &Command,
    value: &MessageCorrelationRecord,
) {
    if document::entries(&value.variables).is_none() {
        let reason = "Expected the variables to be one MessagePack map, but they are not";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    let (key, record) = context.publish_message(MessageRecord {
        name: value.name.clone(),
        correlation_key: value.correlation_key.clone(),
        variables: value.variables.clone(),
        tenant_id: value.tenant_id.clone(),
        ..MessageRecord::default()
    });
    let correlated = context.correlate_message(key, &record);
    if let Some(process_instance_key) = correlated.started_instance_key {
        let value =
            MessageCorrelationRecord { message_key: key, process_instance_key, ..value.clone() };
        let payload = Payload::MessageCorrelation(MessageCorrelationIntent::Correlated, value);
        context.event(key, payload.clone());
        context.respond_accepted(key, payload);
    } else if correlated.subscriptions > 0 {
        if let Some(request) = context.request.take() {
            context.waiting.correlations.insert(key, request);
        }
    } else {
        let value = MessageCorrelationRecord { message_key: key, ..value.clone() };
        context.event(
            key,
            Payload::MessageCorrelation(MessageCorrelationIntent::NotCorrelated, value),
        );
        context.respond_rejected(not_correlated(&record.name, &record.correlation_key));
    }
    context.expire_at_once(key, record);
}

fn not_correlated(name: &str, correlation_key: &str) -> Rejection {
    Rejection::new(
        RejectionType::NotFound,
        format!(
            "Expected to find subscription for message with name '{name}' and correlation key '{correlation_key}', \
             but none was found."
        ),
    )
}

impl Context<'_> {
    /// An instance took a message: whoever awaits that hears of it.
    pub(super) fn answer_correlation(&mut self, message_key: Key, value: MessageCorrelationRecord) {
        let Some(request) = self.waiting.correlations.remove(&message_key) else { return };
        let payload = Payload::MessageCorrelation(MessageCorrelationIntent::Correlated, value);
        self.event(message_key, payload.clone());
        let position = self.state.meta.last_position;
        let response =
            Response::Accepted { key: message_key, position, payload: Box::new(payload) };
        self.effect(Effect::Respond { request, response });
    }

    /// Nobody took a message after all.
    pub(super) fn answer_no_correlation(
        &mut self,
        message_key: Key,
        name: &str,
        correlation_key: &str,
    ) {
        let Some(request) = self.waiting.correlations.remove(&message_key) else { return };
        let rejection = not_correlated(name, correlation_key);
        let intent = MessageCorrelationIntent::Correlate.name();
        self.effect(Effect::Respond {
            request,
            response: Response::Rejected { intent, rejection },
        });
    }
}
