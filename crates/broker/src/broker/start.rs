//! Start of a node: data folder, journal, stores, one thread for each partition.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use skep_engine::{Engine, Settings};
use skep_env::task::{self, MakeBody};
use skep_env::{Clock, Disk, MemoryDisk, OpenMode};
use skep_protocol::PartitionId;
use skep_protocol::limits::PARTITIONS_MAX;
use skep_storage::journal::JournalHealth;
use skep_storage::state::LmdbOptions;
use skep_storage::{
    DataDir, Journal, JournalOptions, LmdbStore, MemoryStore, StateError, StateStore, StreamHandle,
};

use tokio::sync::mpsc;

use crate::broker::local::LocalTransport;
use crate::broker::{Inner, Member};
use crate::config::{BrokerConfig, DataLocation, Environment};
use crate::error::BrokerError;
use crate::jobs::JobHub;
use crate::limits;
use crate::partition::{
    CheckpointJob, CheckpointSettings, Control, EngineFactory, Inbox, Limiter, Partition, Parts,
    Status, Store,
};
use crate::replication::{RaftReplication, RaftSettings};
use crate::topology::PartitionHealth;
use crate::transport::Transport;

/// What is opened before any partition starts.
struct Opened {
    data: Arc<DataDir>,
    journal: Arc<Journal>,
    stores: Vec<Store>,
}

/// A checkpoint on its way to the thread that writes them.
struct WriteJob {
    store: Store,
    job: CheckpointJob,
}

pub(super) fn start(config: BrokerConfig, env: Environment) -> Result<Inner, BrokerError> {
    if config.partitions == 0 || config.partitions > PARTITIONS_MAX {
        return Err(BrokerError::internal(format!(
            "{} partitions cannot be; choose 1 to {PARTITIONS_MAX}",
            config.partitions
        )));
    }
    let opened = open(&config, &env)?;
    let clock = env.clock.clock();
    let members: Vec<_> = (1..=config.partitions).map(member).collect();
    let inboxes: Vec<_> = members.iter().map(|member| member.inbox.clone()).collect();
    wake_on_clock_change(&clock, &inboxes);
    let transport: Arc<dyn Transport> = Arc::new(LocalTransport(inboxes.clone()));
    let hub = JobHub::new(Box::new(move |job_type| {
        for inbox in &inboxes {
            inbox.control(Control::StreamRoom(job_type.to_owned()));
        }
    }));
    let (writer, jobs) = mpsc::channel(members.len());
    let journal = opened.journal.clone();
    let spawn = |name: &str, make: MakeBody| {
        let spawned = env.tasks.dedicated(name, make);
        spawned.map_err(|error| BrokerError::internal(format!("cannot start {name}: {error}")))
    };
    let write: MakeBody = Box::new(move || Box::pin(write_checkpoints(jobs, journal)));
    let mut threads = vec![spawn("skep-checkpoint", write)?];
    for (index, member) in members.iter().enumerate() {
        let seed = Seed {
            id: member.status.read().id,
            config: config.clone(),
            clock: clock.clone(),
            inbox: member.inbox.clone(),
            limiter: member.limiter.clone(),
            status: member.status.clone(),
            hub: hub.clone(),
            transport: transport.clone(),
            stream: opened.journal.stream(member.status.read().id),
            store: opened.stores[index].clone(),
            journal: opened.journal.clone(),
            data: opened.data.clone(),
            writer: writer.clone(),
        };
        let name = format!("skep-part-{}", seed.id);
        threads.push(spawn(&name, Box::new(move || Box::pin(run(seed))))?);
    }
    drop(writer);
    let inner = Inner {
        config,
        clock: env.clock,
        members,
        hub,
        transport,
        journal: parking_lot::Mutex::new(Some(opened.journal)),
        accepting: AtomicBool::new(true),
        threads: parking_lot::Mutex::new(threads),
    };
    Ok(inner)
}

fn member(id: PartitionId) -> Member {
    Member {
        inbox: Inbox::new(),
        limiter: Arc::new(Limiter::new()),
        status: Arc::new(Status::new(id)),
    }
}

fn wake_on_clock_change(clock: &Arc<dyn Clock>, inboxes: &[Arc<Inbox>]) {
    let wakes: Vec<_> = inboxes.iter().map(|inbox| inbox.wake.clone()).collect();
    clock.on_change(Box::new(move || {
        for wake in &wakes {
            wake.notify_one();
        }
    }));
}

/// What others are told who want the same folder.
fn holder() -> String {
    format!("process {}", std::process::id())
}

