//! What others may know about a partition.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use skep_protocol::PartitionId;
use tokio::sync::watch;

use crate::topology::{PartitionHealth, PartitionRole, PartitionStatus};

/// Role, health and progress; written by the partition, read by everybody.
pub(crate) struct Status {
    id: PartitionId,
    leader: watch::Sender<bool>,
    position: AtomicU64,
    /// Id and position of the last committed CHECKPOINT, for backups.
    backup_checkpoint: Mutex<Option<(u64, u64)>>,
    health: Mutex<PartitionHealth>,
    dead: AtomicBool,
}

impl Status {
    pub(crate) fn new(id: PartitionId) -> Self {
        Self {
            id,
            leader: watch::Sender::new(false),
            position: AtomicU64::new(0),
            backup_checkpoint: Mutex::new(None),
            health: Mutex::new(PartitionHealth::Healthy),
            dead: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_leader(&self, leader: bool) {
        self.leader.send_replace(leader);
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

    /// Health changes, but a dead partition stays dead.
    pub(crate) fn set_health(&self, health: PartitionHealth) {
        let mut current = self.health.lock();
        if matches!(*current, PartitionHealth::Dead { .. }) {
            return;
        }
        if matches!(health, PartitionHealth::Dead { .. }) {
            self.dead.store(true, Ordering::Release);
            self.leader.send_replace(false);
        }
        *current = health;
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
        let leader = self.is_leader();
        PartitionStatus {
            id: self.id,
            role: if leader { PartitionRole::Leader } else { PartitionRole::Follower },
            health: self.health.lock().clone(),
            last_position: self.position.load(Ordering::Acquire),
        }
    }
}
