//! A partition's part of a backup: snapshot and log, written beside the work of the partition.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use skep_env::task::MakeBody;
use skep_env::{Clock, Tasks};
use skep_protocol::PartitionId;
use skep_storage::StateView;
use skep_storage::snapshot;

use crate::backup::manifest::{MANIFEST, checksum_text};
use crate::backup::request::BackupRequest;
use crate::backup::store::NewFile;
use crate::backup::{BackupId, BackupStore, Part, StoredFile, log_file, part_folder};
use crate::limits;
use crate::partition::{Control, Inbox, PartStep, Wanted};
use crate::replication::EntryId;

/// Opens the state as of the last stored checkpoint.
pub(crate) type OpenView = Box<dyn Fn() -> Result<Box<dyn StateView + Send>, String> + Send>;

/// How a partition writes its parts.
pub(crate) struct PartSettings {
    pub(crate) store: Arc<dyn BackupStore>,
    pub(crate) tasks: Arc<dyn Tasks>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node_id: u32,
    pub(crate) view: OpenView,
}

/// Reads committed entries: after, up to, bytes.
pub(crate) type ReadLog =
    Box<dyn Fn(Option<EntryId>, EntryId, usize) -> Result<Vec<(EntryId, Bytes)>, String> + Send>;

/// What a part is made of, taken while nothing could change under it.
pub(crate) struct Captured {
    /// Position of CHECKPOINT CREATED.
    pub(crate) position: u64,
    /// The entry as of which the view is.
    pub(crate) after: Option<EntryId>,
    /// The last entry to copy.
    pub(crate) up_to: EntryId,
    pub(crate) view: Box<dyn StateView + Send>,
    pub(crate) read: ReadLog,
}

/// Tells the partition of a step, however it ends.
struct Tell {
    inbox: Arc<Inbox>,
    step: PartStep,
}

impl Drop for Tell {
    fn drop(&mut self) {
        self.inbox.control(Control::Backup(self.step));
    }
}

/// Where a part of a node is.
struct Place {
    store: Arc<dyn BackupStore>,
    clock: Arc<dyn Clock>,
    id: BackupId,
    partition: PartitionId,
    node_id: u32,
    /// The checkpoint is not new.
    is_repeated: bool,
}

/// A reason why a node cannot write its part.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct PartFailure {
    pub(crate) reason: String,
}

/// Ends the names of what a node says about its part.
pub(crate) const PART_SUFFIX: &str = ".part.json";
/// The same, when it cannot write one.
pub(crate) const FAILED_SUFFIX: &str = ".failed.json";

/// Writes a part on a thread of its own, or writes why it cannot be.
pub(crate) fn write_part(
    settings: &PartSettings,
    inbox: &Arc<Inbox>,
    partition: PartitionId,
    wanted: Wanted,
    captured: Result<Captured, String>,
) {
    let id = wanted.id;
    let place = Place {
        store: settings.store.clone(),
        clock: settings.clock.clone(),
        id,
        partition,
        node_id: settings.node_id,
        is_repeated: wanted.is_repeated,
    };
    // Made here, so that they are dropped even when there is no thread to be had.
    let tell = |step| Tell { inbox: inbox.clone(), step };
    let (ended, copied) = (tell(PartStep::Ended(id)), tell(PartStep::LogCopied(id)));
    let body: MakeBody = Box::new(move || {
        Box::pin(async move {
            place.write(captured, copied).await;
            drop(ended);
        })
    });
    let started = settings.tasks.dedicated("skep-backup", body);
    if let Err(error) = started {
        tracing::error!(partition, backup = id, %error, "a part of a backup cannot be written");
    }
}

