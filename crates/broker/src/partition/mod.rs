//! One partition: inbox, stream processor, checkpoints.
//!
//! Everything of a partition runs on one thread. [`Partition::run`] is the loop: it hears what the
//! replication did, processes a round of commands, proposes its records, and releases the effects
//! of rounds that are committed.

mod captures;
mod checkpoint;
mod distributions;
mod engine;
mod inbox;
mod limiter;
mod processor;
mod push;
mod release;
mod replay;
mod round;
mod space;
mod status;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use captures::{PartStep, Wanted};
pub(crate) use checkpoint::{CheckpointJob, CheckpointSettings};
pub(crate) use engine::{EngineFactory, Processing, StateChanges};
pub(crate) use inbox::{Answer, Control, Inbox, Reply, Request};
pub(crate) use limiter::Limiter;
pub(crate) use processor::{Partition, Parts};
pub(crate) use status::Status;
pub(crate) use store::{Store, StoredMeta};
