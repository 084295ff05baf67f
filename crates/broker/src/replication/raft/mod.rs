//! Replication by openraft over the shared journal.
//!
//! All tasks of a replica run in the `current_thread` runtime of its partition, so that a proposal
//! travels to the journal and back with two changes of thread: to the journal's writer, and back.
//! Entries are applied by telling the partition; the leader has applied its own already.
//!
//! What goes over the network is in `wire`, how it gets there in `network`, `append_stream` and
//! `snapshot_send`, what arrives in `inbox`. Who leads, and when a leader is given up, is in `timing`,
//! `campaign`, `observe` and `transfer`; what a node without data may do in `admission`, `bootstrap`
//! and `promises`.

mod admission;
mod append_stream;
mod appender;
mod applied;
mod bootstrap;
mod campaign;
mod core;
mod hard_state;
mod inbox;
mod log_storage;
mod members;
mod network;
mod observe;
mod open;
mod promises;
mod proposals;
mod purge;
mod restored;
mod runtime;
mod snapshot_receive;
mod snapshot_send;
mod state_machine;
mod status;
#[cfg(test)]
mod tests;
mod timing;
mod transfer;
mod types;
mod watched;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::{EntryPayload, Instant as _, ServerState};
use skep_env::{task, watch};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::replication::{EntryId, EventQueue, Replication, ReplicationError, ReplicationEvent};
use campaign::Link;
use core::Core;
use inbox::Incoming;
use log_storage::LogReader;
pub use open::{OpenError, RaftSettings};
use proposals::Proposal;
pub use restored::{RestoredReplica, restored_replica};
pub use state_machine::{CheckpointView, OpenSnapshot, SnapshotSink, SnapshotStore};
pub use status::ReplicaStatus;
use types::Batch;
pub(crate) use wire::message_kind;

/// A replica that openraft runs.
pub struct RaftReplication {
    core: Arc<Core>,
    reader: LogReader,
    incoming: mpsc::Sender<Incoming>,
    links: mpsc::Sender<Link>,
    tasks: Vec<AbortHandle>,
}

