//! Every record, intent and key of Skep, and their bytes.
//!
//! A [`Record`] is a fact (event), a wish (command) or a refusal (rejection) about one entity. What
//! it is about and what happened is its [`Payload`]: value type, intent and value in one, so that
//! they cannot disagree. [`codec`] turns a command and its events into one log entry and back,
//! [`wire`] a command on its way to another node.
//!
//! Absent on purpose: logic, JSON, and anything that knows how records come to be.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

pub mod codec;
pub mod intent;
pub mod key;
pub mod limits;
mod payload;
mod record;
pub mod value;
pub mod wire;

pub use intent::*;
pub use key::{Key, NO_KEY, PartitionId};
pub use payload::{Payload, ValueType};
pub use record::{Command, Record, RecordType, Rejection, RejectionType};
pub use value::*;

/// The tenant of everything while multi-tenancy is off.
pub const DEFAULT_TENANT: &str = "<default>";
