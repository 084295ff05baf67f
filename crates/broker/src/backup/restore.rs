//! A data folder from a backup, before the first start of a node.
//!
//! Everything is checked before anything is written, and the folder is a data folder only when it
//! is complete: whatever interrupts a restore, nothing can be started that is half restored. The
//! log is replayed onto the snapshot, up to CHECKPOINT CREATED exactly, and the outcome is stored as
//! one checkpoint, so the node starts as a normal member; replication begins a new life behind it.
//! Every replica of a partition is restored from the same part, so all of them are equal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_engine::{Engine, Settings};
use skep_protocol::{PartitionId, codec};
use skep_storage::state::LmdbOptions;
use skep_storage::{
    Journal, JournalOptions, LmdbStore, StateStore, StreamHandle, UnfinishedDataDir,
};
use tokio::sync::oneshot;

use crate::backup::log_file::LogReader;
use crate::backup::manifest::verify_file;
use crate::backup::{BackupError, BackupId, BackupStore, Manifest, Part, read_manifest};
use crate::broker::{CLUSTER_FOLDER, write_partitions};
use crate::cluster::CLUSTER_ID_DEFAULT;
use crate::config::{Environment, OpenState};
use crate::limits;
use crate::metadata::{ClusterConfig, Identity, METADATA_PARTITION, MetadataStore};
use crate::partition::{Store, StoredMeta};
use crate::replication::{RestoredReplica, SnapshotStore, restored_replica};

/// What is restored, and where to.
#[derive(Clone, Debug)]
pub struct RestoreSettings {
    /// The backup.
    pub backup_id: BackupId,
    /// The data folder: missing or empty.
    pub data_dir: PathBuf,
    /// The node that it will be the data folder of.
    pub node_id: u32,
    /// All brokers of the new cluster, and where they are dialled (`host:port`), as its first start
    /// will say it; none for a node without others.
    pub brokers: BTreeMap<u32, String>,
    /// Copies of each partition in the new cluster; that of the backup unless it says otherwise.
    pub replication_factor: Option<u32>,
    /// Refuses a backup with another number of partitions.
    pub partitions: Option<u32>,
    /// Name of the new cluster; that of the backup unless it says otherwise.
    pub cluster_id: Option<String>,
    /// The new cluster may have another name: without it the backup of another cluster is refused.
    pub rename_cluster: bool,
    /// Size of a segment of the journal, in bytes.
    pub journal_segment_bytes: u64,
    /// As [`crate::BrokerConfig::state`].
    pub state: Option<OpenState>,
}

/// A data folder that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// Copies of each partition in the new cluster.
    pub replication_factor: u32,
    /// The partitions that the node has, and the position of each.
    pub partitions: BTreeMap<PartitionId, u64>,
}

/// Makes a data folder from a backup.
///
/// # Errors
/// When the backup is missing, incomplete, damaged or of another shape, or the folder is not empty
/// or cannot be written: then the folder is as it was before.
pub async fn restore(
    store: &dyn BackupStore,
    settings: &RestoreSettings,
    env: &Environment,
) -> Result<Restored, BackupError> {
    let manifest = read_manifest(store, settings.backup_id)?;
    let shape = shape_of(&manifest, settings)?;
    for part in &manifest.partitions {
        for file in part.snapshot.iter().chain([&part.log]) {
            verify_file(store, manifest.backup_id, file)?;
        }
    }
    let holder = format!("a restore, process {}", std::process::id());
    let folder = UnfinishedDataDir::begin(&*env.disk, &settings.data_dir, &holder)
        .map_err(BackupError::target)?;
    let replication_factor = shape.replication_factor();
    let target = Target { store, settings, env, manifest, shape };
    let filled = target.fill(&folder).await;
    match filled {
        Ok(partitions) => {
            folder.finish(&*env.disk).map_err(BackupError::target)?;
            Ok(Restored { manifest: target.manifest, replication_factor, partitions })
        }
        Err(error) => {
            folder.abandon(&*env.disk);
            Err(error)
        }
    }
}

/// The shape of the cluster that is restored.
enum Shape {
    /// A node without others.
    Alone,
    /// A cluster, with the first version of its configuration.
    Cluster(Box<ClusterConfig>),
}

impl Shape {
    /// The members of a partition.
    fn members(&self, node_id: u32, partition: PartitionId) -> BTreeSet<u64> {
        match self {
            Self::Alone => BTreeSet::from([u64::from(node_id)]),
            Self::Cluster(config) => {
                config.members(partition).iter().map(|member| u64::from(member.node)).collect()
            }
        }
    }

    fn replication_factor(&self) -> u32 {
        match self {
            Self::Alone => 1,
            Self::Cluster(config) => config.replication_factor,
        }
    }
}

