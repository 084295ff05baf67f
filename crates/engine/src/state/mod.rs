//! State: typed tables in memory over a backing store.
//!
//! Command code reads it, only the appliers write it. Table numbers are part of the format of
//! checkpoints and snapshots: they are never reused.

mod backing;
mod decisions;
mod key;
mod rows;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;
use skep_protocol::{
    CommandDistributionRecord, DecisionRecord, DecisionRequirementsRecord, IncidentRecord, Key,
    MessageRecord, MessageStartEventSubscriptionRecord, PartitionId, ProcessEventRecord,
    ProcessInstanceBatchRecord, ProcessMessageSubscriptionRecord, ProcessRecord, TimerRecord,
    key::counter_of, key::partition_of,
};

pub use backing::{Backing, BackingError, Checkpoint, NoBacking};
pub(crate) use key::TableKey;
pub(crate) use rows::*;
pub(crate) use table::{Table, TableValue};

macro_rules! tables {
    ($($(#[$doc:meta])* $number:literal $name:ident: $key:ty => $value:ty,)*) => {
        /// All tables of a partition.
        pub(crate) struct State {
            pub(crate) meta: Meta,
            meta_undo: Meta,
            /// Job type to a key below which no job of it can be activated: activation reads from
            /// there, not over everything that was activated before. Derived, never stored.
            activatable_heads: BTreeMap<String, Key>,
            $($(#[$doc])* pub(crate) $name: Table<$key, $value>,)*
        }

        impl State {
            pub(crate) fn new(backing: &Arc<dyn Backing>) -> Result<Self, BackingError> {
                let meta = match backing.meta()? {
                    Some(bytes) => Meta::decode(bytes.as_slice())
                        .map_err(|error| BackingError(format!("its meta bytes are damaged: {error}")))?,
                    None => Meta::default(),
                };
                Ok(Self { meta_undo: meta.clone(), meta, activatable_heads: BTreeMap::new(), $($name: Table::new($number, backing)?,)* })
            }

            /// The command is done: nothing of it will be undone.
            pub(crate) fn commit(&mut self) {
                self.meta_undo.clone_from(&self.meta);
                $(self.$name.commit();)*
            }

            /// Undoes everything since the last commit.
            pub(crate) fn rollback(&mut self) {
                self.meta.clone_from(&self.meta_undo);
                self.activatable_heads.clear();
                $(self.$name.rollback();)*
            }

            pub(crate) fn recent_bytes(&self) -> usize {
                0 $(+ self.$name.recent_bytes())*
            }

            pub(crate) fn freeze(&mut self) -> Checkpoint {
                let mut sections = Vec::new();
                $(sections.extend(self.$name.freeze());)*
                Checkpoint { position: self.meta.last_position, meta: self.meta.encode_to_vec(), sections }
            }

            pub(crate) fn thaw(&mut self) -> Result<(), BackingError> {
                $(self.$name.thaw()?;)*
                Ok(())
            }

            pub(crate) fn take_failure(&self) -> Option<BackingError> {
                $(if let Some(failure) = self.$name.take_failure() { return Some(failure); })*
                None
            }

            /// Every live row and the meta bytes, for comparing states.
            pub(crate) fn dump(&self) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
                let mut rows = vec![(0, Vec::new(), self.meta.encode_to_vec())];
                $(self.$name.dump(&mut rows);)*
                rows
            }
        }

        /// What a table is called in the dump of a state; `meta` for what is in no table.
        #[must_use]
        pub fn table_name(number: u8) -> &'static str {
            match number {
                $($number => stringify!($name),)*
                _ => "meta",
            }
        }
    };
}

tables! {
    /// Element instances, the process instance itself among them.
    1 element_instances: Key => ElementInstance,
    /// (scope, child).
    2 element_children: (Key, Key) => (),
    /// (scope, name).
    3 variables: (Key, String) => Variable,
    /// Jobs.
    4 jobs: Key => Job,
    /// (job type, job).
    5 jobs_activatable: (String, Key) => (),
    /// (deadline, job).
    6 job_deadlines: (i64, Key) => (),
    /// (end of the back-off, job).
    7 job_back_offs: (i64, Key) => (),
    /// (element instance or 0, timer).
    8 timers: (Key, Key) => TimerRecord,
    /// (due date, timer) to element instance or 0.
    9 timer_due_dates: (i64, Key) => Key,
    /// Process definitions.
    10 processes: Key => ProcessRecord,
    /// (process id, version) to definition.
    11 process_versions: (String, u32) => Key,
    /// Process id to the highest version ever, deleted ones included.
    12 process_versions_highest: String => u32,
    /// (message name, definition, start event).
    13 message_start_subscriptions: (String, Key, String) => MessageStartEventSubscriptionRecord,
    /// Buffered messages.
    14 messages: Key => MessageRecord,
    /// (name, correlation key, message).
    15 messages_by_name: (String, String, Key) => (),
    /// (name, correlation key, message id) to message.
    16 message_ids: (String, String, String) => Key,
    /// (deadline, message).
    17 message_deadlines: (i64, Key) => (),
    /// (message, process id): where a message was correlated already.
    18 message_correlations: (Key, String) => (),
    /// (process id, correlation key) to the one instance that a message started.
    19 message_locks: (String, String) => Key,
    /// Process instance to the lock it holds.
    20 message_locks_held: Key => MessageLock,
    /// Subscriptions on the message's side.
    21 message_subscriptions: Key => MessageSubscription,
    /// (name, correlation key, subscription).
    22 message_subscriptions_by_name: (String, String, Key) => (),
    /// (element instance, name) to subscription.
    23 message_subscriptions_by_element: (Key, String) => Key,
    /// Subscriptions that wait for an answer of the instance's side.
    24 message_subscriptions_pending: Key => (),
    /// (element instance, name): subscriptions on the instance's side.
    25 process_message_subscriptions: (Key, String) => ProcessMessageSubscription,
    /// (element instance, name): those that wait for an answer of the message's side.
    26 process_message_subscriptions_pending: (Key, String) => (),
    /// (element instance, message): correlations that the message's side may ask about again.
    27 process_message_correlations: (Key, Key) => ProcessMessageSubscriptionRecord,
    /// Incidents.
    28 incidents: Key => IncidentRecord,
    /// Element instance to its incident.
    29 incidents_by_element: Key => Key,
    /// Job to its incident.
    30 incidents_by_job: Key => Key,
    /// (element instance, event): triggers that wait.
    31 event_triggers: (Key, Key) => ProcessEventRecord,
    /// (scope, gateway, flow) to tokens that wait.
    32 flows_taken: (Key, String, String) => u32,
    /// Commands that other partitions have not acknowledged yet.
    33 distributions: Key => CommandDistributionRecord,
    /// (partition, distribution).
    34 distributions_pending: (PartitionId, Key) => PendingDistribution,
    /// Partition to the last distribution received from it.
    35 distributions_received: PartitionId => Key,
    /// Work that goes on in the next slice.
    36 batches: Key => ProcessInstanceBatchRecord,
    /// (operation reference, process id) to the instance that it created.
    37 creations: (u64, String) => Creation,
    /// (end of the window, operation reference, process id).
    38 creation_expiries: (i64, u64, String) => (),
    /// (process id, business id) to its active root instance.
    39 business_ids: (String, String) => Key,
    /// (process definition, process instance).
    40 process_instances_by_definition: (Key, Key) => (),
    /// Decisions.
    41 decisions: Key => DecisionRecord,
    /// (decision id, version) to decision.
    42 decision_versions: (String, u32) => Key,
    /// Decision id to the highest version ever, deleted ones included.
    43 decision_versions_highest: String => u32,
    /// (decision id, version tag) to the latest decision that carries it.
    44 decision_version_tags: (String, String) => Key,
    /// (deployment, decision id) to the decision that it made.
    45 decisions_by_deployment: (Key, String) => Key,
    /// (decision requirements graph, decision).
    46 decisions_by_requirements: (Key, Key) => (),
    /// Decision requirements graphs.
    47 decision_requirements: Key => DecisionRequirementsRecord,
    /// (decision requirements id, version) to graph.
    48 decision_requirements_versions: (String, u32) => Key,
    /// Decision requirements id to the highest version ever, deleted ones included.
    49 decision_requirements_versions_highest: String => u32,
    /// Partition to the last distribution that was begun for it.
    50 distributions_last: PartitionId => Key,
    /// Subscriptions of instances on other partitions that were closed here lately, by their keys
    /// there: a request to open one may still be under way.
    51 message_subscriptions_closed: Key => (),
    /// New partitions that do not have everything yet.
    52 bootstraps: PartitionId => Bootstrap,
}

impl State {
    /// How many partitions there are, of a cluster that began with so many.
    pub(crate) fn partition_count(&self, initial: u32) -> u32 {
        self.meta.partition_count.max(initial)
    }

    /// Takes note of a key that an event carries, so that the next generated one is above it.
    pub(crate) fn note_key(&mut self, partition_id: PartitionId, key: Key) {
        if partition_of(key) == partition_id {
            self.meta.key_counter = self.meta.key_counter.max(counter_of(key));
        }
    }
}

impl State {
    /// Where to start looking for activatable jobs of a type.
    pub(crate) fn activatable_head(&self, job_type: &str) -> Key {
        self.activatable_heads.get(job_type).copied().unwrap_or_default()
    }

    /// The first activatable job of a type was found at `first`, or there is none.
    pub(crate) fn set_activatable_head(&mut self, job_type: &str, first: Option<Key>) {
        match (self.activatable_heads.get_mut(job_type), first) {
            (Some(head), Some(first)) => *head = first,
            (None, Some(first)) => {
                if self.activatable_heads.len() >= ACTIVATABLE_HEADS_MAX {
                    self.activatable_heads.clear();
                }
                self.activatable_heads.insert(job_type.to_owned(), first);
            }
            (_, None) => {}
        }
    }

    /// A job can be activated.
    pub(crate) fn insert_activatable(&mut self, job_type: &str, key: Key, is_new: bool) {
        if let Some(head) = self.activatable_heads.get_mut(job_type) {
            *head = (*head).min(key);
        }
        if is_new {
            self.jobs_activatable.insert_new((job_type.to_owned(), key), ());
        } else {
            self.jobs_activatable.insert((job_type.to_owned(), key), ());
        }
    }
}

/// Job types whose head is remembered; a process has a few, a hostile client any number.
const ACTIVATABLE_HEADS_MAX: usize = 10_000;
