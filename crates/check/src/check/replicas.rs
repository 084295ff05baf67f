//! The state of every replica is what the replay of the log gives, byte for byte, and says what the
//! records say.

use std::collections::BTreeMap;

use skep_protocol::PartitionId;

use super::{Checker, names};
use crate::evidence::{Evidence, FinalState, Log};
use crate::replay::{Replay, Row};

/// See the module.
pub(crate) struct ReplicaStateIsReplay;

impl Checker for ReplicaStateIsReplay {
    fn name(&self) -> &'static str {
        names::REPLICAS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let mut states: BTreeMap<PartitionId, Vec<&FinalState>> = BTreeMap::new();
        for state in &evidence.states {
            states.entry(state.partition).or_default().push(state);
        }
        for (partition, mut states) in states {
            states.sort_by_key(|state| (state.position, state.node));
            let Some(log) = evidence.recorded.logs.get(&partition) else {
                return Err(format!("partition {partition} has state, but no log"));
            };
            compare(partition, evidence.partitions, log, &states)?;
        }
        Ok(())
    }
}

/// Replays the log once, stopping at the position of each state.
fn compare(
    partition: PartitionId,
    partitions: u32,
    log: &Log,
    states: &[&FinalState],
) -> Result<(), String> {
    let mut replay = Replay::new(partition, partitions)?;
    let mut records = log.records.as_slice();
    for state in states {
        records = replay.to(state.position, records)?;
        let replayed = replay.rows();
        if replayed != state.rows {
            return Err(format!(
                "node {} at position {} of partition {partition}: {}",
                state.node,
                state.position,
                difference(&state.rows, &replayed)
            ));
        }
        replay
            .agrees_with(&replayed)
            .map_err(|reason| format!("node {}, partition {partition}: {reason}", state.node))?;
    }
    Ok(())
}

fn difference(state: &[Row], replayed: &[Row]) -> String {
    let only = |rows: &[Row], others: &[Row]| {
        let row = rows.iter().find(|row| !others.contains(row));
        row.map_or_else(
            || "nothing".to_owned(),
            |(table, key, _)| format!("a row of table {table} with key {key:02x?}"),
        )
    };
    format!(
        "the replica has {} that replay does not give, replay gives {} that the replica does not have",
        only(state, replayed),
        only(replayed, state)
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skep_engine::state::NoBacking;
    use skep_engine::{Engine, Settings};

    use super::*;
    use crate::check::testing::{Made, published};
    use skep_protocol::key::compose;

    fn made() -> (Made, Vec<Row>) {
        let mut made = Made::new(1);
        made.entry(1, vec![published(compose(1, 1), "a")]);
        let settings = Settings { partition_id: 1, partitions: 1 };
        let mut engine = Engine::new(settings, Arc::new(NoBacking)).expect("engine");
        engine.replay(made.evidence.recorded.records(1)).expect("replay");
        (made, engine.dump())
    }

    fn state(rows: Vec<Row>, position: u64) -> FinalState {
        FinalState { node: 0, partition: 1, position, rows }
    }

    #[test]
    fn equal_bytes_are_fine() {
        let (mut made, rows) = made();
        made.evidence.states.push(state(rows.clone(), 1));
        made.evidence.states.push(FinalState { node: 1, ..state(rows, 1) });
        assert_eq!(ReplicaStateIsReplay.check(&made.evidence), Ok(()));
    }

    #[test]
    fn one_other_byte_is_not() {
        let (mut made, mut rows) = made();
        let value = &mut rows.last_mut().expect("a row").2;
        value.push(0);
        made.evidence.states.push(state(rows, 1));
        assert!(ReplicaStateIsReplay.check(&made.evidence).unwrap_err().contains("table"));
    }

    #[test]
    fn state_beyond_the_log_is_not() {
        let (mut made, rows) = made();
        made.evidence.states.push(state(rows, 2));
        assert!(ReplicaStateIsReplay.check(&made.evidence).unwrap_err().contains("ends at 1"));
    }
}
