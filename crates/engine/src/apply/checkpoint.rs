//! CHECKPOINT.

use skep_protocol::{CheckpointIntent, CheckpointRecord};

use crate::state::State;

pub(crate) fn apply(state: &mut State, intent: CheckpointIntent, value: &CheckpointRecord) {
    match intent {
        CheckpointIntent::Created => {
            state.meta.checkpoint_id = value.checkpoint_id;
            state.meta.checkpoint_position = value.checkpoint_position;
        }
        CheckpointIntent::Create | CheckpointIntent::Ignored => {}
    }
}
