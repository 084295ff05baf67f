//! What the log of a partition makes of an empty state.

use std::sync::Arc;

use skep_engine::state::NoBacking;
use skep_engine::{Engine, Settings};
use skep_protocol::{PartitionId, Record};

/// Table, key and value.
pub type Row = (u8, Vec<u8>, Vec<u8>);

/// Replays the records of a partition once and stops at each of the positions, which ascend: `at` gets
/// the number of the position, the records since the one before, and the rows there.
///
/// # Errors
/// A position that the log does not reach, a log that cannot be replayed, or what `at` says.
pub fn replay(
    partition: PartitionId,
    partitions: u32,
    records: &[Record],
    positions: &[u64],
    mut at: impl FnMut(usize, &[Record], Vec<Row>) -> Result<(), String>,
) -> Result<(), String> {
    let settings = Settings { partition_id: partition, partitions };
    let mut engine =
        Engine::new(settings, Arc::new(NoBacking)).map_err(|error| error.to_string())?;
    let mut done = 0;
    for (number, position) in positions.iter().enumerate() {
        let to = usize::try_from(*position).unwrap_or(usize::MAX);
        let Some(new) = records.get(done..to) else {
            return Err(format!(
                "a replica is at position {position} of partition {partition}, whose log ends at {}",
                records.len()
            ));
        };
        engine.replay(new).map_err(|error| {
            format!("the log of partition {partition} cannot be replayed: {error}")
        })?;
        done = to;
        at(number, new, engine.dump())?;
    }
    Ok(())
}
