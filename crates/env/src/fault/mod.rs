//! Fault points of the release binary: what an operator may break on purpose in a running node, for a
//! limited time.
//!
//! A node that was started for chaos has one [`FaultPoints`]: faults are armed there by a
//! [`FaultSpec`], act where the [`Disk`](crate::Disk), the [`Clock`](crate::Clock), the links between
//! nodes and the named places of [`crash_point!`](crate::crash_point) ask it, count their hits, and end by themselves. A node
//! that was not has none of it: disk and clock are not wrapped, and links and crash points cost one
//! branch that always goes the same way.

mod armed;
mod ask;
mod clock;
pub mod crash;
mod disk;
mod message;
mod metrics;
mod pause;
mod points;
mod spec;
mod status;
#[cfg(test)]
mod tests;

pub use clock::ChaosClock;
pub use crash::CrashPoint;
pub use disk::ChaosDisk;
pub use message::{Direction, Passing, Verdict};
pub use points::{FaultParts, FaultPoints, Targets};
pub use spec::{
    DELAY_MS_MAX, DiskAction, FaultKind, FaultSpec, MessageKind, NODE_ANY, Refusal, RefusalKind,
    TTL_MS_MAX,
};
pub use status::FaultStatus;
