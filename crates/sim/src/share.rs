//! What all brokers of a cluster see: a folder on another machine, for backups. It does not end with
//! any of them; only when everything loses power, it does, too.

use std::io;
use std::path::Path;
use std::sync::Arc;

use skep_env::{Disk, DiskFile, FolderLock, OpenMode};

/// The folder under which every broker sees the share.
pub(crate) const SHARE: &str = "/share";

/// Where backups are.
pub(crate) const BACKUPS: &str = "/share/backups";

/// The disk of a node with the share in its folder.
pub(crate) struct Mounted {
    pub(crate) own: Arc<dyn Disk>,
    pub(crate) share: Arc<dyn Disk>,
}

impl Mounted {
    fn of(&self, path: &Path) -> &dyn Disk {
        if path.starts_with(SHARE) { &*self.share } else { &*self.own }
    }
}

impl Disk for Mounted {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        self.of(path).open(path, mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.of(from).rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.of(path).remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.of(folder).list(folder)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        self.of(folder).create_dir(folder)
    }

    fn remove_dir(&self, folder: &Path) -> io::Result<()> {
        self.of(folder).remove_dir(folder)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.of(folder).sync_dir(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        self.of(folder).free_bytes(folder)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn FolderLock>> {
        self.of(path).lock(path, holder)
    }
}
