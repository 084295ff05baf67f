//! The metadata group: decides on the next cluster configuration, one at a time.
//!
//! A proposal is a whole document. It is decided when its entry commits: taken when its version
//! follows the version before it in the log, refused otherwise. So of two that were derived from
//! the same version one loses, and says so to its proposer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skep_env::task::{Dedicated, MakeBody};
use skep_env::watch;
use skep_env::{Random, Tasks};
use skep_storage::StreamHandle;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::limits::{METADATA_DECISION_TIMEOUT_MS, METADATA_PROPOSALS_MAX};
use crate::metadata::config::ClusterConfig;
use crate::metadata::known::KnownConfig;
use crate::metadata::store::{Checkpoint, MetadataStore};
use crate::replication::{
    EntryId, Peers, RaftReplication, RaftSettings, Replication, ReplicationEvent,
};

/// What became of a proposal that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Another node leads the metadata group, or none.
    #[error("this node does not lead the metadata group")]
    NotLeading,
    /// Another document was decided meanwhile.
    #[error("the cluster configuration was changed meanwhile")]
    Outdated,
    /// Nobody knows whether it was decided.
    #[error("the metadata group lost its leader; the change may still take effect")]
    Lost,
}

struct Proposal {
    config: ClusterConfig,
    reply: oneshot::Sender<Result<(), ProposeError>>,
}

/// The handle of this node's replica of the metadata group.
#[derive(Clone)]
pub struct MetadataGroup {
    proposals: mpsc::Sender<Proposal>,
    known: KnownConfig,
    leading: watch::Receiver<Option<u64>>,
    replica: watch::Receiver<Option<Arc<RaftReplication>>>,
    stop: Arc<Notify>,
}

impl MetadataGroup {
    /// The replica, when it is open: requests of other nodes and news of connections go to it.
    #[must_use]
    pub fn replica(&self) -> watch::Receiver<Option<Arc<RaftReplication>>> {
        self.replica.clone()
    }

    /// The newest configuration that this node knows.
    #[must_use]
    pub fn known(&self) -> &KnownConfig {
        &self.known
    }

    /// The term in which this node leads the group, while it does.
    #[must_use]
    pub fn leading(&self) -> watch::Receiver<Option<u64>> {
        self.leading.clone()
    }

    /// Whether this node leads the group.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.leading.borrow().is_some()
    }

    /// Asks for a decision on a document that was derived from the known one.
    ///
    /// # Errors
    /// See [`ProposeError`].
    pub async fn propose(&self, config: ClusterConfig) -> Result<(), ProposeError> {
        let (reply, answer) = oneshot::channel();
        let decided = async {
            let sent = self.proposals.send(Proposal { config, reply }).await;
            sent.map_err(|_| ProposeError::NotLeading)?;
            answer.await.unwrap_or(Err(ProposeError::Lost))
        };
        let timeout = Duration::from_millis(METADATA_DECISION_TIMEOUT_MS);
        tokio::time::timeout(timeout, decided).await.unwrap_or(Err(ProposeError::Lost))
    }

    /// Ends the replica.
    pub fn shutdown(&self) {
        self.stop.notify_one();
    }
}

impl std::fmt::Debug for MetadataGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetadataGroup").field("known", &self.known).finish_non_exhaustive()
    }
}

/// The replica behind a handle: a body to be run where its replication lives.
struct MetadataReplica<R> {
    replication: Arc<R>,
    wake: Arc<Notify>,
    proposals: mpsc::Receiver<Proposal>,
    stop: Arc<Notify>,
    store: MetadataStore,
    known: KnownConfig,
    leading: watch::Sender<Option<u64>>,
    /// Leadership is on its way to another node.
    handing_over: bool,
    /// The version that the log has come to.
    applied_version: u64,
    /// Proposals of this term that are not decided yet, in their order.
    undecided: VecDeque<oneshot::Sender<Result<(), ProposeError>>>,
}

/// What a replica holds of the handle.
struct Ends {
    proposals: mpsc::Receiver<Proposal>,
    stop: Arc<Notify>,
    leading: watch::Sender<Option<u64>>,
    replica: watch::Sender<Option<Arc<RaftReplication>>>,
}

