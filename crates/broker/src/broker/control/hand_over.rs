//! A broker that is stopped on purpose lets others lead first: what it leads moves on without an
//! election's timeout, and before its last checkpoint takes its time.

use std::sync::Arc;
use std::time::Duration;

use crate::broker::Inner;
use crate::metadata::METADATA_PARTITION;
use crate::replication::{RaftReplication, Replication};

/// Longest wait for others to lead: when all brokers are stopped at once nobody will. A replica that
/// began without data, as most do in a cluster that has just been started, may vote after a second.
const HAND_OVER_MAX: Duration = Duration::from_millis(2_500);

impl Inner {
    /// Hands every partition that this node leads to another broker that is connected and close.
    pub(in crate::broker) async fn hand_over(&self) {
        let members = self.members.all();
        let replicas = members.iter().filter_map(|member| member.raft());
        let replicas = replicas.chain(self.raft(METADATA_PARTITION));
        let transfers = replicas.map(|raft| async move {
            let Some(heir) = self.heir(&raft).await else { return };
            if let Err(error) = raft.transfer_leader(heir).await {
                tracing::info!(heir, %error, "another broker has to be elected");
            }
        });
        let all = futures::future::join_all(transfers);
        if tokio::time::timeout(HAND_OVER_MAX, all).await.is_err() {
            tracing::info!("nobody took over in time; others have to be elected");
        }
    }

    /// Who lacks the least of what this node leads, rather one that may vote by now.
    async fn heir(&self, raft: &Arc<RaftReplication>) -> Option<u64> {
        let cluster = self.cluster.as_ref()?;
        let status = raft.look();
        if !status.is_leader {
            return None;
        }
        let is_there = |node: u64| u32::try_from(node).is_ok_and(|node| cluster.is_linked(node));
        let lags = status.lag.iter().filter(|(node, _)| status.voters.contains(*node));
        let mut heirs: Vec<(u64, u64)> =
            lags.filter(|(node, _)| is_there(**node)).map(|(node, lag)| (*lag, *node)).collect();
        heirs.sort_unstable();
        let nodes: Vec<u64> = heirs.into_iter().map(|(_, node)| node).collect();
        let voting = raft.voting(&nodes).await;
        let ready = nodes.iter().find(|node| voting.contains(node));
        ready.or(nodes.first()).copied()
    }
}
