//! Commands that all partitions have to get: from the one that decided to the others, at least once,
//! in order for each receiver, until each has acknowledged (`spec/engine.md` 4.8; ADR 6).
//!
//! - The origin writes STARTED with the command, and DISTRIBUTING for each receiver with the
//!   distribution before it, its *predecessor* (`origin.rs`).
//! - Several are on their way to a receiver at a time (`receivers.rs`). The receiver takes one only
//!   behind its predecessor, so that what is lost or overtaken is never skipped (`receive.rs`).
//! - An acknowledgement names the last one that was taken, and stands for all before it.
//! - What is not acknowledged in time is sent again: the oldest first, alone, and the others when
//!   it is acknowledged. A receiver that is away costs one command a pause, and holds up nobody.

mod origin;
mod receive;
mod receivers;
mod report;

pub(crate) use origin::{acknowledge, start};
pub(crate) use receive::receive;
pub(crate) use receivers::Receivers;
pub use report::PendingDistributions;
pub(crate) use report::{count, pending};
