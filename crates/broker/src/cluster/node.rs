//! This node in its cluster: its links, what it knows of the others, and its own part.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::{Mutex, RwLock};
use skep_env::Network;
use skep_env::fault::FaultPoints;
use skep_env::task;
use skep_env::watch;
use skep_protocol::PartitionId;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::broker::Members;
use crate::cluster::frame::{
    Frame, FrameKind, Hello, NodeName, NodeStatus, PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, Purpose,
    ReplicaState,
};
use crate::cluster::link::{Link, Reply, Unsent, name_of};
use crate::cluster::view::View;
use crate::cluster::{ReplicaReceiver, metrics as names};
use crate::jobs::JobHub;
use crate::metadata::{ClusterConfig, KnownConfig};

/// What a node of a cluster is made of.
pub(crate) struct ClusterParts {
    pub(crate) name: NodeName,
    pub(crate) cluster_id: String,
    pub(crate) incarnation: u64,
    /// Where brokers dial this node; empty for gateways.
    pub(crate) address: String,
    pub(crate) client_address: String,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) known: KnownConfig,
    pub(crate) members: Arc<Members>,
    pub(crate) hub: Arc<JobHub>,
    /// Present when this node was started for chaos.
    pub(crate) faults: Option<Arc<FaultPoints>>,
}

/// Answers questions of operators that other nodes pass on.
pub(crate) type ManageHandler =
    Box<dyn Fn(Bytes) -> BoxFuture<'static, Result<Bytes, String>> + Send + Sync>;

/// Says what this node does for the metadata group, when it does anything.
pub(crate) type MetadataTold = Box<dyn Fn() -> Option<ReplicaState> + Send + Sync>;

/// The links and the knowledge of one node.
pub(crate) struct Cluster {
    pub(crate) parts: ClusterParts,
    pub(crate) view: View,
    links: RwLock<BTreeMap<NodeName, Arc<Link>>>,
    /// Replicas that take messages of the replication.
    replicas: RwLock<BTreeMap<PartitionId, Arc<dyn ReplicaReceiver>>>,
    pub(super) manage: OnceLock<ManageHandler>,
    metadata: OnceLock<MetadataTold>,
    /// Addresses that nodes have told about themselves.
    told: Mutex<BTreeMap<u32, String>>,
    /// Wakes who dials a broker: it has introduced itself.
    wakes: Mutex<BTreeMap<u32, Arc<Notify>>>,
    sequence: AtomicU64,
    /// Whether a link was ever up: until then a refusal is for the operator.
    was_linked: AtomicBool,
    failed: watch::Sender<Option<String>>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Cluster {
    pub(crate) fn new(parts: ClusterParts) -> Arc<Self> {
        let cluster = Arc::new(Self {
            view: View::new(),
            links: RwLock::default(),
            replicas: RwLock::default(),
            manage: OnceLock::new(),
            metadata: OnceLock::new(),
            told: Mutex::default(),
            wakes: Mutex::default(),
            sequence: AtomicU64::new(0),
            was_linked: AtomicBool::new(false),
            failed: watch::Sender::new(None),
            tasks: Mutex::default(),
            parts,
        });
        cluster.view.up(&cluster.hello(Purpose::Link));
        cluster
    }

    /// What this node says first.
    pub(crate) fn hello(&self, purpose: Purpose) -> Hello {
        let config = self.config();
        let (version, partition_count, replication_factor, members) =
            config.map_or((0, 0, 0, 0), |config| {
                let members = members_mark(&config);
                (config.version, config.partition_count, config.replication_factor, members)
            });
        Hello {
            protocol: PROTOCOL_VERSION,
            protocol_min: PROTOCOL_VERSION_MIN,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster_id: self.parts.cluster_id.clone(),
            name: self.parts.name,
            incarnation: self.parts.incarnation,
            purpose,
            address: self.parts.address.clone(),
            client_address: self.parts.client_address.clone(),
            config_version: version,
            partition_count,
            replication_factor,
            members,
        }
    }

    /// The newest configuration of the cluster that this node knows.
    pub(crate) fn config(&self) -> Option<Arc<ClusterConfig>> {
        self.parts.known.current()
    }

    /// Starts a task that ends with this node.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let handle = task::spawn(future).abort_handle();
        let mut tasks = self.tasks.lock();
        tasks.retain(|task| !task.is_finished());
        tasks.push(handle);
    }

    /// Ends all links and tasks.
    pub(crate) fn stop(&self) {
        for task in self.tasks.lock().iter() {
            task.abort();
        }
        let links = std::mem::take(&mut *self.links.write());
        for link in links.values() {
            link.give_up("this node is stopping");
        }
    }

    /// Waits until what was stopped has ended: its port is free then.
    pub(crate) async fn ended(&self) {
        while !self.tasks.lock().iter().all(AbortHandle::is_finished) {
            tokio::task::yield_now().await;
        }
    }

    /// This node cannot go on: an operator has to act.
    pub(crate) fn fail(&self, reason: &str) {
        if !self.was_linked.load(Ordering::Acquire) {
            self.failed.send_replace(Some(reason.to_owned()));
        }
    }

    /// Resolves with the reason when this node cannot go on.
    pub(crate) fn failure(&self) -> impl Future<Output = String> + Send + use<> {
        let mut failed = self.failed.subscribe();
        async move {
            let reason = failed.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
            match reason {
                Some(reason) => reason,
                None => std::future::pending().await,
            }
        }
    }

