//! Backups of this node: the task that takes them, and how its partitions write their parts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use skep_env::Disk;
use skep_protocol::{Command, PartitionId};
use tokio::sync::oneshot;

use crate::backup::{
    BackupCall, BackupError, BackupStore, Backups, ClusterFacts, Driver, DriverSettings,
    FolderStore, Submit,
};
use crate::broker::control::request::{NodeRequest, decode, encode};
use crate::broker::{Broker, Inner};
use crate::cluster::CLUSTER_ID_DEFAULT;
use crate::config::{BrokerConfig, DataLocation, Environment};
use crate::error::BrokerError;
use crate::limits;
use crate::metadata::{Managed, Refusal, RefusalKind};

/// The task that takes backups; dropping this ends it.
pub(super) struct RunningBackups {
    handle: Backups,
    _alive: oneshot::Sender<()>,
}

/// Where backups go, if anywhere. What is kept in memory is not backed up.
pub(super) fn store_of(
    config: &BrokerConfig,
    disk: &Arc<dyn Disk>,
) -> Option<Arc<dyn BackupStore>> {
    let folder = config.backup_dir.clone()?;
    match config.data {
        DataLocation::Memory => None,
        DataLocation::Folder(_) => Some(Arc::new(FolderStore::new(disk.clone(), folder))),
    }
}

/// The way to the partitions that does not keep the node alive.
fn submit(node: Weak<Inner>) -> Submit {
    Box::new(move |partition: PartitionId, command: Command| {
        let node = node.clone();
        Box::pin(async move {
            let stopping = || BrokerError::unavailable("the broker is stopping");
            let broker = Broker(node.upgrade().ok_or_else(stopping)?);
            let wait = Duration::from_millis(limits::BACKUP_CREATE_WAIT_MS);
            broker.submit(partition, command, wait).await
        })
    })
}

impl Broker {
    /// The backups in the store of this node.
    ///
    /// # Errors
    /// When it has no store, or stops.
    pub fn backups(&self) -> Result<Backups, BackupError> {
        let backups = self.0.backups.lock();
        backups.as_ref().map(|it| it.handle.clone()).ok_or(BackupError::NotConfigured)
    }

    /// Starts the task that takes backups, if there is a store.
    pub(super) fn start_backups(
        &self,
        store: Option<Arc<dyn BackupStore>>,
        env: &Environment,
    ) -> Result<(), BrokerError> {
        let Some(store) = store else { return Ok(()) };
        let node = Arc::downgrade(&self.0);
        let facts = node.clone();
        let (backups, asks) = Backups::new();
        let settings = DriverSettings {
            store,
            clock: env.clock.clock(),
            node_id: self.0.shape.node_id.unwrap_or(0),
            incarnation: env.random.next_u64(),
            submit: submit(node),
            cluster: Box::new(move || facts.upgrade()?.facts()),
        };
        let driver = Driver::new(settings, asks);
        let (alive, stopped) = oneshot::channel();
        let body = Box::new(move || Box::pin(driver.run(stopped)) as _);
        let thread = env.tasks.dedicated("skep-backups", body).map_err(|error| {
            BrokerError::internal(format!("cannot start the task for backups: {error}"))
        })?;
        self.0.bodies.lock().push((None, thread));
        *self.0.backups.lock() = Some(RunningBackups { handle: backups, _alive: alive });
        Ok(())
    }
}

/// How long another node may take to answer: it may have to wait for partition 1.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

impl Inner {
    /// Answers a request about backups: here, or where there is a store.
    pub(super) async fn manage_backups(&self, call: BackupCall) -> Managed {
        let here = self.backups.lock().as_ref().map(|it| it.handle.clone());
        if let Some(backups) = here {
            return backups.manage(call).await;
        }
        let mut refusal = Refusal::from(BackupError::NotConfigured);
        let Some(cluster) = &self.cluster else { return Err(refusal) };
        let brokers = cluster.config().map(|config| config.brokers.clone()).unwrap_or_default();
        for node in brokers.into_keys().filter(|node| cluster.is_linked(*node)) {
            let request = encode(&NodeRequest::Backups(call)).map_err(Refusal::unavailable)?;
            // Whether it was done is not known when no answer comes: nobody else is asked then.
            let answer = cluster.manage(node, request, ANSWER_TIMEOUT).await;
            match decode::<Managed>(&answer.map_err(Refusal::unavailable)?) {
                Ok(Err(other)) if other.kind == RefusalKind::Unsupported => refusal = other,
                answer => return answer.map_err(Refusal::unavailable)?,
            }
        }
        Err(refusal)
    }

    /// Answers another node, which has no store.
    pub(super) async fn answer_backups(&self, call: BackupCall) -> Managed {
        let here = self.backups.lock().as_ref().map(|it| it.handle.clone());
        match here {
            Some(backups) => backups.manage(call).await,
            None => Err(BackupError::NotConfigured.into()),
        }
    }

    fn facts(&self) -> Option<ClusterFacts> {
        let Some(cluster) = &self.cluster else {
            return Some(ClusterFacts {
                cluster_id: CLUSTER_ID_DEFAULT.to_owned(),
                partition_count: self.shape.partitions,
                message_partitions: self.shape.partitions,
                replication_factor: 1,
            });
        };
        let config = cluster.config()?;
        Some(ClusterFacts {
            cluster_id: config.cluster_id.clone(),
            partition_count: config.partition_count,
            message_partitions: config.message_partitions,
            replication_factor: config.replication_factor,
        })
    }
}
