//! How far a replica has applied its log.

use std::collections::VecDeque;
use std::io;

use serde::{Deserialize, Serialize};

use crate::replication::EntryId;
use crate::replication::raft::types::{self, Batch, LogId, StoredMembership};

/// What is applied.
pub(crate) struct Applied {
    pub(crate) last: Option<LogId>,
    /// The membership as of the checkpoint, and the later ones, in order.
    memberships: VecDeque<StoredMembership>,
    counts: Counts,
    /// The term that this node leads and has said so.
    pub(crate) leading_term: Option<u64>,
}

/// Stored with a checkpoint.
#[derive(Serialize, Deserialize)]
pub(crate) struct CheckpointMeta {
    pub(crate) log_id: LogId,
    pub(crate) membership: StoredMembership,
    /// Batches of the term of `log_id` up to it.
    #[serde(default)]
    batches: u64,
}

impl CheckpointMeta {
    /// That of a checkpoint as of this entry, before any batch of its term.
    pub(crate) fn new(log_id: LogId, membership: StoredMembership) -> Self {
        Self { log_id, membership, batches: 0 }
    }
}

impl Applied {
    /// As of the checkpoint with this meta.
    pub(crate) fn load(meta: Option<&[u8]>) -> io::Result<Self> {
        let meta: Option<CheckpointMeta> = meta.map(serde_json::from_slice).transpose()?;
        let last = meta.as_ref().map(|meta| meta.log_id);
        let mut counts = Counts::default();
        if let Some(meta) = &meta {
            counts.mark(types::entry_id(&meta.log_id), meta.batches);
        }
        let membership = meta.map(|meta| meta.membership).unwrap_or_default();
        let memberships = VecDeque::from([membership]);
        Ok(Self { last, memberships, counts, leading_term: None })
    }

    /// The next entry is applied.
    pub(crate) fn advance(&mut self, log_id: LogId) {
        self.last = Some(log_id);
    }

    /// The next entry is a batch; says whether it stands on what was applied.
    pub(crate) fn take_batch(&mut self, entry: EntryId, batch: &Batch) -> bool {
        let before = self.batches_in(entry.term);
        let follows = batch.sequence == 0 || batch.sequence == before + 1;
        if batch.term == entry.term && follows {
            if before == 0 {
                self.counts.mark(entry, 1);
            }
            return true;
        }
        self.counts.mark(entry, before);
        false
    }

    /// The next entry is no batch.
    pub(crate) fn take_other(&mut self, entry: EntryId) {
        let before = self.batches_in(entry.term);
        self.counts.mark(entry, before);
    }

    /// Batches of this term that are applied.
    pub(crate) fn batches_in(&self, term: u64) -> u64 {
        let Some(last) = &self.last else { return 0 };
        let (counted, count) = self.counts.at(last.index());
        if counted == term { count } else { 0 }
    }

    /// Whether a batch that is applied was taken, not skipped.
    pub(crate) fn was_taken(&self, entry: EntryId, batch: &Batch) -> bool {
        let counted = self.counts.at(entry.index);
        let follows = batch.sequence == 0 || counted == (entry.term, batch.sequence);
        batch.term == entry.term && follows
    }

    pub(crate) fn take_membership(&mut self, membership: StoredMembership) {
        self.memberships.push_back(membership);
    }

    pub(crate) fn membership_at(&self, log_id: Option<&LogId>) -> StoredMembership {
        let before = self.memberships.iter().rev().find(|it| it.log_id().as_ref() <= log_id);
        before.or(self.memberships.front()).cloned().unwrap_or_default()
    }

    pub(crate) fn meta(&self, entry: EntryId) -> Vec<u8> {
        let log_id = types::log_id(entry);
        let membership = self.membership_at(Some(&log_id));
        let (term, count) = self.counts.at(entry.index);
        let batches = if term == entry.term { count } else { 0 };
        serde_json::to_vec(&CheckpointMeta { log_id, membership, batches }).unwrap_or_default()
    }

