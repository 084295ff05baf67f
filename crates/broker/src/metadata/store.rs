//! What a node remembers of the cluster configuration: the newest document that it knows, and, on
//! members of the metadata group, the document as of a place of the replicated log.

use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use skep_env::{Disk, read_file, replace_file};

use crate::limits::CLUSTER_CONFIG_BYTES_MAX;
use crate::metadata::config::ClusterConfig;
use crate::replication::{CheckpointView, EntryId, OpenSnapshot, SnapshotSink, SnapshotStore};

/// Name of the file with the newest document.
const KNOWN_NAME: &str = "cluster.json";

/// The state of a replica of the metadata group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// As of this entry.
    pub(crate) entry: EntryId,
    /// What the replication wants to keep.
    pub(crate) replication: Vec<u8>,
    /// The document, when any was decided.
    pub(crate) config: Option<ClusterConfig>,
}

/// Its layout on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCheckpoint {
    term: u64,
    index: u64,
    replication: String,
    config: Option<serde_json::Value>,
}

impl Checkpoint {
    fn encode(&self) -> io::Result<Vec<u8>> {
        let config = self.config.as_ref().map(serde_json::to_value).transpose()?;
        // The replication's part is JSON text; anything else would be refused by its reader.
        let replication = String::from_utf8(self.replication.clone()).map_err(io::Error::other)?;
        let EntryId { term, index } = self.entry;
        Ok(serde_json::to_vec(&StoredCheckpoint { term, index, replication, config })?)
    }

    fn decode(bytes: &[u8]) -> io::Result<Self> {
        let stored: StoredCheckpoint = serde_json::from_slice(bytes)?;
        let config = match stored.config {
            Some(config) => Some(decode_config(&serde_json::to_vec(&config)?)?),
            None => None,
        };
        let entry = EntryId { term: stored.term, index: stored.index };
        Ok(Self { entry, replication: stored.replication.into_bytes(), config })
    }
}

fn decode_config(bytes: &[u8]) -> io::Result<ClusterConfig> {
    ClusterConfig::decode(bytes).map_err(|refusal| io::Error::other(refusal.reason))
}

/// The folder with both files.
#[derive(Clone)]
pub struct MetadataStore {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// Name of the file with the state of the replica.
    checkpoint: String,
    /// What another replica has sent and is not installed.
    received: Arc<Mutex<Option<Checkpoint>>>,
}

impl MetadataStore {
    /// The store in this folder, which is made if needed. `slot` tells the lives of the replica apart:
    /// one that begins anew does not find the state of the one before.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn open(disk: Arc<dyn Disk>, folder: PathBuf, slot: u32) -> io::Result<Self> {
        disk.create_dir(&folder)?;
        let checkpoint = format!("checkpoint-{slot}.json");
        Ok(Self { disk, folder, checkpoint, received: Arc::default() })
    }

    /// The newest document that was stored, if any.
    ///
    /// # Errors
    /// When the disk fails, or the document is of another release.
    pub fn known(&self) -> io::Result<Option<ClusterConfig>> {
        let known = match read_file(&*self.disk, &self.folder.join(KNOWN_NAME))? {
            Some(bytes) => Some(decode_config(&bytes)?),
            None => None,
        };
        let applied = self.checkpoint()?.and_then(|checkpoint| checkpoint.config);
        Ok([known, applied].into_iter().flatten().max_by_key(|config| config.version))
    }

    /// Remembers a document.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remember(&self, config: &ClusterConfig) -> io::Result<()> {
        replace_file(&*self.disk, &self.folder, KNOWN_NAME, &config.encode())
    }

    pub(crate) fn checkpoint(&self) -> io::Result<Option<Checkpoint>> {
        let bytes = read_file(&*self.disk, &self.folder.join(&self.checkpoint))?;
        bytes.as_deref().map(Checkpoint::decode).transpose()
    }

    pub(crate) fn write_checkpoint(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        replace_file(&*self.disk, &self.folder, &self.checkpoint, &checkpoint.encode()?)
    }
}

impl SnapshotStore for MetadataStore {
    fn view(&self) -> io::Result<Option<CheckpointView>> {
        let Some(checkpoint) = self.checkpoint()? else { return Ok(None) };
        let bytes = checkpoint.encode()?;
        let open: OpenSnapshot =
            Box::new(move || Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>));
        Ok(Some(CheckpointView { replication_meta: checkpoint.replication, open }))
    }

    fn receive(&self) -> io::Result<Box<dyn SnapshotSink>> {
        Ok(Box::new(Receiving { bytes: Vec::new(), received: self.received.clone() }))
    }

    fn install(&self) -> io::Result<()> {
        match self.received.lock().take() {
            Some(checkpoint) => self.write_checkpoint(&checkpoint),
            None => Err(io::Error::other("no state of another replica was received")),
        }
    }
}

/// A state that another replica sends.
struct Receiving {
    bytes: Vec<u8>,
    received: Arc<Mutex<Option<Checkpoint>>>,
}

impl SnapshotSink for Receiving {
    fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        if (self.bytes.len() + piece.len()) as u64 > CLUSTER_CONFIG_BYTES_MAX {
            return Err(io::Error::other("the state of the metadata group is too large"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        *self.received.lock() = Some(Checkpoint::decode(&self.bytes)?);
        Ok(())
    }
}

impl std::fmt::Debug for MetadataStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetadataStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}
