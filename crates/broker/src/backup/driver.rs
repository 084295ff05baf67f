//! The task of a node that takes backups and answers questions about them.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use skep_engine::Response;
use skep_env::Clock;
use skep_protocol::{
    CheckpointIntent, CheckpointRecord, Command, NO_KEY, PartitionId, Payload, ScaleIntent,
    ScaleRecord,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::backup::handle::Ask;
use crate::backup::manifest::MANIFEST;
use crate::backup::request::BackupRequest;
use crate::backup::running::{Progress, Running};
use crate::backup::status::{Asker, status_of};
use crate::backup::{BackupError, BackupId, BackupState, BackupStatus, BackupStore};
use crate::error::BrokerError;
use crate::limits;

/// Hands a command to the leader of a partition.
pub(crate) type Submit = Box<
    dyn Fn(PartitionId, Command) -> BoxFuture<'static, Result<Response, BrokerError>> + Send + Sync,
>;

/// What a manifest says of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterFacts {
    pub(crate) cluster_id: String,
    pub(crate) partition_count: u32,
    pub(crate) message_partitions: u32,
    pub(crate) replication_factor: u32,
}

/// What a driver is made of.
pub(crate) struct DriverSettings {
    pub(crate) store: Arc<dyn BackupStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node_id: u32,
    /// This life of the node.
    pub(crate) incarnation: u64,
    pub(crate) submit: Submit,
    pub(crate) cluster: Box<dyn Fn() -> Option<ClusterFacts> + Send + Sync>,
}

/// Takes one backup at a time.
pub(crate) struct Driver {
    settings: DriverSettings,
    asks: mpsc::Receiver<Ask>,
    running: Option<Running>,
    /// One that failed, when the store did not take the reason.
    untold: Option<(BackupId, BackupRequest)>,
}

/// CHECKPOINT CREATE.
pub(crate) fn create_command(id: BackupId) -> Command {
    let value = CheckpointRecord { checkpoint_id: id, ..CheckpointRecord::default() };
    Command::new(NO_KEY, Payload::Checkpoint(CheckpointIntent::Create, value))
}

/// Whether partition 1 made this checkpoint now.
fn created(payload: &Payload, id: BackupId) -> Result<(), BackupError> {
    match payload {
        Payload::Checkpoint(CheckpointIntent::Ignored, value) => Err(BackupError::Conflict {
            reason: format!(
                "the number of a backup must be higher than that of the last checkpoint, {}, but \
                 it is {id}",
                value.checkpoint_id
            ),
        }),
        _ => Ok(()),
    }
}

impl Driver {
    pub(crate) fn new(settings: DriverSettings, asks: mpsc::Receiver<Ask>) -> Self {
        Self { settings, asks, running: None, untold: None }
    }

