//! Replication: batches of entries become committed, in one order on every replica.
//!
//! The stream processor proposes batches and hears what became of them as [`ReplicationEvent`]s. It
//! never waits for one batch before it proposes the next. [`RaftReplication`] is the real thing for
//! one replica and for many; [`MemoryReplication`] keeps everything in memory, for tests and for
//! nodes without a data folder.

#[cfg(test)]
pub(crate) mod in_process;
mod memory;
mod peers;
mod queue;
mod raft;

use std::future::Future;

use bytes::Bytes;

pub use memory::MemoryReplication;
pub use peers::{NoPeers, PeerError, Peers};
pub use queue::EventQueue;
pub(crate) use raft::message_kind;
pub use raft::{
    CheckpointView, OpenError, OpenSnapshot, RaftReplication, RaftSettings, ReplicaStatus,
    RestoredReplica, SnapshotSink, SnapshotStore, restored_replica,
};

/// Place of an entry in the replicated log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId {
    /// Term of the leader that proposed it.
    pub term: u64,
    /// Index in the log, from 0, without gaps.
    pub index: u64,
}

/// What a replica hears, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicationEvent {
    /// The next entry is committed.
    Committed {
        /// Its place.
        entry: EntryId,
        /// The batch; empty for entries of the replication itself.
        batch: Bytes,
        /// Proposed by this replica since it leads: its events are applied already.
        own: bool,
    },
    /// This replica leads, and every entry of earlier terms was heard before this.
    Leading {
        /// The term.
        term: u64,
    },
    /// This replica does not lead the term any more, nor one before it: what it proposed and did not
    /// hear of may be lost.
    Following {
        /// The term.
        term: u64,
    },
    /// Leadership is about to go to another replica: nothing should be proposed until it has, or
    /// until this is taken back.
    HandingOver(bool),
    /// The state in the store was replaced by that of the leader, as of this entry.
    StateReplaced {
        /// The last entry in it.
        entry: EntryId,
    },
    /// The disk is full (appends are repeated until there is space), or has space again.
    DiskFull(bool),
    /// The replica has stopped for good.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

/// A proposal was not taken, or the replica has stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("replication has stopped: {0}")]
pub struct ReplicationError(pub String);

/// One replica of a partition.
pub trait Replication: Send + Sync + 'static {
    /// Hands over a batch that was decided while leading `term`; returns when it is taken, not when
    /// it is committed. Batches are committed in the order in which they were proposed, or dropped together with all later ones
    /// when leadership is lost.
    ///
    /// # Errors
    /// When the replica has stopped.
    fn propose(
        &self,
        term: u64,
        batch: Bytes,
    ) -> impl Future<Output = Result<(), ReplicationError>> + Send;

    /// What has happened.
    fn events(&self) -> &EventQueue;

    /// Committed batches after `after` (from the beginning of the log without it), in order: at
    /// least one, when there is one, and about `max_bytes`.
    ///
    /// # Errors
    /// When the log cannot be read, or the entries were purged.
    fn read(
        &self,
        after: Option<EntryId>,
        up_to: EntryId,
        max_bytes: usize,
    ) -> Result<Vec<(EntryId, Bytes)>, ReplicationError>;

    /// State as of this entry is durable in the state store: the log before it may go.
    ///
    /// # Errors
    /// When the replica has stopped.
    fn checkpointed(
        &self,
        entry: EntryId,
    ) -> impl Future<Output = Result<(), ReplicationError>> + Send;

    /// What has to be stored with a checkpoint as of this entry, besides the state.
    fn checkpoint_meta(&self, entry: EntryId) -> Vec<u8>;

    /// Hands leadership to another node; returns when that node leads.
    ///
    /// # Errors
    /// When this replica does not lead, the other is no voter or too far behind, or the replica has
    /// stopped. Leadership stays here then, or goes to whoever is elected.
    fn transfer_leader(
        &self,
        node_id: u64,
    ) -> impl Future<Output = Result<(), ReplicationError>> + Send;

    /// Ends the replica; appends under way are finished or dropped.
    fn shutdown(&self) -> impl Future<Output = ()> + Send;
}
