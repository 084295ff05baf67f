//! Watches openraft: what others may know, leadership that ends without a vote, leaders without a
//! quorum.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openraft::Instant as _;
use openraft::async_runtime::watch::WatchReceiver;
use tokio::time::Instant;

use crate::replication::ReplicationEvent;
use crate::replication::raft::core::Core;
use crate::replication::raft::status::ReplicaStatus;
use crate::replication::raft::timing;

/// Watches until openraft ends.
pub(crate) async fn observe(core: Arc<Core>) {
    let mut server = core.raft.server_metrics();
    let mut metrics = core.raft.metrics();
    let mut leading_since: Option<(u64, Instant)> = None;
    loop {
        // Marked as seen before it is looked at, so that no change is missed.
        server.borrow_and_update();
        metrics.borrow_and_update();
        let status = core.look();
        notice_end(&core, &status);
        core.raft.runtime_config().tick(!status.is_alone(core.node_id));
        let term = status.is_leader.then_some(status.term);
        if leading_since.map(|(term, _)| term) != term {
            leading_since = term.map(|term| (term, Instant::now()));
        }
        let watches_quorum = status.is_leader && status.voters.len() > 1;
        if let Some((term, since)) = leading_since.filter(|_| watches_quorum)
            && is_alone(&core, since)
            && core.step_down(term).await.is_err()
        {
            return;
        }
        core.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
        let pause_ms = if watches_quorum { timing::HEARTBEAT_MS } else { timing::STATUS_PAUSE_MS };
        let news = async {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            if watches_quorum { Ok(()) } else { metrics.changed().await }
        };
        let ended = tokio::select! {
            biased;
            changed = server.changed() => changed.is_err(),
            changed = news => changed.is_err(),
        };
        if ended {
            return;
        }
    }
}

/// A leader that is no member any more becomes a learner without a vote for anybody: the partition
/// hears of it here.
fn notice_end(core: &Core, status: &ReplicaStatus) {
    let mut applied = core.applied.lock();
    let ended = applied.leading_term.filter(|term| !status.is_leader && *term == status.term);
    if let Some(term) = ended {
        applied.leading_term = None;
        drop(applied);
        core.events.push(ReplicationEvent::Following { term });
    }
}

/// No quorum has acknowledged anything for too long.
fn is_alone(core: &Core, leading_since: Instant) -> bool {
    let limit = Duration::from_millis(timing::QUORUM_LOST_MS);
    let metrics = core.raft.metrics();
    let acknowledged = metrics.borrow_watched().last_quorum_acked.map(|at| at.elapsed());
    leading_since.elapsed() >= limit && acknowledged.is_none_or(|ago| ago >= limit)
}

/// Steps down when a proposal was refused: what was processed since stands on nothing.
pub(crate) async fn watch_refusals(core: Arc<Core>) {
    loop {
        core.refusals.changed().await;
        let Some(term) = core.refusals.term() else { continue };
        if !core.transferring.load(Ordering::Acquire) && core.step_down(term).await.is_err() {
            return;
        }
    }
}
