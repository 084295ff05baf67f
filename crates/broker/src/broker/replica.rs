//! The life of one replica on this node: a body of its own, from its store and log to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures::future::BoxFuture;
use skep_engine::{Engine, Settings};
use skep_env::task::{self, Dedicated, MakeBody};
use skep_env::{Clock, Random, Tasks};
use skep_protocol::PartitionId;
use skep_protocol::limits::PARTITIONS_MAX;
use skep_storage::journal::JournalHealth;
use skep_storage::{DataDir, Journal, StateError, StreamHandle};
use tokio::sync::mpsc;

use crate::backup::PartSettings;
use crate::broker::backups::store_of;
use crate::broker::data::Data;
use crate::broker::members::Member;
use crate::cluster::{Cluster, LinkPeers, ReplicaReceiver};
use crate::config::BrokerConfig;
use crate::error::BrokerError;
use crate::jobs::JobHub;
use crate::limits;
use crate::metadata::{ClusterConfig, ReplicaStart};
use crate::partition::{
    CheckpointJob, CheckpointSettings, Control, EngineFactory, Inbox, Partition, Parts, Status,
    Store,
};
use crate::replication::{NoPeers, Peers, RaftReplication, RaftSettings};
use crate::topology::PartitionHealth;
use crate::transport::Transport;

/// A checkpoint on its way to the body that writes them.
struct WriteJob {
    store: Store,
    job: CheckpointJob,
}

/// How a replica without data begins.
pub(crate) struct Beginning {
    /// The members of its group, each with its priority.
    pub(crate) members: BTreeMap<u64, u32>,
    /// The group certainly exists.
    pub(crate) joins: bool,
}

impl Beginning {
    /// As the only member.
    pub(crate) fn alone(node: u32) -> Self {
        Self { members: BTreeMap::from([(u64::from(node), 1)]), joins: false }
    }

    /// As the configuration says.
    pub(crate) fn of(
        config: &ClusterConfig,
        id: PartitionId,
        node: u32,
        start: ReplicaStart,
    ) -> Self {
        match start {
            ReplicaStart::Bootstrap => Self::alone(node),
            ReplicaStart::Found => Self { members: priorities(config, id), joins: false },
            ReplicaStart::Join => Self { members: priorities(config, id), joins: true },
        }
    }
}

/// The members of a partition with their priorities, as the replication wants them.
pub(crate) fn priorities(config: &ClusterConfig, partition: PartitionId) -> BTreeMap<u64, u32> {
    let members = config.members(partition).iter();
    members.map(|member| (u64::from(member.node), member.priority)).collect()
}

/// What all replicas of a node share, and what a new one is started with.
pub(crate) struct ReplicasParts {
    pub(crate) config: BrokerConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Arc<dyn Tasks>,
    pub(crate) data: Data,
    pub(crate) hub: Arc<JobHub>,
    pub(crate) transport: Arc<dyn Transport>,
    /// Bytes of state that no checkpoint holds, per replica, that make the next one due.
    pub(crate) dirty_bytes: usize,
    /// Number of partitions of the cluster, as this node was told at its start.
    pub(crate) partitions: u32,
    pub(crate) random: Arc<dyn Random>,
    /// The others, unless this node is alone.
    pub(crate) cluster: Option<Weak<Cluster>>,
}

/// Starts the replicas of a node.
pub(crate) struct Replicas {
    pub(crate) parts: ReplicasParts,
    writer: mpsc::Sender<WriteJob>,
}

impl Replicas {
    /// Starts what writes checkpoints.
    pub(crate) fn new(parts: ReplicasParts) -> Result<(Self, Dedicated), BrokerError> {
        // There is room for one job of every partition, and a partition has at most one.
        let (writer, jobs) = mpsc::channel(PARTITIONS_MAX as usize);
        let journal = parts.data.journal.clone();
        let write: MakeBody = Box::new(move || Box::pin(write_checkpoints(jobs, journal)));
        let body = spawn(&*parts.tasks, "skep-checkpoint", write)?;
        Ok((Self { parts, writer }, body))
    }

    /// The number of partitions that the cluster began with: engines spread correlation keys over them,
    /// and know of more only by the log.
    fn message_partitions(&self) -> u32 {
        let cluster = self.parts.cluster.as_ref().and_then(Weak::upgrade);
        let config = cluster.and_then(|cluster| cluster.config());
        config.map_or(self.parts.partitions, |config| config.message_partitions)
    }

