//! COMMAND_DISTRIBUTION.

use skep_protocol::{CommandDistributionIntent, CommandDistributionRecord, Key, key::partition_of};

use crate::state::{PendingDistribution, State};

pub(crate) fn apply(
    state: &mut State,
    key: Key,
    intent: CommandDistributionIntent,
    value: &CommandDistributionRecord,
    timestamp_ms: i64,
) {
    match intent {
        CommandDistributionIntent::Started => state.distributions.insert(key, value.clone()),
        CommandDistributionIntent::Distributing => {
            let row =
                PendingDistribution { predecessor: value.predecessor, since_ms: timestamp_ms };
            state.distributions_pending.insert((value.partition_id, key), row);
            state.distributions_last.insert(value.partition_id, key);
        }
        CommandDistributionIntent::Acknowledged => {
            state.distributions_pending.remove(&(value.partition_id, key));
        }
        CommandDistributionIntent::Finished => state.distributions.remove(&key),
        // The receiver's side: everything up to this one is known here.
        CommandDistributionIntent::Received => {
            state.distributions_received.insert(partition_of(key), key);
        }
        CommandDistributionIntent::Acknowledge | CommandDistributionIntent::Enqueued => {}
    }
}
