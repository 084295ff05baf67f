//! Everything that checkers look at: what replicas committed, what their states are, what clients
//! were told, and how the run ended.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use skep_protocol::{PartitionId, Record};

use crate::backup::Backup;
use crate::check::folds::Folds;
use crate::history::Call;
pub use crate::log::Log;

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

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} (life {}) on partition {}", self.node, self.life, self.partition)
    }
}

/// What a replica told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It committed an entry.
    Entry(EntryId, Bytes),
    /// It took over the state of another one, as of this entry.
    Replaced(EntryId),
}

/// What replicas told, as far as checkers need it: each entry is compared and read once, when it is told.
#[derive(Default)]
pub struct Recorded {
    /// The log of each partition.
    pub logs: BTreeMap<PartitionId, Log>,
    /// The last entry that each replica told of, in each life of its node.
    last: BTreeMap<Replica, u64>,
    /// The first thing that a replica told and must not have told.
    pub(crate) torn: Option<String>,
    pub(crate) folds: Folds,
}

impl Recorded {
    /// Takes note of what a replica tells.
    pub fn tell(&mut self, replica: Replica, told: Told) {
        let partition = replica.partition;
        let log = self.logs.entry(partition).or_insert_with(|| Log::new(partition));
        let before = match &told {
            Told::Entry(id, _) | Told::Replaced(id) => self.last.insert(replica, id.index),
        };
        match told {
            Told::Entry(id, batch) => {
                let from = log.records.len();
                let agrees = log.add(id, &batch);
                let follows = before.is_none_or(|before| before + 1 == id.index);
                if self.torn.is_none() {
                    self.torn = if follows { agrees.err() } else { Some(after(before, id)) }
                        .map(|what| format!("{replica}{what}"));
                }
                for record in log.records.get(from..).unwrap_or_default() {
                    self.folds.note(partition, record);
                }
                log.reached(replica.node, id.index);
            }
            Told::Replaced(id) => log.reached(replica.node, id.index),
        }
    }

    /// What a cluster that begins with these cuts through the logs has behind it: for each partition
    /// the last position and the last entry, in whose place everything behind the position is gone.
    #[must_use]
    pub fn up_to(&self, cuts: &BTreeMap<PartitionId, (u64, u64)>) -> Self {
        let mut recorded = Self::default();
        for (partition, (position, index)) in cuts {
            let Some(log) = self.logs.get(partition) else { continue };
            let replica = Replica { node: u32::MAX, life: 0, partition: *partition };
            let mut tell = |index, batch| {
                recorded.tell(replica, Told::Entry(EntryId { term: 0, index }, batch));
            };
            // Nobody tells of them again, so it does not matter which entry had which record.
            (0..*index).for_each(|index| tell(index, Bytes::new()));
            tell(*index, log.again(*position));
        }
        recorded
    }

    /// The records of a partition, as far as all before them are known and nobody has taken them.
    #[must_use]
    pub fn records(&self, partition: PartitionId) -> &[Record] {
        self.logs.get(&partition).map_or(&[], |log| &log.records)
    }

    /// All records that nobody has taken, with their partitions.
    pub fn all(&self) -> impl Iterator<Item = (PartitionId, &Record)> {
        self.logs
            .iter()
            .flat_map(|(partition, log)| log.records.iter().map(|record| (*partition, record)))
    }
}

fn after(before: Option<u64>, id: EntryId) -> String {
    format!(": entry {} follows entry {}", id.index, before.unwrap_or_default())
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
