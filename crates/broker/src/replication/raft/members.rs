//! Who belongs to the group. Only the leader can change it, and every call may be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::{BasicNode, ChangeMembers};

use super::{RaftReplication, stopped, timing};
use crate::replication::ReplicationError;

impl RaftReplication {
    /// Lets a node follow without a vote; returns when that is committed, not when the node has
    /// caught up: [`super::ReplicaStatus::lag`] tells.
    ///
    /// # Errors
    /// When this node does not lead or stops to lead, or another change is under way.
    pub async fn add_learner(&self, node_id: u64) -> Result<(), ReplicationError> {
        let status = self.core.look();
        if status.is_leader
            && (status.learners.contains(&node_id) || status.voters.contains(&node_id))
        {
            return Ok(());
        }
        let added = self.core.raft.add_learner(node_id, BasicNode::default(), false).await;
        added.map(|_| ()).map_err(stopped)
    }

    /// Lets a node follow no longer; a node with a vote has to lose that first.
    ///
    /// # Errors
    /// As for [`RaftReplication::add_learner`].
    pub async fn remove_learner(&self, node_id: u64) -> Result<(), ReplicationError> {
        let change = ChangeMembers::RemoveNodes(BTreeSet::from([node_id]));
        let removed = self.core.raft.change_membership(change, false).await;
        removed.map(|_| ()).map_err(stopped)
    }

    /// Gives these nodes, and nobody else, a vote; returns when that is committed. New ones have to
    /// follow already, and have caught up: a node that lost its data, or may have, cannot vote
    /// before that. Those that lose their vote leave the group. A leader that is not among them
    /// hands leadership over and leaves.
    ///
    /// # Errors
    /// As for [`RaftReplication::add_learner`], and when a new one does not catch up for a while. A
    /// change that failed half-way goes on when it is asked for again.
    pub async fn change_members(&self, voters: BTreeSet<u64>) -> Result<(), ReplicationError> {
        let status = self.core.look();
        let new: Vec<u64> = voters.difference(&status.voters).copied().collect();
        let patience = Duration::from_millis(timing::TRANSFER_CATCH_UP_MS);
        if status.is_leader && !self.core.until_they_vote(&new, patience).await {
            let text = format!("of the nodes {new:?} not all have caught up; try again later");
            return Err(ReplicationError(text));
        }
        let change = ChangeMembers::ReplaceAllVoters(voters);
        let changed = self.core.raft.change_membership(change, false).await;
        changed.map(|_| ()).map_err(stopped)
    }

    /// Who should rather lead: the greater number first, then the smaller node.
    pub fn set_priorities(&self, priorities: BTreeMap<u64, u32>) {
        *self.core.priorities.lock() = priorities;
    }
}
