//! This node's part in deciding about the cluster: its replica of the metadata group while it has one,
//! the coordinator on top of it, and its own replicas made what the configuration says.

mod hand_over;
mod host;
mod local;
pub(super) mod request;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use skep_env::task::{self, Dedicated};
use skep_protocol::PartitionId;
use tokio::task::AbortHandle;

use crate::broker::replica::{Receiver, priorities};
use crate::broker::{Inner, Members};
use crate::cluster::{Cluster, ReplicaState};
use crate::metadata::{
    ClusterConfig, Coordinator, GroupStatus, HostError, METADATA_PARTITION, ManageRequest, Managed,
    Member, MetadataGroup, MetadataSettings, Reconfiguration, Refusal, ReplicaStart, follow,
    start_of,
};
use crate::replication::{RaftReplication, Replication};
use crate::topology::{PartitionHealth, PartitionRole, PartitionStatus};
use host::Nodes;
use local::Hosted;
use request::{NodeRequest, decode, encode};

/// Pause before what could not be done (a full disk) is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Longest wait for a coordinator to be found, and for its answer.
const COORDINATOR_PATIENCE: Duration = Duration::from_secs(5);
const COORDINATOR_TIMEOUT: Duration = Duration::from_secs(12);

/// The replica of the metadata group and what works on it.
struct Running {
    group: MetadataGroup,
    coordinator: Coordinator,
    tasks: Vec<AbortHandle>,
    body: Dedicated,
}

/// What a node holds for it.
#[derive(Default)]
pub(super) struct ControlPlane {
    running: Mutex<Option<Running>>,
    /// The newest configuration that asked for something, by partition.
    seen: Mutex<BTreeMap<PartitionId, u64>>,
}

impl ControlPlane {
    /// Ends the replica of the metadata group; waits for its end.
    pub(super) async fn stop(&self) {
        let running = self.running.lock().take();
        let Some(running) = running else { return };
        for task in &running.tasks {
            task.abort();
        }
        running.group.shutdown();
        if !running.body.join().await {
            tracing::error!("the replica of the metadata group panicked");
        }
    }

    fn coordinator(&self) -> Option<Coordinator> {
        self.running.lock().as_ref().map(|running| running.coordinator.clone())
    }

    pub(super) fn group(&self) -> Option<MetadataGroup> {
        self.running.lock().as_ref().map(|running| running.group.clone())
    }
}

/// Begins to follow the configuration, and to answer other nodes.
pub(super) fn start(inner: &Arc<Inner>) {
    let Some(cluster) = &inner.cluster else { return };
    let weak = Arc::downgrade(inner);
    let (serve, tell) = (weak.clone(), weak.clone());
    cluster.on_manage(Box::new(move |document| answer_node(&serve, &document)));
    cluster.tell_metadata(Box::new(move || tell.upgrade()?.metadata_state()));
    if inner.shape.node_id.is_some() {
        cluster.spawn(follow_configs(weak));
    }
}

fn answer_node(inner: &Weak<Inner>, document: &Bytes) -> BoxFuture<'static, Result<Bytes, String>> {
    let request = decode::<NodeRequest>(document);
    let inner = inner.upgrade().ok_or_else(|| "this node is stopping".to_owned());
    Box::pin(async move { inner?.answer(request?).await })
}

async fn follow_configs(inner: Weak<Inner>) {
    let mut known = match inner.upgrade().as_ref().and_then(|inner| inner.cluster.as_ref()) {
        Some(cluster) => cluster.parts.known.subscribe(),
        None => return,
    };
    loop {
        let config = known.borrow_and_update().clone();
        let Some(inner) = inner.upgrade() else { return };
        let done = match config {
            Some(config) => inner.follow_config(&config).await,
            None => Ok(()),
        };
        drop(inner);
        if let Err(error) = &done {
            tracing::warn!(%error, "this node cannot do yet what the cluster asks of it");
        }
        let retry = async {
            match done {
                Ok(()) => std::future::pending().await,
                Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
            }
        };
        tokio::select! {
            biased;
            changed = known.changed() => if changed.is_err() { return },
            () = retry => {}
        }
    }
}

impl Inner {
    /// Makes the replicas of this node, and the priorities in them, those of the configuration.
    async fn follow_config(self: &Arc<Self>, config: &Arc<ClusterConfig>) -> Result<(), HostError> {
        let Some(node) = self.shape.node_id else { return Ok(()) };
        let metadata = self.follow_metadata(config, node).await;
        let replicas = follow(config, node, &Hosted { inner: self, config }).await;
        self.members.each(|member| {
            if let Some(raft) = member.raft() {
                raft.set_priorities(priorities(config, member.id));
            }
        });
        if let Some(raft) = self.raft(METADATA_PARTITION) {
            raft.set_priorities(priorities(config, METADATA_PARTITION));
        }
        metadata.and(replicas)
    }

