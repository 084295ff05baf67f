//! openraft's state machine: says what is committed, and leaves the doing to the partition.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder, Snapshot};
use parking_lot::Mutex;

use crate::limits;
use crate::replication::raft::appender::is_full;
use crate::replication::raft::applied::{Applied, CheckpointMeta};
use crate::replication::raft::hard_state::Hard;
use crate::replication::raft::proposals::Refusals;
use crate::replication::raft::types::{
    self, Entry, LogId, SnapshotMeta, StoredMembership, TypeConfig,
};
use crate::replication::{EventQueue, ReplicationEvent};

/// The state of a partition as of its last checkpoint, for replicas that are too far behind.
pub trait SnapshotStore: Send + Sync {
    /// The last checkpoint, if there is one, unchanged by later ones.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn view(&self) -> io::Result<Option<CheckpointView>>;

    /// Begins to receive the state of another replica. Nothing changes before
    /// [`SnapshotStore::install`].
    ///
    /// # Errors
    /// When the disk fails.
    fn receive(&self) -> io::Result<Box<dyn SnapshotSink>>;

    /// Replaces the state by the one that was received last. When a crash interrupts it, the store
    /// does it again before anybody reads.
    ///
    /// # Errors
    /// When the bytes are no snapshot, or the store cannot be written.
    fn install(&self) -> io::Result<()>;
}

/// Takes the pieces of a snapshot, in order.
pub trait SnapshotSink: Send {
    /// The next piece.
    ///
    /// # Errors
    /// When the disk fails.
    fn push(&mut self, piece: &[u8]) -> io::Result<()>;

    /// There are no more: checks the whole and keeps it for [`SnapshotStore::install`].
    ///
    /// # Errors
    /// When it is no whole snapshot, or the disk fails. Nothing is left then.
    fn finish(self: Box<Self>) -> io::Result<()>;
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

/// What openraft passes around as a snapshot: the last checkpoint of this node, or what the store
/// has received.
pub(crate) struct StateSnapshot(Mutex<Option<OpenSnapshot>>);

impl StateSnapshot {
    pub(crate) fn new(open: OpenSnapshot) -> Self {
        Self(Mutex::new(Some(open)))
    }

    /// The one that was received and not installed.
    pub(crate) fn received() -> Self {
        Self(Mutex::new(None))
    }

    /// Its bytes; once.
    pub(crate) fn open(&self) -> io::Result<OpenSnapshot> {
        let open = self.0.lock().take();
        open.ok_or_else(|| io::Error::other("the snapshot was read before"))
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
    pub(crate) hard: Hard,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) applied: Arc<Mutex<Applied>>,
    pub(crate) snapshots: Arc<dyn SnapshotStore>,
}

impl StateMachine {
    /// Replaces the state in the store, when there is space for it. Until it is whole nobody may
    /// read it.
    async fn install(&self) -> io::Result<()> {
        self.events.hold(true);
        let result = loop {
            match self.snapshots.install() {
                Err(error) if is_full(&error) => {
                    tracing::warn!(%error, "no space for the state of the leader: waiting");
                    tokio::time::sleep(Duration::from_millis(limits::DISK_FULL_PROBE_MS)).await;
                }
                result => break result,
            }
        };
        self.events.hold(false);
        result
    }

    /// Tells the partition about a committed entry; says whether it has to be replayed there.
    fn commit(&self, entry: Entry) -> bool {
        let id = types::entry_id(&entry.log_id);
        let mut applied = self.applied.lock();
        let (mut batch, mut own) = (Bytes::new(), false);
        let mut leads = false;
        match entry.payload {
            EntryPayload::Blank => {
                // The first entry of a term: everything of earlier terms came before it.
                leads = self.hard.own_term(self.node_id) == Some(id.term);
                applied.take_other(id);
            }
            EntryPayload::Membership(membership) => {
                let stored = StoredMembership::new(Some(entry.log_id), membership);
                applied.take_membership(stored);
                applied.take_other(id);
            }
            EntryPayload::Normal(value) => {
                let proposed_here = applied.leading_term == Some(id.term);
                if applied.take_batch(id, &value) {
                    (batch, own) = (value.bytes, proposed_here);
                } else if proposed_here {
                    self.refusals.add(id.term);
                }
            }
        }
        applied.advance(entry.log_id);
        if leads {
            applied.leading_term = Some(id.term);
        }
        drop(applied);
        let replayed = !own && !batch.is_empty();
        self.events.push(ReplicationEvent::Committed { entry: id, batch, own });
        if leads {
            self.events.push(ReplicationEvent::Leading { term: id.term });
        }
        replayed
    }
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
        if let Ok(open) = snapshot.open() {
            let (mut reader, mut sink) = (open()?, self.snapshots.receive()?);
            let mut piece = vec![0; limits::SNAPSHOT_PIECE_BYTES];
            loop {
                match reader.read(&mut piece)? {
                    0 => break,
                    length => sink.push(&piece[..length])?,
                }
            }
            sink.finish()?;
        }
        self.install().await?;
        let Some(log_id) = meta.last_log_id else { return Ok(()) };
        let stored = self.snapshots.view()?.map(|view| view.replication_meta);
        *self.applied.lock() = Applied::load(stored.as_deref())?;
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
