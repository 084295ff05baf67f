//! A simulated cluster: brokers and gateways, and everything that can be done to them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use skep_broker::{Broker, BrokerConfig, ClusterSettings, DataLocation, GatewayConfig, Observer};
use skep_gateway::{Backend, Gateway};
use tokio::sync::oneshot;

use crate::clock::SimClock;
use crate::disk::SimDisk;
use crate::life::{Crash, WhileAlive};
use crate::net::SimNetwork;
use crate::node::{Configure, Node, NodeConfig};
pub use crate::node_id::{GATEWAYS, NodeId, SHARE_NODE};
use crate::port::{Lost, RemoteBackend};
use crate::share::BACKUPS;
use crate::store::SimStores;
use crate::world::World;

/// The shape of a cluster, and how its nodes are configured.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Brokers at the start.
    pub brokers: u32,
    /// Gateways of their own.
    pub gateways: u32,
    /// Partitions.
    pub partitions: u32,
    /// Copies of each partition.
    pub replication_factor: u32,
    /// Size of a segment of the journal, in bytes: small ones are changed often.
    pub segment_bytes: u64,
    /// Log that makes a checkpoint due, in bytes: few make checkpoints frequent.
    pub checkpoint_log_bytes: u64,
    /// Longest time without a checkpoint.
    pub checkpoint_interval: Duration,
    /// Brokers have a place for backups.
    pub backups: bool,
    /// Lives that its nodes have behind them: those of a cluster that had their names before.
    pub lives: u32,
    /// Partitions that messages are spread over, when there are more than these.
    pub message_partitions: Option<u32>,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            brokers: 3,
            gateways: 2,
            partitions: 3,
            replication_factor: 3,
            segment_bytes: 256 * 1024,
            checkpoint_log_bytes: 64 * 1024,
            checkpoint_interval: Duration::from_secs(5),
            backups: false,
            lives: 0,
            message_partitions: None,
        }
    }
}

/// A cluster. Clones are the same cluster.
#[derive(Clone)]
pub struct SimCluster(Rc<Inner>);

struct Inner {
    world: World,
    config: ClusterConfig,
    nodes: RefCell<BTreeMap<NodeId, Rc<Node>>>,
    /// Where all brokers put backups.
    share: SimDisk,
    observers: Rc<RefCell<Option<MakeObserver>>>,
}

/// Makes the observer of a life of a node: node, number of the life from 1.
pub type MakeObserver = Box<dyn Fn(NodeId, u32) -> Arc<dyn Observer>>;

impl SimCluster {
    /// A cluster whose nodes are all down.
    #[must_use]
    pub fn new(world: &World, config: ClusterConfig) -> Self {
        let seeds = world.seeds().part("share");
        Self::with_share(world, config, SimDisk::new(SHARE_NODE.0, seeds, world.trace().clone()))
    }

    /// The same, with the share of another one.
    pub(crate) fn with_share(world: &World, config: ClusterConfig, share: SimDisk) -> Self {
        let (brokers, gateways) = (config.brokers, config.gateways);
        let inner = Inner {
            world: world.clone(),
            config,
            nodes: RefCell::default(),
            share,
            observers: Rc::default(),
        };
        let cluster = Self(Rc::new(inner));
        for number in 0..brokers {
            cluster.add(NodeId::broker(number));
        }
        for number in 0..gateways {
            cluster.add(NodeId::gateway(number));
        }
        cluster
    }

    /// Adds a node that is down.
    pub fn add(&self, id: NodeId) {
        let configure = self.configure(id);
        let share = self.0.config.backups.then(|| self.0.share.clone());
        let named = (id.0, name(id));
        let node = Node::new(&self.0.world, named, share, self.0.config.lives, configure);
        self.0.nodes.borrow_mut().insert(id, node);
    }

    /// The machine that all brokers see.
    pub(crate) fn share(&self) -> SimDisk {
        self.0.share.clone()
    }

    /// A machine beside the cluster that sees the share, on which nothing runs by itself.
    pub(crate) fn machine(&self, id: NodeId, lives: u32) -> Rc<Node> {
        let configure = self.configure(id);
        let named = (id.0, format!("machine-{}", id.0));
        Node::new(&self.0.world, named, Some(self.share()), lives, configure)
    }

    /// Nodes that start from now on are observed by what this makes.
    pub fn set_observers(&self, make: MakeObserver) {
        *self.0.observers.borrow_mut() = Some(make);
    }

