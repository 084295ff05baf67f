//! The store on the disk: LMDB in its fully synchronous mode.
//!
//! A commit writes the changed pages to free places of the file, flushes them, and then switches
//! to them by writing one page synchronously. A crash at any moment, of the process or of the
//! machine, leaves the state of the last complete commit: there is nothing to recover and no
//! "clean shutdown" to detect. The price is some milliseconds for a commit, which is why there is
//! one per checkpoint and it runs in the background.
//!
//! Readers use the memory map and take no lock that a commit holds. Read transactions are kept and
//! used again until the next commit, so a `get` costs no transaction.
//!
//! Layout, version 1: database `state` holds table byte and key -> value (long keys: see
//! `long_keys`), database `meta` holds `format` -> version and `meta` -> meta bytes. The folder
//! needs a local file system.

use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use heed::types::Bytes;
use heed::{Database, Env, MdbError, RoTxn, RwTxn, WithoutTls};
use parking_lot::Mutex;
use skep_env::{Disk, OsDisk};

use super::long_keys::{
    is_long, is_stored_long, lower_bound, pairs, run_of, stored_key, upper_bound, with_change,
};
use super::{Change, StateError, StateStore, StateView, Visit, WriteBatch};
use crate::limits::{STATE_MAP_BYTES_DEFAULT, STATE_READERS_KEPT_MAX, STATE_READERS_MAX};

const VERSION: u32 = 1;
const FORMAT_KEY: &[u8] = b"format";
const META_KEY: &[u8] = b"meta";

type Table = Database<Bytes, Bytes>;
type Reader = RoTxn<'static, WithoutTls>;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct LmdbOptions {
    /// Address space reserved for the file, in bytes: the largest size it can have. Neither disk
    /// nor memory is used for it.
    pub map_bytes: usize,
}

impl Default for LmdbOptions {
    fn default() -> Self {
        Self { map_bytes: STATE_MAP_BYTES_DEFAULT }
    }
}

/// A store in a folder of its own. One process opens it at a time, once (the lock of the data
/// folder sees to that).
pub struct LmdbStore {
    /// Before `env`, so that the readers are dropped first.
    readers: Mutex<Readers>,
    env: Env<WithoutTls>,
    state: Table,
    meta: Table,
    path: PathBuf,
}

/// Read transactions to use again. All of them see the state after the same commit.
#[derive(Default)]
struct Readers {
    commits: u64,
    committing: bool,
    idle: Vec<Reader>,
}

impl Readers {
    fn begin_commit(&mut self) {
        self.committing = true;
        self.idle.clear();
    }

    fn end_commit(&mut self) {
        self.committing = false;
        self.commits += 1;
    }
}

struct LmdbView {
    reader: Reader,
    state: Table,
    meta: Table,
    path: PathBuf,
}

impl LmdbStore {
    /// Opens the store in a folder, or makes a new one.
    ///
    /// # Errors
    /// When the store is damaged, of an unknown version or already open in this process, or the
    /// disk fails.
    pub fn open(folder: &Path, options: &LmdbOptions) -> Result<Self, StateError> {
        let fail =
            |action| move |source| StateError::Io { action, path: folder.to_owned(), source };
        OsDisk.create_dir(folder).map_err(fail("make the folder of"))?;
        let wrap = |error| from_heed(folder, "open", error);
        let env = raw::open(folder, options.map_bytes, STATE_READERS_MAX).map_err(wrap)?;
        let mut writer = env.write_txn().map_err(wrap)?;
        let state = env.create_database(&mut writer, Some("state")).map_err(wrap)?;
        let meta: Table = env.create_database(&mut writer, Some("meta")).map_err(wrap)?;
        match meta.get(&writer, FORMAT_KEY).map_err(wrap)? {
            None => meta.put(&mut writer, FORMAT_KEY, &VERSION.to_le_bytes()).map_err(wrap)?,
            Some(bytes) => check_version(folder, bytes)?,
        }
        writer.commit().map_err(wrap)?;
        // LMDB flushes its file, not the name of it.
        OsDisk.sync_dir(folder).map_err(fail("flush the folder of"))?;
        Ok(Self { readers: Mutex::default(), env, state, meta, path: folder.to_owned() })
    }

