//! Elections that do not wait for a timeout: a leader whose connection broke is most likely gone.
//!
//! The node lifts the lease of the lost leader, for itself alone, and asks the others whether they
//! would elect it (pre-vote, which disturbs nobody). Those who still hear from the leader refuse, so
//! a node that only lost its own connection changes nothing; those who lost it too have lifted the
//! lease and agree. Members with a higher placement priority go first, the others after a head start
//! each, so that they do not compete.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openraft::raft::TransferLeaderRequest;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::replication::raft::core::{Core, NOBODY};
use crate::replication::raft::timing;

/// What is known about the connection to another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Lost(u64),
    Found(u64),
}

/// Acts on what becomes of connections until nobody tells any more.
pub(crate) async fn watch_links(core: Arc<Core>, mut links: mpsc::Receiver<Link>) {
    let mut campaign: Option<(u64, tokio::task::JoinHandle<()>)> = None;
    while let Some(link) = links.recv().await {
        match link {
            Link::Lost(node) => {
                let running = campaign
                    .as_ref()
                    .is_some_and(|(lost, task)| *lost == node && !task.is_finished());
                if !running && core.follows(node) {
                    let replaced = core.clone();
                    let task = skep_env::task::spawn(async move { replaced.replace(node).await });
                    if let Some((_, before)) = campaign.replace((node, task)) {
                        before.abort();
                    }
                }
            }
            Link::Found(node) => {
                if let Some((_, task)) = campaign.take_if(|(lost, _)| *lost == node) {
                    task.abort();
                }
                if core.raft.trigger().reset_backoff([node]).await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Core {
    /// Whether this node is a leader that this one follows.
    fn follows(&self, node: u64) -> bool {
        node != self.node_id
            && self.vote().is_some_and(|vote| vote.committed && vote.leader_id.voted_for == node)
    }

    /// Tries to be elected in the place of a leader that is gone.
    async fn replace(&self, leader: u64) {
        let Some(vote) = self.vote().filter(|_| self.follows(leader)) else { return };
        // A hand-over to nobody: what openraft does about it is to lift the lease.
        let lift = TransferLeaderRequest::new(vote, NOBODY, None);
        if self.raft.handle_transfer_leader(lift).await.is_err() {
            return;
        }
        let Some(rank) = self.rank(Some(leader)) else { return };
        tracing::info!(leader, rank, "the connection to the leader is lost");
        tokio::time::sleep(Duration::from_millis(rank * timing::CAMPAIGN_STEP_MS)).await;
        self.campaign(|core| core.vote() == Some(vote)).await;
    }

    /// Tries to be the first leader of the group, or of its new life, if nobody has a higher
    /// priority.
    pub(crate) async fn campaign_first(&self) {
        let before = self.vote();
        if self.rank(None) == Some(0) {
            self.campaign(|core| core.vote() == before && core.look().leader.is_none()).await;
        }
    }

    /// Asks for votes over and over while it is worth it.
    async fn campaign(&self, is_wanted: impl Fn(&Self) -> bool) {
        let number = self.campaigns.fetch_add(1, Ordering::AcqRel) + 1;
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(timing::CAMPAIGN_MS)
            && self.campaigns.load(Ordering::Acquire) == number
            && self.admission.may_vote()
            && is_wanted(self)
        {
            if self.raft.trigger().elect(true).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(timing::CAMPAIGN_PAUSE_MS)).await;
        }
    }
}