    /// Opens the store of a replica and starts it.
    pub(crate) fn start(
        &self,
        member: &Arc<Member>,
        beginning: Beginning,
    ) -> Result<Dedicated, BrokerError> {
        let store = self.parts.data.store(&self.parts.config, member.id)?;
        let seed = Seed {
            backup: self.part_settings(&store),
            config: self.parts.config.clone(),
            clock: self.parts.clock.clone(),
            member: member.clone(),
            hub: self.parts.hub.clone(),
            transport: self.parts.transport.clone(),
            beginning,
            peers: self.peers(member.id),
            cluster: self.parts.cluster.clone(),
            tasks: self.parts.tasks.clone(),
            random: self.parts.random.clone(),
            stream: self.parts.data.stream(member.id),
            store,
            journal: self.parts.data.journal.clone(),
            dir: self.parts.data.dir.clone(),
            writer: self.writer.clone(),
            dirty_bytes: self.parts.dirty_bytes,
            partitions: self.message_partitions(),
        };
        let name = format!("skep-part-{}", member.id);
        spawn(&*self.parts.tasks, &name, Box::new(move || Box::pin(run(seed))))
    }

    /// How a replica writes its parts of backups; not at all without a place for them.
    fn part_settings(&self, state: &Store) -> Option<PartSettings> {
        let state = state.clone();
        Some(PartSettings {
            store: store_of(&self.parts.config, &self.parts.data.disk)?,
            tasks: self.parts.tasks.clone(),
            clock: self.parts.clock.clone(),
            node_id: self.parts.config.node_id,
            view: Box::new(move || state.tables.view().map_err(|error| error.to_string())),
        })
    }

    /// The way to the other replicas of a partition.
    pub(crate) fn peers(&self, partition: PartitionId) -> Arc<dyn Peers> {
        match &self.parts.cluster {
            Some(cluster) => Arc::new(LinkPeers { cluster: cluster.clone(), partition }),
            None => Arc::new(NoPeers),
        }
    }
}

fn spawn(tasks: &dyn Tasks, name: &str, make: MakeBody) -> Result<Dedicated, BrokerError> {
    let spawned = tasks.dedicated(name, make);
    spawned.map_err(|error| BrokerError::internal(format!("cannot start {name}: {error}")))
}

/// Writes checkpoints, one at a time: more would only compete for the disk.
async fn write_checkpoints(mut jobs: mpsc::Receiver<WriteJob>, journal: Arc<Journal>) {
    while let Some(WriteJob { store, job }) = jobs.recv().await {
        let result = store.write(&job).map_err(|error| {
            if matches!(error, StateError::Full { .. }) {
                // The next attempt finds room; with it done the log can be purged.
                journal.release_ballast();
            }
            error.to_string()
        });
        job.inbox.control(Control::CheckpointDone(result));
    }
}

/// What a replica starts with.
struct Seed {
    config: BrokerConfig,
    clock: Arc<dyn Clock>,
    member: Arc<Member>,
    beginning: Beginning,
    peers: Arc<dyn Peers>,
    cluster: Option<Weak<Cluster>>,
    tasks: Arc<dyn Tasks>,
    random: Arc<dyn Random>,
    hub: Arc<JobHub>,
    transport: Arc<dyn Transport>,
    stream: StreamHandle,
    store: Store,
    journal: Arc<Journal>,
    /// Locked until the last replica has ended.
    dir: Arc<DataDir>,
    writer: mpsc::Sender<WriteJob>,
    dirty_bytes: usize,
    partitions: u32,
    backup: Option<PartSettings>,
}

/// However a replica ends, nobody waits for it any more.
struct Ending {
    status: Arc<Status>,
    inbox: Arc<Inbox>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let reason = "the partition's thread has ended; see the log, and restart this node";
        self.status.set_health(PartitionHealth::Dead { reason: reason.to_owned() });
        // Requests that wait are dropped with their replies, which tells their callers.
        drop(self.inbox.close());
    }
}

/// The life of a replica.
async fn run(seed: Seed) {
    let status = seed.member.status.clone();
    let _ending = Ending { status: status.clone(), inbox: seed.member.inbox.clone() };
    if let Err(reason) = run_partition(seed).await {
        status.set_health(PartitionHealth::Dead { reason });
    }
}

