//! Replication by openraft over the shared journal.
//!
//! All tasks of a replica run in the `current_thread` runtime of its partition, so that a proposal
//! travels to the journal and back with two changes of thread: to the journal's writer, and back.
//! Entries are applied by telling the partition; the leader has applied its own already.

mod appender;
mod log_storage;
mod network;
mod state_machine;
mod types;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::{BasicNode, Config, EntryPayload, Raft, SnapshotPolicy};
use parking_lot::Mutex;
use skep_storage::StreamHandle;
use tokio::sync::Notify;

use crate::replication::{EntryId, EventQueue, Replication, ReplicationError, ReplicationEvent};
use log_storage::{LogReader, LogStorage};
use network::NoNetwork;
use state_machine::{Applied, StateMachine};
pub use state_machine::{CheckpointView, OpenSnapshot, SnapshotStore};
use types::{Batch, TypeConfig};

/// A replica that openraft runs.
pub struct RaftReplication {
    raft: Raft<TypeConfig, StateMachine>,
    events: Arc<EventQueue>,
    applied: Arc<Mutex<Applied>>,
    reader: LogReader,
}

/// What a replica is made of.
pub struct RaftSettings {
    /// This node.
    pub node_id: u64,
    /// Name for people.
    pub name: String,
    /// The log.
    pub stream: StreamHandle,
    /// What [`Replication::checkpoint_meta`] gave for the checkpoint in the state store.
    pub checkpoint_meta: Option<Vec<u8>>,
    /// The state store, for replicas that are too far behind.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// Signalled when something has happened.
    pub wake: Arc<Notify>,
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

/// Heartbeats of a leader, in milliseconds (`spec/engine.md` 4.8).
const HEARTBEAT_MS: u64 = 250;

/// A follower that hears nothing for this long asks for votes, in milliseconds (4.8).
const ELECTION_TIMEOUT_MS: u64 = 2_500;

fn config(name: String) -> Result<Arc<Config>, OpenError> {
    let config = Config {
        cluster_name: name,
        heartbeat_interval: HEARTBEAT_MS,
        election_timeout_min: ELECTION_TIMEOUT_MS,
        election_timeout_max: ELECTION_TIMEOUT_MS * 2,
        // Checkpoints decide what a snapshot is and what is purged, not the number of entries.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: 0,
        purge_batch_size: 1,
        enable_pre_vote: Some(true),
        // Ticks are for heartbeats and election timeouts. A member without others needs neither, and
        // an idle node should sleep; `Raft::runtime_config` turns them on when others come.
        enable_tick: false,
        // A new life is a new term: only so is it known what the life before it proposed.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    Ok(Arc::new(config.validate().map_err(|error| OpenError::Raft(error.to_string()))?))
}

impl RaftReplication {
    /// Opens the replica, as the only member when the log is new, and asks for leadership at once.
    /// Must be called inside the `current_thread` runtime of its partition.
    ///
    /// # Errors
    /// When log or checkpoint cannot be read.
    pub async fn open(settings: RaftSettings) -> Result<Self, OpenError> {
        let RaftSettings { node_id, name, stream, checkpoint_meta, snapshots, wake } = settings;
        let events = Arc::new(EventQueue::new(wake));
        let log = LogStorage::open(node_id, stream, events.clone())?;
        let reader = log.reader();
        let applied = Arc::new(Mutex::new(Applied::load(checkpoint_meta.as_deref())?));
        let machine = StateMachine {
            node_id,
            events: events.clone(),
            votes: log.votes(),
            applied: applied.clone(),
            snapshots,
        };
        let refused = |error: &dyn std::fmt::Display| OpenError::Raft(error.to_string());
        let raft = Raft::new(node_id, config(name)?, NoNetwork, log, machine)
            .await
            .map_err(|error| refused(&error))?;
        if raft.is_initialized().await.map_err(|error| refused(&error))? {
            // Nobody else can be the leader of a replica without others: do not wait for a timeout.
            raft.trigger().elect(false).await.map_err(|error| refused(&error))?;
        } else {
            let members = BTreeMap::from([(node_id, BasicNode::default())]);
            raft.initialize(members).await.map_err(|error| refused(&error))?;
        }
        Ok(Self { raft, events, applied, reader })
    }

    /// Ends with an event when openraft gives up.
    pub async fn watch_for_failure(&self) {
        let mut metrics = self.raft.metrics();
        loop {
            let failed = metrics.borrow_and_update().running_state.clone().err();
            if let Some(fatal) = failed {
                self.events.push(ReplicationEvent::Failed { reason: fatal.to_string() });
                return;
            }
            if metrics.changed().await.is_err() {
                return;
            }
        }
    }
}

fn stopped(error: impl std::fmt::Display) -> ReplicationError {
    ReplicationError(error.to_string())
}

impl Replication for RaftReplication {
    async fn propose(&self, term: u64, batch: Bytes) -> Result<(), ReplicationError> {
        self.raft.client_write_ff(Batch { term, bytes: batch }, None).await.map_err(stopped)
    }

    fn events(&self) -> &EventQueue {
        &self.events
    }

    fn read(
        &self,
        after: Option<EntryId>,
        up_to: EntryId,
        max_bytes: usize,
    ) -> Result<Vec<(EntryId, Bytes)>, ReplicationError> {
        let from = after.map_or(0, |after| after.index + 1);
        let entries = self.reader.read(from, up_to.index + 1, max_bytes).map_err(stopped)?;
        let batch_of = |entry: types::Entry| {
            let id = types::entry_id(&entry.log_id);
            let bytes = match entry.payload {
                EntryPayload::Normal(batch) if batch.term == id.term => batch.bytes,
                _ => Bytes::new(),
            };
            (id, bytes)
        };
        Ok(entries.into_iter().map(batch_of).collect())
    }

    async fn checkpointed(&self, entry: EntryId) -> Result<(), ReplicationError> {
        self.applied.lock().forget_before(entry);
        // openraft purges what a snapshot covers, and only then.
        self.raft.trigger().snapshot().await.map_err(stopped)
    }

    fn checkpoint_meta(&self, entry: EntryId) -> Vec<u8> {
        self.applied.lock().meta(entry)
    }

    async fn transfer_leader(&self, node_id: u64) -> Result<(), ReplicationError> {
        self.raft.trigger().transfer_leader(node_id).await.map_err(stopped)
    }

    async fn shutdown(&self) {
        if let Err(error) = self.raft.shutdown().await {
            tracing::warn!(%error, "the replica did not end well");
        }
    }
}

impl std::fmt::Debug for RaftReplication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RaftReplication").finish_non_exhaustive()
    }
}
