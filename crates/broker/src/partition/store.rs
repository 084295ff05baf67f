//! The state store as the engine, the checkpoints and the replication see it.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, BufMut};
use parking_lot::Mutex;
use skep_engine::{Backing, BackingError};
use skep_env::{Disk, DiskFile, OpenMode};
use skep_storage::snapshot::{self, SnapshotError, SnapshotReceiver};
use skep_storage::{StateError, StateStore, WriteBatch};

use crate::partition::{CheckpointJob, StateChanges};
use crate::replication::{CheckpointView, EntryId, OpenSnapshot, SnapshotSink, SnapshotStore};

/// What a checkpoint stores besides the tables: the entry as of which it is, what the replication
/// wants to keep, and the engine's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredMeta {
    pub(crate) entry: EntryId,
    pub(crate) replication: Vec<u8>,
    pub(crate) engine: Vec<u8>,
}

impl StoredMeta {
    const VERSION: u8 = 1;

    /// version u8, term u64, index u64, length u32 and bytes of the replication's, the engine's.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(21 + self.replication.len() + self.engine.len());
        out.put_u8(Self::VERSION);
        out.put_u64_le(self.entry.term);
        out.put_u64_le(self.entry.index);
        out.put_u32_le(u32::try_from(self.replication.len()).unwrap_or(u32::MAX));
        out.extend_from_slice(&self.replication);
        out.extend_from_slice(&self.engine);
        out
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, String> {
        let damaged = || "the meta data of the checkpoint is damaged; restore a backup".to_owned();
        if bytes.len() < 21 {
            return Err(damaged());
        }
        let version = bytes.get_u8();
        if version != Self::VERSION {
            return Err(format!(
                "the checkpoint has version {version}, this release reads version {}; start the \
                 release that wrote it",
                Self::VERSION
            ));
        }
        let entry = EntryId { term: bytes.get_u64_le(), index: bytes.get_u64_le() };
        let length = bytes.get_u32_le() as usize;
        let (replication, engine) = bytes.split_at_checked(length).ok_or_else(damaged)?;
        Ok(Self { entry, replication: replication.to_vec(), engine: engine.to_vec() })
    }
}

/// The store of one partition.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) tables: Arc<dyn StateStore>,
    /// Where snapshots are written and received.
    disk: Arc<dyn Disk>,
    snapshots: PathBuf,
    /// How often the state was replaced. Held while it changes: a checkpoint of the state before must
    /// not be written over the state after.
    replaced: Arc<Mutex<u64>>,
    /// Names of files that are being sent.
    exports: Arc<AtomicU64>,
}

impl Store {
    /// The store over these tables, with snapshots in this folder of the disk.
    pub(crate) fn new(
        tables: Arc<dyn StateStore>,
        disk: Arc<dyn Disk>,
        snapshots: PathBuf,
    ) -> Self {
        let (replaced, exports) = Default::default();
        Self { tables, disk, snapshots, replaced, exports }
    }

    /// How often the state was replaced by that of another node.
    pub(crate) fn replaced(&self) -> u64 {
        *self.replaced.lock()
    }

    /// Ends what a crash has interrupted: a state that was being replaced is replaced again, files
    /// that were being sent or received are removed. Call it before anything is read.
    pub(crate) fn recover(&self) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("the snapshots in {} cannot be tidied: {error}", self.snapshots.display())
        };
        let is_complete = self.stored_meta()?.is_some();
        if !is_complete && self.received().map_err(|error| failed(&error))? {
            return self.install().map_err(|error| failed(&error));
        }
        if !is_complete {
            // Tables without meta are the first part of a state that did not come to its end.
            self.tables.clear().map_err(|error| failed(&error))?;
        }
        for name in self.names().map_err(|error| failed(&error))? {
            if name.starts_with(EXPORTED) || name.starts_with(RECEIVED) {
                let removed = self.disk.remove(&self.snapshots.join(name));
                removed.map_err(|error| failed(&error))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        match self.disk.list(&self.snapshots) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            names => names,
        }
    }

    fn received(&self) -> io::Result<bool> {
        Ok(self.names()?.iter().any(|name| name == RECEIVED))
    }

    /// What the last checkpoint stored.
    pub(crate) fn stored_meta(&self) -> Result<Option<StoredMeta>, String> {
        let meta = self.tables.meta().map_err(|error| error.to_string())?;
        meta.map(|bytes| StoredMeta::decode(&bytes)).transpose()
    }

    /// Writes a checkpoint; on the thread for that.
    pub(crate) fn write(&self, job: &CheckpointJob) -> Result<(), StateError> {
        let replaced = self.replaced.lock();
        if *replaced != job.replaced {
            // Nobody waits for it any more; the state in the store is newer.
            return Ok(());
        }
        let meta = StoredMeta {
            entry: job.entry,
            replication: job.replication_meta.clone(),
            engine: job.changes.meta().to_vec(),
        };
        skep_env::crash_point!("checkpoint.begin");
        self.tables.commit(Self::batch(&*job.changes), &meta.encode())?;
        skep_env::crash_point!("checkpoint.written");
        Ok(())
    }

    /// What a checkpoint changes.
    pub(crate) fn batch(changes: &dyn StateChanges) -> WriteBatch {
        let mut batch = WriteBatch::new();
        changes.visit(&mut |table, key, value| match value {
            Some(value) => batch.put(table, key, value),
            None => batch.delete(table, key),
        });
        batch
    }
}

