//! A broker that is stopped on purpose lets others lead first: what it leads moves on without an
//! election's timeout, and before its last checkpoint takes its time.

use std::sync::Arc;
use std::time::Duration;

use crate::broker::Inner;
use crate::metadata::METADATA_PARTITION;
use crate::replication::{RaftReplication, Replication};

/// Longest wait for others to lead: when all brokers are stopped at once nobody will.
const HAND_OVER_MAX: Duration = Duration::from_millis(1_500);

impl Inner {
    /// Hands every partition that this node leads to another broker that is connected and close.
    pub(in crate::broker) async fn hand_over(&self) {
        let members = self.members.all();
        let replicas = members.iter().filter_map(|member| member.raft());
        let replicas = replicas.chain(self.raft(METADATA_PARTITION));
        let transfers = replicas.filter_map(|raft| Some((self.heir(&raft)?, raft)));
        let transfers = transfers.map(|(heir, raft)| async move {
            if let Err(error) = raft.transfer_leader(heir).await {
                tracing::info!(heir, %error, "another broker has to be elected");
            }
        });
        let all = futures::future::join_all(transfers);
        if tokio::time::timeout(HAND_OVER_MAX, all).await.is_err() {
            tracing::info!("nobody took over in time; others have to be elected");
        }
    }

    /// Who lacks the least of what this node leads.
    fn heir(&self, raft: &Arc<RaftReplication>) -> Option<u64> {
        let cluster = self.cluster.as_ref()?;
        let status = raft.look();
        let is_there = |node: u64| u32::try_from(node).is_ok_and(|node| cluster.is_linked(node));
        let lags = status.lag.iter().filter(|(node, _)| status.voters.contains(*node));
        let heirs = lags.filter(|(node, _)| is_there(**node));
        let nearest = heirs.min_by_key(|(_, lag)| **lag).map(|(node, _)| *node);
        nearest.filter(|_| status.is_leader)
    }
}
