//! Where backups lie: named bytes under the number of a backup.
//!
//! The one implementation is a folder, on a disk or a share that all nodes see under the same path.
//! An object store would be another; nothing else knows the difference.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_env::{Disk, DiskFile, OpenMode, remove_tree};

use crate::backup::BackupId;

/// A place for backups. Names have at most one `/`.
pub trait BackupStore: Send + Sync {
    /// The backups of which anything is there, ascending.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn list(&self) -> io::Result<Vec<BackupId>>;

    /// The complete files in a folder of a backup, sorted; none when there is no such folder.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn files(&self, id: BackupId, folder: &str) -> io::Result<Vec<String>>;

    /// Begins a file, in place of an earlier one of this name.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn create(&self, id: BackupId, name: &str) -> io::Result<Box<dyn NewFile>>;

    /// A file from its beginning.
    ///
    /// # Errors
    /// `NotFound` when it is not there; or the store cannot be read.
    fn open(&self, id: BackupId, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Removes everything of a backup, and `first` before the rest.
    ///
    /// # Errors
    /// `NotFound` when there is nothing; or the store cannot be written.
    fn delete(&self, id: BackupId, first: &str) -> io::Result<()>;

    /// Writes a small file in one go.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put(&self, id: BackupId, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.create(id, name)?;
        file.append(bytes)?;
        file.finish()
    }

    /// A small file, if it is there.
    ///
    /// # Errors
    /// When the store cannot be read, or the file is not small.
    fn get(&self, id: BackupId, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut file = match self.open(id, name) {
            Ok(file) => file.take(SMALL_FILE_BYTES_MAX + 1),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.len() as u64 > SMALL_FILE_BYTES_MAX {
            return Err(io::Error::other(format!(
                "{name} is larger than a file of this kind can be"
            )));
        }
        Ok(Some(bytes))
    }
}

/// A file that has its name when it is complete and durable, not before.
pub trait NewFile: Send {
    /// Adds bytes.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes it durable and gives it its name.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Largest small file, in bytes: a manifest takes some 500 bytes for each partition.
const SMALL_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What the name of a file ends in while it is written.
const UNFINISHED: &str = ".unfinished";

/// Backups in a folder: `<folder>/<id>/<name>`.
#[derive(Clone)]
pub struct FolderStore {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl FolderStore {
    /// Backups in this folder; it is made with the first one.
    pub fn new(disk: Arc<dyn Disk>, folder: impl Into<PathBuf>) -> Self {
        Self { disk, folder: folder.into() }
    }

    fn path(&self, id: BackupId, name: &str) -> PathBuf {
        self.folder.join(id.to_string()).join(name)
    }
}

impl BackupStore for FolderStore {
    fn list(&self) -> io::Result<Vec<BackupId>> {
        let names = match self.disk.list(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let mut ids: Vec<BackupId> = names.iter().filter_map(|name| id_of(name)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn files(&self, id: BackupId, folder: &str) -> io::Result<Vec<String>> {
        let mut names = match self.disk.list(&self.path(id, folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        names.retain(|name| !name.ends_with(UNFINISHED));
        Ok(names)
    }

    fn create(&self, id: BackupId, name: &str) -> io::Result<Box<dyn NewFile>> {
        let path = self.path(id, name);
        let unfinished = self.path(id, &format!("{name}{UNFINISHED}"));
        self.disk.create_dir(parent(&path))?;
        let file = self.disk.open(&unfinished, OpenMode::Create)?;
        file.set_len(0)?;
        Ok(Box::new(FolderFile { disk: self.disk.clone(), path, unfinished, file, bytes: 0 }))
    }

    fn open(&self, id: BackupId, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let file = self.disk.open(&self.path(id, name), OpenMode::Read)?;
        Ok(Box::new(FileReader { file, offset: 0 }))
    }

    fn delete(&self, id: BackupId, first: &str) -> io::Result<()> {
        let folder = self.folder.join(id.to_string());
        self.disk.list(&folder)?;
        match self.disk.remove(&folder.join(first)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
        self.disk.sync_dir(&folder)?;
        remove_tree(&*self.disk, &folder)?;
        self.disk.sync_dir(&self.folder)
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Only names that this code makes: not `007`.
fn id_of(name: &str) -> Option<BackupId> {
    name.parse().ok().filter(|id: &BackupId| id.to_string() == name)
}

struct FolderFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    unfinished: PathBuf,
    file: Arc<dyn DiskFile>,
    bytes: u64,
}

impl NewFile for FolderFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(self.bytes, bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        #[cfg(feature = "mutation")]
        if skep_engine::mutation::is("files of backups are not synced") {
            return self.disk.rename(&self.unfinished, &self.path);
        }
        self.file.sync_data()?;
        self.disk.rename(&self.unfinished, &self.path)?;
        self.disk.sync_dir(parent(&self.path))
    }
}

/// A file of the disk from its beginning.
struct FileReader {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(self.offset, buffer)?;
        self.offset += length as u64;
        Ok(length)
    }
}

impl std::fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FolderStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use skep_env::MemoryDisk;

    use super::*;

    #[test]
    fn files_are_there_when_they_are_finished_and_survive_a_crash() {
        for seed in 0..10 {
            let disk = MemoryDisk::new();
            let store = FolderStore::new(Arc::new(disk.clone()), "/share/backups");
            assert_eq!(store.list().unwrap(), [0; 0]);
            let mut unfinished = store.create(9, "partition-1/log").unwrap();
            unfinished.append(b"half").unwrap();
            store.put(10, "manifest.json", b"{}").unwrap();
            let store = FolderStore::new(Arc::new(disk.crash(seed)), "/share/backups");
            assert_eq!(store.list().unwrap(), [9, 10]);
            assert_eq!(store.files(9, "partition-1").unwrap(), [""; 0]);
            assert_eq!(store.files(9, "partition-2").unwrap(), [""; 0]);
            assert_eq!(store.get(9, "partition-1/log").unwrap(), None);
            assert_eq!(store.get(10, "manifest.json").unwrap().unwrap(), b"{}");
            store.delete(9, "manifest.json").unwrap();
            assert_eq!(store.list().unwrap(), [10]);
            let gone = store.delete(9, "manifest.json").unwrap_err();
            assert_eq!(gone.kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn only_numbers_are_backups() {
        assert_eq!(id_of("17"), Some(17));
        for name in ["017", "+17", "lost+found", "-1", ""] {
            assert_eq!(id_of(name), None, "{name}");
        }
    }
}
