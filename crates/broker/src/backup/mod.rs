//! Backups: a consistent cut through all partitions, in a folder, under one manifest.
//!
//! 1. The node that is asked (the *driver*) sends CHECKPOINT CREATE to every partition. Commands
//!    between partitions carry the last checkpoint of their sender, and a receiver makes it first,
//!    so the positions of CHECKPOINT CREATED are a consistent cut.
//! 2. When CHECKPOINT CREATED is committed, the partition's leader writes its *part*: the state as
//!    of its last stored checkpoint, and the log from there to CHECKPOINT CREATED. The log is kept
//!    until it is copied; everything else goes on meanwhile.
//! 3. The driver sees the parts appear in the store and writes the manifest, last. A backup without
//!    a valid manifest is none.
//!
//! Every node needs the same store: a folder that all of them see. All that there is to know about
//! a backup is in the store, so any node answers questions about it.
//!
//! # Layout of a backup
//! - `request.json`: who takes it, until when it is believed to be alive, why it failed.
//! - `partition-P/node-N.snapshot`, `.log`, `.part.json`, `.failed.json`: what node N wrote.
//! - `manifest.json`: see [`Manifest`].

mod driver;
mod handle;
mod log_file;
mod manage;
mod manifest;
mod part;
mod request;
mod restore;
mod running;
mod status;
mod store;

use std::io;

use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;

pub(crate) use driver::{ClusterFacts, Driver, DriverSettings, Submit};
pub use handle::Backups;
pub use manage::BackupCall;
pub use manifest::{FORMAT_VERSION, Manifest, Part, StoredFile, read_manifest};
pub(crate) use part::{Captured, PartSettings, write_part};
pub use restore::{RestoreSettings, Restored, restore};
pub use store::{BackupStore, FolderStore, NewFile};

/// Number of a backup; higher than that of every earlier one.
pub type BackupId = u64;

/// How far a backup, or a partition's part of it, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BackupState {
    /// Parts are being written.
    InProgress,
    /// It can be restored.
    Completed,
    /// It will not be completed; the reason is known.
    Failed,
    /// Something is missing, and nobody works on it any more.
    Incomplete,
    /// There is no such backup.
    DoesNotExist,
}

/// A partition's part, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartStatus {
    /// The partition.
    pub partition_id: PartitionId,
    /// How far it is.
    pub state: BackupState,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// The part, when it is complete.
    pub part: Option<Part>,
}

/// A backup, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// Its number.
    pub backup_id: BackupId,
    /// How far it is.
    pub state: BackupState,
    /// Why it failed, or what is missing.
    pub failure_reason: Option<String>,
    /// When it was asked for, epoch milliseconds.
    pub created_at_ms: Option<i64>,
    /// The release that takes it.
    pub skep_version: Option<String>,
    /// The parts, by partition.
    pub partitions: Vec<PartStatus>,
}

/// Why something about backups was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum BackupError {
    /// No store is configured.
    #[error("this node has nowhere to put backups; start it with --backup-dir FOLDER")]
    NotConfigured,
    /// The number cannot be used.
    #[error("{reason}")]
    Conflict {
        /// Why, for people.
        reason: String,
    },
    /// There is no such backup.
    #[error("backup {id} does not exist; `skep backup list` shows those that do")]
    NotFound {
        /// The backup.
        id: BackupId,
    },
    /// It is there, but it cannot be restored.
    #[error("backup {id} cannot be restored: {reason}")]
    Unusable {
        /// The backup.
        id: BackupId,
        /// Why, for people.
        reason: String,
    },
    /// A partition or node does not answer.
    #[error("{reason}")]
    Unavailable {
        /// Why, for people.
        reason: String,
    },
    /// The store cannot be used.
    #[error(
        "the backup store cannot be used: {reason}; check the folder, its disk and its permissions"
    )]
    Store {
        /// What the system said.
        reason: String,
    },
    /// The data folder cannot be filled.
    #[error("{reason}")]
    Target {
        /// Why, for people.
        reason: String,
    },
}

impl BackupError {
    fn store(error: &io::Error) -> Self {
        Self::Store { reason: error.to_string() }
    }

    fn target(error: impl std::fmt::Display) -> Self {
        Self::Target { reason: error.to_string() }
    }
}

/// Folder of a partition in a backup.
fn part_folder(partition: PartitionId) -> String {
    format!("partition-{partition}")
}
