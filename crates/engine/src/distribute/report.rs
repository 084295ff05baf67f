//! What is pending, for people: the management endpoint, metrics, logs.

use std::ops::ControlFlow;

use skep_protocol::{Key, NO_KEY, PartitionId, Payload};

use super::receivers::{Receivers, head};
use crate::limits::PENDING_COUNTED_MAX;
use crate::state::State;

/// What one partition has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingDistributions {
    /// The partition.
    pub receiver: PartitionId,
    /// How many; counted up to [`PENDING_COUNTED_MAX`].
    pub count: usize,
    /// The oldest of them.
    pub oldest_key: Key,
    /// Since when that one is pending, epoch milliseconds.
    pub oldest_since_ms: i64,
    /// How often that one was sent in vain since this leader began.
    pub attempts: u32,
    /// Value type of its command, as exporters show it.
    pub value_type: &'static str,
    /// Intent of its command.
    pub intent: &'static str,
    /// Nobody waits for the partition: it did not answer in time, or cannot be reached.
    pub away: bool,
}

/// All receivers with something pending, ascending.
pub(crate) fn pending(
    state: &State,
    receivers: &Receivers,
    partitions: u32,
) -> Vec<PendingDistributions> {
    (1..=partitions)
        .filter_map(|partition| {
            let key = head(state, partition)?;
            let row = state.distributions_pending.get(&(partition, key))?;
            let (value_type, intent) = kind_of(state, key).unwrap_or(("UNKNOWN", "UNKNOWN"));
            Some(PendingDistributions {
                receiver: partition,
                count: count(state, partition, PENDING_COUNTED_MAX),
                oldest_key: key,
                oldest_since_ms: row.since_ms,
                attempts: receivers.attempts(partition),
                value_type,
                intent,
                away: receivers.is_away(partition),
            })
        })
        .collect()
}

/// How many are pending for a partition; no more than so many are counted.
pub(crate) fn count(state: &State, partition: PartitionId, max: usize) -> usize {
    let mut count = 0;
    state.distributions_pending.scan(
        &(partition, NO_KEY),
        Some(&(partition + 1, NO_KEY)),
        &mut |_, _| {
            count += 1;
            if count < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    count
}

fn kind_of(state: &State, key: Key) -> Option<(&'static str, &'static str)> {
    let record = state.distributions.get(&key)?;
    let (value_type, intent) =
        (u8::try_from(record.value_type).ok()?, u8::try_from(record.intent).ok()?);
    let payload = Payload::decode(value_type, intent, bytes::Bytes::new()).ok().flatten()?;
    Some((payload.value_type().name(), payload.intent_name()))
}