async fn run_partition(seed: Seed) -> Result<(), String> {
    seed.store.recover()?;
    let stored = seed.store.stored_meta()?;
    let (id, inbox) = (seed.member.id, seed.member.inbox.clone());
    let replication = RaftReplication::open(RaftSettings {
        node_id: u64::from(seed.config.node_id),
        name: format!("partition-{id}"),
        stream: seed.stream,
        checkpoint_meta: stored.as_ref().map(|meta| meta.replication.clone()),
        snapshots: Arc::new(seed.store.clone()),
        wake: inbox.wake.clone(),
        members: seed.beginning.members,
        joins: seed.beginning.joins,
        peers: seed.peers,
        tasks: seed.tasks,
        random: seed.random,
    })
    .await
    .map_err(|error| error.to_string())?;
    let replication = Arc::new(replication);
    let attached = Attached::new(&seed.member, seed.cluster, &replication);
    let watched = replication.clone();
    let watch = task::spawn(async move { watched.watch_for_failure().await });
    let partition = Partition::new(Parts {
        id,
        clock: seed.clock,
        inbox,
        limiter: seed.member.limiter.clone(),
        status: seed.member.status.clone(),
        hub: seed.hub,
        transport: seed.transport,
        replication,
        factory: engine_factory(id, seed.partitions, seed.store.clone()),
        checkpoints: checkpoint_settings(&seed.config, seed.dirty_bytes, seed.store, seed.writer),
        checkpoint: stored.map(|meta| meta.entry),
        backup: seed.backup,
        round_bytes_max: limits::ROUND_BYTES_MAX.min(seed.journal.entry_bytes_max() / 2),
        observer: seed.config.observer.clone(),
        space_low: Box::new(move || seed.journal.health() == JournalHealth::SpaceLow),
    })?;
    partition.run().await;
    drop(attached);
    watch.abort();
    drop(seed.dir);
    Ok(())
}

/// While this lives, messages of other nodes reach the replica.
struct Attached {
    member: Arc<Member>,
    cluster: Option<Arc<Cluster>>,
}

impl Attached {
    fn new(
        member: &Arc<Member>,
        cluster: Option<Weak<Cluster>>,
        replication: &Arc<RaftReplication>,
    ) -> Self {
        let cluster = cluster.and_then(|cluster| cluster.upgrade());
        member.set_raft(Some(replication.clone()));
        if let Some(cluster) = &cluster {
            cluster.add_replica(member.id, Arc::new(Receiver(replication.clone())));
        }
        Self { member: member.clone(), cluster }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.member.set_raft(None);
        if let Some(cluster) = &self.cluster {
            cluster.remove_replica(self.member.id);
        }
    }
}

/// Takes the messages of the other members.
pub(crate) struct Receiver(pub(crate) Arc<RaftReplication>);

impl ReplicaReceiver for Receiver {
    fn receive(&self, from: u64, message: Bytes) -> BoxFuture<'static, Result<Bytes, String>> {
        let reply = self.0.receive(from, message);
        Box::pin(async move { reply.await.map_err(|error| error.to_string()) })
    }

    fn peer_lost(&self, node: u64) {
        self.0.peer_lost(node);
    }

    fn peer_found(&self, node: u64) {
        self.0.peer_found(node);
    }
}

fn engine_factory(
    partition_id: PartitionId,
    partitions: u32,
    store: Store,
) -> EngineFactory<Engine> {
    Box::new(move || {
        let settings = Settings { partition_id, partitions };
        Engine::new(settings, Arc::new(store.clone())).map_err(|error| error.to_string())
    })
}

fn checkpoint_settings(
    config: &BrokerConfig,
    dirty_bytes: usize,
    store: Store,
    writer: mpsc::Sender<WriteJob>,
) -> CheckpointSettings {
    CheckpointSettings {
        log_bytes: config.checkpoint_log_bytes,
        dirty_bytes,
        interval_us: config.checkpoint_interval_ms.saturating_mul(1_000),
        replaced: {
            let store = store.clone();
            Box::new(move || store.replaced())
        },
        write: Box::new(move |job| {
            let inbox = job.inbox.clone();
            if writer.try_send(WriteJob { store: store.clone(), job }).is_err() {
                let ended = "what writes checkpoints has ended".to_owned();
                inbox.control(Control::CheckpointDone(Err(ended)));
            }
        }),
    }
}
