//! Everything that checkers look at: what replicas committed, what their states are, what clients
//! were told, and how the run ended.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use skep_protocol::{
    CommandDistributionIntent, Key, PartitionId, Payload, Record, RecordType, codec,
};
use tracing::{Level, enabled, trace};

use crate::backup::Backup;
use crate::history::Call;
use crate::records::Reader;

/// What the records are logged under.
const RECORDS: &str = "skep_check::records";

/// An entry of the log of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId {
    /// Term of the leader that proposed it.
    pub term: u64,
    /// Index in the log.
    pub index: u64,
}

/// A replica of a partition in one life of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replica {
    /// Number of the node.
    pub node: u32,
    /// Which life of it, from 0.
    pub life: u32,
    /// The partition.
    pub partition: PartitionId,
}

/// What a replica told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It committed an entry.
    Entry(EntryId, Bytes),
    /// It took over the state of another one, as of this entry.
    Replaced(EntryId),
}

/// The log of a partition, put together from what its replicas told.
pub struct Log {
    /// By index; the first that told it.
    pub(crate) entries: Vec<Option<(EntryId, Bytes)>>,
    /// Entries that were read, from the first.
    pub(crate) read: usize,
    /// The records of all entries that were read.
    pub records: Vec<Record>,
    /// Positions up to which the records of each entry go.
    pub positions: Vec<u64>,
    /// What they say.
    pub reader: Reader,
    /// An entry that cannot be decoded.
    pub(crate) damaged: Option<String>,
    /// Distributions that are not finished.
    distributing: BTreeSet<Key>,
}

impl Log {
    fn new(partition: PartitionId) -> Self {
        Self {
            entries: Vec::new(),
            read: 0,
            records: Vec::new(),
            positions: Vec::new(),
            reader: Reader::new(partition),
            damaged: None,
            distributing: BTreeSet::new(),
        }
    }

    fn add(&mut self, id: EntryId, batch: &Bytes) {
        let index = usize::try_from(id.index).unwrap_or(usize::MAX);
        if self.entries.len() <= index {
            self.entries.resize(index + 1, None);
        }
        if self.entries[index].is_none() {
            self.entries[index] = Some((id, batch.clone()));
        }
        while self.damaged.is_none()
            && let Some(Some((id, batch))) = self.entries.get(self.read)
        {
            match codec::decode_entries(batch.clone()) {
                Ok(records) => {
                    for record in records {
                        self.print(&record);
                        self.reader.note(&record);
                        self.note_distribution(&record);
                        self.records.push(record);
                    }
                }
                Err(error) => self.damaged = Some(format!("entry {}: {error}", id.index)),
            }
            self.read += 1;
            self.positions.push(self.records.last().map_or(0, |record| record.position));
        }
    }

    /// The batch as another replica told it, when it is the same: it is kept once.
    fn shared(&self, id: EntryId, batch: Bytes) -> Bytes {
        let index = usize::try_from(id.index).unwrap_or(usize::MAX);
        match self.entries.get(index) {
            Some(Some((_, first))) if *first == batch => first.clone(),
            _ => batch,
        }
    }

    /// The records behind one position up to another, as bytes.
    fn again(&self, after: u64, to: u64) -> Bytes {
        let mut batch = Vec::new();
        let behind =
            |position| usize::try_from(position).unwrap_or(usize::MAX).min(self.records.len());
        let within = self.records.get(behind(after)..behind(to)).unwrap_or_default();
        // What is encoded together has one time and one reference.
        let together = |one: &Record, other: &Record| {
            (one.timestamp_ms, one.operation_reference)
                == (other.timestamp_ms, other.operation_reference)
        };
        within.chunk_by(together).for_each(|records| codec::encode_entry(records, &mut batch));
        Bytes::from(batch)
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

    /// The first index that nobody told.
    #[must_use]
    pub fn missing(&self) -> Option<usize> {
        (self.read < self.entries.len()).then_some(self.read)
    }

    /// A distribution that is not finished.
    #[must_use]
    pub fn pending_distribution(&self) -> Option<Key> {
        self.distributing.first().copied()
    }

    /// The record at a position.
    #[must_use]
    pub fn at(&self, position: u64) -> Option<&Record> {
        let index = usize::try_from(position.checked_sub(1)?).ok()?;
        self.records.get(index).filter(|record| record.position == position)
    }
}

/// What replicas told, in the order in which they did.
#[derive(Default)]
pub struct Recorded {
    pub(crate) told: Vec<(Replica, Told)>,
    /// The log of each partition.
    pub logs: BTreeMap<PartitionId, Log>,
}

impl Recorded {
    /// Takes note of what a replica tells.
    pub fn tell(&mut self, replica: Replica, told: Told) {
        let partition = replica.partition;
        let log = self.logs.entry(partition).or_insert_with(|| Log::new(partition));
        let told = match told {
            Told::Entry(id, batch) => {
                log.add(id, &batch);
                Told::Entry(id, log.shared(id, batch))
            }
            replaced @ Told::Replaced(_) => replaced,
        };
        self.told.push((replica, told));
    }

