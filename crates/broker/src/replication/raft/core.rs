//! What the tasks of a replica share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use openraft::async_runtime::watch::WatchReceiver;
use openraft::raft::VoteRequest;
use openraft::{Raft, ServerState};
use parking_lot::Mutex;
use skep_env::watch;

use crate::replication::raft::admission::Admission;
use crate::replication::raft::applied::Applied;
use crate::replication::raft::hard_state::Hard;
use crate::replication::raft::proposals::Refusals;
use crate::replication::raft::state_machine::StateMachine;
use crate::replication::raft::status::ReplicaStatus;
use crate::replication::raft::types::{TypeConfig, Vote, new_log_id, new_vote};
use crate::replication::{EventQueue, Peers};

/// A candidate that does not exist. A vote for it is a vote against everybody else in its term.
pub(crate) const NOBODY: u64 = u64::MAX;

/// See the module.
pub(crate) struct Core {
    pub(crate) node_id: u64,
    pub(crate) raft: Raft<TypeConfig, StateMachine>,
    pub(crate) events: Arc<EventQueue>,
    pub(crate) applied: Arc<Mutex<Applied>>,
    pub(crate) hard: Hard,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) peers: Arc<dyn Peers>,
    /// Who should rather lead than others; the greater number first, then the smaller node.
    pub(crate) priorities: Mutex<BTreeMap<u64, u32>>,
    pub(crate) status: watch::Sender<ReplicaStatus>,
    /// Leadership is being handed over.
    pub(crate) transferring: AtomicBool,
    /// Term and number of the last proposal.
    pub(crate) proposed: Mutex<(u64, u64)>,
    /// The last entry of the last checkpoint.
    pub(crate) checkpoint: Mutex<Option<u64>>,
    /// Campaigns that were begun: a newer one ends those before.
    pub(crate) campaigns: AtomicU64,
}

impl Core {
    /// What openraft tells about itself, now.
    pub(crate) fn look(&self) -> ReplicaStatus {
        ReplicaStatus::of(&self.raft.metrics().borrow_watched())
    }

    /// The vote that this node has given and made durable.
    pub(crate) fn vote(&self) -> Option<Vote> {
        self.hard.read().vote
    }

    /// Ends the leadership of this node in this term. openraft has no word for it, but it gives way
    /// to a candidate of a newer term: one that does not exist. The vote for it is durable like
    /// every vote, so that nobody is elected in that term with the vote of this node.
    pub(crate) async fn step_down(
        &self,
        term: u64,
    ) -> Result<(), openraft::errors::Fatal<TypeConfig>> {
        {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow_watched();
            if metrics.state != ServerState::Leader || metrics.current_term != term {
                return Ok(());
            }
        }
        tracing::warn!(term, "stepping down");
        self.adopt(new_vote(term + 1, NOBODY, false)).await
    }

    /// Takes over a vote, if it is newer than the own.
    pub(crate) async fn adopt(
        &self,
        vote: Vote,
    ) -> Result<(), openraft::errors::Fatal<TypeConfig>> {
        let vote = new_vote(vote.leader_id.term, vote.leader_id.voted_for, false);
        let request = VoteRequest {
            vote,
            // No log is longer, and no lease counts: it is this node's own will.
            last_log_id: Some(new_log_id(u64::MAX, u64::MAX)),
            leadership_transfer: true,
        };
        match self.raft.vote(request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.into_fatal().unwrap_or(openraft::errors::Fatal::Stopped)),
        }
    }

    /// How many members should rather lead than this one, without `lost`; None when this node has
    /// no vote.
    pub(crate) fn rank(&self, lost: Option<u64>) -> Option<u64> {
        let voters = self.look().voters;
        if !voters.contains(&self.node_id) {
            return None;
        }
        let priorities = self.priorities.lock();
        let place = |node: u64| {
            (std::cmp::Reverse(priorities.get(&node).copied().unwrap_or_default()), node)
        };
        let own = place(self.node_id);
        let before = voters.iter().filter(|node| Some(**node) != lost && place(**node) < own);
        Some(before.count() as u64)
    }
}
