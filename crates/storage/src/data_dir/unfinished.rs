//! A data folder that is filled from elsewhere, for example from a backup, before its first start.

use std::fmt;
use std::path::{Path, PathBuf};

use skep_env::{Disk, FolderLock, OpenMode, remove_tree};

use super::{
    DataDirError, LOCK_NAME, LOST_AND_FOUND, NEW_VERSION_NAME, UNFINISHED_NAME, VERSION_NAME,
    from_io, journal_in, snapshots_in, state_in, take_lock, write_version,
};

/// A data folder that is being filled. Until [`UnfinishedDataDir::finish`] no start takes it, and
/// the next attempt to fill it begins anew: whatever interrupts this, the folder is never half full.
pub struct UnfinishedDataDir {
    path: PathBuf,
    lock: Box<dyn FolderLock>,
    /// It was not there before.
    made: bool,
}

impl UnfinishedDataDir {
    /// Locks a folder that is missing, empty, or left behind by an interrupted attempt. `holder` as
    /// for [`super::DataDir::open`].
    ///
    /// # Errors
    /// When something else is in it, it is in use or not writable, or the disk fails; then nothing
    /// was changed.
    pub fn begin(disk: &dyn Disk, path: &Path, holder: &str) -> Result<Self, DataDirError> {
        let fail = |action| move |error| from_io(path, action, error);
        let names = disk.list(path).unwrap_or_default();
        let made = disk.list(path).is_err();
        check_empty(path, &names)?;
        disk.create_dir(path).map_err(fail("make"))?;
        let lock = take_lock(disk, path, holder)?;
        // Again, under the lock: another process may have been faster.
        let names = disk.list(path).map_err(fail("list"))?;
        check_empty(path, &names)?;
        let unfinished = Self { path: path.to_owned(), lock, made };
        unfinished.clean(disk).map_err(fail("empty"))?;
        disk.open(&path.join(UNFINISHED_NAME), OpenMode::Create)
            .and_then(|file| file.sync_data())
            .and_then(|()| disk.sync_dir(path))
            .map_err(fail("mark"))?;
        Ok(unfinished)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
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

    /// Everything is there and durable: from now on this is a data folder.
    ///
    /// # Errors
    /// When the disk fails; then the folder may be finished or not, but nothing in between.
    pub fn finish(self, disk: &dyn Disk) -> Result<(), DataDirError> {
        write_version(disk, &self.path)
            .and_then(|()| disk.remove(&self.path.join(UNFINISHED_NAME)))
            .and_then(|()| disk.sync_dir(&self.path))
            .map_err(|error| from_io(&self.path, "finish", error))
    }

    /// Gives up: removes what was put into the folder, and the folder if it was not there before.
    pub fn abandon(self, disk: &dyn Disk) {
        // Best effort: what is left cannot be started, and the next attempt removes it.
        if self.clean(disk).is_err() {
            return;
        }
        drop(disk.remove(&self.path.join(UNFINISHED_NAME)));
        drop(disk.remove(&self.path.join(LOCK_NAME)));
        drop(self.lock);
        drop(disk.sync_dir(&self.path));
        if self.made {
            drop(disk.remove_dir(&self.path));
        }
    }

    /// Removes everything but the mark and the lock, so that an interruption is still seen.
    fn clean(&self, disk: &dyn Disk) -> std::io::Result<()> {
        for name in disk.list(&self.path)? {
            if [UNFINISHED_NAME, LOCK_NAME, LOST_AND_FOUND].contains(&name.as_str()) {
                continue;
            }
            let path = self.path.join(name);
            match disk.list(&path) {
                Ok(_) => remove_tree(disk, &path)?,
                Err(_) => disk.remove(&path)?,
            }
        }
        Ok(())
    }
}

/// Only what an interrupted attempt left may be there.
fn check_empty(path: &Path, names: &[String]) -> Result<(), DataDirError> {
    let has = |name: &str| names.iter().any(|it| it == name);
    if has(UNFINISHED_NAME) && !has(VERSION_NAME) {
        return Ok(());
    }
    let harmless = [LOCK_NAME, NEW_VERSION_NAME, LOST_AND_FOUND];
    let example = names.iter().find(|name| !harmless.contains(&name.as_str()));
    example.map_or(Ok(()), |example| {
        Err(DataDirError::NotEmpty { path: path.to_owned(), example: example.clone() })
    })
}

impl fmt::Debug for UnfinishedDataDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnfinishedDataDir").field("path", &self.path).finish_non_exhaustive()
    }
}
