//! The data folder of a node: opened once, before anything runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_env::{Disk, MemoryDisk, OpenMode, replace_file};
use skep_protocol::PartitionId;
use skep_storage::state::LmdbOptions;
use skep_storage::{
    DataDir, Journal, JournalOptions, LmdbStore, MemoryStore, StateStore, StreamHandle,
};

use crate::broker::slots::Slots;
use crate::config::{BrokerConfig, DataLocation, Environment};
use crate::error::BrokerError;
use crate::limits;
use crate::metadata::{Identity, METADATA_PARTITION, MetadataStore};
use crate::partition::Store;

/// Name of the folder, inside the data folder, of what a node knows of its cluster.
pub(crate) const CLUSTER_FOLDER: &str = "cluster";

/// What is opened before any partition starts.
pub(crate) struct Data {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    pub(crate) dir: Arc<DataDir>,
    pub(crate) journal: Arc<Journal>,
    slots: Slots,
}

/// What others are told who want the same folder.
fn holder() -> String {
    format!("process {}", std::process::id())
}

fn failed(error: &dyn std::fmt::Display) -> BrokerError {
    BrokerError::internal(error.to_string())
}

impl Data {
    /// Opens the folder, which must be this node's.
    pub(crate) fn open(
        config: &BrokerConfig,
        env: &Environment,
        identity: &Identity,
    ) -> Result<Self, BrokerError> {
        let clock = env.clock.clock();
        let mut options = JournalOptions {
            segment_bytes: u32::try_from(config.journal_segment_bytes).unwrap_or(u32::MAX),
            clock: clock.clone(),
            tasks: env.tasks.clone(),
            ..JournalOptions::default()
        };
        let (disk, folder): (Arc<dyn Disk>, _) = match &config.data {
            DataLocation::Memory => {
                // What is reserved on this disk is taken from memory.
                options.ballast_bytes = 0;
                options.segment_bytes = options.segment_bytes.min(limits::MEMORY_SEGMENT_BYTES);
                (Arc::new(MemoryDisk::new()), PathBuf::from("/memory"))
            }
            DataLocation::Folder(folder) => (env.disk.clone(), folder.clone()),
        };
        let dir = DataDir::open(&*disk, &folder, &holder()).map_err(|error| failed(&error))?;
        identity.claim(&*disk, &folder).map_err(|error| failed(&error))?;
        let started_us = clock.monotonic_us();
        let (journal, report) =
            Journal::open(disk.clone(), &dir.journal(), options).map_err(|error| failed(&error))?;
        let journal_us = clock.monotonic_us() - started_us;
        if let Some(torn) = report.torn_tail {
            tracing::warn!(
                ?torn,
                "the last write was interrupted; nothing that was durable is lost"
            );
        }
        tracing::info!(folder = %folder.display(), journal_us, "opened the data folder");
        let slots = Slots::open(disk.clone(), folder.clone()).map_err(|error| failed(&error))?;
        Ok(Self { disk, folder, dir: Arc::new(dir), journal: Arc::new(journal), slots })
    }

    /// The state of a partition.
    pub(crate) fn store(
        &self,
        config: &BrokerConfig,
        partition: PartitionId,
    ) -> Result<Store, BrokerError> {
        let slot = self.slots.slot(partition);
        let life = self.slots.folder(slot);
        let (state, snapshots) = match &life {
            Some(folder) => (folder.join("state"), folder.join("snapshots")),
            None => (self.dir.state(partition), self.dir.snapshots(partition)),
        };
        let tables: Arc<dyn StateStore> = match (&config.data, &config.state) {
            (DataLocation::Folder(_), None) => {
                let folder = state;
                let options = LmdbOptions::default();
                Arc::new(LmdbStore::open(&folder, &options).map_err(|error| failed(&error))?)
            }
            (_, Some(open_state)) => open_state.0(slot),
            (DataLocation::Memory, None) => Arc::new(MemoryStore::new()),
        };
        Ok(Store::new(tables, self.disk.clone(), snapshots))
    }

    /// The log of a replica.
    pub(crate) fn stream(&self, partition: PartitionId) -> StreamHandle {
        self.journal.stream(self.slots.slot(partition))
    }

    /// What this node knows of the cluster, and the state of its replica of the metadata group.
    pub(crate) fn metadata_store(&self) -> std::io::Result<MetadataStore> {
        let folder = self.folder.join(CLUSTER_FOLDER);
        let slot = self.slots.slot(METADATA_PARTITION);
        MetadataStore::open(self.disk.clone(), folder, slot)
    }

    /// Removes the data of a replica that has ended and will not go on.
    pub(crate) fn forget(&self, partition: PartitionId) -> std::io::Result<()> {
        let slot = self.slots.slot(partition);
        let stream = self.journal.stream(slot);
        self.slots.end_life(partition)?;
        // From here on the data belongs to nobody; what is left of it only takes space.
        if let Some(last) = stream.last_index() {
            stream.purge_to(last);
        }
        let usual = self.folder.join(format!("partition-{partition}"));
        let folder = self.slots.folder(slot).unwrap_or(usual);
        match skep_env::remove_tree(&*self.disk, &folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), "not removed; delete it by hand");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Keys and correlation keys name partitions: their number is fixed with the first start.
    pub(crate) fn keep_partitions(&self, partitions: u32) -> Result<(), BrokerError> {
        keep_partitions(&*self.disk, &self.folder, partitions)
    }
}

/// Name of the file that says how many partitions a data folder has.
const PARTITIONS_NAME: &str = "partitions";

/// Writes how many partitions a data folder has.
pub(crate) fn write_partitions(
    disk: &dyn Disk,
    folder: &Path,
    partitions: u32,
) -> std::io::Result<()> {
    replace_file(disk, folder, PARTITIONS_NAME, &partitions.to_le_bytes())
}

fn keep_partitions(disk: &dyn Disk, folder: &Path, partitions: u32) -> Result<(), BrokerError> {
    let path = folder.join(PARTITIONS_NAME);
    let failed = |error: std::io::Error| {
        BrokerError::internal(format!("cannot use {}: {error}; check the disk", path.display()))
    };
    let mut bytes = [0; 4];
    match disk.open(&path, OpenMode::Read) {
        Ok(file) => file.read_exact_at(0, &mut bytes).map_err(failed)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bytes = partitions.to_le_bytes();
            write_partitions(disk, folder, partitions).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    let known = u32::from_le_bytes(bytes);
    if known == partitions {
        return Ok(());
    }
    Err(BrokerError::internal(format!(
        "the data folder {} has {known} partitions, but this start asks for {partitions}; ask for \
         {known}",
        folder.display()
    )))
}