    /// Starts or ends this node's replica of the metadata group.
    async fn follow_metadata(
        self: &Arc<Self>,
        config: &Arc<ClusterConfig>,
        node: u32,
    ) -> Result<(), HostError> {
        let member = config.member(METADATA_PARTITION, node);
        let is_running = self.control.running.lock().is_some();
        if let Some(member) = member
            && !is_running
        {
            return self.start_metadata(config, member);
        }
        if member.is_none() && is_running {
            if let Some(cluster) = &self.cluster {
                cluster.remove_replica(METADATA_PARTITION);
            }
            self.control.stop().await;
            let replicas = self.replicas.lock();
            let Some(replicas) = replicas.as_ref() else { return Ok(()) };
            return replicas
                .parts
                .data
                .forget(METADATA_PARTITION)
                .map_err(|error| HostError(error.to_string()));
        }
        Ok(())
    }

    fn start_metadata(
        self: &Arc<Self>,
        config: &ClusterConfig,
        member: &Member,
    ) -> Result<(), HostError> {
        let failed = |error: std::io::Error| HostError(error.to_string());
        let Some(cluster) = &self.cluster else { return Ok(()) };
        let replicas = self.replicas.lock();
        let Some(replicas) = replicas.as_ref() else { return Ok(()) };
        let settings = MetadataSettings {
            node_id: member.node,
            stream: replicas.parts.data.stream(METADATA_PARTITION),
            store: replicas.parts.data.metadata_store().map_err(failed)?,
            known: cluster.parts.known.clone(),
            members: priorities(config, METADATA_PARTITION),
            joins: start_of(config, METADATA_PARTITION, member) == ReplicaStart::Join,
            peers: replicas.peers(METADATA_PARTITION),
            tasks: replicas.parts.tasks.clone(),
            random: replicas.parts.random.clone(),
        };
        let (group, body) = MetadataGroup::start(settings).map_err(failed)?;
        let host = Arc::new(Nodes(Arc::downgrade(self)));
        let coordinator = Coordinator::new(group.clone(), host, self.clock.clock());
        let tasks = vec![
            task::spawn(coordinator.clone().run()).abort_handle(),
            task::spawn(attach(group.clone(), Arc::downgrade(cluster))).abort_handle(),
            task::spawn(tell_leading(group.clone(), Arc::downgrade(&self.members))).abort_handle(),
        ];
        *self.control.running.lock() = Some(Running { group, coordinator, tasks, body });
        Ok(())
    }

    /// What the other nodes hear of this node's replica of the metadata group.
    fn metadata_state(&self) -> Option<ReplicaState> {
        let term = *self.control.group()?.leading().borrow();
        let role = if term.is_some() { PartitionRole::Leader } else { PartitionRole::Follower };
        let status = PartitionStatus {
            id: METADATA_PARTITION,
            role,
            health: PartitionHealth::Healthy,
            last_position: 0,
        };
        Some(ReplicaState { term: term.unwrap_or(0), status, distributions: Vec::new() })
    }

    /// Answers a question of another node.
    async fn answer(&self, request: NodeRequest) -> Result<Bytes, String> {
        match request {
            NodeRequest::Manage(request) => encode(&self.coordinate(request).await),
            NodeRequest::Backups(call) => encode(&self.answer_backups(call).await),
            NodeRequest::Status { partition } => encode(&self.group_status(partition)?),
            NodeRequest::Reconfigure { as_of, partition, change } => {
                self.reconfigure(as_of, partition, change).await?;
                Ok(Bytes::new())
            }
        }
    }

    async fn coordinate(&self, request: ManageRequest) -> Managed {
        match self.control.coordinator() {
            Some(coordinator) => coordinator.manage(request).await,
            None => Err(Refusal::unavailable("this node does not coordinate the cluster")),
        }
    }

    fn raft(&self, partition: PartitionId) -> Option<Arc<RaftReplication>> {
        match partition {
            METADATA_PARTITION => self.control.group()?.replica().borrow().clone(),
            _ => self.members.get(partition)?.raft(),
        }
    }

    fn leading_raft(&self, partition: PartitionId) -> Result<Arc<RaftReplication>, String> {
        let raft = self.raft(partition);
        raft.filter(|raft| raft.look().is_leader)
            .ok_or_else(|| format!("this node does not lead partition {partition}"))
    }