/// The cluster that is asked for, if it can take the backup.
fn shape_of(manifest: &Manifest, settings: &RestoreSettings) -> Result<Shape, BackupError> {
    let refuse = |reason: String| Err(BackupError::Target { reason });
    let partitions = settings.partitions.unwrap_or(manifest.partition_count);
    if partitions != manifest.partition_count {
        return refuse(format!(
            "backup {} has {} partitions, but {partitions} are asked for; keys name their partition, \
             so the number cannot change in a restore: ask for {}",
            manifest.backup_id, manifest.partition_count, manifest.partition_count
        ));
    }
    let other = settings.cluster_id.as_ref().filter(|it| **it != manifest.cluster_id);
    if let Some(cluster_id) = other.filter(|_| !settings.rename_cluster) {
        return refuse(format!(
            "backup {} is of cluster '{}', but '{cluster_id}' is asked for; give --rename-cluster if \
             the new cluster shall have another name",
            manifest.backup_id, manifest.cluster_id
        ));
    }
    let replication_factor = settings.replication_factor;
    if settings.brokers.is_empty() {
        return alone(manifest, settings);
    }
    if !settings.brokers.contains_key(&settings.node_id) {
        return refuse(format!(
            "node {} is not one of the brokers; name it in --peers, or correct --node-id",
            settings.node_id
        ));
    }
    let config = ClusterConfig::initial(
        settings.cluster_id.as_ref().unwrap_or(&manifest.cluster_id),
        &settings.brokers,
        partitions,
        replication_factor.unwrap_or(manifest.replication_factor),
    );
    let config = config.map_err(|refusal| BackupError::Target { reason: refusal.reason })?;
    let message_partitions = manifest.message_partitions;
    Ok(Shape::Cluster(Box::new(ClusterConfig { message_partitions, ..config })))
}

fn alone(manifest: &Manifest, settings: &RestoreSettings) -> Result<Shape, BackupError> {
    let refuse = |reason: String| Err(BackupError::Target { reason });
    let name = settings.cluster_id.as_ref().unwrap_or(&manifest.cluster_id);
    if name != CLUSTER_ID_DEFAULT && !settings.rename_cluster {
        return refuse(format!(
            "the name of the cluster of a node without others is '{CLUSTER_ID_DEFAULT}', not '{name}'; \
             give --rename-cluster, or keep the name in a cluster of one broker (--peers 0=host:port)"
        ));
    }
    if let Some(factor) = settings.replication_factor.filter(|factor| *factor != 1) {
        return refuse(format!(
            "a replication factor of {factor} cannot be for a node without others; name the brokers \
             with --peers"
        ));
    }
    if manifest.message_partitions != manifest.partition_count {
        return refuse(format!(
            "the cluster of backup {} got more partitions while it worked, which a node without \
             others cannot have; restore it as a cluster of one broker (--peers 0=host:port)",
            manifest.backup_id
        ));
    }
    Ok(Shape::Alone)
}

struct Target<'a> {
    store: &'a dyn BackupStore,
    settings: &'a RestoreSettings,
    env: &'a Environment,
    manifest: Manifest,
    shape: Shape,
}

