//! Records and commands.

use crate::{Key, Payload};

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordType {
    /// Something happened; the only kind that changes state.
    Event = 0,
    /// Somebody wants something.
    Command = 1,
    /// A command was refused.
    Rejection = 2,
}

/// Why a command was refused; the names and numbers of `spec/engine.md` 4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RejectionType {
    /// The command itself is wrong.
    InvalidArgument = 0,
    /// What it is about does not exist.
    NotFound = 1,
    /// It would make a second one of something that exists once.
    AlreadyExists = 2,
    /// It exists, but in a state that does not allow the command.
    InvalidState = 3,
    /// The engine failed; the state is unchanged.
    ProcessingError = 4,
    /// The result would be larger than a log entry may be.
    ExceededBatchRecordSize = 5,
    /// Not allowed: unknown caller.
    Unauthorized = 6,
    /// Not allowed for this caller.
    Forbidden = 7,
}

impl RejectionType {
    /// The name that clients and exporters see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::InvalidState => "INVALID_STATE",
            Self::ProcessingError => "PROCESSING_ERROR",
            Self::ExceededBatchRecordSize => "EXCEEDED_BATCH_RECORD_SIZE",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
        }
    }

    /// The rejection type with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::InvalidArgument,
            1 => Self::NotFound,
            2 => Self::AlreadyExists,
            3 => Self::InvalidState,
            4 => Self::ProcessingError,
            5 => Self::ExceededBatchRecordSize,
            6 => Self::Unauthorized,
            7 => Self::Forbidden,
            _ => return None,
        })
    }
}

/// A refusal: kind and reason ("Expected to ... but ...").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Kind.
    pub kind: RejectionType,
    /// Reason, for people.
    pub reason: String,
}

impl Rejection {
    /// A refusal of this kind.
    pub fn new(kind: RejectionType, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}

/// One entry of the history of a partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Place in the partition's history; dense, from 1.
    pub position: u64,
    /// Position of the command that caused it; 0 for commands.
    pub source_position: u64,
    /// The entity.
    pub key: Key,
    /// When it was decided, epoch milliseconds of the leader's clock.
    pub timestamp_ms: i64,
    /// Event, command or rejection.
    pub record_type: RecordType,
    /// Reference that the client gave, 0 when none; stamped on everything a command causes.
    pub operation_reference: u64,
    /// Only for rejections.
    pub rejection: Option<Rejection>,
    /// Value type, intent and value.
    pub payload: Payload,
}

/// A command on its way to the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The entity, or [`crate::NO_KEY`] when the command creates one.
    pub key: Key,
    /// Reference that the client gave, 0 when none.
    pub operation_reference: u64,
    /// The last checkpoint of the partition that sends it, 0 when none or when no partition does.
    /// A receiver that does not have this checkpoint yet makes it first, so that no cut has the
    /// receipt of a command without its sending.
    pub checkpoint_id: u64,
    /// Of a command that is distributed to all partitions: the distribution that the receiver has to
    /// have taken before this one. [`crate::NO_KEY`] when it has taken all that came before, and on
    /// every other command.
    pub predecessor: Key,
    /// Value type, intent and value.
    pub payload: Payload,
}

impl Command {
    /// A command about `key` without a client's reference.
    #[must_use]
    pub fn new(key: Key, payload: Payload) -> Self {
        Self { key, operation_reference: 0, checkpoint_id: 0, predecessor: crate::NO_KEY, payload }
    }
}
