//! The data folder of a node: who may use it, which format it has, and where things are.
//!
//! # Layout, version 1
//! - `skep.version`: one line, `skep data folder, format 1`. It is written last when a folder is
//!   made, so a folder with it is complete.
//! - `skep.lock`: locked by the process that uses the folder; says which one.
//! - `journal/`: the log of all partitions (see [`crate::journal`]).
//! - `skep.unfinished`: the folder is being filled (see [`UnfinishedDataDir`]); no start takes it.
//! - `partition-N/state/`: the tables of partition N (see [`crate::state`]).
//! - `partition-N/snapshots/`: its snapshots (see [`crate::snapshot`]).

#[cfg(test)]
mod tests;
mod unfinished;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use skep_env::{Disk, FolderLock, OpenMode, replace_file};

pub use unfinished::UnfinishedDataDir;

/// The format that this release reads and writes.
pub const FORMAT_VERSION: u32 = 1;

const VERSION_NAME: &str = "skep.version";
const NEW_VERSION_NAME: &str = "skep.version.part";
const LOCK_NAME: &str = "skep.lock";
const UNFINISHED_NAME: &str = "skep.unfinished";
const VERSION_START: &str = "skep data folder, format ";
/// Longest version or lock file that is looked at, in bytes; ours have less than 50.
const TEXT_BYTES_MAX: usize = 256;
/// What a file system puts into the root of a new disk; a folder with nothing else is empty.
const LOST_AND_FOUND: &str = "lost+found";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process uses it.
    #[error(
        "the data folder {} is in use by {holder}; stop that process first, or use another folder \
         (--data-dir)",
        .path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The other process, as it called itself.
        holder: String,
    },

    /// A newer release wrote it.
    #[error(
        "the data folder {} has format {found}, this release reads format {supported}; start the \
         release that wrote it, or a newer one, or use another folder (--data-dir). Nothing was \
         changed",
        .path.display()
    )]
    UnsupportedVersion {
        /// The folder.
        path: PathBuf,
        /// The version it has.
        found: String,
        /// The version that this release knows.
        supported: u32,
    },

    /// There is something else in it.
    #[error(
        "{} is not a data folder of Skep: it has no skep.version, but it holds {example}; use an \
         empty or a new folder (--data-dir). If it was a data folder, restore it from a backup",
        .path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        example: String,
    },

    /// Filling it was interrupted.
    #[error(
        "the data folder {} is not complete: a restore into it was interrupted; run the restore \
         again, it begins anew",
        .path.display()
    )]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },

    /// It should be filled, but it is not empty.
    #[error(
        "the data folder {} is not empty, it holds {example}; restore into a new or an empty folder \
         (--data-dir). Nothing was changed",
        .path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        example: String,
    },

    /// It cannot be written to.
    #[error(
        "cannot write to the data folder {}: {source}; give this user the right to write there, or \
         use another folder (--data-dir)",
        .path.display()
    )]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The disk failed.
    #[error("cannot {action} the data folder {}: {source}; check the disk", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A data folder that this process may use until this is dropped.
pub struct DataDir {
    path: PathBuf,
    is_new: bool,
    _lock: Box<dyn FolderLock>,
}

impl DataDir {
    /// Locks a data folder and checks its format; makes it if it is missing or empty. `holder` is
    /// what another process is told about this one, such as "process 4711".
    ///
    /// # Errors
    /// When it is in use, not ours, of an unknown format or not writable, or the disk fails.
    pub fn open(disk: &dyn Disk, path: &Path, holder: &str) -> Result<Self, DataDirError> {
        let fail = |action| move |error| from_io(path, action, error);
        disk.create_dir(path).map_err(fail("make"))?;
        // Before the lock file is made: a folder that is not ours stays as it is.
        let names = disk.list(path).map_err(fail("list"))?;
        let has_version = |names: &[String]| names.iter().any(|name| name == VERSION_NAME);
        let ours = [VERSION_NAME, NEW_VERSION_NAME, LOCK_NAME, LOST_AND_FOUND];
        let foreign = names.iter().find(|name| !ours.contains(&name.as_str()));
        if !has_version(&names) && names.iter().any(|name| name == UNFINISHED_NAME) {
            return Err(DataDirError::Unfinished { path: path.to_owned() });
        }
        if let (false, Some(example)) = (has_version(&names), foreign) {
            let example = example.clone();
            return Err(DataDirError::NotOurs { path: path.to_owned(), example });
        }
        let lock = take_lock(disk, path, holder)?;
        // Again, under the lock: another process may have made the folder in between.
        let is_new = !has_version(&disk.list(path).map_err(fail("list"))?);
        if !is_new {
            check_version(disk, path)?;
        } else {
            write_version(disk, path).map_err(fail("write the version of"))?;
        }
        Ok(Self { path: path.to_owned(), is_new, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder was made by this start.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        journal_in(&self.path)
    }

    /// Where the state of a partition is.
    pub fn state(&self, partition: u32) -> PathBuf {
        state_in(&self.path, partition)
    }

    /// Where the snapshots of a partition are.
    pub fn snapshots(&self, partition: u32) -> PathBuf {
        snapshots_in(&self.path, partition)
    }
}

fn journal_in(folder: &Path) -> PathBuf {
    folder.join("journal")
}

fn state_in(folder: &Path, partition: u32) -> PathBuf {
    folder.join(format!("partition-{partition}")).join("state")
}

fn snapshots_in(folder: &Path, partition: u32) -> PathBuf {
    folder.join(format!("partition-{partition}")).join("snapshots")
}

impl fmt::Debug for DataDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataDir").field("path", &self.path).finish_non_exhaustive()
    }
}

fn take_lock(
    disk: &dyn Disk,
    path: &Path,
    holder: &str,
) -> Result<Box<dyn FolderLock>, DataDirError> {
    let lock_path = path.join(LOCK_NAME);
    disk.lock(&lock_path, holder).map_err(|error| {
        if error.kind() != io::ErrorKind::WouldBlock {
            return from_io(path, "lock", error);
        }
        let holder = read_text(disk, &lock_path).unwrap_or_default();
        let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
        DataDirError::InUse { path: path.to_owned(), holder }
    })
}

fn from_io(path: &Path, action: &'static str, source: io::Error) -> DataDirError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            DataDirError::NotWritable { path, source }
        }
        _ => DataDirError::Io { action, path, source },
    }
}

fn read_text(disk: &dyn Disk, path: &Path) -> io::Result<String> {
    let file = disk.open(path, OpenMode::Read)?;
    let len = usize::try_from(file.len_bytes()?).unwrap_or(usize::MAX).min(TEXT_BYTES_MAX);
    let mut bytes = vec![0; len];
    file.read_exact_at(0, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

fn check_version(disk: &dyn Disk, path: &Path) -> Result<(), DataDirError> {
    let text = read_text(disk, &path.join(VERSION_NAME))
        .map_err(|error| from_io(path, "read the version of", error))?;
    let found = text.strip_prefix(VERSION_START).unwrap_or(&text).to_owned();
    if text == format!("{VERSION_START}{FORMAT_VERSION}") {
        return Ok(());
    }
    let path = path.to_owned();
    Err(DataDirError::UnsupportedVersion { path, found, supported: FORMAT_VERSION })
}

fn write_version(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let text = format!("{VERSION_START}{FORMAT_VERSION}\n");
    replace_file(disk, path, VERSION_NAME, text.as_bytes())
}