fn unreadable(error: impl std::fmt::Display) -> BackingError {
    BackingError(error.to_string())
}

impl Backing for Store {
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, BackingError> {
        self.tables.get(table, key).map_err(unreadable)
    }

    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), BackingError> {
        self.tables.scan(table, from, to, visit).map_err(unreadable)
    }

    fn last_key(&self, table: u8) -> Result<Option<Vec<u8>>, BackingError> {
        self.tables.last_key(table).map_err(unreadable)
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, BackingError> {
        let meta = self.stored_meta().map_err(BackingError)?;
        Ok(meta.map(|meta| meta.engine))
    }
}

/// Beginning of the names of files that snapshots are written to before they are sent.
const EXPORTED: &str = "exported.";

/// Name of the file that a snapshot is received in. It is there, complete and checked, until the
/// state is replaced.
const RECEIVED: &str = "received.snapshot";

impl SnapshotStore for Store {
    fn view(&self) -> io::Result<Option<CheckpointView>> {
        let view = self.tables.view().map_err(io::Error::other)?;
        let Some(meta) = view.meta().map_err(io::Error::other)? else { return Ok(None) };
        let stored = StoredMeta::decode(&meta).map_err(io::Error::other)?;
        let (disk, folder, exports) =
            (self.disk.clone(), self.snapshots.clone(), self.exports.clone());
        let open: OpenSnapshot = Box::new(move || {
            disk.create_dir(&folder)?;
            let number = exports.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{EXPORTED}{number}.snapshot"));
            snapshot::write(&*disk, &path, &*view, &meta).map_err(io::Error::other)?;
            drop(view);
            let file = disk.open(&path, OpenMode::Read)?;
            Ok(Box::new(ExportedFile { disk, path, file, offset: 0 }) as Box<dyn Read + Send>)
        });
        Ok(Some(CheckpointView { replication_meta: stored.replication, open }))
    }

    fn receive(&self) -> io::Result<Box<dyn SnapshotSink>> {
        self.disk.create_dir(&self.snapshots)?;
        let path = self.snapshots.join(RECEIVED);
        let receiver =
            SnapshotReceiver::begin(self.disk.clone(), &path).map_err(io::Error::other)?;
        Ok(Box::new(receiver))
    }

    fn install(&self) -> io::Result<()> {
        skep_env::crash_point!("snapshot.received");
        let mut replaced = self.replaced.lock();
        *replaced += 1;
        let path = self.snapshots.join(RECEIVED);
        snapshot::import(&*self.disk, &path, &*self.tables).map_err(|error| match &error {
            SnapshotError::State(StateError::Full { .. }) => {
                io::Error::new(io::ErrorKind::StorageFull, error)
            }
            _ => io::Error::other(error),
        })?;
        self.disk.remove(&path)
    }
}

impl SnapshotSink for SnapshotReceiver {
    fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        Self::push(self, piece).map_err(io::Error::other)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Self::finish(*self).map(|_| ()).map_err(io::Error::other)
    }
}

/// A file that was written to be sent, read from its beginning; removed when nobody reads it.
struct ExportedFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl Read for ExportedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(self.offset, buffer)?;
        self.offset += length as u64;
        Ok(length)
    }
}

