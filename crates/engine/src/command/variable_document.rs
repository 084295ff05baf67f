//! VARIABLE_DOCUMENT UPDATE.

use skep_protocol::{
    Command, Payload, RejectionType, UpdateSemantics, VariableDocumentIntent,
    VariableDocumentRecord,
};

use crate::context::Context;
use crate::document;

pub(super) fn update(context: &mut Context<'_>, command: &Command, value: &VariableDocumentRecord) {
    let scope_key = value.scope_key;
    if !context.state.element_instances.contains(&scope_key) {
        let reason = format!(
            "Expected to update variables for element with key '{scope_key}', but no such element was found"
        );
        return context.reject(command, RejectionType::NotFound, reason);
    }
    let Some(entries) = document::entries(&value.variables) else {
        let reason = "Expected the variables to be one MessagePack map, but they are not";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    };
    if value.update_semantics == UpdateSemantics::Local as i32 {
        context.set_local_all(scope_key, entries);
    } else {
        context.merge(scope_key, entries);
    }
    let key = context.next_key();
    let record = VariableDocumentRecord { variables: bytes::Bytes::new(), ..value.clone() };
    let payload = Payload::VariableDocument(VariableDocumentIntent::Updated, record);
    context.event(key, payload.clone());
    context.respond_accepted(key, payload);
}
