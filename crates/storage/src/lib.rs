//! Bytes that survive: a journal shared by all partitions of a node, byte tables with checkpoints,
//! snapshots, and the data folder that holds them.
//!
//! Absent on purpose: any knowledge of records. This crate stores and returns bytes under numbers
//! and keys; what they mean is the business of whoever wrote them.

mod crash_points;
pub mod data_dir;
pub mod journal;
pub mod limits;
pub mod snapshot;
pub mod state;

pub use crash_points::CRASH_POINTS;
pub use data_dir::{DataDir, DataDirError, UnfinishedDataDir};
pub use journal::{Journal, JournalError, JournalOptions, StreamHandle};
pub use snapshot::{SnapshotError, SnapshotInfo};
pub use state::{LmdbStore, MemoryStore, StateError, StateStore, StateView, WriteBatch};
