//! A replica begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use openraft::{BasicNode, Raft};
use parking_lot::Mutex;
use skep_env::watch;
use skep_env::{Random, Tasks, task};
use skep_storage::StreamHandle;
use tokio::sync::{Notify, mpsc};

use crate::limits;
use crate::replication::raft::admission::Admission;
use crate::replication::raft::applied::Applied;
use crate::replication::raft::bootstrap::FirstMembers;
use crate::replication::raft::core::Core;
use crate::replication::raft::inbox::RaftInbox;
use crate::replication::raft::log_storage::LogStorage;
use crate::replication::raft::network::Network;
use crate::replication::raft::proposals::Refusals;
use crate::replication::raft::snapshot_receive::SnapshotReceive;
use crate::replication::raft::state_machine::{SnapshotStore, StateMachine};
use crate::replication::raft::status::ReplicaStatus;
use crate::replication::raft::{RaftReplication, campaign, observe, runtime, timing};
use crate::replication::{EventQueue, Peers, ReplicationEvent};

/// What a replica is made of.
pub struct RaftSettings {
    /// This node.
    pub node_id: u64,
    /// Name for people.
    pub name: String,
    /// The log.
    pub stream: StreamHandle,
    /// What [`crate::replication::Replication::checkpoint_meta`] gave for the checkpoint in the state store.
    pub checkpoint_meta: Option<Vec<u8>>,
    /// The state store, for replicas that are too far behind.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// Signalled when something has happened.
    pub wake: Arc<Notify>,
    /// The members, this node among them, each with its priority: the greater should rather lead.
    /// A group begins with them when none of them has data; later the log says who they are.
    pub members: BTreeMap<u64, u32>,
    /// The group certainly exists: a node without data must not begin another one.
    pub joins: bool,
    /// The way to the other members.
    pub peers: Arc<dyn Peers>,
    /// Where long work runs.
    pub tasks: Arc<dyn Tasks>,
    /// Random numbers, for all replicas on this thread.
    pub random: Arc<dyn Random>,
}

/// A replica could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log or the checkpoint cannot be read.
    #[error("the replicated log cannot be opened: {0}")]
    Log(#[from] std::io::Error),
    /// openraft refused.
    #[error("the replica cannot start: {0}")]
    Raft(String),
}

fn refused(error: impl std::fmt::Display) -> OpenError {
    OpenError::Raft(error.to_string())
}

/// Connections that broke or came back and that nobody has looked at: more come only when nodes come
/// and go faster than that, and timeouts do the rest.
const LINK_NEWS_MAX: usize = 64;

impl RaftReplication {
    /// Opens the replica. Alone, it leads at once; a node without data finds its group in the
    /// background. Must be called inside the `current_thread` runtime of its partition.
    ///
    /// # Errors
    /// When log or checkpoint cannot be read.
    pub async fn open(settings: RaftSettings) -> Result<Self, OpenError> {
        let RaftSettings { node_id, name, stream, checkpoint_meta, snapshots, .. } = settings;
        runtime::set_random(settings.random.clone());
        let events = Arc::new(EventQueue::new(settings.wake));
        let log = LogStorage::open(node_id, stream, events.clone())?;
        let (reader, hard, refusals) = (log.reader(), log.hard(), Arc::new(Refusals::default()));
        let applied = Applied::load(checkpoint_meta.as_deref())?;
        let checkpoint = Mutex::new(applied.last.map(|last| last.index()));
        let applied = Arc::new(Mutex::new(applied));
        let machine = StateMachine {
            node_id,
            events: events.clone(),
            hard: hard.clone(),
            refusals: refusals.clone(),
            applied: applied.clone(),
            snapshots: snapshots.clone(),
        };
        let peers = settings.peers.clone();
        let network = Network { peers, tasks: settings.tasks, random: settings.random };
        let alone = settings.members.keys().all(|member| *member == node_id) && !settings.joins;
        let config = timing::config(name, !alone).map_err(refused)?;
        let raft = Raft::new(node_id, config, network, log, machine).await.map_err(refused)?;
        let has_data = raft.is_initialized().await.map_err(refused)?;
        let core = Arc::new(Core {
            node_id,
            events,
            applied,
            hard: hard.clone(),
            refusals,
            admission: Arc::new(Admission::new(hard, has_data || alone)),
            peers: settings.peers,
            priorities: Mutex::new(settings.members.clone()),
            status: watch::Sender::new(ReplicaStatus::default()),
            transferring: false.into(),
            proposed: Mutex::default(),
            checkpoint,
            campaigns: 0.into(),
            raft,
        });
        core.status.send_replace(core.look());
        let first = FirstMembers { members: settings.members, joins: settings.joins };
        let mut replica = Self::with_tasks(core, reader, snapshots);
        replica.take_place(first, has_data).await?;
        Ok(replica)
    }

    /// Starts what runs beside openraft.
    fn with_tasks(
        core: Arc<Core>,
        reader: super::LogReader,
        snapshots: Arc<dyn SnapshotStore>,
    ) -> Self {
        let (incoming, requests) = mpsc::channel(limits::RAFT_INBOX_REQUESTS);
        let (links, news) = mpsc::channel(LINK_NEWS_MAX);
        let inbox = RaftInbox {
            raft: core.raft.clone(),
            admission: core.admission.clone(),
            snapshots: SnapshotReceive::new(snapshots),
        };
        let tasks = vec![
            task::spawn(inbox.run(requests)).abort_handle(),
            task::spawn(campaign::watch_links(core.clone(), news)).abort_handle(),
            task::spawn(observe::observe(core.clone())).abort_handle(),
            task::spawn(observe::watch_refusals(core.clone())).abort_handle(),
        ];
        Self { core, reader, incoming, links, tasks }
    }

    /// Leads, follows, or looks for its group.
    async fn take_place(&mut self, first: FirstMembers, has_data: bool) -> Result<(), OpenError> {
        let core = &self.core;
        if has_data && core.look().is_alone(core.node_id) && core.look().voters.len() == 1 {
            // Nobody else can be the leader of a replica without others: do not wait for a timeout.
            return core.raft.trigger().elect(false).await.map_err(refused);
        }
        if !has_data && first.members.keys().eq([&core.node_id]) && !first.joins {
            let members = BTreeMap::from([(core.node_id, BasicNode::default())]);
            return core.raft.initialize(members).await.map_err(refused);
        }
        core.raft.runtime_config().elect(has_data && core.admission.may_vote());
        let core = core.clone();
        let place = async move {
            if !has_data && let Err(reason) = core.bootstrap(&first).await {
                let reason = format!("this replica did not find its group: {reason}");
                core.events.push(ReplicationEvent::Failed { reason });
                return;
            }
            core.admission.caught_up().await;
            core.raft.runtime_config().elect(true);
            core.campaign_first().await;
        };
        self.tasks.push(task::spawn(place).abort_handle());
        Ok(())
    }
}