impl Target<'_> {
    async fn fill(
        &self,
        folder: &UnfinishedDataDir,
    ) -> Result<BTreeMap<PartitionId, u64>, BackupError> {
        let disk = &self.env.disk;
        let options = JournalOptions {
            segment_bytes: u32::try_from(self.settings.journal_segment_bytes).unwrap_or(u32::MAX),
            clock: self.env.clock.clock(),
            tasks: self.env.tasks.clone(),
            ..JournalOptions::default()
        };
        let (journal, _) =
            Journal::open(disk.clone(), &folder.journal(), options).map_err(BackupError::target)?;
        let mut restored = BTreeMap::new();
        for part in &self.manifest.partitions {
            let members = self.shape.members(self.settings.node_id, part.partition_id);
            if !members.contains(&u64::from(self.settings.node_id)) {
                continue;
            }
            let replica =
                restored_replica(part.entry_index, &members).map_err(BackupError::target)?;
            let position = self.fill_partition(folder, part, &replica).await?;
            let stream = journal.stream(part.partition_id);
            save_hard_state(&stream, &replica.hard_state).await.map_err(BackupError::target)?;
            restored.insert(part.partition_id, position);
        }
        drop(journal);
        self.write_identity(folder.path()).map_err(BackupError::target)?;
        Ok(restored)
    }

    /// Whose folder it is, and of which cluster.
    fn write_identity(&self, folder: &Path) -> io::Result<()> {
        let disk = &self.env.disk;
        let cluster_id = match &self.shape {
            Shape::Alone => CLUSTER_ID_DEFAULT.to_owned(),
            Shape::Cluster(config) => config.cluster_id.clone(),
        };
        let identity = Identity { cluster_id, node_id: self.settings.node_id };
        identity.claim(&**disk, folder).map_err(io::Error::other)?;
        if let Shape::Cluster(config) = &self.shape {
            let cluster = folder.join(CLUSTER_FOLDER);
            MetadataStore::open(disk.clone(), cluster, METADATA_PARTITION)?.remember(config)?;
        }
        write_partitions(&**disk, folder, self.manifest.partition_count)
    }

    async fn fill_partition(
        &self,
        folder: &UnfinishedDataDir,
        part: &Part,
        replica: &RestoredReplica,
    ) -> Result<u64, BackupError> {
        let partition = part.partition_id;
        let tables = self.open_tables(&folder.state(partition), partition)?;
        let store = Store::new(tables, self.env.disk.clone(), folder.snapshots(partition));
        let id = self.manifest.backup_id;
        if let Some(file) = &part.snapshot {
            let mut bytes =
                self.store.open(id, &file.name).map_err(|it| BackupError::store(&it))?;
            import(&store, &mut *bytes).map_err(|error| self.unusable(part, &error))?;
        }
        let mut replay = Replay { store: &store, replica, engine: self.engine(&store, partition)? };
        let log = self.store.open(id, &part.log.name).map_err(|it| BackupError::store(&it))?;
        let mut log = LogReader::new(log).map_err(|error| self.unusable(part, &error))?;
        while let Some((_, batch)) = log.next().map_err(|error| self.unusable(part, &error))? {
            let records =
                codec::decode_entries(batch).map_err(|error| self.unusable(part, &error))?;
            let within = records.partition_point(|it| it.position <= part.checkpoint_position);
            let records = records.split_at(within).0;
            replay.engine.replay(records).map_err(|error| self.unusable(part, &error))?;
            if replay.engine.dirty_bytes() >= limits::RESTORE_DIRTY_BYTES {
                replay.store_state()?;
            }
            // In a simulation everything runs on this thread.
            tokio::task::yield_now().await;
        }
        let reached = (replay.engine.last_position(), replay.engine.last_checkpoint());
        let (position, checkpoint) = (part.checkpoint_position, part.checkpoint_id);
        if reached != (position, Some((checkpoint, position))) {
            return Err(self.unusable(
                part,
                &format!(
                    "its state is at position {} and checkpoint {:?}, but should be at position \
                 {position} and checkpoint {checkpoint}",
                    reached.0, reached.1
                ),
            ));
        }
        replay.store_state()?;
        self.check_stored(&replay, part)?;
        Ok(position)
    }

    /// What was stored is what was replayed, row by row.
    fn check_stored(&self, replay: &Replay<'_>, part: &Part) -> Result<(), BackupError> {
        let stored = self.engine(replay.store, part.partition_id)?;
        if stored.last_position() == part.checkpoint_position {
            return Ok(());
        }
        Err(BackupError::target(format!(
            "partition {} was stored at position {} instead of {}",
            part.partition_id,
            stored.last_position(),
            part.checkpoint_position
        )))
    }

    fn engine(&self, store: &Store, partition_id: PartitionId) -> Result<Engine, BackupError> {
        let settings = Settings { partition_id, partitions: self.manifest.message_partitions };
        Engine::new(settings, Arc::new(store.clone())).map_err(BackupError::target)
    }

    fn open_tables(
        &self,
        folder: &Path,
        partition: PartitionId,
    ) -> Result<Arc<dyn StateStore>, BackupError> {
        if let Some(open) = &self.settings.state {
            let tables = (open.0)(partition);
            tables.clear().map_err(BackupError::target)?;
            return Ok(tables);
        }
        let tables = LmdbStore::open(folder, &LmdbOptions::default());
        Ok(Arc::new(tables.map_err(BackupError::target)?))
    }

    fn unusable(&self, part: &Part, error: &dyn std::fmt::Display) -> BackupError {
        BackupError::Unusable {
            id: self.manifest.backup_id,
            reason: format!("partition {}: {error}", part.partition_id),
        }
    }
}

/// Takes a snapshot over into an empty store; it is checked as a whole before.
fn import(store: &Store, bytes: &mut dyn Read) -> io::Result<()> {
    let mut sink = store.receive()?;
    let mut piece = vec![0; limits::SNAPSHOT_PIECE_BYTES];
    loop {
        match bytes.read(&mut piece)? {
            0 => break,
            length => sink.push(&piece[..length])?,
        }
    }
    sink.finish()?;
    store.install()
}

/// A partition while its log is replayed.
struct Replay<'a> {
    store: &'a Store,
    replica: &'a RestoredReplica,
    engine: Engine,
}

impl Replay<'_> {
    /// Moves what is in memory to the store.
    fn store_state(&mut self) -> Result<(), BackupError> {
        let Some(changes) = self.engine.begin_checkpoint() else { return Ok(()) };
        let meta = StoredMeta {
            entry: self.replica.entry,
            replication: self.replica.checkpoint_meta.clone(),
            engine: changes.meta().to_vec(),
        };
        let batch = Store::batch(&*changes);
        self.store.tables.commit(batch, &meta.encode()).map_err(BackupError::target)?;
        self.engine.end_checkpoint().map_err(BackupError::target)?;
        Ok(())
    }
}

async fn save_hard_state(stream: &StreamHandle, bytes: &[u8]) -> io::Result<()> {
    let (sender, receiver) = oneshot::channel();
    stream.save_hard_state(bytes, Box::new(move |result| drop(sender.send(result))));
    receiver.await.map_err(|_| io::Error::other("the journal has ended"))?
}
