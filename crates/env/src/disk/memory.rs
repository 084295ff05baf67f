//! A disk in memory that forgets what was not synced.
//!
//! It is as unkind as the contract of [`Disk`] allows. [`MemoryDisk::crash`] keeps, under a seed,
//! some of the unsynced writes sector by sector (all, none, the first ones, or a random half) and
//! the first ones of the unsynced changes of folders, as a journaling file system would. The disk as
//! it was used before belongs to the process that died: it answers with errors from then on.

mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::{Disk, DiskFile, FolderLock, OpenMode};
use crate::random::{Random, SeededRandom};
use content::{Change, Content, FileState};

/// A disk in memory. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
    /// The life of the machine that this handle belongs to.
    epoch: u64,
}

#[derive(Default)]
struct State {
    /// Rises with every crash; what was opened before is dead.
    epoch: u64,
    capacity_bytes: Option<u64>,
    next_file: u64,
    files: BTreeMap<u64, FileState>,
    folders: BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    unsynced_names: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
}

#[derive(Clone)]
enum NameChange {
    Link(PathBuf, u64),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

struct MemoryFile {
    disk: MemoryDisk,
    file: u64,
    writable: bool,
}

struct MemoryLock {
    disk: MemoryDisk,
    path: PathBuf,
}

impl MemoryDisk {
    /// An empty disk of unlimited size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the sum of the lengths of all files; None lifts the limit.
    pub fn set_capacity(&self, capacity_bytes: Option<u64>) {
        self.state.lock().capacity_bytes = capacity_bytes;
    }

    /// The sum of the lengths of all files, in bytes.
    pub fn used_bytes(&self) -> u64 {
        self.state.lock().used_bytes()
    }

    /// The power fails. What was not synced survives in part, chosen by `seed`. Returns the disk as
    /// the next process finds it; this one, its clones and whatever is open on them are dead.
    #[must_use = "the disk that crashed cannot be used any more"]
    pub fn crash(&self, seed: u64) -> Self {
        let random = SeededRandom::new(seed);
        let mut state = self.state.lock();
        state.epoch += 1;
        state.locks.clear();
        let changes = std::mem::take(&mut state.unsynced_names);
        let kept = usize::try_from(random.below(changes.len() as u64 + 1)).unwrap_or(0);
        for change in changes.iter().take(kept) {
            change.apply(&mut state.durable_names);
        }
        state.names = state.durable_names.clone();
        let live: BTreeSet<u64> = state.names.values().copied().collect();
        state.files.retain(|file, _| live.contains(file));
        for file in state.files.values_mut() {
            file.crash(&random);
        }
        Self { state: self.state.clone(), epoch: state.epoch }
    }

    /// The process that used this disk was killed, and the machine goes on: nothing is lost. Returns
    /// the disk as the next process finds it; this one, its clones and whatever is open on them are
    /// dead.
    #[must_use = "the process that used the disk has ended"]
    pub fn kill(&self) -> Self {
        let mut state = self.state.lock();
        state.epoch += 1;
        state.locks.clear();
        Self { state: self.state.clone(), epoch: state.epoch }
    }

    /// Flips one bit of what a file holds, on the disk itself; false when it is not that long.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> bool {
        let mut state = self.state.lock();
        let Some(file) = state.names.get(path).copied() else { return false };
        let Some(file) = state.files.get_mut(&file) else { return false };
        let Ok(offset) = usize::try_from(offset) else { return false };
        let mut flipped = false;
        for content in [&mut file.current, &mut file.synced] {
            if let Some(byte) = content.written.get_mut(offset) {
                *byte ^= 1 << (bit % 8);
                flipped = true;
            }
        }
        flipped
    }

    /// The paths of all files, and how many bytes of each were written.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state.lock();
        let written = |file| state.files.get(file).map_or(0, |file| file.current.written.len());
        state.names.iter().map(|(path, file)| (path.clone(), written(file) as u64)).collect()
    }

    /// The state, for a handle of a machine that is still alive.
    fn live(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state.lock();
        if state.epoch == self.epoch {
            Ok(state)
        } else {
            Err(io::Error::other("the machine that used this disk has crashed"))
        }
    }

    /// Everything that this disk holds, as a new disk of its own; unsynced changes count as synced.
    /// For tests that damage the same image in many ways.
    pub fn fork(&self) -> Self {
        let state = self.state.lock();
        let files = state.files.iter().map(|(file, content)| {
            let bytes = content.current.clone();
            (*file, FileState { synced: bytes.clone(), current: bytes, unsynced: Vec::new() })
        });
        let copy = State {
            next_file: state.next_file,
            files: files.collect(),
            folders: state.folders.clone(),
            names: state.names.clone(),
            durable_names: state.names.clone(),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(copy)), epoch: 0 }
    }
}

impl State {
    fn used_bytes(&self) -> u64 {
        self.files.values().map(|file| file.current.len as u64).sum()
    }

