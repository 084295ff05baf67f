//! The log of a partition, put together from what its replicas told.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use skep_protocol::{
    CommandDistributionIntent, Key, PartitionId, Payload, Record, RecordType, codec,
};
use tracing::{Level, enabled, trace};

use crate::evidence::EntryId;
use crate::records::Reader;

/// What the records are logged under.
const RECORDS: &str = "skep_check::records";

/// Entries of a partition that are compared with what a later life of a node tells again, even when
/// every node has told them: more than any node has between two of its checkpoints. Some 4 MiB.
const ENTRIES_REMEMBERED: usize = 1 << 16;

/// What is remembered of an entry, to compare it with what other replicas tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Summary {
    term: u64,
    bytes: usize,
    digest: u64,
}

impl Summary {
    fn of(id: EntryId, batch: &Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        batch.hash(&mut hasher);
        Self { term: id.term, bytes: batch.len(), digest: hasher.finish() }
    }
}

/// See the module.
pub struct Log {
    /// By index, what the first that told it told. Those that all nodes told are forgotten in time.
    entries: BTreeMap<u64, Summary>,
    /// Entries that nobody needs to remember any more, from the first.
    forgotten: u64,
    /// Those that were told before one that precedes them.
    early: BTreeMap<u64, Bytes>,
    /// Entries that were read, from the first.
    read: u64,
    /// The highest entry that each node told of.
    reached: BTreeMap<u32, u64>,
    /// The records of all entries that were read, but for those that were taken.
    pub records: Vec<Record>,
    /// Records that were taken.
    taken: u64,
    /// What they say.
    pub reader: Reader,
    /// An entry that cannot be decoded, or a position that does not follow the one before.
    pub(crate) damaged: Option<String>,
    /// Distributions that are not finished.
    distributing: BTreeSet<Key>,
}

impl Log {
    pub(crate) fn new(partition: PartitionId) -> Self {
        Self {
            entries: BTreeMap::new(),
            forgotten: 0,
            early: BTreeMap::new(),
            read: 0,
            reached: BTreeMap::new(),
            records: Vec::new(),
            taken: 0,
            reader: Reader::new(partition),
            damaged: None,
            distributing: BTreeSet::new(),
        }
    }

    /// Takes note of an entry that a replica told.
    ///
    /// # Errors
    /// Another replica told another one of this index.
    pub(crate) fn add(&mut self, id: EntryId, batch: &Bytes) -> Result<(), String> {
        if id.index < self.forgotten {
            return Ok(());
        }
        let summary = Summary::of(id, batch);
        if let Some(first) = self.entries.get(&id.index) {
            if *first == summary {
                return Ok(());
            }
            return Err(format!(
                " committed entry {} of term {} ({} bytes), another replica one of term {} ({} bytes)",
                id.index, id.term, summary.bytes, first.term, first.bytes
            ));
        }
        self.entries.insert(id.index, summary);
        self.early.insert(id.index, batch.clone());
        while let Some(batch) = self.early.remove(&self.read) {
            self.read_entry(batch);
            self.read += 1;
        }
        Ok(())
    }

    fn read_entry(&mut self, batch: Bytes) {
        if self.damaged.is_some() {
            return;
        }
        match codec::decode_entries(batch) {
            Ok(records) => {
                for record in records {
                    self.read_record(record);
                }
            }
            Err(error) => self.damaged = Some(format!("entry {}: {error}", self.read)),
        }
    }

    fn read_record(&mut self, record: Record) {
        let expected = self.count() + 1;
        if record.position != expected && self.damaged.is_none() {
            self.damaged =
                Some(format!("position {} stands where {expected} should", record.position));
        }
        self.print(&record);
        self.reader.note(&record);
        self.note_distribution(&record);
        self.records.push(record);
    }

    /// A node told of this entry: what all of them told needs no memory, but for the newest.
    pub(crate) fn reached(&mut self, node: u32, index: u64) {
        let reached = self.reached.entry(node).or_default();
        *reached = index.max(*reached);
        if self.entries.len() <= ENTRIES_REMEMBERED {
            return;
        }
        let all = self.reached.values().min().copied().unwrap_or_default().min(self.read);
        while self.entries.len() > ENTRIES_REMEMBERED
            && let Some(oldest) = self.entries.first_entry().filter(|it| *it.key() < all)
        {
            self.forgotten = oldest.key() + 1;
            oldest.remove();
        }
    }