    /// The link to a node.
    pub(crate) fn link(&self, name: NodeName) -> Option<Arc<Link>> {
        self.links.read().get(&name).filter(|link| !link.is_broken()).cloned()
    }

    /// Whether a fault lets nothing pass between this node and another.
    pub(super) fn is_cut(&self, node: NodeName) -> bool {
        let faults = self.parts.faults.as_ref();
        faults.is_some_and(|faults| faults.has_messages() && faults.is_cut(&name_of(node)))
    }

    /// Whether a broker is connected.
    pub(crate) fn is_linked(&self, node: u32) -> bool {
        self.link(NodeName::Broker(node)).is_some()
    }

    /// All links.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.links.read().values().filter(|link| !link.is_broken()).cloned().collect()
    }

    /// Adds a link; one to an earlier or the same life of that node is given up.
    pub(crate) fn add_link(&self, link: &Arc<Link>) {
        let mut links = self.links.write();
        let before = links.insert(link.name(), link.clone());
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        metrics::gauge!(names::LINKS).set(links.len() as f64);
        drop(links);
        if let Some(before) = before {
            before.give_up("it was replaced by a new connection");
        }
        self.was_linked.store(true, Ordering::Release);
    }

    /// Forgets a link that has broken; false when another took its place.
    pub(crate) fn remove_link(&self, link: &Arc<Link>) -> bool {
        let mut links = self.links.write();
        let is_current = links.get(&link.name()).is_some_and(|it| Arc::ptr_eq(it, link));
        if is_current {
            links.remove(&link.name());
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            metrics::gauge!(names::LINKS).set(links.len() as f64);
        }
        is_current
    }

    /// Sends a frame to every linked node.
    pub(crate) fn send_to_all(&self, frame: &Frame) {
        for link in self.links() {
            let _ = link.send(frame);
        }
    }

    /// A replica takes messages of its partition from now on.
    pub(crate) fn add_replica(&self, partition: PartitionId, replica: Arc<dyn ReplicaReceiver>) {
        self.replicas.write().insert(partition, replica);
    }

    /// A replica takes no messages any more.
    pub(crate) fn remove_replica(&self, partition: PartitionId) {
        self.replicas.write().remove(&partition);
    }

    pub(super) fn replica(&self, partition: PartitionId) -> Option<Arc<dyn ReplicaReceiver>> {
        self.replicas.read().get(&partition).cloned()
    }

    pub(super) fn replicas(&self) -> Vec<Arc<dyn ReplicaReceiver>> {
        self.replicas.read().values().cloned().collect()
    }

    /// Where a broker is dialled: what it told last, else what the configuration says.
    pub(crate) fn address_of(&self, id: u32) -> Option<String> {
        if let Some(told) = self.told.lock().get(&id) {
            return Some(told.clone());
        }
        self.config()?.brokers.get(&id).map(|broker| broker.address.clone())
    }

    /// A broker has told where it is dialled: who dials it need not wait any longer.
    pub(super) fn introduced(&self, hello: &Hello) {
        let Some(id) = hello.name.broker() else { return };
        self.told.lock().insert(id, hello.address.clone());
        self.wake(id).notify_one();
    }

    /// Forgets what a broker told about its address: it was not there.
    pub(super) fn forget_told(&self, id: u32) {
        self.told.lock().remove(&id);
    }

    pub(super) fn wake(&self, id: u32) -> Arc<Notify> {
        self.wakes.lock().entry(id).or_default().clone()
    }

    /// Who answers questions of other nodes.
    pub(crate) fn on_manage(&self, handler: ManageHandler) {
        let _ = self.manage.set(handler);
    }

    /// What else is told with the replicas of partitions: that of the metadata group.
    pub(crate) fn tell_metadata(&self, told: MetadataTold) {
        let _ = self.metadata.set(told);
    }

    /// What this node does for its partitions.
    pub(crate) fn status(&self) -> NodeStatus {
        let mut replicas: Vec<_> =
            self.metadata.get().and_then(|told| told()).into_iter().collect();
        self.parts.members.each(|member| {
            let (term, status) = (member.status.term(), member.status.read());
            let distributions = member.status.distributions();
            replicas.push(ReplicaState { term, status, distributions });
        });
        let sequence = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        NodeStatus { incarnation: self.parts.incarnation, sequence, replicas }
    }

    /// Asks a node something about management.
    pub(crate) async fn manage(
        &self,
        node: u32,
        document: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, String> {
        let away = || format!("node {node} is not connected");
        let link = self.link(NodeName::Broker(node)).ok_or_else(away)?;
        let encode = |request| Frame::Manage { request, document }.encode();
        let call = link.request(FrameKind::Manage, encode).map_err(|unsent| match unsent {
            Unsent::Broken => away(),
            Unsent::Full => format!("node {node} does not keep up; try again later"),
        })?;
        match tokio::time::timeout(timeout, call.answer()).await {
            Ok(Some(Reply::Bytes(result))) => result,
            Ok(Some(Reply::Answer(_))) => Err(format!("node {node} answered something else")),
            Ok(None) => Err(format!("the connection to node {node} was lost; it may be done")),
            Err(_) => Err(format!("node {node} did not answer in time; it may be done")),
        }
    }
}

/// Tells sets of brokers apart (FNV-1a over their numbers).
fn members_mark(config: &ClusterConfig) -> u64 {
    let bytes = config.brokers.keys().flat_map(|id| id.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |mark: u64, byte| {
        (mark ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}