impl Place {
    async fn write(self, captured: Result<Captured, String>, copied: Tell) {
        let result = match captured {
            Ok(captured) => self.write_files(captured, copied).await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = result {
            tracing::warn!(
                partition = self.partition, backup = self.id, %reason, "a part of a backup failed"
            );
            if let Err(error) = self.write_failure(reason) {
                tracing::warn!(partition = self.partition, %error, "nor can the reason be written");
            }
        }
    }

    /// Nothing is written for a backup that nobody takes: its driver asks again, or there is none.
    fn write_failure(&self, reason: String) -> io::Result<()> {
        if !self.is_requested()? {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&PartFailure { reason })?;
        self.store.put(self.id, &self.name(FAILED_SUFFIX), &bytes)
    }

    fn name(&self, suffix: &str) -> String {
        format!("{}/node-{}{suffix}", part_folder(self.partition), self.node_id)
    }

    fn is_requested(&self) -> io::Result<bool> {
        Ok(BackupRequest::read(&*self.store, self.id)?.is_some())
    }

    /// Whether this node wrote it in an earlier life, or nobody wants it any more: the backup is
    /// complete, or was deleted. The request for a new checkpoint may not be written yet.
    fn is_known(&self) -> io::Result<bool> {
        Ok(self.store.get(self.id, MANIFEST)?.is_some()
            || self.store.get(self.id, &self.name(PART_SUFFIX))?.is_some()
            || (self.is_repeated && !self.is_requested()?))
    }

    async fn write_files(&self, captured: Captured, copied: Tell) -> Result<(), String> {
        let failed = |error: io::Error| format!("the backup store cannot be used: {error}");
        if self.is_known().map_err(failed)? {
            return Ok(());
        }
        let log = self.write_log(&captured).await?;
        drop(copied);
        let snapshot = self.write_snapshot(&*captured.view)?;
        let bytes = log.bytes + snapshot.as_ref().map_or(0, |file| file.bytes);
        let part = Part {
            partition_id: self.partition,
            node_id: self.node_id,
            checkpoint_id: self.id,
            checkpoint_position: captured.position,
            entry_term: captured.up_to.term,
            entry_index: captured.up_to.index,
            snapshot,
            log,
            created_at_ms: self.clock.now_ms(),
        };
        let json = serde_json::to_vec_pretty(&part).map_err(|error| error.to_string())?;
        self.store.put(self.id, &self.name(PART_SUFFIX), &json).map_err(failed)?;
        tracing::info!(
            partition = self.partition,
            backup = self.id,
            position = captured.position,
            bytes,
            "wrote the part of a backup"
        );
        Ok(())
    }

    async fn write_log(&self, captured: &Captured) -> Result<StoredFile, String> {
        let mut file = self.create(".log")?;
        file.append(&log_file::header())?;
        let (mut after, mut count) = (captured.after, 0);
        while after < Some(captured.up_to) {
            let entries = (captured.read)(after, captured.up_to, limits::BACKUP_READ_BYTES)?;
            if entries.is_empty() {
                return Err(format!("the log ends before entry {}", captured.up_to.index));
            }
            for (id, batch) in entries {
                file.append(&log_file::entry(id, &batch))?;
                after = Some(id);
                count += 1;
            }
            // In a simulation everything runs on this thread.
            tokio::task::yield_now().await;
        }
        file.append(&log_file::footer(count))?;
        file.finish()
    }

    /// The state of the view; nothing in a partition that never stored a checkpoint.
    fn write_snapshot(&self, view: &dyn StateView) -> Result<Option<StoredFile>, String> {
        let Some(meta) = view.meta().map_err(|error| error.to_string())? else { return Ok(None) };
        let mut file = self.create(".snapshot")?;
        let mut sink = |bytes: &[u8]| file.append(bytes).map_err(io::Error::other);
        snapshot::export(view, &meta, &mut sink).map_err(|error| error.to_string())?;
        file.finish().map(Some)
    }

    fn create(&self, suffix: &str) -> Result<MeasuredFile, String> {
        let name = self.name(suffix);
        let file =
            self.store.create(self.id, &name).map_err(|error| store_failed(&name, &error))?;
        Ok(MeasuredFile {
            file,
            stored: StoredFile { name, bytes: 0, checksum: String::new() },
            crc: 0,
        })
    }
}

fn store_failed(name: &str, error: &io::Error) -> String {
    format!("the backup store cannot be used: {name}: {error}")
}

/// A file that is measured while it is written.
struct MeasuredFile {
    file: Box<dyn NewFile>,
    stored: StoredFile,
    crc: u32,
}

impl MeasuredFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.append(bytes).map_err(|error| store_failed(&self.stored.name, &error))?;
        self.stored.bytes += bytes.len() as u64;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        Ok(())
    }

    fn finish(mut self) -> Result<StoredFile, String> {
        self.file.finish().map_err(|error| store_failed(&self.stored.name, &error))?;
        self.stored.checksum = checksum_text(self.crc);
        Ok(self.stored)
    }
}
