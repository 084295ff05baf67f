//! openraft's state machine: says what is committed, and leaves the doing to the partition.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder, Snapshot};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::replication::raft::log_storage::VoteWatch;
use crate::replication::raft::types::{
    self, Entry, LogId, SnapshotMeta, StoredMembership, TypeConfig,
};
use crate::replication::{EntryId, EventQueue, ReplicationEvent};

/// The state of a partition as of its last checkpoint, for replicas that are too far behind.
pub trait SnapshotStore: Send + Sync {
    /// The last checkpoint, if there is one, unchanged by later ones.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn view(&self) -> io::Result<Option<CheckpointView>>;

    /// Replaces the state by that of another replica.
    ///
    /// # Errors
    /// When the bytes are no snapshot, or the store cannot be written.
    fn import(&self, snapshot: &mut dyn Read) -> io::Result<()>;
}

/// Begins to read a snapshot.
pub type OpenSnapshot = Box<dyn FnOnce() -> io::Result<Box<dyn Read + Send>> + Send>;

/// A checkpoint that stays as it is while this is held; do not hold it for long.
pub struct CheckpointView {
    /// What [`crate::replication::Replication::checkpoint_meta`] gave for it.
    pub replication_meta: Vec<u8>,
    /// Its bytes in the snapshot format of `skep-storage`. Costs nothing until it is called: most
    /// snapshots only allow a purge and are never read.
    pub open: OpenSnapshot,
}

impl std::fmt::Debug for CheckpointView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckpointView").finish_non_exhaustive()
    }
}

/// What openraft passes around as a snapshot.
pub(crate) struct StateSnapshot(Mutex<Option<OpenSnapshot>>);

impl StateSnapshot {
    pub(crate) fn new(open: OpenSnapshot) -> Self {
        Self(Mutex::new(Some(open)))
    }

    /// Its bytes; once.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let open = self.0.lock().take();
        open.ok_or_else(|| io::Error::other("the snapshot was read before"))?()
    }
}

/// What is applied.
pub(crate) struct Applied {
    last: Option<LogId>,
    /// The membership as of the checkpoint, and the later ones, in order.
    memberships: VecDeque<StoredMembership>,
    /// The term that this node leads and has said so.
    leading_term: Option<u64>,
}

/// Stored with a checkpoint.
#[derive(Serialize, Deserialize)]
struct CheckpointMeta {
    log_id: LogId,
    membership: StoredMembership,
}

impl Applied {
    /// As of the checkpoint with this meta.
    pub(crate) fn load(meta: Option<&[u8]>) -> io::Result<Self> {
        let meta: Option<CheckpointMeta> = meta.map(serde_json::from_slice).transpose()?;
        let log_id = meta.as_ref().map(|meta| meta.log_id);
        let membership = meta.map(|meta| meta.membership).unwrap_or_default();
        Ok(Self { last: log_id, memberships: VecDeque::from([membership]), leading_term: None })
    }

    fn membership_at(&self, log_id: Option<&LogId>) -> StoredMembership {
        let before = self.memberships.iter().rev().find(|it| it.log_id().as_ref() <= log_id);
        before.or(self.memberships.front()).cloned().unwrap_or_default()
    }

    pub(crate) fn meta(&self, entry: EntryId) -> Vec<u8> {
        let log_id = types::log_id(entry);
        let membership = self.membership_at(Some(&log_id));
        serde_json::to_vec(&CheckpointMeta { log_id, membership }).unwrap_or_default()
    }

    /// A checkpoint as of `entry` is in the store: earlier memberships are not asked for any more.
    pub(crate) fn forget_before(&mut self, entry: EntryId) {
        let log_id = types::log_id(entry);
        while self.memberships.get(1).is_some_and(|next| next.log_id().as_ref() <= Some(&log_id)) {
            self.memberships.pop_front();
        }
    }
}

/// The last checkpoint as openraft wants it.
fn current_snapshot(store: &dyn SnapshotStore) -> io::Result<Option<StateSnapshotOf>> {
    let Some(view) = store.view()? else { return Ok(None) };
    let meta: CheckpointMeta = serde_json::from_slice(&view.replication_meta)?;
    let meta = SnapshotMeta { last_log_id: Some(meta.log_id), last_membership: meta.membership };
    Ok(Some(Snapshot { meta, snapshot: StateSnapshot::new(view.open) }))
}

type StateSnapshotOf = openraft::type_config::alias::SnapshotOf<TypeConfig, StateSnapshot>;

/// The state machine of one replica.
pub(crate) struct StateMachine {
    pub(crate) node_id: u64,
    pub(crate) events: Arc<EventQueue>,
    pub(crate) votes: VoteWatch,
    pub(crate) applied: Arc<Mutex<Applied>>,
    pub(crate) snapshots: Arc<dyn SnapshotStore>,
}

impl StateMachine {
    /// Tells the partition about a committed entry; says whether it has to be replayed there.
    fn commit(&self, entry: Entry) -> bool {
        let id = types::entry_id(&entry.log_id);
        let mut applied = self.applied.lock();
        applied.last = Some(entry.log_id);
        let (batch, own) = match entry.payload {
            EntryPayload::Blank => {
                // The first entry of a term: everything of earlier terms came before it.
                if self.votes.own_term(self.node_id) == Some(id.term) {
                    applied.leading_term = Some(id.term);
                    self.events.push(committed(id, Bytes::new(), false));
                    self.events.push(ReplicationEvent::Leading { term: id.term });
                    return false;
                }
                (Bytes::new(), false)
            }
            EntryPayload::Membership(membership) => {
                let stored = StoredMembership::new(Some(entry.log_id), membership);
                applied.memberships.push_back(stored);
                (Bytes::new(), false)
            }
            EntryPayload::Normal(batch) if batch.term != id.term => (Bytes::new(), false),
            EntryPayload::Normal(batch) => (batch.bytes, applied.leading_term == Some(id.term)),
        };
        let replayed = !own && !batch.is_empty();
        self.events.push(committed(id, batch, own));
        replayed
    }
}

fn committed(entry: EntryId, batch: Bytes, own: bool) -> ReplicationEvent {
    ReplicationEvent::Committed { entry, batch, own }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = StateSnapshot;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        let applied = self.applied.lock();
        Ok((applied.last, applied.membership_at(applied.last.as_ref())))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> Result<(), io::Error>
    where
        Strm: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            if self.commit(entry) {
                self.events.wait_for_room().await;
            }
            if let Some(responder) = responder {
                responder.send(());
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder { snapshots: self.snapshots.clone() }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: StateSnapshot,
    ) -> Result<(), io::Error> {
        let mut reader = snapshot.open()?;
        self.snapshots.import(&mut *reader)?;
        let Some(log_id) = meta.last_log_id else { return Ok(()) };
        let mut applied = self.applied.lock();
        applied.last = Some(log_id);
        applied.memberships = VecDeque::from([meta.last_membership.clone()]);
        drop(applied);
        self.events.push(ReplicationEvent::StateReplaced { entry: types::entry_id(&log_id) });
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<StateSnapshotOf>, io::Error> {
        current_snapshot(&*self.snapshots)
    }
}

/// Names the last checkpoint as the snapshot: the work was done when it was written.
pub(crate) struct Builder {
    snapshots: Arc<dyn SnapshotStore>,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = StateSnapshot;

    async fn build_snapshot(&mut self) -> Result<StateSnapshotOf, io::Error> {
        let snapshot = current_snapshot(&*self.snapshots)?;
        snapshot.ok_or_else(|| io::Error::other("there is no checkpoint yet"))
    }
}
