//! What a node is told when it starts.

use std::path::PathBuf;
use std::sync::Arc;

use skep_env::fault::FaultPoints;
use skep_env::{
    Clock, ControlledClock, Disk, Network, OsDisk, OsRandom, OsTasks, Random, SystemClock, Tasks,
    TcpNetwork,
};
use skep_storage::StateStore;

use crate::cluster::{ClusterSettings, check_address};
use crate::limits;
use crate::observer::Observed;

/// Where state and log are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataLocation {
    /// Nowhere: everything is gone when the process ends. For tests and trying things out.
    Memory,
    /// In this folder; it is made if needed, and belongs to one process at a time.
    Folder(PathBuf),
}

/// Opens the state store of a partition in place of the usual one.
#[derive(Clone)]
pub struct OpenState(pub Arc<dyn Fn(u32) -> Arc<dyn StateStore> + Send + Sync>);

impl std::fmt::Debug for OpenState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenState")
    }
}

/// Options of a node. The defaults are right for most.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// Where state and log are kept.
    pub data: DataLocation,
    /// Number of this node, from 0.
    pub node_id: u32,
    /// Number of partitions, from 1; fixed when the data folder is made.
    pub partitions: u32,
    /// Memory that the state of all partitions may take, in bytes. Beyond its share a partition
    /// writes a checkpoint at once, so that cold state can leave memory.
    pub memory_bytes: usize,
    /// Size of a segment of the journal, in bytes; it is preallocated.
    pub journal_segment_bytes: u64,
    /// Log written since the last checkpoint that makes the next one due, in bytes per partition:
    /// it bounds how long a restart takes.
    pub checkpoint_log_bytes: u64,
    /// Longest time without a checkpoint while anything is new, in milliseconds.
    pub checkpoint_interval_ms: u64,
    /// The cluster that this node belongs to; without it the node is alone.
    pub cluster: Option<ClusterSettings>,
    /// Where clients reach this node, `host:port`: what topologies show.
    pub client_address: String,
    /// Folder that backups are written to, on a share that every broker of the cluster sees.
    pub backup_dir: Option<PathBuf>,
    /// For tests and simulation: stores that live in memory and outlive a simulated crash. Without
    /// it a data folder has LMDB stores.
    pub state: Option<OpenState>,
    /// Sees what is committed on this node.
    pub observer: Observed,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            data: DataLocation::Memory,
            node_id: 0,
            partitions: 1,
            memory_bytes: 1024 * 1024 * 1024,
            journal_segment_bytes: 64 * 1024 * 1024,
            checkpoint_log_bytes: limits::CHECKPOINT_LOG_BYTES,
            checkpoint_interval_ms: limits::CHECKPOINT_INTERVAL_MS,
            cluster: None,
            client_address: String::new(),
            backup_dir: None,
            state: None,
            observer: None,
        }
    }
}

impl BrokerConfig {
    /// The defaults, with the data in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { data: DataLocation::Folder(folder.into()), ..Self::default() }
    }
}

/// Options of a standalone gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Name of the cluster.
    pub cluster_id: String,
    /// Some of its brokers (`host:port`); the others are learned.
    pub brokers: Vec<String>,
    /// Where clients reach this node, `host:port`.
    pub client_address: String,
}

impl GatewayConfig {
    /// Whether what was said makes sense.
    ///
    /// # Errors
    /// With what to do.
    pub fn check(&self) -> Result<(), String> {
        if self.brokers.is_empty() {
            return Err(
                "a gateway needs a broker to begin with; name one with --brokers".to_owned()
            );
        }
        for address in &self.brokers {
            check_address(address).map_err(|error| format!("--brokers {address}: {error}"))?;
        }
        if self.cluster_id.trim().is_empty() {
            return Err("a cluster needs a name; give one with --cluster-id".to_owned());
        }
        Ok(())
    }
}

/// The clock that a node runs by.
#[derive(Clone, Debug)]
pub enum NodeClock {
    /// A clock that nobody moves.
    Free(Arc<dyn Clock>),
    /// A clock that tests move: `serve --virtual-time`.
    Controlled(Arc<ControlledClock>),
}

impl NodeClock {
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Free(clock) => clock.clone(),
            Self::Controlled(clock) => clock.clone(),
        }
    }
}

/// The machine that a node runs on.
#[derive(Clone)]
pub struct Environment {
    /// The clock.
    pub clock: NodeClock,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The network between nodes.
    pub network: Arc<dyn Network>,
    /// Where work runs.
    pub tasks: Arc<dyn Tasks>,
    /// Random numbers.
    pub random: Arc<dyn Random>,
    /// Fault points, when the node was started for chaos.
    pub faults: Option<Arc<FaultPoints>>,
}

impl Environment {
    /// The machine itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            clock: NodeClock::Free(Arc::new(SystemClock)),
            disk: Arc::new(OsDisk),
            network: Arc::new(TcpNetwork),
            tasks: Arc::new(OsTasks),
            random: Arc::new(OsRandom),
            faults: None,
        }
    }

    /// The machine itself, with a clock that can be moved.
    #[must_use]
    pub fn virtual_time() -> Self {
        Self {
            clock: NodeClock::Controlled(Arc::new(ControlledClock::default())),
            ..Self::system()
        }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").field("clock", &self.clock).finish_non_exhaustive()
    }
}