    fn configure(&self, id: NodeId) -> Configure {
        if id.is_gateway() {
            let config = GatewayConfig {
                cluster_id: CLUSTER_ID.to_owned(),
                brokers: self.founders().into_values().collect(),
                client_address: format!("{}:{CLIENT_PORT}", name(id)),
            };
            return Box::new(move |_, _| NodeConfig::Gateway(config.clone()));
        }
        let (config, trace) = (self.0.config.clone(), self.0.world.trace().clone());
        let observers = self.0.observers.clone();
        let cluster = self.settings(id);
        Box::new(move |life, stores| {
            NodeConfig::Broker(Box::new(BrokerConfig {
                data: DataLocation::Folder("/data".into()),
                node_id: id.0,
                partitions: config.partitions,
                memory_bytes: 64 * 1024 * 1024,
                journal_segment_bytes: config.segment_bytes,
                checkpoint_log_bytes: config.checkpoint_log_bytes,
                checkpoint_interval_ms: u64::try_from(config.checkpoint_interval.as_millis())
                    .unwrap_or(u64::MAX),
                cluster: cluster.clone(),
                client_address: format!("{}:{CLIENT_PORT}", name(id)),
                state: Some(stores.open(life, &trace)),
                backup_dir: config.backups.then(|| BACKUPS.into()),
                observer: observers.borrow().as_ref().map(|make| {
                    let inner = make(id, life.number);
                    Arc::new(WhileAlive { life: life.clone(), inner }) as Arc<dyn Observer>
                }),
            }))
        })
    }

    /// The brokers that the cluster begins with, and where they are dialled.
    pub(crate) fn founders(&self) -> BTreeMap<u32, String> {
        let numbers = 0..self.0.config.brokers;
        numbers.map(|number| (number, address(NodeId::broker(number)))).collect()
    }

    /// What a broker is told of its cluster; one that is alone and has no gateways is told nothing.
    fn settings(&self, id: NodeId) -> Option<ClusterSettings> {
        let config = &self.0.config;
        if config.brokers == 1 && config.gateways == 0 {
            return None;
        }
        let peers = self.founders();
        Some(ClusterSettings {
            cluster_id: CLUSTER_ID.to_owned(),
            join: !peers.contains_key(&id.0),
            peers,
            replication_factor: config.replication_factor,
            bind: Some(address(id)),
            advertise: None,
        })
    }

    pub(crate) fn node(&self, id: NodeId) -> Rc<Node> {
        let node = self.0.nodes.borrow().get(&id).cloned();
        node.unwrap_or_else(|| panic!("the cluster has no {id:?}"))
    }

    /// The shape it was made with.
    #[must_use]
    pub fn config(&self) -> &ClusterConfig {
        &self.0.config
    }

