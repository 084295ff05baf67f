//! A disk that fails when it is told to: the fault points that tests, simulation and chaos
//! experiments share.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Disk, DiskFile, FolderLock, OpenMode};

/// An operation that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskOperation {
    /// [`Disk::open`].
    Open,
    /// [`DiskFile::read_at`].
    Read,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::preallocate`].
    Preallocate,
    /// [`DiskFile::sync_data`].
    SyncData,
    /// [`DiskFile::set_len`].
    SetLen,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::sync_dir`].
    SyncDir,
}

/// Called before a sync reaches the disk; may take its time.
type SyncHook = Arc<dyn Fn() + Send + Sync>;

/// The switchboard of a [`FaultyDisk`]. Clones share it. With nothing armed the disk underneath
/// answers.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Armed>>);

#[derive(Default)]
struct Armed {
    /// Bytes that may still be written or reserved before the disk is full.
    room_bytes: Option<u64>,
    failures: BTreeMap<DiskOperation, Failure>,
    sync_hook: Option<SyncHook>,
}

struct Failure {
    /// How many more operations succeed before the failing one.
    successes: u64,
    kind: io::ErrorKind,
    /// Whether every later operation fails too.
    forever: bool,
}

impl Faults {
    /// The disk is full (`StorageFull`) after `bytes` more are written or reserved, until
    /// [`Faults::clear`]. The write that meets the limit is written in part, as on a real disk.
    pub fn full_after(&self, bytes: u64) {
        self.0.lock().room_bytes = Some(bytes);
    }

    /// The `nth` operation of this kind from now (1 is the next) fails once with an error of
    /// `kind`; nothing of it reaches the disk.
    pub fn fail_nth(&self, operation: DiskOperation, nth: u64, kind: io::ErrorKind) {
        let failure = Failure { successes: nth.saturating_sub(1), kind, forever: false };
        self.0.lock().failures.insert(operation, failure);
    }

    /// Every operation of this kind fails from now on, until [`Faults::clear`].
    pub fn fail_always(&self, operation: DiskOperation, kind: io::ErrorKind) {
        let failure = Failure { successes: 0, kind, forever: true };
        self.0.lock().failures.insert(operation, failure);
    }

    /// `hook` runs before every `sync_data`: a slow or blocked disk.
    pub fn before_sync(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.0.lock().sync_hook = Some(Arc::new(hook));
    }

    /// Disarms everything.
    pub fn clear(&self) {
        *self.0.lock() = Armed::default();
    }

    fn check(&self, operation: DiskOperation) -> io::Result<()> {
        let mut armed = self.0.lock();
        let Some(failure) = armed.failures.get_mut(&operation) else { return Ok(()) };
        if failure.successes > 0 {
            failure.successes -= 1;
            return Ok(());
        }
        let kind = failure.kind;
        if !failure.forever {
            armed.failures.remove(&operation);
        }
        Err(io::Error::new(kind, format!("injected fault: {operation:?} failed")))
    }

    /// Takes up to `bytes` of the room left and returns how many there were.
    fn take_room(&self, bytes: u64) -> u64 {
        match &mut self.0.lock().room_bytes {
            None => bytes,
            Some(room) => {
                let taken = bytes.min(*room);
                *room -= taken;
                taken
            }
        }
    }

    fn run_sync_hook(&self) {
        let hook = self.0.lock().sync_hook.clone();
        if let Some(hook) = hook {
            hook();
        }
    }
}

/// A disk with [`Faults`] in front of it.
#[derive(Clone)]
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    faults: Faults,
}

struct FaultyFile {
    inner: Arc<dyn DiskFile>,
    faults: Faults,
}

impl FaultyDisk {
    /// Wraps a disk; nothing is armed.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self { inner, faults: Faults::default() }
    }

    /// Where faults are armed and cleared.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "injected fault: the disk is full")
}

impl DiskFile for FaultyFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.faults.check(DiskOperation::Read)?;
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.faults.check(DiskOperation::Write)?;
        let room = self.faults.take_room(data.len() as u64);
        let written = data.split_at(usize::try_from(room).unwrap_or(data.len())).0;
        if !written.is_empty() {
            self.inner.write_at(offset, written)?;
        }
        if written.len() < data.len() { Err(full()) } else { Ok(()) }
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        self.faults.check(DiskOperation::Preallocate)?;
        let growth = len_bytes.saturating_sub(self.inner.len_bytes()?);
        if self.faults.take_room(growth) < growth {
            return Err(full());
        }
        self.inner.preallocate(len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.run_sync_hook();
        self.faults.check(DiskOperation::SyncData)?;
        self.inner.sync_data()
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.faults.check(DiskOperation::SetLen)?;
        self.inner.set_len(len_bytes)
    }

    fn len_bytes(&self) -> io::Result<u64> {
        self.inner.len_bytes()
    }

    fn sync_latency(&self) -> Option<Duration> {
        self.inner.sync_latency()
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        self.faults.check(DiskOperation::Open)?;
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(FaultyFile { inner, faults: self.faults.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check(DiskOperation::Rename)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.faults.check(DiskOperation::Remove)?;
        self.inner.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.inner.list(folder)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        self.inner.create_dir(folder)
    }

    fn remove_dir(&self, folder: &Path) -> io::Result<()> {
        self.faults.check(DiskOperation::Remove)?;
        self.inner.remove_dir(folder)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.faults.check(DiskOperation::SyncDir)?;
        self.inner.sync_dir(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let free = self.inner.free_bytes(folder)?;
        Ok(self.faults.0.lock().room_bytes.map_or(free, |room| room.min(free)))
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn FolderLock>> {
        self.inner.lock(path, holder)
    }
}
