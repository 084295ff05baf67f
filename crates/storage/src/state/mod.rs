//! Tables of bytes with checkpoints: what a partition knows, as of one position of its log.
//!
//! A store is changed by one atomic, durable [`StateStore::commit`] per checkpoint, made in the
//! background; between checkpoints the log is the truth. After a crash of the process or of the
//! machine the store is exactly as the last commit left it, and the log is replayed from the
//! position that the commit's meta bytes name.
//!
//! Readers never wait for a commit: they see the state before it until it is complete.
//!
//! [`LmdbStore`] keeps the tables on the disk, [`MemoryStore`] in memory for tests and simulation;
//! one conformance suite runs on both.

mod last_key;
mod lmdb;
mod long_keys;
mod memory;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

pub use lmdb::{LmdbOptions, LmdbStore};
pub use memory::MemoryStore;

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The disk is full; the store is as it was before. It succeeds again when there is space.
    #[error("no space for the state in {}: {reason}; free space on the disk", .path.display())]
    Full {
        /// The folder of the store.
        path: PathBuf,
        /// What the system or the store said.
        reason: String,
    },

    /// The store is not what was written.
    #[error(
        "the state in {} is damaged: {reason}; stop this node, remove the folder and start again: \
         the state is rebuilt from the last snapshot and the log",
        .path.display()
    )]
    Corrupt {
        /// The folder of the store.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },

    /// A newer release wrote this.
    #[error(
        "the state in {} has format version {found}, this release reads version {supported}; start \
         the release that wrote it, or a newer one. Nothing was changed",
        .path.display()
    )]
    UnsupportedVersion {
        /// The folder of the store.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The version that this release knows.
        supported: u32,
    },

    /// The disk failed or refused.
    #[error("cannot {action} the state in {}: {source}; check the disk and its permissions", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The folder of the store.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What a visit does with a key and its value; Break ends the visit.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Reading tables, at one point in time.
pub trait StateView {
    /// The value of a key.
    ///
    /// # Errors
    /// When the disk fails or is not what was written.
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// Visits the keys of a table in `[from, to)` in ascending order; to the end without `to`.
    ///
    /// # Errors
    /// When the disk fails or is not what was written.
    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StateError>;

    /// The largest key of a table.
    ///
    /// # Errors
    /// When the disk fails or is not what was written.
    fn last_key(&self, table: u8) -> Result<Option<Vec<u8>>, StateError> {
        last_key::find(self, table)
    }

    /// The meta bytes of the last commit; None when there is no complete state (nothing was ever
    /// committed, it was cleared, or an import was interrupted).
    ///
    /// # Errors
    /// When the disk fails or is not what was written.
    fn meta(&self) -> Result<Option<Vec<u8>>, StateError>;
}

/// Tables of bytes, numbered 0 to 255.
pub trait StateStore: StateView + Send + Sync {
    /// Applies a batch and replaces the meta bytes, atomically and durably. One commit runs at a
    /// time; others wait.
    ///
    /// # Errors
    /// `Full` or another; then the store is as it was before.
    fn commit(&self, batch: WriteBatch, meta: &[u8]) -> Result<(), StateError>;

    /// Applies a batch as a part of building a new state: durable, but there is no meta, and so no
    /// complete state, until the next [`StateStore::commit`].
    ///
    /// # Errors
    /// As for [`StateStore::commit`].
    fn commit_part(&self, batch: WriteBatch) -> Result<(), StateError>;

    /// Removes everything, atomically and durably.
    ///
    /// # Errors
    /// As for [`StateStore::commit`].
    fn clear(&self) -> Result<(), StateError>;

    /// The state as it is now, unchanged by later commits. While a view is held the space of what
    /// is replaced meanwhile is not reused, so do not hold it for longer than a snapshot takes.
    ///
    /// # Errors
    /// When the disk fails.
    fn view(&self) -> Result<Box<dyn StateView + Send>, StateError>;

    /// Space that the store uses, in bytes.
    ///
    /// # Errors
    /// When the disk fails.
    fn bytes(&self) -> Result<u64, StateError>;
}

/// One key of a batch: put with a value, deleted without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: u8,
    /// The key; may be empty, and of any length.
    pub key: Vec<u8>,
    /// The value; None deletes the key.
    pub value: Option<Vec<u8>>,
}

/// Changes that are applied together. Of several changes of a key the last one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteBatch {
    changes: Vec<Change>,
    bytes: usize,
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of a key.
    pub fn put(&mut self, table: u8, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.push(Change { table, key: key.into(), value: Some(value.into()) });
    }

    /// Removes a key; it need not exist.
    pub fn delete(&mut self, table: u8, key: impl Into<Vec<u8>>) {
        self.push(Change { table, key: key.into(), value: None });
    }

    fn push(&mut self, change: Change) {
        self.bytes += change.key.len() + change.value.as_ref().map_or(0, Vec::len);
        self.changes.push(change);
    }

    /// How many changes were added.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What the keys and values take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The changes in the order of table and key, one for each key.
    pub fn into_sorted(mut self) -> Vec<Change> {
        // Stable, so that the last of several changes of a key is the last of its run. Callers
        // that already add in order pay for one pass.
        self.changes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        self.changes.dedup_by(|later, earlier| {
            let same = later.table == earlier.table && later.key == earlier.key;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        self.changes
    }
}
