//! What others may know about a partition.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use skep_env::watch;
use skep_protocol::PartitionId;
use tokio::sync::Notify;

use crate::topology::{DistributionStatus, PartitionHealth, PartitionRole, PartitionStatus};

/// Role, health and progress; written by the partition, read by everybody.
pub(crate) struct Status {
    id: PartitionId,
    leader: watch::Sender<bool>,
    /// The term that it leads, or led last.
    term: AtomicU64,
    /// Told when role or health change.
    changed: Arc<Notify>,
    position: AtomicU64,
    /// Id and position of the last committed CHECKPOINT, for backups.
    backup_checkpoint: Mutex<Option<(u64, u64)>>,
    /// What other partitions have not acknowledged.
    distributions: Mutex<Vec<DistributionStatus>>,
    health: Mutex<PartitionHealth>,
    dead: AtomicBool,
    /// An operator wants nothing to be processed.
    paused: AtomicBool,
    /// An operator wants nothing to be exported from this replica.
    exporting_paused: AtomicBool,
    /// An operator wants a checkpoint now.
    checkpoint_wanted: AtomicBool,
}

impl Status {
    pub(crate) fn new(id: PartitionId, changed: Arc<Notify>) -> Self {
        Self {
            id,
            leader: watch::Sender::new(false),
            term: AtomicU64::new(0),
            changed,
            position: AtomicU64::new(0),
            backup_checkpoint: Mutex::new(None),
            distributions: Mutex::default(),
            health: Mutex::new(PartitionHealth::Healthy),
            dead: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            exporting_paused: AtomicBool::new(false),
            checkpoint_wanted: AtomicBool::new(false),
        }
    }

    /// Nothing is processed until this is taken back; what is replicated is applied all the same.
    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// What exporters of this replica obey.
    pub(crate) fn set_exporting_paused(&self, paused: bool) {
        self.exporting_paused.store(paused, Ordering::Release);
    }

    pub(crate) fn is_exporting_paused(&self) -> bool {
        self.exporting_paused.load(Ordering::Acquire)
    }

    /// Makes a checkpoint due, if there is anything new.
    pub(crate) fn want_checkpoint(&self) {
        self.checkpoint_wanted.store(true, Ordering::Release);
    }

    pub(crate) fn is_checkpoint_wanted(&self) -> bool {
        self.checkpoint_wanted.load(Ordering::Acquire)
    }

    /// One has begun.
    pub(crate) fn checkpoint_begun(&self) {
        self.checkpoint_wanted.store(false, Ordering::Release);
    }

    /// It leads a term, or does not lead any more.
    pub(crate) fn set_leading(&self, term: Option<u64>) {
        if let Some(term) = term {
            self.term.store(term, Ordering::Release);
        }
        self.leader.send_replace(term.is_some());
        self.changed.notify_one();
    }

    /// The term that it leads, or led last.
    pub(crate) fn term(&self) -> u64 {
        self.term.load(Ordering::Acquire)
    }

    pub(crate) fn is_leader(&self) -> bool {
        *self.leader.borrow()
    }

    pub(crate) fn set_position(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    pub(crate) fn set_backup_checkpoint(&self, checkpoint: Option<(u64, u64)>) {
        *self.backup_checkpoint.lock() = checkpoint;
    }

    pub(crate) fn backup_checkpoint(&self) -> Option<(u64, u64)> {
        *self.backup_checkpoint.lock()
    }

    pub(crate) fn set_distributions(&self, distributions: Vec<DistributionStatus>) {
        *self.distributions.lock() = distributions;
    }

    /// What other partitions have not acknowledged; empty when all is well, and on followers.
    pub(crate) fn distributions(&self) -> Vec<DistributionStatus> {
        self.distributions.lock().clone()
    }

    /// Health changes, but a dead partition stays dead.
    pub(crate) fn set_health(&self, health: PartitionHealth) {
        let mut current = self.health.lock();
        if matches!(*current, PartitionHealth::Dead { .. }) || *current == health {
            return;
        }
        if matches!(health, PartitionHealth::Dead { .. }) {
            self.dead.store(true, Ordering::Release);
            self.leader.send_replace(false);
        }
        *current = health;
        self.changed.notify_one();
    }

    /// Why the partition has stopped, when it has.
    pub(crate) fn death(&self) -> Option<String> {
        if !self.dead.load(Ordering::Acquire) {
            return None;
        }
        match &*self.health.lock() {
            PartitionHealth::Dead { reason } => Some(reason.clone()),
            _ => None,
        }
    }

    /// Waits until the partition leads; an error says why it never will.
    pub(crate) async fn leading(&self) -> Result<(), String> {
        let mut leader = self.leader.subscribe();
        loop {
            if *leader.borrow_and_update() {
                return Ok(());
            }
            if let Some(reason) = self.death() {
                return Err(reason);
            }
            if leader.changed().await.is_err() {
                return Err("the partition has ended".to_owned());
            }
        }
    }

    pub(crate) fn read(&self) -> PartitionStatus {
        let role = match (self.is_leader(), self.dead.load(Ordering::Acquire)) {
            (_, true) => PartitionRole::Inactive,
            (true, false) => PartitionRole::Leader,
            (false, false) => PartitionRole::Follower,
        };
        PartitionStatus {
            id: self.id,
            role,
            health: self.health.lock().clone(),
            last_position: self.position.load(Ordering::Acquire),
        }
    }
}