    /// Works until the node stops: until the other end of `alive` is dropped.
    pub(crate) async fn run(mut self, mut alive: oneshot::Receiver<()>) {
        let mut looks = tokio::time::interval(Duration::from_millis(limits::BACKUP_POLL_MS));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ask = match self.running.as_mut() {
                None => tokio::select! {
                    biased;
                    _ = &mut alive => return,
                    ask = self.asks.recv() => ask,
                },
                Some(running) => tokio::select! {
                    biased;
                    _ = &mut alive => return,
                    // Before questions: however many there are, they do not hold the backup up.
                    _ = looks.tick() => {
                        self.advance();
                        continue;
                    }
                    () = running.heard() => continue,
                    ask = self.asks.recv() => ask,
                },
            };
            match ask {
                Some(ask) => self.answer(ask).await,
                None => return,
            }
        }
    }

    fn advance(&mut self) {
        let Some(running) = self.running.as_mut() else { return };
        let id = running.id();
        match running.advance(&self.settings) {
            Progress::Going => return,
            Progress::Completed => tracing::info!(backup = id, "the backup is complete"),
            Progress::Failed(reason) => {
                tracing::error!(backup = id, %reason, "the backup failed");
                self.untold = Some((id, running.failed(reason)));
                self.tell();
            }
        }
        self.running = None;
    }

    /// Writes down why a backup failed; tried again whenever somebody asks. Until then it is
    /// INCOMPLETE, which is as true.
    fn tell(&mut self) {
        let store = &*self.settings.store;
        self.untold = self.untold.take().filter(|(id, request)| {
            let is_deleted = store.list().is_ok_and(|ids| !ids.contains(id));
            !is_deleted && request.write(store, *id).is_err()
        });
    }

    async fn answer(&mut self, ask: Ask) {
        self.tell();
        // Whoever does not wait for the answer any more does not need it.
        match ask {
            Ask::Take(id, reply) => drop(reply.send(self.take(id).await)),
            Ask::List(reply) => drop(reply.send(self.list())),
            Ask::Get(id, reply) => drop(reply.send(self.get(id))),
            Ask::Delete(id, reply) => drop(reply.send(self.delete(id))),
        }
    }

    async fn take(&mut self, id: BackupId) -> Result<(), BackupError> {
        self.check(id)?;
        let created_at_ms = self.settings.clock.now_ms();
        let unknown = "this node does not know its cluster yet; try again in a moment";
        let cluster = (self.settings.cluster)()
            .ok_or_else(|| BackupError::Unavailable { reason: unknown.to_owned() })?;
        self.check_partitions(&cluster).await?;
        // The first partition decides between nodes that are asked at the same time.
        match (self.settings.submit)(1, create_command(id)).await {
            Ok(Response::Accepted { payload, .. }) => created(&payload, id)?,
            Ok(other) => {
                return Err(BackupError::Unavailable {
                    reason: format!("partition 1 gave an answer of another kind: {other:?}"),
                });
            }
            Err(error) => {
                let reason = format!(
                    "partition 1 did not make the checkpoint: {error}; use a higher number when \
                     you try again"
                );
                return Err(BackupError::Unavailable { reason });
            }
        }
        let mut request = BackupRequest {
            node_id: self.settings.node_id,
            incarnation: self.settings.incarnation,
            skep_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at_ms,
            alive_until_ms: created_at_ms.saturating_add(limits::BACKUP_DRIVER_LEASE_MS),
            partition_count: cluster.partition_count,
            failure_reason: None,
        };
        let store = &*self.settings.store;
        // Again, behind the cut: what was true before it may not have been true at it.
        let still = self.check_partitions(&cluster).await;
        request.failure_reason = still.as_ref().err().map(ToString::to_string);
        request.write(store, id).map_err(|error| BackupError::store(&error))?;
        still?;
        tracing::info!(backup = id, partitions = cluster.partition_count, "taking a backup");
        self.running = Some(Running::new(id, request, cluster, &self.settings));
        Ok(())
    }

    /// Whether the partitions that this node knows of are all. Partition 1 is the first that knows of
    /// more, and distributes to them before they are in use: a cut then would have its side of that,
    /// and nothing of theirs.
    async fn check_partitions(&self, cluster: &ClusterFacts) -> Result<(), BackupError> {
        let status = Payload::Scale(ScaleIntent::Status, ScaleRecord::default());
        let unavailable = |reason: String| Err(BackupError::Unavailable { reason });
        let payload = match (self.settings.submit)(1, Command::new(NO_KEY, status)).await {
            Ok(Response::Accepted { payload, .. }) => *payload,
            Ok(other) => {
                let reason = format!("partition 1 gave an answer of another kind: {other:?}");
                return unavailable(reason);
            }
            Err(error) => {
                let reason =
                    format!("partition 1 does not say how many partitions there are: {error}");
                return unavailable(reason);
            }
        };
        match payload {
            Payload::Scale(_, record)
                if record.desired_partition_count == cluster.partition_count =>
            {
                Ok(())
            }
            Payload::Scale(_, record) => Err(BackupError::Conflict {
                reason: format!(
                    "the cluster is on its way from {} to {} partitions; take the backup when all \
                     are in use (`skep cluster status`)",
                    cluster.partition_count, record.desired_partition_count
                ),
            }),
            other => unavailable(format!("partition 1 gave an answer of another kind: {other:?}")),
        }
    }

    /// Whether a backup of this number can be begun, as far as this node knows.
    fn check(&self, id: BackupId) -> Result<(), BackupError> {
        let conflict = |reason: String| Err(BackupError::Conflict { reason });
        if let Some(running) = &self.running {
            return conflict(format!("backup {} is being taken; wait for its end", running.id()));
        }
        let ids = self.settings.store.list().map_err(|error| BackupError::store(&error))?;
        match ids.last() {
            Some(last) if *last >= id => conflict(format!(
                "the number of a backup must be higher than that of the last one, {last}, but it \
                 is {id}"
            )),
            _ => Ok(()),
        }
    }

    fn asker(&self) -> Asker {
        Asker {
            node_id: self.settings.node_id,
            incarnation: self.settings.incarnation,
            running: self.running.as_ref().map(Running::id),
            now_ms: self.settings.clock.now_ms(),
        }
    }

    fn list(&self) -> Result<Vec<BackupStatus>, BackupError> {
        let ids = self.settings.store.list().map_err(|error| BackupError::store(&error))?;
        ids.into_iter().map(|id| self.status(id)).collect()
    }

    fn get(&self, id: BackupId) -> Result<BackupStatus, BackupError> {
        let ids = self.settings.store.list().map_err(|error| BackupError::store(&error))?;
        if ids.contains(&id) { self.status(id) } else { Err(BackupError::NotFound { id }) }
    }

    fn status(&self, id: BackupId) -> Result<BackupStatus, BackupError> {
        status_of(&*self.settings.store, id, self.asker())
            .map_err(|error| BackupError::store(&error))
    }

    fn delete(&self, id: BackupId) -> Result<(), BackupError> {
        if self.get(id)?.state == BackupState::InProgress {
            let reason = format!("backup {id} is being taken; wait for its end");
            return Err(BackupError::Conflict { reason });
        }
        let deleted = self.settings.store.delete(id, MANIFEST);
        deleted.map_err(|error| BackupError::store(&error))?;
        tracing::info!(backup = id, "deleted a backup");
        Ok(())
    }
}