    fn wrap(&self, action: &'static str) -> impl Fn(heed::Error) -> StateError + '_ {
        move |error| from_heed(&self.path, action, error)
    }

    /// Runs `read` in a read transaction that sees the last commit.
    fn with_reader<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let (commits, idle) = {
            let mut readers = self.readers.lock();
            (readers.commits, readers.idle.pop())
        };
        let (commits, reader) = match idle {
            Some(reader) => (commits, reader),
            None => self.begin_read()?,
        };
        let result = read(&reader);
        let mut readers = self.readers.lock();
        // One that began before a commit is dropped: it would show the past and hold its pages.
        if !readers.committing
            && readers.commits == commits
            && readers.idle.len() < STATE_READERS_KEPT_MAX
        {
            readers.idle.push(reader);
        }
        result
    }

    /// A read transaction that sees the last commit, and the number of that commit.
    ///
    /// LMDB reads the number of the last commit, and then one of two places for its root. A thread
    /// that stands still between the two for longer than a commit takes would find the root of the
    /// next commit, which is not durable yet and which other readers do not see.
    fn begin_read(&self) -> Result<(u64, Reader), StateError> {
        loop {
            let commits = self.readers.lock().commits;
            let reader = self.env.clone().static_read_txn().map_err(self.wrap("read"))?;
            if self.readers.lock().commits == commits {
                return Ok((commits, reader));
            }
        }
    }

    fn write(
        &self,
        body: impl FnOnce(&mut RwTxn<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut writer = self.env.write_txn().map_err(self.wrap("begin a commit of"))?;
        body(&mut writer)?;
        // While the state changes no reader is kept: one that sees the new state must not be
        // followed by one that shows the old.
        self.readers.lock().begin_commit();
        let result = writer.commit();
        self.readers.lock().end_commit();
        result.map_err(self.wrap("commit"))
    }

    fn apply(&self, writer: &mut RwTxn<'_>, batch: WriteBatch) -> Result<(), StateError> {
        let mut stored = Vec::new();
        for change in batch.into_sorted() {
            stored_key(&mut stored, change.table, &change.key);
            if is_long(&change.key) {
                self.apply_long(writer, &stored, &change)?;
                continue;
            }
            match &change.value {
                Some(value) => {
                    self.state.put(writer, &stored, value).map_err(self.wrap("write"))?
                }
                None => _ = self.state.delete(writer, &stored).map_err(self.wrap("write"))?,
            }
        }
        Ok(())
    }

    fn apply_long(
        &self,
        writer: &mut RwTxn<'_>,
        stored: &[u8],
        change: &Change,
    ) -> Result<(), StateError> {
        let before = self.state.get(writer, stored).map_err(self.wrap("read"))?.unwrap_or(&[]);
        let before = pairs(before).ok_or_else(|| damaged_long_key(&self.path))?;
        match with_change(&before, &change.key, change.value.as_deref()) {
            Some(value) => self.state.put(writer, stored, &value).map_err(self.wrap("write")),
            None => self.state.delete(writer, stored).map(drop).map_err(self.wrap("write")),
        }
    }
}

impl StateView for LmdbStore {
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.with_reader(|reader| get(reader, self.state, &self.path, table, key))
    }

    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StateError> {
        self.with_reader(|reader| scan(reader, self.state, &self.path, table, from, to, visit))
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.with_reader(|reader| meta(reader, self.meta, &self.path))
    }
}

impl StateStore for LmdbStore {
    fn commit(&self, batch: WriteBatch, meta: &[u8]) -> Result<(), StateError> {
        self.write(|writer| {
            self.apply(writer, batch)?;
            self.meta.put(writer, META_KEY, meta).map_err(self.wrap("write"))
        })
    }

    fn commit_part(&self, batch: WriteBatch) -> Result<(), StateError> {
        self.write(|writer| {
            self.apply(writer, batch)?;
            self.meta.delete(writer, META_KEY).map(drop).map_err(self.wrap("write"))
        })
    }

    fn clear(&self) -> Result<(), StateError> {
        self.write(|writer| {
            self.state.clear(writer).map_err(self.wrap("clear"))?;
            self.meta.delete(writer, META_KEY).map(drop).map_err(self.wrap("clear"))
        })
    }

    fn view(&self) -> Result<Box<dyn StateView + Send>, StateError> {
        let (_, reader) = self.begin_read()?;
        let (state, meta, path) = (self.state, self.meta, self.path.clone());
        Ok(Box::new(LmdbView { reader, state, meta, path }))
    }

    fn bytes(&self) -> Result<u64, StateError> {
        self.env.real_disk_size().map_err(self.wrap("measure"))
    }
}

impl StateView for LmdbView {
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        get(&self.reader, self.state, &self.path, table, key)
    }

    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StateError> {
        scan(&self.reader, self.state, &self.path, table, from, to, visit)
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StateError> {
        meta(&self.reader, self.meta, &self.path)
    }
}

