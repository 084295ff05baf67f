//! SIGNAL BROADCAST. No element waits for signals yet, so a broadcast reaches nobody; it is recorded
//! all the same.

use skep_protocol::{Command, Payload, RejectionType, SignalIntent, SignalRecord};

use crate::context::Context;
use crate::document;

pub(super) fn broadcast(context: &mut Context<'_>, command: &Command, value: &SignalRecord) {
    if value.signal_name.trim().is_empty() {
        let reason = "Expected to broadcast a signal with a name, but the name is blank";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    if document::entries(&value.variables).is_none() {
        let reason = "Expected the variables to be one MessagePack map, but they are not";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    let key = context.next_key();
    let payload = Payload::Signal(SignalIntent::Broadcasted, value.clone());
    context.event(key, payload.clone());
    context.respond_accepted(key, payload);
}
