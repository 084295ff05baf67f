//! CHECKPOINT CREATE: this partition's place in a cut through all partitions, for backups
//! (`spec/engine.md` 4.13).
//!
//! Commands between partitions carry the last checkpoint of their sender. Who receives one with a
//! checkpoint that it does not have makes it first ([`crate::Engine::checkpoint_before`]), so a cut
//! never has the receipt of a command without its sending. The other way round is harmless: what
//! was sent and not received before the cut is unanswered in the sender's state, and sent again.
//! A checkpoint that is there already, or an older one, is ignored: the answer names the last one.

use skep_protocol::{CheckpointIntent, CheckpointRecord, Command, NO_KEY, Payload};

use crate::context::Context;
use crate::outcome::Effect;

pub(super) fn create(context: &mut Context<'_>, value: &CheckpointRecord) {
    let (last, position) =
        (context.state.meta.checkpoint_id, context.state.meta.checkpoint_position);
    let is_new = value.checkpoint_id > last;
    let (id, position) = if is_new {
        (value.checkpoint_id, context.state.meta.last_position + 1)
    } else {
        (last, position)
    };
    let record = CheckpointRecord { checkpoint_id: id, checkpoint_position: position };
    let intent = if is_new { CheckpointIntent::Created } else { CheckpointIntent::Ignored };
    let payload = Payload::Checkpoint(intent, record);
    context.event(NO_KEY, payload.clone());
    context.respond_accepted(NO_KEY, payload);
    if id == value.checkpoint_id && id != 0 {
        context.effect(Effect::CheckpointCreated { id, position });
    }
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
