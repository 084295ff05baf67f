//! Rows of an engine's dump, read from their bytes: only what the checks look at.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use skep_protocol::Key;

pub(crate) type Dump = Vec<(u8, Vec<u8>, Vec<u8>)>;

/// Table numbers of the format of checkpoints.
pub(crate) mod table {
    pub(crate) const META: u8 = 0;
    pub(crate) const ELEMENT_INSTANCES: u8 = 1;
    pub(crate) const ELEMENT_CHILDREN: u8 = 2;
    pub(crate) const VARIABLES: u8 = 3;
    pub(crate) const JOBS: u8 = 4;
    pub(crate) const JOBS_ACTIVATABLE: u8 = 5;
    pub(crate) const JOB_DEADLINES: u8 = 6;
    pub(crate) const JOB_BACK_OFFS: u8 = 7;
    pub(crate) const TIMERS: u8 = 8;
    pub(crate) const TIMER_DUE_DATES: u8 = 9;
    pub(crate) const PROCESSES: u8 = 10;
    pub(crate) const PROCESS_VERSIONS: u8 = 11;
    pub(crate) const PROCESS_VERSIONS_HIGHEST: u8 = 12;
    pub(crate) const MESSAGE_START_SUBSCRIPTIONS: u8 = 13;
    pub(crate) const PROCESS_MESSAGE_SUBSCRIPTIONS: u8 = 25;
    pub(crate) const INCIDENTS: u8 = 28;
    pub(crate) const INCIDENTS_BY_ELEMENT: u8 = 29;
    pub(crate) const INCIDENTS_BY_JOB: u8 = 30;
    pub(crate) const EVENT_TRIGGERS: u8 = 31;
    pub(crate) const FLOWS_TAKEN: u8 = 32;
    pub(crate) const DISTRIBUTIONS_RECEIVED: u8 = 35;
    pub(crate) const BATCHES: u8 = 36;
    pub(crate) const CREATIONS: u8 = 37;
    pub(crate) const CREATION_EXPIRIES: u8 = 38;
    pub(crate) const DECISIONS: u8 = 41;
    pub(crate) const DISTRIBUTIONS_LAST: u8 = 50;
    pub(crate) const MESSAGE_SUBSCRIPTIONS_CLOSED: u8 = 51;
    /// Decisions by version, tag, deployment and graph, graphs and their versions.
    pub(crate) const DECISIONS_BY: [u8; 6] = [42, 44, 45, 46, 47, 48];
    /// Versions, tags, deployments and graphs of decisions: from this one to the next.
    pub(crate) const DECISION_INDEXES: std::ops::RangeInclusive<u8> = 42..=49;
}

/// The counters of an element instance's row.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Counters {
    #[prost(uint32, tag = "3")]
    pub(crate) children_active: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) flows_active: u32,
    #[prost(uint64, tag = "5")]
    pub(crate) job_key: Key,
    #[prost(uint64, tag = "6")]
    pub(crate) called_instance_key: Key,
}

/// The state of a subscription's row on the instance's side.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SubscriptionState {
    #[prost(int32, tag = "2")]
    pub(crate) state: i32,
}

/// Asked to close, not confirmed: it may outlive its element.
pub(crate) const CLOSING: i32 = 2;

/// Key and value.
type Row<'a> = (&'a [u8], &'a [u8]);

/// The rows of a dump by table.
pub(crate) struct Rows<'a> {
    tables: BTreeMap<u8, Vec<Row<'a>>>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(dump: &'a Dump) -> Self {
        let mut tables: BTreeMap<u8, Vec<_>> = BTreeMap::new();
        for (table, key, value) in dump {
            tables.entry(*table).or_default().push((key.as_slice(), value.as_slice()));
        }
        Self { tables }
    }

    pub(crate) fn of(&self, table: u8) -> &[Row<'a>] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn tables(&self) -> BTreeSet<u8> {
        self.tables.keys().copied().collect()
    }

    /// The keys of a table whose keys begin with a number.
    pub(crate) fn keys(&self, table: u8) -> BTreeSet<Key> {
        self.of(table).iter().map(|(key, _)| number(key, 0)).collect()
    }

    /// Pairs of numbers that are the keys of a table.
    pub(crate) fn pairs(&self, table: u8) -> BTreeSet<(Key, Key)> {
        self.of(table).iter().map(|(key, _)| (number(key, 0), number(key, 8))).collect()
    }

    /// The last number of the keys of a table.
    pub(crate) fn last_keys(&self, table: u8) -> BTreeSet<Key> {
        self.of(table).iter().map(|(key, _)| number(key, key.len() - 8)).collect()
    }
}

/// The number at an offset of a key.
pub(crate) fn number(key: &[u8], at: usize) -> Key {
    Key::from_be_bytes(key[at..at + 8].try_into().expect("eight bytes"))
}

/// The text that follows a number in a key.
pub(crate) fn text_behind_number(key: &[u8]) -> String {
    String::from_utf8(key[8..key.len() - 2].to_vec()).expect("names are UTF-8 without a 0")
}
