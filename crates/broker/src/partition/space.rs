//! What a partition does while its disk has no space: it takes no new work and says why.

use crate::error::BrokerError;
use crate::partition::Processing;
use crate::partition::processor::Partition;
use crate::replication::Replication;
use crate::topology::PartitionHealth;

impl<E: Processing, R: Replication> Partition<E, R> {
    pub(super) fn set_disk_full(&mut self, full: bool) {
        self.disk_full = full;
        self.publish_space(full || self.space_was_low);
    }

    /// Low space stops new work too: what is left is for checkpoints, which free some.
    pub(super) fn watch_space(&mut self) {
        let low = (self.parts.space_low)();
        if low != self.space_was_low {
            self.space_was_low = low;
            self.publish_space(low || self.disk_full);
        }
    }

    fn publish_space(&mut self, full: bool) {
        self.parts.limiter.set_disk_full(full);
        let health = if full {
            PartitionHealth::Unhealthy { reason: DISK_FULL.to_owned() }
        } else {
            PartitionHealth::Healthy
        };
        self.parts.status.set_health(health);
        if !full {
            return;
        }
        let mut requests = std::mem::take(&mut self.requests);
        self.parts.inbox.take(usize::MAX, &mut requests, &mut self.commands);
        for request in requests {
            self.refuse(request, BrokerError::exhausted(DISK_FULL));
        }
    }

    pub(super) fn is_space_low(&self) -> bool {
        self.space_was_low
    }
}

/// What callers hear while the disk is full.
const DISK_FULL: &str = "the disk is full: nothing can be written until space returns; free some, \
                         or move the data folder to a larger disk";
