//! The stream of committed entries has no gap, no second version and no repetition, on every replica
//! and in every life: what one replica committed, all committed.

use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct StreamIsGapFree;

impl Checker for StreamIsGapFree {
    fn name(&self) -> &'static str {
        names::STREAM
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        if let Some(torn) = &evidence.recorded.torn {
            return Err(torn.clone());
        }
        for (partition, log) in &evidence.recorded.logs {
            if let Some((missing, told)) = log.missing() {
                return Err(format!(
                    "partition {partition}: nobody told of entry {missing}, but of entry {told}"
                ));
            }
            if let Some(damaged) = &log.damaged {
                return Err(format!("partition {partition}: {damaged}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, published};
    use crate::evidence::{EntryId, Told};
    use bytes::Bytes;

    /// An entry as the first replica told it.
    fn entry(made: &Made, index: u64) -> Told {
        let record = made.evidence.recorded.logs[&1].at(index + 1).cloned().expect("a record");
        let mut batch = Vec::new();
        skep_protocol::codec::encode_entry(&[record], &mut batch);
        Told::Entry(EntryId { term: 1, index }, Bytes::from(batch))
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