    fn group_status(&self, partition: PartitionId) -> Result<GroupStatus, String> {
        let status = self.leading_raft(partition)?.look();
        let leader = self.shape.node_id.ok_or("a gateway leads nothing")?;
        let heard = |node: &u32| self.cluster.as_ref().is_some_and(|it| it.is_linked(*node));
        let lag = status.lag.iter().map(|(node, lag)| (narrow(*node), *lag));
        Ok(GroupStatus {
            leader,
            voters: status.voters.iter().copied().map(narrow).collect(),
            is_changing: status.is_changing,
            learners: status.learners.iter().copied().map(narrow).collect(),
            lag: lag.filter(|(node, _)| heard(node)).collect(),
        })
    }

    async fn reconfigure(
        &self,
        as_of: u64,
        partition: PartitionId,
        change: Reconfiguration,
    ) -> Result<(), String> {
        self.check_newest(as_of, partition)?;
        let raft = self.leading_raft(partition)?;
        let done = match change {
            Reconfiguration::AddLearner(node) => raft.add_learner(u64::from(node)).await,
            Reconfiguration::RemoveLearner(node) if is_known(&raft, node) => {
                raft.remove_learner(u64::from(node)).await
            }
            Reconfiguration::RemoveLearner(_) => Ok(()),
            Reconfiguration::ChangeVoters(voters) => {
                raft.change_members(voters.into_iter().map(u64::from).collect()).await
            }
            Reconfiguration::TransferLeader(node) => raft.transfer_leader(u64::from(node)).await,
        };
        done.map_err(|error| error.to_string())
    }

    /// What follows from an older configuration than one that asked before is of the past.
    fn check_newest(&self, as_of: u64, partition: PartitionId) -> Result<(), String> {
        let known = self.cluster.as_ref().and_then(|cluster| cluster.config());
        let known = known.map_or(0, |config| config.version);
        let mut seen = self.control.seen.lock();
        let newest = seen.entry(partition).or_default();
        *newest = (*newest).max(known);
        if as_of < *newest {
            return Err(format!("configuration {as_of} is of the past; the newest is {newest}"));
        }
        *newest = as_of;
        Ok(())
    }

    /// Brings an operator's request to the coordinator.
    pub(super) async fn manage(self: &Arc<Self>, request: ManageRequest) -> Managed {
        let Some(cluster) = &self.cluster else {
            return Err(Refusal::unsupported(
                "this node is alone: start it as a broker of a cluster (--peers, --cluster-bind) to \
                 have one that can be changed",
            ));
        };
        let mut leaders = cluster.view.leaders();
        let found = async {
            loop {
                let leader = leaders.borrow_and_update().get(&METADATA_PARTITION).copied();
                if let Some(leader) = leader {
                    return leader.node;
                }
                if leaders.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let Ok(leader) = tokio::time::timeout(COORDINATOR_PATIENCE, found).await else {
            return self.without_coordinator(&request);
        };
        if self.shape.node_id == Some(leader) {
            return self.coordinate(request).await;
        }
        let unavailable = Refusal::unavailable;
        let document = encode(&NodeRequest::Manage(request)).map_err(unavailable)?;
        let answer = cluster.manage(leader, document, COORDINATOR_TIMEOUT).await;
        decode(&answer.map_err(unavailable)?).map_err(unavailable)?
    }

    /// What is known without a coordinator.
    fn without_coordinator(&self, request: &ManageRequest) -> Managed {
        let config = self.cluster.as_ref().and_then(|cluster| cluster.config());
        match (request, config) {
            (ManageRequest::Cluster, Some(config)) => {
                Ok(crate::metadata::cluster_view(&config, None))
            }
            _ => Err(Refusal::unavailable(
                "the metadata group has no leader: fewer than half of its brokers are connected; \
                 bring one back",
            )),
        }
    }
}

fn is_known(raft: &RaftReplication, node: u32) -> bool {
    raft.look().learners.contains(&u64::from(node))
}

fn narrow(node: u64) -> u32 {
    u32::try_from(node).unwrap_or(u32::MAX)
}

/// Lets messages of the other members reach the replica as soon as it is open.
async fn attach(group: MetadataGroup, cluster: Weak<Cluster>) {
    let mut opened = group.replica();
    let Ok(replica) = opened.wait_for(Option::is_some).await.map(|it| it.clone()) else { return };
    if let (Some(replica), Some(cluster)) = (replica, cluster.upgrade()) {
        cluster.add_replica(METADATA_PARTITION, Arc::new(Receiver(replica)));
    }
}

/// Lets the other nodes hear when this node begins or ends to coordinate.
async fn tell_leading(group: MetadataGroup, members: Weak<Members>) {
    let mut leading = group.leading();
    while leading.changed().await.is_ok() {
        let Some(members) = members.upgrade() else { return };
        members.tell_changed();
    }
}