fn open(config: &BrokerConfig, env: &Environment) -> Result<Opened, BrokerError> {
    let failed = |error: &dyn std::fmt::Display| BrokerError::internal(error.to_string());
    let mut options = JournalOptions {
        segment_bytes: u32::try_from(config.journal_segment_bytes).unwrap_or(u32::MAX),
        clock: env.clock.clock(),
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
    let data = DataDir::open(&*disk, &folder, &holder()).map_err(|error| failed(&error))?;
    let clock = env.clock.clock();
    let started_us = clock.monotonic_us();
    let (journal, report) =
        Journal::open(disk.clone(), &data.journal(), options).map_err(|error| failed(&error))?;
    let journal_us = clock.monotonic_us() - started_us;
    if let Some(torn) = report.torn_tail {
        tracing::warn!(?torn, "the last write was interrupted; nothing that was durable is lost");
    }
    keep_partitions(&*disk, &folder, config.partitions)?;
    let mut stores = Vec::new();
    for partition in 1..=config.partitions {
        let tables: Arc<dyn StateStore> = match (&config.data, &config.state) {
            (DataLocation::Folder(_), None) => {
                let folder = data.state(partition);
                let options = LmdbOptions::default();
                Arc::new(LmdbStore::open(&folder, &options).map_err(|error| failed(&error))?)
            }
            (_, Some(open_state)) => open_state.0(partition),
            (DataLocation::Memory, None) => Arc::new(MemoryStore::new()),
        };
        let snapshots = data.snapshots(partition);
        stores.push(Store { tables, disk: disk.clone(), snapshots });
    }
    let stores_us = clock.monotonic_us() - started_us - journal_us;
    tracing::info!(folder = %folder.display(), journal_us, stores_us, "opened the data folder");
    Ok(Opened { data: Arc::new(data), journal: Arc::new(journal), stores })
}

/// Name of the file that says how many partitions a data folder has.
const PARTITIONS_NAME: &str = "partitions";

/// Keys and correlation keys name partitions: their number is fixed with the first start.
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
            let unfinished = folder.join("partitions.part");
            let file = disk.open(&unfinished, OpenMode::Create).map_err(failed)?;
            file.write_at(0, &bytes).map_err(failed)?;
            file.sync_data().map_err(failed)?;
            disk.rename(&unfinished, &path).map_err(failed)?;
            disk.sync_dir(folder).map_err(failed)?;
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

/// What a partition's thread starts with.
struct Seed {
    id: PartitionId,
    config: BrokerConfig,
    clock: Arc<dyn Clock>,
    inbox: Arc<Inbox>,
    limiter: Arc<Limiter>,
    status: Arc<Status>,
    hub: Arc<JobHub>,
    transport: Arc<dyn Transport>,
    stream: StreamHandle,
    store: Store,
    journal: Arc<Journal>,
    /// Locked until the last partition has ended.
    data: Arc<DataDir>,
    writer: mpsc::Sender<WriteJob>,
}

/// However a partition's thread ends, nobody waits for it any more.
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

/// The life of a partition's thread.
async fn run(seed: Seed) {
    let status = seed.status.clone();
    let _ending = Ending { status: status.clone(), inbox: seed.inbox.clone() };
    if let Err(reason) = run_partition(seed).await {
        status.set_health(PartitionHealth::Dead { reason });
    }
}

async fn run_partition(seed: Seed) -> Result<(), String> {
    let stored = seed.store.stored_meta()?;
    let replication = RaftReplication::open(RaftSettings {
        node_id: u64::from(seed.config.node_id),
        name: format!("partition-{}", seed.id),
        stream: seed.stream,
        checkpoint_meta: stored.as_ref().map(|meta| meta.replication.clone()),
        snapshots: Arc::new(seed.store.clone()),
        wake: seed.inbox.wake.clone(),
    })
    .await
    .map_err(|error| error.to_string())?;
    let replication = Arc::new(replication);
    let watched = replication.clone();
    let watch = task::spawn(async move { watched.watch_for_failure().await });
    let partition = Partition::new(Parts {
        id: seed.id,
        clock: seed.clock,
        inbox: seed.inbox,
        limiter: seed.limiter,
        status: seed.status,
        hub: seed.hub,
        transport: seed.transport,
        replication,
        factory: engine_factory(seed.id, seed.config.partitions, seed.store.clone()),
        checkpoints: checkpoint_settings(&seed.config, seed.store, seed.writer),
        checkpoint: stored.map(|meta| meta.entry),
        round_bytes_max: limits::ROUND_BYTES_MAX.min(seed.journal.entry_bytes_max() / 2),
        observer: seed.config.observer.clone(),
        space_low: Box::new(move || seed.journal.health() == JournalHealth::SpaceLow),
    })?;
    partition.run().await;
    watch.abort();
    drop(seed.data);
    Ok(())
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
    store: Store,
    writer: mpsc::Sender<WriteJob>,
) -> CheckpointSettings {
    CheckpointSettings {
        log_bytes: config.checkpoint_log_bytes,
        dirty_bytes: config.memory_bytes / config.partitions as usize,
        interval_us: config.checkpoint_interval_ms.saturating_mul(1_000),
        write: Box::new(move |job| {
            let inbox = job.inbox.clone();
            // There is room for one job of every partition, and a partition has at most one.
            if writer.try_send(WriteJob { store: store.clone(), job }).is_err() {
                let ended = "the thread that writes checkpoints has ended".to_owned();
                inbox.control(Control::CheckpointDone(Err(ended)));
            }
        }),
    }
}
