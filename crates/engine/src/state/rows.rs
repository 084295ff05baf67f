//! Rows of the tables that are more than a record.

use bytes::Bytes;
use skep_protocol::{
    JobRecord, Key, MessageSubscriptionRecord, ProcessInstanceRecord,
    ProcessMessageSubscriptionRecord,
};

/// Counters of a partition.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Meta {
    /// Position of the last record.
    #[prost(uint64, tag = "1")]
    pub(crate) last_position: u64,
    /// Counter part of the highest key so far.
    #[prost(uint64, tag = "2")]
    pub(crate) key_counter: u64,
    /// Last CHECKPOINT, 0 when none: what a backup is called.
    #[prost(uint64, tag = "3")]
    pub(crate) checkpoint_id: u64,
    /// Position of its CREATED event.
    #[prost(uint64, tag = "4")]
    pub(crate) checkpoint_position: u64,
    /// How many partitions there are; 0 while it is the number that the cluster began with.
    #[prost(uint32, tag = "5")]
    pub(crate) partition_count: u32,
}

/// Lifecycle state of an element instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Lifecycle {
    /// Enters: input mappings, subscriptions, job.
    Activating = 0,
    /// Waits, or has children.
    Activated = 1,
    /// Leaves: output mappings.
    Completing = 2,
    /// Is ended from outside.
    Terminating = 3,
}

/// An element instance.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ElementInstance {
    #[prost(message, required, tag = "1")]
    pub(crate) record: ProcessInstanceRecord,
    #[prost(enumeration = "Lifecycle", tag = "2")]
    pub(crate) lifecycle: i32,
    /// Element instances directly inside.
    #[prost(uint32, tag = "3")]
    pub(crate) children_active: u32,
    /// Tokens directly inside that are on a sequence flow or wait at a join.
    #[prost(uint32, tag = "4")]
    pub(crate) flows_active: u32,
    /// Its job, 0 when none.
    #[prost(uint64, tag = "5")]
    pub(crate) job_key: Key,
    /// Process instance that it called, 0 when none.
    #[prost(uint64, tag = "6")]
    pub(crate) called_instance_key: Key,
    /// A terminate end event or an interruption ends what is inside.
    #[prost(bool, tag = "7")]
    pub(crate) interrupted: bool,
}

impl ElementInstance {
    pub(crate) fn is(&self, lifecycle: Lifecycle) -> bool {
        self.lifecycle == lifecycle as i32
    }

    /// Whether what is in it goes on, and more may enter it.
    pub(crate) fn runs(&self) -> bool {
        self.is(Lifecycle::Activated) && !self.interrupted
    }
}

/// A variable.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Variable {
    #[prost(uint64, tag = "1")]
    pub(crate) key: Key,
    /// MessagePack.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum JobState {
    /// Waits for a worker.
    Activatable = 0,
    /// A worker holds it.
    Activated = 1,
    /// Failed without retries, or waits for the end of its back-off.
    Failed = 2,
    /// Threw an error that nobody caught.
    ErrorThrown = 3,
}

/// A job.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Job {
    #[prost(message, required, tag = "1")]
    pub(crate) record: JobRecord,
    #[prost(enumeration = "JobState", tag = "2")]
    pub(crate) state: i32,
}

impl Job {
    pub(crate) fn is(&self, state: JobState) -> bool {
        self.state == state as i32
    }
}

/// The lock of an instance that a message with a correlation key started.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MessageLock {
    #[prost(string, tag = "1")]
    pub(crate) bpmn_process_id: String,
    #[prost(string, tag = "2")]
    pub(crate) correlation_key: String,
}

/// A subscription on the message's side.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MessageSubscription {
    #[prost(message, required, tag = "1")]
    pub(crate) record: MessageSubscriptionRecord,
    /// Messages that the instance's side has not answered yet, oldest first.
    #[prost(message, repeated, tag = "2")]
    pub(crate) correlating: Vec<CorrelatingMessage>,
    /// Messages that were ever sent to it, unless it closes with the first.
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
}

/// A message on its way to a subscription; it may expire meanwhile, so its variables are kept.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CorrelatingMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) message_key: Key,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) variables: Bytes,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
}

/// State of a subscription on the instance's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SubscriptionState {
    /// Asked for, not confirmed.
    Opening = 0,
    /// Confirmed.
    Open = 1,
    /// Asked to close, not confirmed.
    Closing = 2,
}

/// A subscription on the instance's side.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ProcessMessageSubscription {
    #[prost(message, required, tag = "1")]
    pub(crate) record: ProcessMessageSubscriptionRecord,
    #[prost(enumeration = "SubscriptionState", tag = "2")]
    pub(crate) state: i32,
    /// Every correlation up to this number was taken: one that comes late comes again.
    #[prost(uint64, tag = "3")]
    pub(crate) taken_up_to: u64,
    /// Numbers above it that were taken too, while one before them is on its way.
    #[prost(uint64, repeated, tag = "4")]
    pub(crate) taken_above: Vec<u64>,
}

impl ProcessMessageSubscription {
    /// In a state, without any correlation yet.
    pub(crate) fn new(record: ProcessMessageSubscriptionRecord, state: SubscriptionState) -> Self {
        Self { record, state: state as i32, taken_up_to: 0, taken_above: Vec::new() }
    }

    /// Whether a correlation was taken before.
    pub(crate) fn has_taken(&self, sequence: u64) -> bool {
        sequence != 0 && (sequence <= self.taken_up_to || self.taken_above.contains(&sequence))
    }

    /// A correlation is taken now.
    pub(crate) fn take(&mut self, sequence: u64) {
        if sequence == 0 {
            return;
        }
        self.taken_above.push(sequence);
        while let Some(at) = self.taken_above.iter().position(|one| *one == self.taken_up_to + 1) {
            self.taken_above.swap_remove(at);
            self.taken_up_to += 1;
        }
    }
}

/// The answer to a creation that carried an operation reference, kept for a retry.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Creation {
    #[prost(uint64, tag = "1")]
    pub(crate) process_instance_key: Key,
    #[prost(uint64, tag = "2")]
    pub(crate) process_definition_key: Key,
    #[prost(uint32, tag = "3")]
    pub(crate) version: u32,
    /// Hash of the request, so that a reference used for something else is no retry.
    #[prost(uint64, tag = "4")]
    pub(crate) fingerprint: u64,
}

/// A distribution that a partition has not acknowledged.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PendingDistribution {
    /// The one before it to the same partition; 0 when there was none, or none is known.
    #[prost(uint64, tag = "1")]
    pub(crate) predecessor: Key,
    /// Since when, epoch milliseconds.
    #[prost(int64, tag = "2")]
    pub(crate) since_ms: i64,
}

/// A new partition that does not have everything yet.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Bootstrap {
    /// Definitions up to this one are distributed to it.
    #[prost(uint64, tag = "1")]
    pub(crate) definitions_up_to: Key,
    /// The last distribution with which they are.
    #[prost(uint64, tag = "2")]
    pub(crate) last_distribution_key: Key,
    /// That were all.
    #[prost(bool, tag = "3")]
    pub(crate) complete: bool,
}