impl Drop for ExportedFile {
    fn drop(&mut self) {
        if let Err(error) = self.disk.remove(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove a sent snapshot");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_env::MemoryDisk;
    use skep_storage::MemoryStore;

    fn store() -> Store {
        let disk = Arc::new(MemoryDisk::new());
        Store::new(Arc::new(MemoryStore::new()), disk, PathBuf::from("/snapshots"))
    }

    #[test]
    fn the_last_key_of_each_table_is_found() {
        let store = store();
        assert_eq!(store.last_key(1).unwrap(), None);
        let mut batch = WriteBatch::new();
        for key in [&[][..], &[7], &[7, 0], &[7, 255, 255], &[7, 255, 255, 0]] {
            batch.put(1, key, "");
        }
        batch.put(2, "", "");
        store.tables.commit(batch, b"").unwrap();
        assert_eq!(store.last_key(0).unwrap(), None);
        assert_eq!(store.last_key(1).unwrap(), Some(vec![7, 255, 255, 0]));
        assert_eq!(store.last_key(2).unwrap(), Some(vec![]));
    }

    #[test]
    fn meta_reads_back_and_damage_is_an_error() {
        let meta = StoredMeta {
            entry: EntryId { term: 3, index: 9 },
            replication: b"members".to_vec(),
            engine: b"position".to_vec(),
        };
        let bytes = meta.encode();
        assert_eq!(StoredMeta::decode(&bytes).unwrap(), meta);
        assert!(StoredMeta::decode(&bytes[..24]).is_err());
        assert!(StoredMeta::decode(&[2; 40]).unwrap_err().contains("version 2"));
    }

    #[test]
    fn a_snapshot_moves_the_state_to_another_store() {
        let (here, there) = (store(), store());
        let mut batch = WriteBatch::new();
        batch.put(1, "key", "value");
        let meta = StoredMeta {
            entry: EntryId { term: 1, index: 4 },
            replication: Vec::new(),
            engine: Vec::new(),
        };
        here.tables.commit(batch, &meta.encode()).unwrap();
        assert!(there.view().unwrap().is_none());
        let view = here.view().unwrap().unwrap();
        receive(&there, view);
        assert!(there.stored_meta().unwrap().is_none(), "received is not installed");
        there.install().unwrap();
        assert_eq!(there.get(1, b"key").unwrap().unwrap(), b"value");
        assert_eq!(there.stored_meta().unwrap().unwrap(), meta);
        assert_eq!(here.names().unwrap(), [""; 0], "nothing is left of the transfer");
        assert_eq!(there.names().unwrap(), [""; 0]);
    }

    fn receive(store: &Store, view: CheckpointView) {
        let mut bytes = Vec::new();
        (view.open)().unwrap().read_to_end(&mut bytes).unwrap();
        let mut sink = store.receive().unwrap();
        for piece in bytes.chunks(100) {
            sink.push(piece).unwrap();
        }
        sink.finish().unwrap();
    }

    #[test]
    fn an_interrupted_replacement_is_done_again() {
        let (here, there) = (store(), store());
        let mut batch = WriteBatch::new();
        batch.put(1, "key", "value");
        let meta = StoredMeta {
            entry: EntryId { term: 1, index: 4 },
            replication: Vec::new(),
            engine: Vec::new(),
        };
        here.tables.commit(batch, &meta.encode()).unwrap();
        receive(&there, here.view().unwrap().unwrap());
        // The crash came when a part of the tables was there.
        let mut batch = WriteBatch::new();
        batch.put(1, "half", "way");
        there.tables.commit_part(batch).unwrap();
        there.recover().unwrap();
        assert_eq!(there.stored_meta().unwrap().unwrap(), meta);
        assert_eq!(there.get(1, b"half").unwrap(), None);
        assert_eq!(there.names().unwrap(), [""; 0]);
    }

    #[test]
    fn what_was_received_in_part_is_removed() {
        let store = store();
        store.receive().unwrap().push(b"some").unwrap();
        assert_eq!(store.names().unwrap().len(), 1);
        store.recover().unwrap();
        assert_eq!(store.names().unwrap(), [""; 0]);
    }

    #[test]
    fn a_checkpoint_of_the_state_before_is_not_written_over_the_state_after() {
        let (here, there) = (store(), store());
        let meta = StoredMeta {
            entry: EntryId { term: 1, index: 4 },
            replication: Vec::new(),
            engine: Vec::new(),
        };
        here.tables.commit(WriteBatch::new(), &meta.encode()).unwrap();
        let job = CheckpointJob {
            changes: Arc::new(NoChanges),
            entry: EntryId { term: 1, index: 2 },
            replication_meta: Vec::new(),
            replaced: there.replaced(),
            inbox: crate::partition::Inbox::new(),
        };
        receive(&there, here.view().unwrap().unwrap());
        there.install().unwrap();
        there.write(&job).unwrap();
        assert_eq!(there.stored_meta().unwrap().unwrap(), meta);
    }

    struct NoChanges;

    impl StateChanges for NoChanges {
        fn position(&self) -> u64 {
            1
        }

        fn meta(&self) -> &[u8] {
            &[]
        }

        fn visit(&self, _: &mut dyn FnMut(u8, Vec<u8>, Option<Vec<u8>>)) {}
    }
}
