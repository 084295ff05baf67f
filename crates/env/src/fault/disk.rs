//! A disk with the faults of a node in front of it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{DiskAction, FaultPoints};
use crate::disk::{Disk, DiskFile, FolderLock, OpenMode};

/// A disk that fills up, slows down and fails when it is told to. With nothing armed it costs one
/// branch.
pub struct ChaosDisk {
    inner: Arc<dyn Disk>,
    points: Arc<FaultPoints>,
}

struct ChaosFile {
    inner: Arc<dyn DiskFile>,
    points: Arc<FaultPoints>,
}

impl ChaosDisk {
    /// This disk, with these faults.
    #[must_use]
    pub fn new(inner: Arc<dyn Disk>, points: Arc<FaultPoints>) -> Self {
        Self { inner, points }
    }

    fn file(&self, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(ChaosFile { inner, points: self.points.clone() })
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "fault: the disk is full")
}

fn check(points: &FaultPoints, action: DiskAction) -> io::Result<()> {
    if points.has_disk() && points.disk_fails(action) {
        // What the kernel says of a disk that fails.
        return Err(io::Error::from_raw_os_error(libc::EIO));
    }
    Ok(())
}

impl DiskFile for ChaosFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        check(&self.points, DiskAction::Read)?;
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !self.points.has_disk() {
            return self.inner.write_at(offset, data);
        }
        check(&self.points, DiskAction::Write)?;
        let room = self.points.take_room(data.len() as u64);
        let written = data.split_at(usize::try_from(room).unwrap_or(data.len())).0;
        if !written.is_empty() {
            self.inner.write_at(offset, written)?;
        }
        if written.len() < data.len() { Err(full()) } else { Ok(()) }
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        if self.points.has_disk() {
            check(&self.points, DiskAction::Write)?;
            let growth = len_bytes.saturating_sub(self.inner.len_bytes()?);
            if self.points.take_room(growth) < growth {
                return Err(full());
            }
        }
        self.inner.preallocate(len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.points.has_disk() {
            self.points.wait_for_slow_sync();
            check(&self.points, DiskAction::Sync)?;
        }
        self.inner.sync_data()
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        check(&self.points, DiskAction::Write)?;
        self.inner.set_len(len_bytes)
    }

    fn len_bytes(&self) -> io::Result<u64> {
        self.inner.len_bytes()
    }

    fn sync_latency(&self) -> Option<Duration> {
        self.inner.sync_latency()
    }
}

impl Disk for ChaosDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.inner.open(path, mode)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check(&self.points, DiskAction::Write)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.inner.list(folder)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        check(&self.points, DiskAction::Write)?;
        self.inner.create_dir(folder)
    }

    fn remove_dir(&self, folder: &Path) -> io::Result<()> {
        self.inner.remove_dir(folder)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        if self.points.has_disk() {
            self.points.wait_for_slow_sync();
            check(&self.points, DiskAction::Sync)?;
        }
        self.inner.sync_dir(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let free = self.inner.free_bytes(folder)?;
        if !self.points.has_disk() {
            return Ok(free);
        }
        Ok(self.points.room().map_or(free, |room| room.min(free)))
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn FolderLock>> {
        self.inner.lock(path, holder)
    }
}
