//! The disk of a simulated node: memory that forgets what was not synced, with faults on demand.
//!
//! Every operation is a step at which the node may crash. The image outlives the node; a life of the
//! node sees it through a `NodeDisk`, which is dead when the life is.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_env::{
    Disk, DiskFile, DiskOperation, Faults, FaultyDisk, FolderLock, MemoryDisk, OpenMode, Random,
    SeededRandom,
};

use crate::life::{Crash, Life};
use crate::seeds::Seeds;
use crate::trace::{Kind, Trace};

/// The disk of a node, and where its faults are made. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk(Arc<Inner>);

struct Inner {
    node: u32,
    trace: Arc<Trace>,
    random: SeededRandom,
    state: Mutex<State>,
}

struct State {
    image: MemoryDisk,
    /// The image as all nodes see it that share it.
    shared: Option<FaultyDisk>,
    /// Faults of the life that uses the disk now.
    faults: Faults,
    /// How long a sync takes, from and to, in microseconds.
    sync_us: (u64, u64),
}

impl SimDisk {
    pub(crate) fn new(node: u32, seeds: Seeds, trace: Arc<Trace>) -> Self {
        let image = MemoryDisk::new();
        let state = State { image, shared: None, faults: Faults::default(), sync_us: (0, 0) };
        let random = SeededRandom::new(seeds.value());
        Self(Arc::new(Inner { node, trace, random, state: Mutex::new(state) }))
    }

    /// The disk as a new life of the node sees it. Faults of the life before are gone, but how fast
    /// the disk is and how much it holds stays.
    pub(crate) fn open(&self, life: Arc<Life>) -> Arc<dyn Disk> {
        let mut state = self.0.state.lock();
        let disk = FaultyDisk::new(Arc::new(state.image.clone()));
        state.faults = disk.faults();
        Arc::new(NodeDisk { disk: self.clone(), life, inner: disk })
    }

    /// The disk as one of many nodes sees it that use it at the same time: what fails, fails for
    /// whoever comes first.
    pub(crate) fn share(&self, life: Arc<Life>) -> Arc<dyn Disk> {
        let mut state = self.0.state.lock();
        let inner = match &state.shared {
            Some(shared) => shared.clone(),
            None => {
                let disk = FaultyDisk::new(Arc::new(state.image.clone()));
                state.faults = disk.faults();
                state.shared = Some(disk.clone());
                disk
            }
        };
        Arc::new(NodeDisk { disk: self.clone(), life, inner })
    }

    /// The life that used the disk has ended.
    pub(crate) fn end(&self, how: Option<Crash>) {
        let seed = self.0.random.next_u64();
        let mut state = self.0.state.lock();
        state.shared = None;
        state.image = match how {
            Some(Crash::PowerLoss) => state.image.crash(seed),
            Some(Crash::Kill) | None => state.image.kill(),
        };
    }

    /// Everything is gone: an empty disk of the same speed.
    pub(crate) fn wipe(&self) {
        self.0.state.lock().image = MemoryDisk::new();
    }

    /// Every sync takes this long from now on, evenly distributed.
    pub fn slow(&self, from: Duration, to: Duration) {
        let micros = |it: Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
        self.0.state.lock().sync_us = (micros(from), micros(to).max(micros(from)));
    }

    /// So many bytes fit on top of what is there now; `None`: as many as one likes.
    pub fn set_room(&self, bytes: Option<u64>) {
        let state = self.0.state.lock();
        let capacity = bytes.map(|bytes| state.image.used_bytes().saturating_add(bytes));
        state.image.set_capacity(capacity);
    }

    /// The `nth` operation of this kind from now fails once with `EIO`.
    pub fn fail(&self, operation: DiskOperation, nth: u64) {
        self.0.state.lock().faults.fail_nth(operation, nth, io::ErrorKind::Other);
    }

    /// Nothing fails, is slow or is full any more. What is damaged stays damaged.
    pub fn heal(&self) {
        let mut state = self.0.state.lock();
        state.faults.clear();
        state.sync_us = (0, 0);
        state.image.set_capacity(None);
    }