    /// For a person who looks into one run: `--log skep_check::records=trace`.
    fn print(&self, record: &Record) {
        if !enabled!(target: RECORDS, Level::TRACE) {
            return;
        }
        let (partition, at) = (self.reader.history.partition, record.position);
        let (kind, value_type) = (record.record_type, record.payload.value_type().name());
        let (intent, key) = (record.payload.intent_name(), record.key);
        match &record.payload {
            Payload::ProcessInstance(_, value) => trace!(
                target: RECORDS,
                "{partition}/{at} {kind:?} {value_type} {intent} {key} {} in {}, {} tokens",
                value.element_id, value.flow_scope_key, value.tokens_taken
            ),
            payload => trace!(
                target: RECORDS,
                "{partition}/{at} {kind:?} {value_type} {intent} {key} {payload:?}"
            ),
        }
    }

    fn note_distribution(&mut self, record: &Record) {
        let Payload::CommandDistribution(intent, _) = &record.payload else { return };
        match (intent, record.record_type) {
            (CommandDistributionIntent::Started, RecordType::Event) => {
                self.distributing.insert(record.key);
            }
            (CommandDistributionIntent::Finished, RecordType::Event) => {
                self.distributing.remove(&record.key);
            }
            _ => {}
        }
    }

    /// The first index that nobody told, and the first that somebody did after it.
    #[must_use]
    pub fn missing(&self) -> Option<(u64, u64)> {
        self.early.keys().next().map(|told| (self.read, *told))
    }

    /// Entries that were read.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.read
    }

    /// Records that were read, with those that were taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.taken + self.records.len() as u64
    }

    /// Hands over the records that were read since the last time: they are not kept.
    pub fn take(&mut self) -> Vec<Record> {
        self.taken = self.count();
        std::mem::take(&mut self.records)
    }

    /// The records up to a position as bytes, in one entry.
    pub(crate) fn again(&self, to: u64) -> Bytes {
        let mut batch = Vec::new();
        let end = usize::try_from(to).unwrap_or(usize::MAX).min(self.records.len());
        // What is encoded together has one time and one reference.
        let together = |one: &Record, other: &Record| {
            (one.timestamp_ms, one.operation_reference)
                == (other.timestamp_ms, other.operation_reference)
        };
        let records = self.records.get(..end).unwrap_or_default();
        records.chunk_by(together).for_each(|records| codec::encode_entry(records, &mut batch));
        Bytes::from(batch)
    }

    /// A distribution that is not finished.
    #[must_use]
    pub fn pending_distribution(&self) -> Option<Key> {
        self.distributing.first().copied()
    }

    /// How many are not finished.
    pub(crate) fn distributing(&self) -> usize {
        self.distributing.len()
    }

    /// The record at a position, unless it was taken.
    #[must_use]
    pub fn at(&self, position: u64) -> Option<&Record> {
        let index = usize::try_from(position.checked_sub(self.taken + 1)?).ok()?;
        self.records.get(index).filter(|record| record.position == position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_node_told_is_forgotten_and_what_one_has_not_is_not() {
        let mut log = Log::new(1);
        let end = ENTRIES_REMEMBERED as u64 + 10;
        for index in 0..end {
            assert_eq!(log.add(EntryId { term: 1, index }, &Bytes::new()), Ok(()));
            log.reached(0, index);
        }
        assert_eq!(log.entries.len(), ENTRIES_REMEMBERED, "a single node has told all");
        log.reached(1, 3);
        for index in end..end + 10 {
            assert_eq!(log.add(EntryId { term: 1, index }, &Bytes::new()), Ok(()));
            log.reached(0, index);
        }
        assert_eq!(log.entries.len(), ENTRIES_REMEMBERED + 10, "node 1 is behind");
        let other = Bytes::from_static(b"x");
        assert!(log.add(EntryId { term: 1, index: 20 }, &other).is_err(), "it is compared");
        log.reached(1, end);
        assert_eq!(log.entries.len(), ENTRIES_REMEMBERED);
    }
}