    /// What a cluster that begins with these cuts through the logs has behind it: for each partition
    /// the last position and the last entry, in whose place everything behind the position is gone.
    #[must_use]
    pub fn up_to(&self, cuts: &BTreeMap<PartitionId, (u64, u64)>) -> Self {
        let mut recorded = Self::default();
        for (partition, (position, index)) in cuts {
            let Some(log) = self.logs.get(partition) else { continue };
            let replica = Replica { node: u32::MAX, life: 0, partition: *partition };
            let mut known = 0;
            let to = usize::try_from(index + 1).unwrap_or(usize::MAX).min(log.entries.len());
            for (entry, end) in log.entries[..to].iter().flatten().zip(&log.positions) {
                let (id, batch) = entry;
                let batch =
                    if end <= position { batch.clone() } else { log.again(known, *position) };
                known = (*end).min(*position);
                recorded.tell(replica, Told::Entry(*id, batch));
            }
        }
        recorded
    }

    /// The records of a partition, as far as all before them are known.
    #[must_use]
    pub fn records(&self, partition: PartitionId) -> &[Record] {
        self.logs.get(&partition).map_or(&[], |log| &log.records)
    }

    /// All records, with their partitions.
    pub fn all(&self) -> impl Iterator<Item = (PartitionId, &Record)> {
        self.logs
            .iter()
            .flat_map(|(partition, log)| log.records.iter().map(|record| (*partition, record)))
    }
}

/// The state of a replica at the end.
#[derive(Clone, Debug)]
pub struct FinalState {
    /// Number of the node.
    pub node: u32,
    /// The partition.
    pub partition: PartitionId,
    /// The last position in it.
    pub position: u64,
    /// Its rows: table, key, value.
    pub rows: Vec<(u8, Vec<u8>, Vec<u8>)>,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// Simulated milliseconds from the end of all faults until all was done; `None`: it never was.
    pub healed_after_ms: Option<u64>,
    /// What was not done when the patience ended.
    pub left: Vec<String>,
    /// When all faults were over, epoch milliseconds.
    pub healing_from_ms: i64,
    /// The latest time that any leader's clock can show, epoch milliseconds.
    pub now_ms: i64,
    /// Tasks that panicked.
    pub panics: Vec<String>,
}

/// Everything that checkers look at.
pub struct Evidence {
    /// How many partitions there were at the start: keys are spread over these.
    pub partitions: u32,
    /// How many there are at the end.
    pub partitions_at_end: u32,
    /// What clients did.
    pub calls: Vec<Call>,
    /// What replicas committed.
    pub recorded: Recorded,
    /// What their states are.
    pub states: Vec<FinalState>,
    /// The backups that somebody asked for or found.
    pub backups: Vec<Backup>,
    /// How it ended.
    pub end: End,
}

impl Evidence {
    /// Nothing yet, of a cluster with so many partitions.
    #[must_use]
    pub fn of(partitions: u32) -> Self {
        Self {
            partitions,
            partitions_at_end: partitions,
            calls: Vec::new(),
            recorded: Recorded::default(),
            states: Vec::new(),
            backups: Vec::new(),
            end: End::default(),
        }
    }
}
