//! The disk as a trait: files written at offsets, folders whose changes are synced on their own.
//!
//! The contract is the one of a POSIX file system, no stronger: a write is visible at once but
//! survives a crash of the machine only after `sync_data`; a file created, renamed or removed stays
//! so only after `sync_dir` of its folder. [`MemoryDisk`] takes that contract at its word.

mod faulty;
mod memory;
mod os;
#[cfg(test)]
mod tests;
mod whole;

pub use faulty::{DiskOperation, Faults, FaultyDisk};
pub use memory::MemoryDisk;
pub use os::OsDisk;
pub use whole::{read_file, replace_file};

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading; it must exist.
    Read,
    /// For reading and writing; it must exist.
    ReadWrite,
    /// For reading and writing; made empty if it does not exist, left as it is if it does.
    Create,
    /// For reading and writing; it must not exist.
    CreateNew,
}

/// An open file. Threads share it: every access names its offset.
pub trait DiskFile: Send + Sync {
    /// Reads into `buffer` from `offset`. Returns how many bytes were read; 0 only at the end of
    /// the file.
    ///
    /// # Errors
    /// When the disk fails.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `data` at `offset`, growing the file when needed.
    ///
    /// # Errors
    /// When the disk fails or is full; then any part of `data` may have been written.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Reserves disk space for the first `len_bytes` and makes the file at least that long. New
    /// bytes read as zero.
    ///
    /// # Errors
    /// `StorageFull` when the space is not there; then the file may have grown in part.
    fn preallocate(&self, len_bytes: u64) -> io::Result<()>;

    /// Returns after all writes that came before, and the length of the file, are on stable
    /// storage.
    ///
    /// # Errors
    /// When the disk fails. Then nobody knows which writes are stable, and a later success of
    /// another call says nothing about them.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the file or extends it with zeros.
    ///
    /// # Errors
    /// When the disk fails.
    fn set_len(&self, len_bytes: u64) -> io::Result<()>;

    /// How long the file is, in bytes.
    ///
    /// # Errors
    /// When the disk fails.
    fn len_bytes(&self) -> io::Result<u64>;

    /// How long whoever writes the file has to wait before [`DiskFile::sync_data`], because a
    /// simulated disk cannot take the time itself. A real one takes it in the call.
    fn sync_latency(&self) -> Option<Duration> {
        None
    }

    /// Fills all of `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before; otherwise when the disk fails.
    fn read_exact_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(offset, buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    offset += read as u64;
                    buffer = buffer.split_at_mut(read).1;
                }
            }
        }
        Ok(())
    }
}

/// A folder is held by this process until this is dropped.
pub trait FolderLock: Send + Sync {}

/// A file system.
pub trait Disk: Send + Sync {
    /// Opens or makes a file.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists` or `PermissionDenied` as the mode asks; or the disk fails.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file within a folder; an existing file of the new name is replaced.
    ///
    /// # Errors
    /// `NotFound` when there is no such file; or the disk fails.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound` when there is no such file; or the disk fails.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names of the files and folders in a folder, sorted.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder; or the disk fails.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a folder and its parents, on stable storage. A folder that exists is left as it is.
    ///
    /// # Errors
    /// When the folder cannot be made.
    fn create_dir(&self, folder: &Path) -> io::Result<()>;

    /// Removes a folder that is empty.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder, `DirectoryNotEmpty` when something is in it; or the
    /// disk fails.
    fn remove_dir(&self, folder: &Path) -> io::Result<()>;

    /// Returns after files created, renamed and removed in the folder are so on stable storage.
    ///
    /// # Errors
    /// When the disk fails.
    fn sync_dir(&self, folder: &Path) -> io::Result<()>;

    /// How many bytes this process may still write to the disk that holds the folder.
    ///
    /// # Errors
    /// When the disk does not say.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;

    /// Takes the exclusive lock file at `path` (made if needed) and writes `holder` into it for
    /// people who wonder who holds it. Released when dropped and when the process ends in any way.
    ///
    /// # Errors
    /// `WouldBlock` when somebody else holds it; or the file cannot be made.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn FolderLock>>;
}

/// Removes a folder with everything in it. When it fails in the middle, a part is gone.
///
/// # Errors
/// `NotFound` when there is no such folder; or the disk fails.
pub fn remove_tree(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    for name in disk.list(folder)? {
        let path = folder.join(name);
        match disk.list(&path) {
            Ok(_) => remove_tree(disk, &path)?,
            Err(_) => disk.remove(&path)?,
        }
    }
    disk.remove_dir(folder)
}
