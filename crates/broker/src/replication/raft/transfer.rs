//! Leadership is handed to another member, with as short a gap as possible: the other one is caught
//! up and may vote before the leader pauses, what the leader has proposed is committed and answered before it
//! gives way, and the other one needs no timeout to be elected.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::replication::raft::core::Core;
use crate::replication::raft::status::ReplicaStatus;
use crate::replication::raft::timing;
use crate::replication::{ReplicationError, ReplicationEvent};

impl Core {
    /// See [`crate::replication::Replication::transfer_leader`].
    pub(crate) async fn transfer(&self, to: u64) -> Result<(), ReplicationError> {
        let status = self.look();
        if status.leader == Some(to) {
            return Ok(());
        }
        let refused = |reason: &str| Err(ReplicationError(reason.to_owned()));
        if !status.is_leader {
            return refused("this node does not lead; ask the leader");
        }
        if !status.voters.contains(&to) {
            return refused("the chosen node has no vote in this partition");
        }
        if self.transferring.swap(true, Ordering::AcqRel) {
            return refused("leadership is being handed over already");
        }
        let result = self.hand_over(status.term, to).await;
        self.transferring.store(false, Ordering::Release);
        result
    }

    async fn hand_over(&self, term: u64, to: u64) -> Result<(), ReplicationError> {
        let lag = |status: &ReplicaStatus| status.lag.get(&to).copied().unwrap_or(u64::MAX);
        let is_close = |status: &ReplicaStatus| lag(status) <= timing::TRANSFER_LAG_MAX;
        let limit = timing::TRANSFER_CATCH_UP_MS;
        if !self.until_they_vote(&[to], Duration::from_millis(limit)).await {
            let text = format!("node {to} may not vote yet; try again when it has caught up");
            return Err(ReplicationError(text));
        }
        if !self.wait_for(limit, |status| status.term != term || is_close(status)).await {
            let text = format!("node {to} is too far behind; try again when it has caught up");
            return Err(ReplicationError(text));
        }
        let status = self.look();
        if !status.is_leader || status.term != term {
            return Err(ReplicationError("this node does not lead any more".to_owned()));
        }
        self.events.push(ReplicationEvent::HandingOver(true));
        let settled = tokio::time::timeout(
            Duration::from_millis(timing::TRANSFER_SETTLE_MS),
            self.settle(term),
        );
        if settled.await.is_err() {
            self.events.push(ReplicationEvent::HandingOver(false));
            let text = "the leader is too busy to hand over; try again".to_owned();
            return Err(ReplicationError(text));
        }
        let stopped = |error: &dyn std::fmt::Display| ReplicationError(error.to_string());
        self.raft.trigger().transfer_leader(to).await.map_err(|error| stopped(&error))?;
        let limit = timing::TRANSFER_ELECTION_MS;
        if self.wait_for(limit, |status| status.leader == Some(to)).await {
            return Ok(());
        }
        // openraft never takes a hand-over back: only a new term helps.
        self.step_down(term).await.map_err(|error| stopped(&error))?;
        self.events.push(ReplicationEvent::HandingOver(false));
        Err(ReplicationError(format!("node {to} was not elected in time")))
    }

    /// Waits until the partition proposes nothing any more and everything it proposed is committed.
    async fn settle(&self, term: u64) {
        self.events.wait_until_empty().await;
        loop {
            let (proposed_in, proposed) = *self.proposed.lock();
            let is_done = {
                let applied = self.applied.lock();
                proposed_in != term
                    || applied.leading_term != Some(term)
                    || applied.batches_in(term) >= proposed
            };
            if is_done {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Looks until it is so; false when it takes too long.
    async fn wait_for(&self, limit_ms: u64, is_so: impl Fn(&ReplicaStatus) -> bool) -> bool {
        let looking = async {
            while !is_so(&self.look()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(limit_ms), looking).await.is_ok()
    }
}