    /// A checkpoint as of `entry` is in the store: what was before is not asked for any more.
    pub(crate) fn forget_before(&mut self, entry: EntryId) {
        let log_id = types::log_id(entry);
        while self.memberships.get(1).is_some_and(|next| next.log_id().as_ref() <= Some(&log_id)) {
            self.memberships.pop_front();
        }
        self.counts.forget_before(entry.index);
    }
}

/// How many batches of its term come up to and with each entry. Most entries are batches, each one
/// more than the one before, so only the others are kept.
#[derive(Default)]
struct Counts(VecDeque<Mark>);

struct Mark {
    entry: EntryId,
    count: u64,
}

impl Counts {
    fn mark(&mut self, entry: EntryId, count: u64) {
        self.0.push_back(Mark { entry, count });
    }

    /// Term and count at an index.
    fn at(&self, index: u64) -> (u64, u64) {
        let mark = self.0.iter().rev().find(|mark| mark.entry.index <= index);
        mark.map_or((0, 0), |mark| (mark.entry.term, mark.count + (index - mark.entry.index)))
    }

    fn forget_before(&mut self, index: u64) {
        while self.0.get(1).is_some_and(|next| next.entry.index <= index) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn apply(applied: &mut Applied, term: u64, index: u64, sequence: Option<u64>) -> bool {
        let entry = EntryId { term, index };
        let taken = match sequence {
            Some(sequence) => applied.take_batch(entry, &Batch::new(term, sequence, Bytes::new())),
            None => {
                applied.take_other(entry);
                true
            }
        };
        applied.advance(types::log_id(entry));
        taken
    }

    #[test]
    fn a_batch_that_does_not_follow_is_skipped_and_all_after_it() {
        let mut applied = Applied::load(None).unwrap();
        assert!(apply(&mut applied, 1, 0, None));
        assert!(apply(&mut applied, 1, 1, Some(1)));
        assert!(apply(&mut applied, 1, 2, None), "a membership in between");
        assert!(apply(&mut applied, 1, 3, Some(2)));
        assert!(!apply(&mut applied, 1, 4, Some(4)));
        assert!(!apply(&mut applied, 1, 5, Some(5)));
        assert!(apply(&mut applied, 2, 6, None));
        assert!(apply(&mut applied, 2, 7, Some(1)), "a new term counts anew");
        assert!(apply(&mut applied, 2, 8, Some(2)));
        assert_eq!(applied.batches_in(2), 2);
        let was_taken = |term, index, sequence| {
            applied.was_taken(EntryId { term, index }, &Batch::new(term, sequence, Bytes::new()))
        };
        assert!(was_taken(1, 1, 1) && was_taken(1, 3, 2) && was_taken(2, 8, 2));
        assert!(!was_taken(1, 4, 4) && !was_taken(1, 5, 5));
    }

    #[test]
    fn the_count_goes_on_after_a_checkpoint() {
        let mut applied = Applied::load(None).unwrap();
        for (index, sequence) in [(0, None), (1, Some(1)), (2, Some(2)), (3, None), (4, Some(3))] {
            assert!(apply(&mut applied, 5, index, sequence));
        }
        for index in 0..=4 {
            let meta = applied.meta(EntryId { term: 5, index });
            let mut again = Applied::load(Some(&meta)).unwrap();
            let rest = [(1, Some(1)), (2, Some(2)), (3, None), (4, Some(3)), (5, Some(4))];
            for (index, sequence) in rest.into_iter().filter(|(at, _)| *at > index) {
                assert!(apply(&mut again, 5, index, sequence), "after {index}");
            }
        }
        applied.forget_before(EntryId { term: 5, index: 2 });
        assert!(apply(&mut applied, 5, 5, Some(4)));
    }

    #[test]
    fn batches_of_releases_that_did_not_count_are_taken() {
        let mut applied = Applied::load(None).unwrap();
        for index in 1..4 {
            assert!(apply(&mut applied, 1, index, Some(0)));
        }
        assert_eq!(applied.batches_in(1), 3);
    }
}