    /// Flips a random bit of a random file whose path contains `part`. Returns where.
    pub fn flip_bit(&self, part: &str) -> Option<(PathBuf, u64)> {
        let random = &self.0.random;
        let state = self.0.state.lock();
        let mut files = state.image.files();
        files.retain(|(path, bytes)| *bytes > 0 && path.to_string_lossy().contains(part));
        let at = usize::try_from(random.below(files.len() as u64)).unwrap_or(0);
        let (path, bytes) = files.into_iter().nth(at)?;
        let offset = random.below(bytes);
        let bit = u8::try_from(random.below(8)).unwrap_or(0);
        state.image.flip_bit(&path, offset, bit).then_some((path, offset))
    }

    /// What the disk holds now, as a disk of its own: for looking into it.
    pub fn copy(&self) -> MemoryDisk {
        self.0.state.lock().image.fork()
    }

    fn sync_latency(&self) -> Option<Duration> {
        let (from, to) = self.0.state.lock().sync_us;
        (to > 0).then(|| Duration::from_micros(from + self.0.random.below(to - from + 1)))
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").field("node", &self.0.node).finish_non_exhaustive()
    }
}

/// The disk as one life of a node sees it.
#[derive(Clone)]
struct NodeDisk {
    disk: SimDisk,
    life: Arc<Life>,
    inner: FaultyDisk,
}

struct NodeFile {
    disk: NodeDisk,
    inner: Arc<dyn DiskFile>,
}

fn crashed() -> io::Error {
    io::Error::other("the simulated node has crashed")
}

impl NodeDisk {
    /// A step, at which the node may crash before the operation, and one after it.
    fn change<T>(
        &self,
        operation: DiskOperation,
        bytes: u64,
        change: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if !self.life.step() {
            return Err(crashed());
        }
        let result = change();
        let outcome = u64::from(result.is_err());
        let node = u64::from(self.disk.0.node);
        self.disk.0.trace.add(Kind::Disk, [node, operation as u64, bytes, outcome]);
        if self.life.step() { result } else { Err(crashed()) }
    }

    fn read<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.life.is_alive() { read() } else { Err(crashed()) }
    }
}

impl DiskFile for NodeFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.read(|| self.inner.read_at(offset, buffer))
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let bytes = data.len() as u64;
        self.disk.change(DiskOperation::Write, bytes, || self.inner.write_at(offset, data))
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        self.disk
            .change(DiskOperation::Preallocate, len_bytes, || self.inner.preallocate(len_bytes))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.change(DiskOperation::SyncData, 0, || {
            if crate::mutation::forgets_syncs() { Ok(()) } else { self.inner.sync_data() }
        })
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.disk.change(DiskOperation::SetLen, len_bytes, || self.inner.set_len(len_bytes))
    }

    fn len_bytes(&self) -> io::Result<u64> {
        self.disk.read(|| self.inner.len_bytes())
    }

    fn sync_latency(&self) -> Option<Duration> {
        self.disk.disk.sync_latency()
    }
}

impl Disk for NodeDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let opened = self.change(DiskOperation::Open, 0, || self.inner.open(path, mode))?;
        Ok(Arc::new(NodeFile { disk: self.clone(), inner: opened }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(DiskOperation::Rename, 0, || self.inner.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(DiskOperation::Remove, 0, || self.inner.remove(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.read(|| self.inner.list(folder))
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        self.read(|| self.inner.create_dir(folder))
    }

    fn remove_dir(&self, folder: &Path) -> io::Result<()> {
        self.change(DiskOperation::Remove, 0, || self.inner.remove_dir(folder))
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.change(DiskOperation::SyncDir, 0, || self.inner.sync_dir(folder))
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        self.read(|| self.inner.free_bytes(folder))
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn FolderLock>> {
        self.read(|| self.inner.lock(path, holder))
    }
}