impl RaftReplication {
    /// Answers a request of the replica on another node, which came through its `Peers`. Requests
    /// are taken in the order of the calls, which may come from any thread.
    pub fn receive(
        &self,
        from: u64,
        request: Bytes,
    ) -> BoxFuture<'static, Result<Bytes, ReplicationError>> {
        let (reply, answer) = oneshot::channel();
        let taken = self.incoming.try_send(Incoming { from, request, reply });
        async move {
            taken.map_err(|_| ReplicationError("too many requests wait".to_owned()))?;
            answer.await.map_err(|_| ReplicationError("it was shut down".to_owned()))
        }
        .boxed()
    }

    /// The connection to a node broke. If it is the leader, it is most likely gone: this node, or one
    /// with a higher priority, is elected without waiting for a timeout.
    pub fn peer_lost(&self, node_id: u64) {
        self.tell(Link::Lost(node_id));
    }

    /// There is a connection to a node again.
    pub fn peer_found(&self, node_id: u64) {
        self.tell(Link::Found(node_id));
    }

    fn tell(&self, link: Link) {
        if self.links.try_send(link).is_err() {
            tracing::debug!(?link, "not told of a connection; timeouts do the work");
        }
    }

    /// The replica and its group, and how they change.
    pub fn status(&self) -> watch::Receiver<ReplicaStatus> {
        self.core.status.subscribe()
    }

    /// The replica and its group, now: newer than [`RaftReplication::status`].
    pub fn look(&self) -> ReplicaStatus {
        self.core.look()
    }

    /// Whether this node may vote: it does not recover from the loss of its data.
    pub fn may_vote(&self) -> bool {
        self.core.admission.may_vote()
    }

    /// Those of these other nodes who say that they may vote; one that does not answer does not.
    pub async fn voting(&self, nodes: &[u64]) -> Vec<u64> {
        self.core.voting(nodes).await
    }

    /// Gives leadership up, to whoever is elected. Does nothing when this node does not lead.
    ///
    /// # Errors
    /// When the replica has stopped.
    pub async fn step_down(&self) -> Result<(), ReplicationError> {
        let term = self.core.look().term;
        self.core.step_down(term).await.map_err(stopped)
    }

    /// Ends with an event when openraft gives up.
    pub async fn watch_for_failure(&self) {
        let mut metrics = self.core.raft.metrics();
        loop {
            let failed = metrics.borrow_and_update().running_state.clone().err();
            if let Some(fatal) = failed {
                self.core.events.push(ReplicationEvent::Failed { reason: fatal.to_string() });
                return;
            }
            // It changes with every entry.
            tokio::time::sleep(Duration::from_millis(timing::STATUS_PAUSE_MS)).await;
            if metrics.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until openraft takes proposals of this term: it refuses them while no quorum has
    /// acknowledged anything for a while, and a refused proposal costs the leadership. Returns too
    /// when the term is over.
    async fn wait_for_lease(&self, term: u64) {
        if self.core.status.borrow().is_alone(self.core.node_id) {
            return;
        }
        let lease = Duration::from_millis(timing::ELECTION_MAX_MS - timing::HEARTBEAT_MS);
        let mut metrics = self.core.raft.metrics();
        loop {
            let may_propose = {
                let metrics = metrics.borrow_and_update();
                let leads = metrics.state == ServerState::Leader && metrics.current_term == term;
                !leads || metrics.last_quorum_acked.is_some_and(|at| at.elapsed() < lease)
            };
            if may_propose || metrics.changed().await.is_err() {
                return;
            }
        }
    }

    fn next_proposal(&self, term: u64, bytes: Bytes) -> Batch {
        let mut proposed = self.core.proposed.lock();
        if proposed.0 != term {
            *proposed = (term, 0);
        }
        proposed.1 += 1;
        Batch::new(term, proposed.1, bytes)
    }
}

fn stopped(error: impl std::fmt::Display) -> ReplicationError {
    ReplicationError(error.to_string())
}

impl Replication for RaftReplication {
    async fn propose(&self, term: u64, batch: Bytes) -> Result<(), ReplicationError> {
        self.wait_for_lease(term).await;
        let proposal = Proposal { term, refusals: self.core.refusals.clone() };
        let batch = self.next_proposal(term, batch);
        self.core.raft.client_write_ff(batch, Some(proposal)).await.map_err(stopped)
    }

    fn events(&self) -> &EventQueue {
        &self.core.events
    }

    fn read(
        &self,
        after: Option<EntryId>,
        up_to: EntryId,
        max_bytes: usize,
    ) -> Result<Vec<(EntryId, Bytes)>, ReplicationError> {
        let from = after.map_or(0, |after| after.index + 1);
        let entries = self.reader.read(from, up_to.index + 1, max_bytes).map_err(stopped)?;
        let applied = self.core.applied.lock();
        let batch_of = |entry: types::Entry| {
            let id = types::entry_id(&entry.log_id);
            let bytes = match entry.payload {
                EntryPayload::Normal(batch) if applied.was_taken(id, &batch) => batch.bytes,
                _ => Bytes::new(),
            };
            (id, bytes)
        };
        Ok(entries.into_iter().map(batch_of).collect())
    }

    async fn checkpointed(&self, entry: EntryId) -> Result<(), ReplicationError> {
        self.core.applied.lock().forget_before(entry);
        let before = self.core.checkpoint.lock().replace(entry.index);
        self.core.raft.trigger().snapshot().await.map_err(stopped)?;
        let keeps_some =
            !self.core.look().is_alone(self.core.node_id) && !self.reader.needs_space();
        let upto = if keeps_some { before } else { Some(entry.index) };
        if let Some(upto) = upto {
            let core = self.core.clone();
            drop(task::spawn(async move { core.purge(entry.index, upto).await }));
        }
        Ok(())
    }

    fn checkpoint_meta(&self, entry: EntryId) -> Vec<u8> {
        self.core.applied.lock().meta(entry)
    }

    async fn transfer_leader(&self, node_id: u64) -> Result<(), ReplicationError> {
        // On its own: a caller that gives up must not leave the partition waiting.
        let core = self.core.clone();
        let transfer = task::spawn(async move { core.transfer(node_id).await });
        transfer.await.map_err(stopped)?
    }

    async fn shutdown(&self) {
        if let Err(error) = self.core.raft.shutdown().await {
            tracing::warn!(%error, "the replica did not end well");
        }
        self.end_tasks();
    }
}

impl RaftReplication {
    fn end_tasks(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for RaftReplication {
    fn drop(&mut self) {
        self.end_tasks();
    }
}

impl std::fmt::Debug for RaftReplication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RaftReplication").finish_non_exhaustive()
    }
}