fn get(
    reader: &Reader,
    state: Table,
    path: &Path,
    table: u8,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StateError> {
    let mut stored = Vec::with_capacity(1 + key.len());
    stored_key(&mut stored, table, key);
    let value = state.get(reader, &stored).map_err(|error| from_heed(path, "read", error))?;
    let Some(value) = value else { return Ok(None) };
    if !is_long(key) {
        return Ok(Some(value.to_vec()));
    }
    let pairs = pairs(value).ok_or_else(|| damaged_long_key(path))?;
    let found = pairs.into_iter().find(|(other, _)| *other == key);
    Ok(found.map(|(_, value)| value.to_vec()))
}

fn meta(reader: &Reader, meta: Table, path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let value = meta.get(reader, META_KEY).map_err(|error| from_heed(path, "read", error))?;
    Ok(value.map(<[u8]>::to_vec))
}

fn scan(
    reader: &Reader,
    state: Table,
    path: &Path,
    table: u8,
    from: &[u8],
    to: Option<&[u8]>,
    visit: &mut Visit<'_>,
) -> Result<(), StateError> {
    let lower = lower_bound(table, from);
    let upper = upper_bound(table, to);
    if upper.as_ref().is_some_and(|upper| *upper <= lower) {
        return Ok(());
    }
    let upper = upper.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let bounds = (Bound::Included(lower.as_slice()), upper);
    let wrap = |error| from_heed(path, "read", error);
    let mut entries = state.range(reader, &bounds).map_err(wrap)?.peekable();
    while let Some(entry) = entries.next() {
        let (stored, value) = entry.map_err(wrap)?;
        if !is_stored_long(stored) {
            let key = stored.split_at(1).1;
            // The lower bound of a long `from` is its beginning, which may itself be a key.
            if key >= from && visit(key, value).is_break() {
                return Ok(());
            }
            continue;
        }
        // Long keys that begin alike are stored in the order of their hashes.
        let mut run = pairs(value).ok_or_else(|| damaged_long_key(path))?;
        while let Some(Ok((next, value))) = entries.peek() {
            if !is_stored_long(next) || run_of(next) != run_of(stored) {
                break;
            }
            run.extend(pairs(value).ok_or_else(|| damaged_long_key(path))?);
            entries.next();
        }
        run.sort_unstable();
        let wanted = run.iter().filter(|(key, _)| *key >= from && to.is_none_or(|to| *key < to));
        for (key, value) in wanted {
            if visit(key, value).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn damaged_long_key(path: &Path) -> StateError {
    let reason = "the value of a long key does not add up".to_owned();
    StateError::Corrupt { path: path.to_owned(), reason }
}

fn check_version(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let path = path.to_owned();
    let Ok(found) = bytes.try_into().map(u32::from_le_bytes) else {
        let reason = "the format version is not a number".to_owned();
        return Err(StateError::Corrupt { path, reason });
    };
    if found == VERSION {
        Ok(())
    } else {
        Err(StateError::UnsupportedVersion { path, found, supported: VERSION })
    }
}

fn from_heed(path: &Path, action: &'static str, error: heed::Error) -> StateError {
    let path = path.to_owned();
    let reason = error.to_string();
    match error {
        heed::Error::Mdb(MdbError::MapFull) => StateError::Full { path, reason },
        heed::Error::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ) =>
        {
            StateError::Full { path, reason }
        }
        heed::Error::Io(source) => StateError::Io { action, path, source },
        heed::Error::Mdb(
            MdbError::PageNotFound
            | MdbError::Corrupted
            | MdbError::Panic
            | MdbError::Invalid
            | MdbError::VersionMismatch,
        ) => StateError::Corrupt { path, reason },
        other => StateError::Io { action, path, source: io::Error::other(other.to_string()) },
    }
}

/// Opening an environment. The only unsafe code of this crate.
mod raw {
    #![allow(unsafe_code, reason = "a memory map is only as good as the file below it")]

    use std::path::Path;

    use heed::{Env, EnvOpenOptions, WithoutTls};

    pub(super) fn open(
        folder: &Path,
        map_bytes: usize,
        readers_max: u32,
    ) -> heed::Result<Env<WithoutTls>> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(map_bytes).max_dbs(2).max_readers(readers_max);
        // SAFETY: nobody may change the file of a memory map behind its back. The folder belongs to
        // one process (the lock of the data folder), which opens it once (heed checks) and never
        // touches the file otherwise. No flag that weakens synchronisation is set.
        unsafe { options.open(folder) }
    }
}
