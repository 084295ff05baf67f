//! CHECKPOINT CREATE: this partition's place in a cut through all partitions, for backups
//! (`spec/engine.md` 4.13).
//!
//! Commands between partitions carry the last checkpoint of their sender. Who receives one with a
//! checkpoint that it does not have makes it first ([`crate::Engine::checkpoint_before`]), so a cut
//! never has the receipt of a command without its sending. The other way round is harmless: what
//! was sent and not received before the cut is unanswered in the sender's state, and sent again.

use skep_protocol::{CheckpointIntent, CheckpointRecord, Command, NO_KEY, Payload, RejectionType};

use crate::context::Context;
use crate::outcome::Effect;

pub(super) fn create(context: &mut Context<'_>, command: &Command, value: &CheckpointRecord) {
    let (id, last) = (value.checkpoint_id, context.state.meta.checkpoint_id);
    if id <= last {
        let reason = format!(
            "Expected the id of a checkpoint to be higher than that of the last one, '{last}', but it is '{id}'"
        );
        return context.reject(command, RejectionType::AlreadyExists, reason);
    }
    let position = context.state.meta.last_position + 1;
    let record = CheckpointRecord { checkpoint_id: id, checkpoint_position: position };
    let payload = Payload::Checkpoint(CheckpointIntent::Created, record);
    context.event(NO_KEY, payload.clone());
    context.respond_accepted(NO_KEY, payload);
    context.effect(Effect::CheckpointCreated { id, position });
}

/// The command that makes the checkpoint which `command` was sent behind.
pub(crate) fn before(last: u64, command: &Command) -> Option<Command> {
    (command.checkpoint_id > last).then(|| {
        let record = CheckpointRecord {
            checkpoint_id: command.checkpoint_id,
            ..CheckpointRecord::default()
        };
        Command::new(NO_KEY, Payload::Checkpoint(CheckpointIntent::Create, record))
    })
}
