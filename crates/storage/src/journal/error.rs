//! What can go wrong with a journal, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a journal could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk failed or refused.
    #[error("cannot {action} {}: {source}; check the disk and its permissions, then start again", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// Something that was durable is not what was written.
    #[error(
        "the journal is damaged: {} at byte {offset}: {reason}; the data before this place is \
         intact, what follows cannot be trusted. Nothing was changed. Restore this node from a \
         backup, or (in a cluster) move the data folder away and let the node copy everything \
         from the others; check the disk before using it again",
        .segment.display()
    )]
    Corrupt {
        /// The damaged file.
        segment: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },

    /// A newer release wrote this.
    #[error(
        "{} has format version {found}, this release reads version {supported}; start the release \
         that wrote it, or a newer one. Nothing was changed",
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

    /// The entries asked for were purged; a snapshot holds what they led to.
    #[error("the entries before index {first_index} were purged; use a snapshot that covers them")]
    Purged {
        /// The first index that is still there.
        first_index: u64,
    },
}

/// Wraps an error of the disk with what was tried where.
pub(super) fn at(path: &Path, action: &'static str, source: io::Error) -> JournalError {
    JournalError::Io { action, path: path.to_owned(), source }
}

/// The same error for one more receiver: `io::Error` cannot be cloned.
pub(super) fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

/// Whether the disk was full, as opposed to broken.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
