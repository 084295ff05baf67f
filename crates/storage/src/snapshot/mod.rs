//! Snapshots: all tables of a state in one file of Skep's own format, so that stores can change,
//! followers can use another one, and a damaged byte is found before it is believed.
//!
//! # Format, version 1
//! Numbers are little-endian.
//! - Header: `SKEPSNAP`, version (4 bytes), crc32c of the rest of the header (4), length of the
//!   meta bytes (4), zero (4), meta bytes.
//! - Chunks: length of the payload (4, not zero), count of entries (4), crc32c (4) of the header's
//!   crc, the number of the chunk (8, from 0), the count and the payload; payload.
//!   An entry is table (1), length of key (4), length of value (4), key, value. Entries ascend by
//!   table and key through the whole file.
//! - Footer: zero (4), zero (4), crc32c (4) of the header's crc and what follows, number of chunks
//!   (8), number of entries (8). The file ends here.
//!
//! Header, chunks and footer are the *pieces* in which a snapshot travels to a follower; put one
//! after another they are the file.

mod format;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use skep_env::Disk;

use crate::limits::SNAPSHOT_COMMIT_BYTES;
use crate::state::{StateError, StateStore, WriteBatch};

pub use read::SnapshotReader;
pub use write::{SnapshotReceiver, export, write};

/// What is in a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The meta bytes given to [`write()`].
    pub meta: Vec<u8>,
    /// How many keys there are.
    pub entries: u64,
    /// Size of the file, in bytes.
    pub bytes: u64,
}

/// Why a snapshot could not be written, read or imported.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk failed or refused.
    #[error("cannot {action} the snapshot {}: {source}; check the disk and its free space", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file is not what was written, or not all of it.
    #[error(
        "the snapshot {} is damaged at byte {offset}: {reason}; remove it and use another one: an \
         older one, or one from another node",
        .path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },

    /// A newer release wrote this.
    #[error(
        "the snapshot {} has format version {found}, this release reads version {supported}; start \
         the release that wrote it, or a newer one",
        .path.display()
    )]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The version that this release knows.
        supported: u32,
    },

    /// What takes the bytes of an export did not take them.
    #[error("cannot write the snapshot: {0}")]
    Sink(#[source] io::Error),

    /// The state could not be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

fn at(path: &Path, action: &'static str, source: io::Error) -> SnapshotError {
    SnapshotError::Io { action, path: path.to_owned(), source }
}

/// Reads a whole snapshot and checks it.
///
/// # Errors
/// When it is damaged or of an unknown version, or the disk fails.
pub fn verify(disk: &dyn Disk, path: &Path) -> Result<SnapshotInfo, SnapshotError> {
    let mut reader = SnapshotReader::open(disk, path)?;
    while reader.next_entries(&mut |_, _, _| Ok(()))? {}
    Ok(reader.info())
}

/// Replaces the content of a store by a snapshot, whose meta bytes become those of the store. The
/// snapshot is checked as a whole before the store is touched. If this is interrupted the store has
/// no meta bytes: import again.
///
/// # Errors
/// When the snapshot is damaged or of an unknown version, or a disk fails.
pub fn import(
    disk: &dyn Disk,
    path: &Path,
    store: &dyn StateStore,
) -> Result<SnapshotInfo, SnapshotError> {
    let info = verify(disk, path)?;
    store.clear()?;
    let mut reader = SnapshotReader::open(disk, path)?;
    let mut batch = WriteBatch::new();
    while reader.next_entries(&mut |table, key, value| {
        batch.put(table, key, value);
        if batch.bytes() >= SNAPSHOT_COMMIT_BYTES {
            store.commit_part(std::mem::take(&mut batch))?;
        }
        Ok(())
    })? {}
    store.commit(batch, &info.meta)?;
    Ok(info)
}
