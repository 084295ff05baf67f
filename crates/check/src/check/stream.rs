//! The stream of committed entries has no gap, no second version and no repetition, on every replica
//! and in every life: what one replica committed, all committed.

use std::collections::BTreeMap;

use super::{Checker, names};
use crate::evidence::{Evidence, Recorded, Replica, Told};

/// See the module.
pub(crate) struct StreamIsGapFree;

impl Checker for StreamIsGapFree {
    fn name(&self) -> &'static str {
        names::STREAM
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        replicas_agree(&evidence.recorded)?;
        for (partition, log) in &evidence.recorded.logs {
            if let Some(index) = log.missing() {
                return Err(format!(
                    "partition {partition}: nobody told of entry {index}, but of entry {}",
                    log.entries.len() - 1
                ));
            }
            if let Some(damaged) = &log.damaged {
                return Err(format!("partition {partition}: {damaged}"));
            }
            for (record, position) in log.records.iter().zip(1..) {
                if record.position != position {
                    return Err(format!(
                        "partition {partition}: position {} stands where {position} should",
                        record.position
                    ));
                }
            }
        }
        Ok(())
    }
}

fn replicas_agree(recorded: &Recorded) -> Result<(), String> {
    let mut last: BTreeMap<Replica, u64> = BTreeMap::new();
    for (replica, told) in &recorded.told {
        let at = format!(
            "node {} (life {}) on partition {}",
            replica.node, replica.life, replica.partition
        );
        match told {
            Told::Entry(id, batch) => {
                let before = last.insert(*replica, id.index);
                if before.is_some_and(|before| before + 1 != id.index) {
                    return Err(format!(
                        "{at}: entry {} follows entry {}",
                        id.index,
                        before.unwrap_or_default()
                    ));
                }
                let index = usize::try_from(id.index).unwrap_or(usize::MAX);
                let log = recorded.logs.get(&replica.partition);
                let first = log.and_then(|log| log.entries.get(index)).and_then(Option::as_ref);
                if first.is_none_or(|(other, bytes)| other != id || bytes != batch) {
                    return Err(format!(
                        "{at} committed entry {} of term {} ({} bytes), another replica one of term {} ({} bytes)",
                        id.index,
                        id.term,
                        batch.len(),
                        first.map_or(0, |(other, _)| other.term),
                        first.map_or(0, |(_, bytes)| bytes.len())
                    ));
                }
            }
            Told::Replaced(id) => _ = last.insert(*replica, id.index),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, published};
    use crate::evidence::EntryId;
    use bytes::Bytes;

    fn entry(made: &Made, index: usize) -> Told {
        let (id, batch) = made.evidence.recorded.logs[&1].entries[index].clone().expect("entry");
        Told::Entry(id, batch)
    }

    fn made() -> Made {
        let mut made = Made::new(1);
        made.entry(1, vec![published(1, "")]).entry(1, vec![published(2, "")]);
        made
    }

    #[test]
    fn replicas_that_tell_the_same_agree() {
        let mut made = made();
        let (first, second) = (entry(&made, 0), entry(&made, 1));
        made.tell(1, 0, 1, first).tell(1, 0, 1, second.clone());
        // A new life begins at its checkpoint; a snapshot skips what it contains.
        made.tell(0, 1, 1, second.clone());
        made.tell(2, 0, 1, Told::Replaced(EntryId { term: 1, index: 0 })).tell(2, 0, 1, second);
        assert_eq!(StreamIsGapFree.check(&made.evidence), Ok(()));
    }

    #[test]
    fn a_gap_or_a_repetition_is_an_offence() {
        let mut repeated = made();
        let second = entry(&repeated, 1);
        repeated.tell(0, 0, 1, second.clone());
        assert!(StreamIsGapFree.check(&repeated.evidence).is_err());
        let mut gap = made();
        gap.tell(0, 0, 1, Told::Entry(EntryId { term: 1, index: 3 }, Bytes::new()));
        assert!(StreamIsGapFree.check(&gap.evidence).is_err());
    }

    #[test]
    fn another_entry_in_the_same_place_is_an_offence() {
        let mut made = made();
        made.tell(1, 0, 1, Told::Entry(EntryId { term: 1, index: 0 }, Bytes::from_static(b"x")));
        assert!(StreamIsGapFree.check(&made.evidence).unwrap_err().contains("another replica"));
    }

    #[test]
    fn positions_are_dense() {
        let mut made = Made::new(1);
        let mut records = vec![published(1, "")];
        records[0].position = 2;
        let mut batch = Vec::new();
        skep_protocol::codec::encode_entry(&records, &mut batch);
        made.tell(0, 0, 1, Told::Entry(EntryId { term: 1, index: 0 }, Bytes::from(batch)));
        assert!(StreamIsGapFree.check(&made.evidence).is_err());
    }
}