fn handle(known: KnownConfig) -> (MetadataGroup, Ends) {
    let (sender, proposals) = mpsc::channel(METADATA_PROPOSALS_MAX);
    let (leading, leads) = watch::channel(None);
    let (replica, opened) = watch::channel(None);
    let stop = Arc::new(Notify::new());
    let group = MetadataGroup {
        proposals: sender,
        known,
        leading: leads,
        replica: opened,
        stop: stop.clone(),
    };
    (group, Ends { proposals, stop, leading, replica })
}

/// What a node's replica of the metadata group is made of.
pub struct MetadataSettings {
    /// This node.
    pub node_id: u32,
    /// The log: stream [`crate::metadata::METADATA_PARTITION`] of the journal.
    pub stream: StreamHandle,
    /// Where the state is kept.
    pub store: MetadataStore,
    /// What decisions are told to.
    pub known: KnownConfig,
    /// The brokers that the group begins with, each with its priority; see
    /// [`RaftSettings::members`].
    pub members: BTreeMap<u64, u32>,
    /// The group certainly exists.
    pub joins: bool,
    /// The way to the other members.
    pub peers: Arc<dyn Peers>,
    /// Where work runs.
    pub tasks: Arc<dyn Tasks>,
    /// Random numbers.
    pub random: Arc<dyn Random>,
}

impl MetadataGroup {
    /// Starts this node's replica, and says how to wait for its end.
    ///
    /// # Errors
    /// When the system has no room for another thread.
    pub fn start(settings: MetadataSettings) -> std::io::Result<(Self, Dedicated)> {
        let tasks = settings.tasks.clone();
        let (group, ends) = handle(settings.known.clone());
        let body: MakeBody = Box::new(move || {
            Box::pin(async move {
                if let Err(reason) = open_and_run(settings, ends).await {
                    tracing::error!(reason, "this node's replica of the metadata group has ended");
                }
            })
        });
        let running = tasks.dedicated("skep-metadata", body)?;
        Ok((group, running))
    }
}

async fn open_and_run(settings: MetadataSettings, ends: Ends) -> Result<(), String> {
    let MetadataSettings { node_id, stream, store, known, .. } = settings;
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let checkpoint = store.checkpoint().map_err(|error| failed(&error))?;
    let wake = Arc::new(Notify::new());
    let replication = RaftReplication::open(RaftSettings {
        node_id: u64::from(node_id),
        name: "metadata".to_owned(),
        stream,
        checkpoint_meta: checkpoint.map(|checkpoint| checkpoint.replication),
        snapshots: Arc::new(store.clone()),
        wake: wake.clone(),
        members: settings.members,
        joins: settings.joins,
        peers: settings.peers,
        tasks: settings.tasks,
        random: settings.random,
    })
    .await
    .map_err(|error| failed(&error))?;
    let replication = Arc::new(replication);
    ends.replica.send_replace(Some(replication.clone()));
    let replica = MetadataReplica::new(replication, wake, ends, store, known);
    replica.map_err(|error| failed(&error))?.run().await
}

fn applied_version(store: &MetadataStore) -> std::io::Result<u64> {
    let applied = store.checkpoint()?.and_then(|checkpoint| checkpoint.config);
    Ok(applied.map_or(0, |config| config.version))
}

impl<R: Replication> MetadataReplica<R> {
    fn new(
        replication: Arc<R>,
        wake: Arc<Notify>,
        ends: Ends,
        store: MetadataStore,
        known: KnownConfig,
    ) -> std::io::Result<Self> {
        let Ends { proposals, stop, leading, .. } = ends;
        let applied_version = applied_version(&store)?;
        Ok(Self {
            replication,
            wake,
            proposals,
            stop,
            store,
            known,
            leading,
            handing_over: false,
            applied_version,
            undecided: VecDeque::new(),
        })
    }