    /// How far a file of `len` may grow towards `wanted`, in bytes.
    fn room(&self, len: usize, wanted: usize) -> usize {
        let Some(capacity) = self.capacity_bytes else { return wanted };
        let free =
            usize::try_from(capacity.saturating_sub(self.used_bytes())).unwrap_or(usize::MAX);
        wanted.min(len.saturating_add(free)).max(len.min(wanted))
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
        let (named, durable) = (&self.names, &self.durable_names);
        let mut live: BTreeSet<u64> = named.values().chain(durable.values()).copied().collect();
        // A crash may keep that a file was made and lose that it was removed.
        live.extend(self.unsynced_names.iter().filter_map(NameChange::linked));
        // A file whose name is gone but not durably gone keeps its content for the crash, not
        // against the capacity of the disk: space comes back as soon as a file is removed.
        let gone = |file: &u64| !named.values().any(|other| other == file);
        for (file, content) in &mut self.files {
            if gone(file) && content.current.len > 0 {
                content.current = Content::default();
            }
        }
        self.files.retain(|file, _| live.contains(file));
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Link(path, file) => _ = names.insert(path.clone(), *file),
            Self::Unlink(path) => _ = names.remove(path),
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }

    /// The file that gets a name.
    fn linked(&self) -> Option<u64> {
        match self {
            Self::Link(_, file) => Some(*file),
            Self::Unlink(_) | Self::Rename(..) => None,
        }
    }

    fn is_in(&self, folder: &Path) -> bool {
        let (Self::Link(path, _) | Self::Unlink(path) | Self::Rename(path, _)) = self;
        path.parent() == Some(folder)
    }
}

fn to_usize(value: u64) -> io::Result<usize> {
    usize::try_from(value).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl MemoryFile {
    fn with<T>(
        &self,
        write: bool,
        body: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.live()?;
        if write && !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        body(&mut state)
    }
}

impl State {
    /// A file that was removed while open is gone for this disk; nothing in Skep writes to one.
    fn file(&mut self, file: u64) -> io::Result<&mut FileState> {
        self.files.get_mut(&file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl DiskFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(false, |state| {
            let offset = to_usize(offset)?;
            Ok(state.file(self.file)?.current.read(offset, buffer))
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(true, |state| {
            let offset = to_usize(offset)?;
            let len = state.file(self.file)?.current.len;
            let end = state.room(len, offset + data.len());
            let written = end.saturating_sub(offset);
            if written > 0 {
                let piece = data[..written].to_vec();
                state.file(self.file)?.change(Change::Write(offset, piece));
            }
            if written < data.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        self.with(true, |state| {
            let wanted = to_usize(len_bytes)?;
            let len = state.file(self.file)?.current.len;
            if state.room(len, wanted) < wanted {
                return Err(io::ErrorKind::StorageFull.into());
            }
            if len < wanted {
                state.file(self.file)?.change(Change::Resize(wanted));
            }
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(false, |state| {
            state.file(self.file)?.sync();
            Ok(())
        })
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.with(true, |state| {
            let len = to_usize(len_bytes)?;
            state.file(self.file)?.change(Change::Resize(len));
            Ok(())
        })
    }

    fn len_bytes(&self) -> io::Result<u64> {
        self.with(false, |state| Ok(state.file(self.file)?.current.len as u64))
    }
}

impl FolderLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        if let Ok(mut state) = self.disk.live() {
            state.locks.remove(&self.path);
        }
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.live()?;
        let found = state.names.get(path).copied();
        let file = match (found, mode) {
            (Some(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(file), _) => file,
            (None, OpenMode::Read | OpenMode::ReadWrite) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            (None, _) => {
                if !path.parent().is_some_and(|folder| state.folders.contains(folder)) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let file = state.next_file;
                state.next_file += 1;
                state.files.insert(file, FileState::default());
                state.change_name(NameChange::Link(path.to_owned(), file));
                file
            }
        };
        let writable = mode != OpenMode::Read;
        Ok(Arc::new(MemoryFile { disk: self.clone(), file, writable }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.live()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.live()?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Unlink(path.to_owned()));
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.live()?;
        if !state.folders.contains(folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let paths = state.names.keys().chain(&state.folders);
        let here = paths.filter(|path| path.parent() == Some(folder));
        let names = here.filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.live()?;
        for folder in folder.ancestors() {
            state.folders.insert(folder.to_owned());
        }
        Ok(())
    }

    fn remove_dir(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.live()?;
        let mut paths = state.names.keys().chain(&state.folders);
        if paths.any(|path| path.parent() == Some(folder)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        if state.folders.remove(folder) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.live()?;
        let changes = std::mem::take(&mut state.unsynced_names);
        let (here, elsewhere) = changes.into_iter().partition(|change| change.is_in(folder));
        state.unsynced_names = elsewhere;
        let here: Vec<NameChange> = here;
        for change in here {
            change.apply(&mut state.durable_names);
        }
        Ok(())
    }

    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        let state = self.live()?;
        Ok(state.capacity_bytes.unwrap_or(u64::MAX).saturating_sub(state.used_bytes()))
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn FolderLock>> {
        let file = self.open(path, OpenMode::Create)?;
        if !self.live()?.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        file.set_len(0)?;
        file.write_at(0, holder.as_bytes())?;
        Ok(Box::new(MemoryLock { disk: self.clone(), path: path.to_owned() }))
    }
}
