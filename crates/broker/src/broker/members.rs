//! The replicas of this node: what callers and links need of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use skep_env::Clock;
use skep_protocol::{Command, PartitionId};
use tokio::sync::{Notify, oneshot};

use crate::error::BrokerError;
use crate::metrics::COMMANDS_REFUSED;
use crate::partition::{Answer, Control, Inbox, Limiter, Request, Status};
use crate::replication::RaftReplication;

/// One replica.
pub(crate) struct Member {
    pub(crate) id: PartitionId,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) status: Arc<Status>,
    /// Its replication, while it is open.
    raft: Mutex<Option<Arc<RaftReplication>>>,
}

impl Member {
    pub(crate) fn set_raft(&self, raft: Option<Arc<RaftReplication>>) {
        *self.raft.lock() = raft;
    }

    /// Its replication, while it is open.
    pub(crate) fn raft(&self) -> Option<Arc<RaftReplication>> {
        self.raft.lock().clone()
    }
}

/// The replicas by partition; they may come and go while the node runs.
pub(crate) struct Members {
    clock: Arc<dyn Clock>,
    map: RwLock<BTreeMap<PartitionId, Arc<Member>>>,
    accepting: AtomicBool,
    /// Told when a role or a health changes, and when a replica comes or goes.
    changed: Arc<Notify>,
}

/// What a command costs in memory besides its value, in bytes.
const COMMAND_OVERHEAD_BYTES: usize = 256;

/// What callers hear while an operator has paused a node.
const PAUSED: &str = "processing is paused on this node by an operator, who resumes it with POST \
                      /actuator/partitions/resumeProcessing; try again later";

/// What resolves with the answer of a partition.
pub(crate) type Accepted = oneshot::Receiver<Result<Answer, BrokerError>>;

impl Members {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let members = Arc::new(Self {
            clock: clock.clone(),
            map: RwLock::default(),
            accepting: AtomicBool::new(true),
            changed: Arc::default(),
        });
        let woken = Arc::downgrade(&members);
        clock.on_change(Box::new(move || {
            if let Some(members) = woken.upgrade() {
                members.each(|member| member.inbox.wake.notify_one());
            }
        }));
        members
    }

    /// Adds a replica that is about to start.
    pub(crate) fn add(&self, id: PartitionId) -> Arc<Member> {
        let member = Arc::new(Member {
            id,
            inbox: Inbox::new(),
            limiter: Arc::new(Limiter::new()),
            status: Arc::new(Status::new(id, self.changed.clone())),
            raft: Mutex::default(),
        });
        self.map.write().insert(id, member.clone());
        self.changed.notify_one();
        member
    }

    /// Forgets a replica.
    pub(crate) fn remove(&self, id: PartitionId) -> Option<Arc<Member>> {
        let removed = self.map.write().remove(&id);
        self.changed.notify_one();
        removed
    }

    /// The replica of a partition.
    pub(crate) fn get(&self, id: PartitionId) -> Option<Arc<Member>> {
        self.map.read().get(&id).cloned()
    }

    /// All replicas, ascending.
    pub(crate) fn all(&self) -> Vec<Arc<Member>> {
        self.map.read().values().cloned().collect()
    }

    /// Does something with each replica.
    pub(crate) fn each(&self, mut with: impl FnMut(&Member)) {
        for member in self.map.read().values() {
            with(member);
        }
    }

    /// Whether this node leads a partition.
    pub(crate) fn leads(&self, id: PartitionId) -> bool {
        self.map.read().get(&id).is_some_and(|member| member.status.is_leader())
    }

    /// Resolves when a role or a health has changed since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes nothing any more and lets every partition end.
    pub(crate) fn stop(&self) {
        self.accepting.store(false, Ordering::Release);
        self.each(|member| member.inbox.control(Control::Stop));
    }

    /// Something about the replicas has changed that others should hear of.
    pub(crate) fn tell_changed(&self) {
        self.changed.notify_one();
    }

    /// Whether requests are taken.
    pub(crate) fn is_accepting(&self) -> bool {
        self.accepting.load(Ordering::Acquire)
    }

    /// Puts a command into the inbox of a partition that this node leads; on success `command` is
    /// empty afterwards.
    ///
    /// # Errors
    /// When it is certainly not taken; `command` still has it.
    pub(crate) fn accept(
        &self,
        partition: PartitionId,
        command: &mut Option<Command>,
    ) -> Result<Accepted, BrokerError> {
        let members = self.map.read();
        let Some(member) = members.get(&partition) else {
            let reason = format!("this node has no replica of partition {partition}");
            return Err(refused("unavailable", BrokerError::unavailable(reason)));
        };
        if !self.is_accepting() {
            return Err(refused("unavailable", BrokerError::unavailable("the broker is stopping")));
        }
        if let Some(reason) = member.status.death() {
            return Err(refused("unavailable", BrokerError::internal(reason)));
        }
        if !member.status.is_leader() {
            let reason = format!("this node does not lead partition {partition}");
            return Err(refused("unavailable", BrokerError::unavailable(reason)));
        }
        if member.status.is_paused() {
            return Err(refused("paused", BrokerError::exhausted(PAUSED)));
        }
        let Some(taken) = command.take() else {
            return Err(BrokerError::internal("there is no command to take"));
        };
        let bytes = taken.payload.encoded_len() + COMMAND_OVERHEAD_BYTES;
        if let Err(reason) = member.limiter.accept(&taken.payload, bytes) {
            *command = Some(taken);
            return Err(refused("exhausted", BrokerError::exhausted(reason)));
        }
        let (reply, receiver) = oneshot::channel();
        let accepted_us = self.clock.monotonic_us();
        let request = Box::new(Request { command: taken, reply, bytes, accepted_us });
        if let Err(request) = member.inbox.request(request) {
            member.limiter.done(request.bytes, None, accepted_us);
            *command = Some(request.command);
            let error = BrokerError::unavailable("the partition has ended");
            return Err(refused("unavailable", error));
        }
        Ok(receiver)
    }
}

fn refused(reason: &'static str, error: BrokerError) -> BrokerError {
    metrics::counter!(COMMANDS_REFUSED, "reason" => reason).increment(1);
    error
}