    /// Runs until the handle says that it is enough, or the replica fails; returns why it failed.
    async fn run(mut self) -> Result<(), String> {
        let result = loop {
            while let Some(event) = self.replication.events().pop() {
                if let Err(reason) = self.hear(event).await {
                    self.follow();
                    return Err(reason);
                }
            }
            tokio::select! {
                biased;
                () = self.stop.notified() => break Ok(()),
                () = self.wake.notified() => {}
                proposal = self.proposals.recv() => match proposal {
                    Some(proposal) => self.propose(proposal).await,
                    None => break Ok(()),
                },
            }
        };
        self.follow();
        self.replication.shutdown().await;
        result
    }

    async fn propose(&mut self, Proposal { config, reply }: Proposal) {
        let term = *self.leading.borrow();
        let Some(term) = term.filter(|_| !self.handing_over) else {
            let _ = reply.send(Err(ProposeError::NotLeading));
            return;
        };
        match self.replication.propose(term, Bytes::from(config.encode())).await {
            Ok(()) => self.undecided.push_back(reply),
            Err(_) => {
                let _ = reply.send(Err(ProposeError::NotLeading));
            }
        }
    }

    async fn hear(&mut self, event: ReplicationEvent) -> Result<(), String> {
        match event {
            ReplicationEvent::Committed { entry, batch, own } if !batch.is_empty() => {
                let decision = self.decide(entry, &batch).await;
                if own && let Some(reply) = self.undecided.pop_front() {
                    let _ = reply.send(decision);
                }
            }
            ReplicationEvent::Committed { .. } => {}
            ReplicationEvent::Leading { term } => {
                self.lose_undecided();
                self.handing_over = false;
                tracing::info!(term, "this node coordinates changes of the cluster");
                self.leading.send_replace(Some(term));
            }
            ReplicationEvent::Following { .. } => self.follow(),
            ReplicationEvent::HandingOver(handing_over) => self.handing_over = handing_over,
            ReplicationEvent::StateReplaced { .. } => {
                let checkpoint = self.store.checkpoint().map_err(|error| error.to_string())?;
                if let Some(config) = checkpoint.and_then(|checkpoint| checkpoint.config) {
                    self.applied_version = config.version;
                    self.known.learn(Arc::new(config));
                }
            }
            ReplicationEvent::DiskFull(full) => {
                tracing::warn!(full, "the disk of the metadata group is full, or has space again");
            }
            ReplicationEvent::Failed { reason } => return Err(reason),
        }
        Ok(())
    }

    /// A document has its place in the log: it is taken, or it was derived from an older one.
    async fn decide(&mut self, entry: EntryId, batch: &[u8]) -> Result<(), ProposeError> {
        let config = match ClusterConfig::decode(batch) {
            Ok(config) => config,
            Err(refusal) => {
                // Proposers validate; every replica reads the same bytes and skips them alike.
                tracing::error!(%refusal, "an entry of the metadata group cannot be read");
                return Err(ProposeError::Outdated);
            }
        };
        // A member of the first hour that has applied nothing stands at 1, a later one at 0: the
        // first document in the log follows both.
        if config.version <= self.applied_version.max(1) {
            return Err(ProposeError::Outdated);
        }
        self.applied_version = config.version;
        self.keep(entry, &config).await;
        self.known.learn(Arc::new(config));
        Ok(())
    }

    /// Makes the state durable, so that the log before it may go. Without it (a full disk) the log
    /// stays, and is read again.
    async fn keep(&self, entry: EntryId, config: &ClusterConfig) {
        let replication = self.replication.checkpoint_meta(entry);
        let checkpoint = Checkpoint { entry, replication, config: Some(config.clone()) };
        if let Err(error) = self.store.write_checkpoint(&checkpoint) {
            tracing::warn!(%error, "the state of the metadata group could not be stored");
            return;
        }
        if let Err(error) = self.replication.checkpointed(entry).await {
            tracing::warn!(%error, "the log of the metadata group could not be purged");
        }
    }

    fn follow(&mut self) {
        self.leading.send_replace(None);
        self.lose_undecided();
    }

    fn lose_undecided(&mut self) {
        for reply in self.undecided.drain(..) {
            let _ = reply.send(Err(ProposeError::Lost));
        }
    }
}

#[cfg(test)]
mod tests;
