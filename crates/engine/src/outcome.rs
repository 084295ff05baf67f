//! What a command gives: records for the log, effects for the world.

use bytes::Bytes;
use skep_protocol::{Command, JobRecord, Key, PartitionId, Payload, Record, Rejection};

/// Names a client request that waits for an answer. Made by the broker, never logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What one command gave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// To be written as one log entry; empty when nothing happened (a poll that found no job).
    pub records: Vec<Record>,
    /// To be released when the entry is committed, in this order, on the leader only.
    pub effects: Vec<Effect>,
    /// The state store could not be read while deciding: do not log this outcome, stop the partition.
    pub failure: Option<crate::state::BackingError>,
}

/// Something that leaves the partition.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "sends are rare, and effects are moved once")]
pub enum Effect {
    /// Answer a request. Not every request is answered by its own command: a result is awaited, a
    /// correlation is confirmed by another partition.
    Respond {
        /// The request.
        request: RequestId,
        /// The answer.
        response: Response,
    },
    /// Hand a command to another partition (or this one), at least once; the engine repeats it
    /// until it is acknowledged.
    Send {
        /// Receiver.
        partition: PartitionId,
        /// The command.
        command: Command,
    },
    /// Jobs of this type can be activated.
    JobsAvailable {
        /// Job type.
        job_type: String,
    },
    /// A distribution was not acknowledged in time and is sent again, which somebody should log.
    DistributionRetried {
        /// Receiver.
        partition: PartitionId,
        /// The distribution.
        key: Key,
        /// How often it was sent in vain.
        attempts: u32,
    },
    /// This partition's part of a cut is decided: a backup with this id holds what is up to this
    /// position. Comes again when the same checkpoint is asked for again.
    CheckpointCreated {
        /// Number of the cut.
        id: u64,
        /// Position of the CREATED event.
        position: u64,
    },
}

/// Answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// The event that fulfilled the command.
    Accepted {
        /// Key of the event.
        key: Key,
        /// Position of the event: a later read that waits for it sees this command's doing.
        position: u64,
        /// Event.
        payload: Box<Payload>,
    },
    /// Refused.
    Rejected {
        /// Name of the command's intent, for the message that clients see.
        intent: &'static str,
        /// Why.
        rejection: Rejection,
    },
    /// Activated jobs; possibly none.
    Jobs {
        /// The jobs.
        jobs: Vec<ActivatedJob>,
        /// More were there, but the answer would have been too large.
        truncated: bool,
    },
}

/// A job as its worker sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivatedJob {
    /// The job.
    pub key: Key,
    /// Its record; `worker` and `deadline_ms` are those of this activation.
    pub job: JobRecord,
    /// Variables visible to it, a MessagePack map.
    pub variables: Bytes,
}
