//! What others may know about a replica.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::metrics::RaftMetrics;
use openraft::{Instant as _, ServerState};

use crate::replication::raft::timing;
use crate::replication::raft::types::{LogId, TypeConfig};

/// A replica and its group, as this node knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// The newest term.
    pub term: u64,
    /// Who leads it, as far as is known.
    pub leader: Option<u64>,
    /// This node was elected in the term. It begins to process a little later.
    pub is_leader: bool,
    /// The nodes that vote.
    pub voters: BTreeSet<u64>,
    /// The nodes that only follow.
    pub learners: BTreeSet<u64>,
    /// A change of the voters has begun and not ended.
    pub is_changing: bool,
    /// The last entry of the log.
    pub last_index: Option<u64>,
    /// The last entry that was applied.
    pub applied_index: Option<u64>,
    /// Entries that each other member lacks, without members that have not been heard of lately; only
    /// a leader knows.
    pub lag: BTreeMap<u64, u64>,
}

impl ReplicaStatus {
    pub(crate) fn of(metrics: &RaftMetrics<TypeConfig>) -> Self {
        let membership = metrics.membership_config.membership();
        let next = metrics.last_log_index.map_or(0, |last| last + 1);
        let matched = metrics.replication.iter().flatten();
        let is_there = |node: &u64| {
            let heard = metrics.heartbeat.as_ref().and_then(|heard| heard.get(node)?.as_ref());
            heard.is_some_and(|at| at.elapsed() < Duration::from_millis(timing::QUORUM_LOST_MS))
        };
        let lag_of = |(node, matched): (&u64, &Option<LogId>)| {
            let has = matched.as_ref().map_or(0, |matched| matched.index() + 1);
            let is_shown = *node != metrics.id && is_there(node);
            is_shown.then(|| (*node, next.saturating_sub(has)))
        };
        Self {
            term: metrics.current_term,
            leader: metrics.current_leader,
            is_leader: metrics.state == ServerState::Leader,
            voters: membership.voter_ids().collect(),
            learners: membership.learner_ids().collect(),
            is_changing: metrics.membership_config != metrics.committed_membership_config
                || membership.get_joint_config().len() > 1,
            last_index: metrics.last_log_index,
            applied_index: metrics.last_applied.as_ref().map(|applied| applied.index()),
            lag: matched.filter_map(lag_of).collect(),
        }
    }

    /// No other member is known.
    pub(crate) fn is_alone(&self, node_id: u64) -> bool {
        self.learners.is_empty() && self.voters.iter().all(|voter| *voter == node_id)
    }
}
