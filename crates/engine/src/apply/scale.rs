//! SCALE.

use skep_protocol::{Key, ScaleIntent, ScaleRecord};

use crate::state::{Bootstrap, State};

pub(crate) fn apply(state: &mut State, key: Key, intent: ScaleIntent, value: &ScaleRecord) {
    match intent {
        ScaleIntent::ScalingUp => {
            raise(state, value.desired_partition_count);
            for partition in value.previous_partition_count + 1..=value.desired_partition_count {
                let row = Bootstrap { last_distribution_key: key, ..Bootstrap::default() };
                state.bootstraps.insert(partition, row);
            }
        }
        ScaleIntent::ScaledUp => raise(state, value.desired_partition_count),
        ScaleIntent::Bootstrapping => {
            let row = Bootstrap {
                definitions_up_to: value.definitions_up_to,
                last_distribution_key: value.last_distribution_key,
                complete: value.complete,
            };
            state.bootstraps.insert(value.partition_id, row);
        }
        ScaleIntent::PartitionBootstrapped => state.bootstraps.remove(&value.partition_id),
        ScaleIntent::ScaleUp
        | ScaleIntent::Status
        | ScaleIntent::StatusResponse
        | ScaleIntent::Bootstrap => {}
    }
}

fn raise(state: &mut State, partition_count: u32) {
    state.meta.partition_count = state.meta.partition_count.max(partition_count);
}