    /// The world it is in.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// All nodes, up or down.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        self.0.nodes.borrow().keys().copied().collect()
    }

    /// The brokers, up or down.
    #[must_use]
    pub fn brokers(&self) -> Vec<NodeId> {
        self.nodes().into_iter().filter(|id| !id.is_gateway()).collect()
    }

    /// The gateways, up or down.
    #[must_use]
    pub fn gateways(&self) -> Vec<NodeId> {
        self.nodes().into_iter().filter(|id| id.is_gateway()).collect()
    }

    /// Whether a node runs, perhaps paused, perhaps not ready yet.
    #[must_use]
    pub fn is_up(&self, id: NodeId) -> bool {
        self.node(id).life().is_some()
    }

    /// Whether a node is paused.
    #[must_use]
    pub fn is_paused(&self, id: NodeId) -> bool {
        self.node(id).is_paused()
    }

    /// How often a node was started.
    #[must_use]
    pub fn lives(&self, id: NodeId) -> u32 {
        self.node(id).lives()
    }

    /// Starts a node without waiting; the receiver hears when it is ready, or why it cannot start.
    #[must_use]
    pub fn begin_start(&self, id: NodeId) -> oneshot::Receiver<Result<(), String>> {
        self.node(id).start()
    }

    /// Starts a node and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot start, ends meanwhile, or is not ready within [`START_MAX`].
    pub async fn start(&self, id: NodeId) -> Result<(), String> {
        ready(self.begin_start(id)).await
    }

    /// Starts all nodes that are down, at once, and waits until they are ready.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub async fn start_all(&self) -> Result<(), String> {
        let down = self.nodes().into_iter().filter(|id| !self.is_up(*id));
        let starting: Vec<_> = down.map(|id| (id, self.begin_start(id))).collect();
        for (id, started) in starting {
            let started = ready(started).await;
            started.map_err(|reason| format!("{id:?}: {reason}"))?;
        }
        Ok(())
    }

    /// Stops a node in an orderly way; false when it did not end within `timeout` and was killed.
    pub async fn stop(&self, id: NodeId, timeout: Duration) -> bool {
        let node = self.node(id);
        let stopped = match node.port.get() {
            Some(open) => {
                let stopping = node.port.call_inside(open, timeout, |open| async move {
                    open.gateway.stop();
                    open.broker.shutdown().await;
                });
                stopping.await.is_ok()
            }
            None => false,
        };
        node.end(if stopped { None } else { Some(Crash::Kill) });
        stopped
    }

    /// Ends a node now, at whatever await it is.
    pub fn crash(&self, id: NodeId, how: Crash) {
        self.node(id).end(Some(how));
    }

    /// Ends a node at its `nth` step from now: a disk operation, a frame sent, a commit of a state
    /// store, a turn of its tasks.
    pub fn crash_after_steps(&self, id: NodeId, nth: u64, how: Crash) {
        if let Some(life) = self.node(id).life() {
            life.crash_after(nth, how);
        }
    }

    /// Steps that a node has made since its start.
    #[must_use]
    pub fn steps(&self, id: NodeId) -> u64 {
        self.node(id).life().map_or(0, |life| life.steps())
    }

    /// Stops the process of a node without ending it (SIGSTOP).
    pub fn pause(&self, id: NodeId) {
        self.node(id).pause(true);
    }

    /// Lets a paused node go on.
    pub fn resume(&self, id: NodeId) {
        self.node(id).pause(false);
    }

    /// Crashes a node if it is up, and takes everything from its disk.
    pub fn wipe(&self, id: NodeId) {
        let node = self.node(id);
        node.end(Some(Crash::Kill));
        node.disk.wipe();
        node.stores.wipe();
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &SimNetwork {
        self.0.world.network()
    }

    /// The disk of a node, or the one that they share.
    #[must_use]
    pub fn disk(&self, id: NodeId) -> SimDisk {
        if id == SHARE_NODE {
            return self.0.share.clone();
        }
        self.node(id).disk.clone()
    }

    /// The state stores of a node.
    #[must_use]
    pub fn stores(&self, id: NodeId) -> SimStores {
        self.node(id).stores.clone()
    }

    /// The clock of a node.
    #[must_use]
    pub fn clock(&self, id: NodeId) -> Arc<SimClock> {
        self.node(id).clock.clone()
    }

    /// The broker in a node that is ready.
    #[must_use]
    pub fn broker(&self, id: NodeId) -> Option<Broker> {
        self.node(id).port.get().map(|open| open.broker)
    }

    /// The partitions that are in use, as far as any broker knows that is up; not fewer than at the
    /// start.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        let known = self.brokers().into_iter().filter_map(|id| Some(self.broker(id)?.partitions()));
        known.fold(self.0.config.partitions, u32::max)
    }

    /// A node as a client reaches it, whether it is up or not.
    #[must_use]
    pub fn backend(&self, id: NodeId) -> Arc<dyn Backend> {
        let port = self.node(id).port.clone();
        Arc::new(RemoteBackend { port, partitions: self.0.config.partitions })
    }

    /// Calls the gateway in a node, as a client does: `call` runs in the node.
    ///
    /// # Errors
    /// When the node is down, dies, or does not answer in time.
    pub async fn call<T, F>(
        &self,
        id: NodeId,
        timeout: Duration,
        call: impl FnOnce(Gateway) -> F + Send + 'static,
    ) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let port = self.node(id).port.clone();
        port.call(timeout, move |open| call(open.gateway)).await
    }

    /// All faults end: the network is whole, disks are fast and have room, clocks are right, paused
    /// nodes go on and nodes that are down start. Waits until all of them are ready.
    ///
    /// # Errors
    /// When a node cannot start.
    pub async fn heal_all(&self) -> Result<(), String> {
        self.network().heal_all();
        self.0.share.heal();
        for id in self.nodes() {
            self.disk(id).heal();
            self.clock(id).correct();
            if self.is_paused(id) {
                self.resume(id);
            }
        }
        self.start_all().await
    }

    /// Waits until something holds, looking every 10 ms; false when it does not within `timeout`.
    pub async fn wait_until(
        &self,
        timeout: Duration,
        mut holds: impl FnMut(&Self) -> bool,
    ) -> bool {
        let end = tokio::time::Instant::now() + timeout;
        loop {
            if holds(self) {
                return true;
            }
            if tokio::time::Instant::now() >= end {
                return false;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn ready(starting: oneshot::Receiver<Result<(), String>>) -> Result<(), String> {
    match tokio::time::timeout(START_MAX, starting).await {
        Ok(Ok(started)) => started,
        Ok(Err(_)) => Err("the node ended while it started".to_owned()),
        Err(_) => Err(format!("not ready after {START_MAX:?}")),
    }
}

/// How long a start may take when nothing is wrong; some seconds are usual in a cluster.
pub const START_MAX: Duration = Duration::from_secs(120);

/// How often [`SimCluster::wait_until`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Name of every simulated cluster.
pub(crate) const CLUSTER_ID: &str = "simulated";

/// Where brokers listen for other nodes.
const CLUSTER_PORT: u16 = 26_502;

/// Where clients would find a node.
const CLIENT_PORT: u16 = 26_500;

fn address(id: NodeId) -> String {
    format!("{}:{CLUSTER_PORT}", name(id))
}

/// What the addresses of a node begin with.
fn name(id: NodeId) -> String {
    if id.is_gateway() {
        format!("gateway-{}", id.0 - GATEWAYS)
    } else {
        format!("broker-{}", id.0)
    }
}

impl fmt::Debug for SimCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimCluster").field("config", &self.0.config).finish_non_exhaustive()
    }
}
