//! What a replica may do that has no data.
//!
//! A new group begins with the same first entry on every member. But a node without data may also be
//! a member that lost its disk: it may have voted in a term, or made an entry durable that was
//! committed with its help, and know nothing of it. If it voted again, a leader could be elected
//! that lacks committed entries, or two in one term. So a node without data first asks the others
//! (see `bootstrap`), and when their group exists it takes part in this order:
//!
//! 1. It waits until replies from its earlier life are not under way any more. Then it takes over the
//!    newest vote that so many others know that every quorum it may have been part of is among them
//!    (`promises` says how many and whose): leaders and candidates of terms in which it may have voted
//!    are refused, and so is whoever leads an older term.
//! 2. It follows: entries and snapshots are taken and acknowledged, which is true of what it stores
//!    now. It grants no vote and does not campaign.
//!    Except in a group of two, which has no leader without it: there it may help to elect who has at least
//!    the log of the other one (`promises` says why).
//! 3. When it has everything that a leader says is committed, in the leader's own term, it is a member
//!    like every other.
//!
//! What remains: when more members lose their data at a time than the group can spare, committed
//! entries are gone. Nothing in the group can notice that; a backup is the answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use openraft::raft::AppendEntriesRequest;
use skep_env::watch;
use tokio::time::Instant;

use crate::replication::raft::hard_state::{Hard, HardState};
use crate::replication::raft::timing;
use crate::replication::raft::types::{LogId, TypeConfig};

const AFTERLIFE: Duration = Duration::from_millis(timing::AFTERLIFE_MS);

/// See the module.
pub(crate) struct Admission {
    hard: Hard,
    started: AtomicBool,
    recovering: watch::Sender<bool>,
    opened: Instant,
}

/// An append that completes what is committed.
pub(crate) struct Complete;

impl Admission {
    /// Of a node that has data, or will be told by [`Admission::start`] what it is.
    pub(crate) fn new(hard: Hard, started: bool) -> Self {
        let recovering = watch::Sender::new(hard.read().recovering);
        Self { hard, started: AtomicBool::new(started), recovering, opened: Instant::now() }
    }

    /// Whether it is known to which group the node belongs.
    pub(crate) fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// The group exists, and this node knows nothing of it; durable when it returns.
    pub(crate) async fn recover(&self) -> std::io::Result<()> {
        self.recovering.send_replace(true);
        self.hard.save(|hard| hard.recovering = true).await
    }

    /// It may help to elect who has at least this log, or nobody, before it has caught up; durable when it
    /// returns.
    pub(crate) async fn help(&self, log: Option<LogId>) -> std::io::Result<()> {
        self.hard.save(|hard| hard.helps = log).await
    }

    pub(crate) fn may_vote(&self) -> bool {
        self.is_started() && !*self.recovering.borrow()
    }

    /// Whether it may vote for a candidate with this log; openraft decides whether it does.
    pub(crate) fn may_vote_for(&self, last: Option<LogId>) -> bool {
        self.may_vote()
            || self.is_started() && self.hard.read().helps.is_some_and(|log| last >= Some(log))
    }

    /// Resolves when replies from an earlier life are not under way any more.
    pub(crate) async fn settled(&self) {
        tokio::time::sleep_until(self.opened + AFTERLIFE).await;
    }

    /// Resolves when the node is a member like every other.
    pub(crate) async fn caught_up(&self) {
        let mut recovering = self.recovering.subscribe();
        let _ = recovering.wait_for(|recovering| !recovering).await;
    }

    /// Whether this append, once it has succeeded, leaves nothing to catch up with.
    pub(crate) fn progress(&self, request: &AppendEntriesRequest<TypeConfig>) -> Option<Complete> {
        if !*self.recovering.borrow() {
            return None;
        }
        let committed = request.leader_commit?;
        let last = request.entries.last().map(|entry| entry.log_id).or(request.prev_log_id)?;
        let of_this_term = **committed.committed_leader_id() == request.vote.leader_id.term;
        let settled = self.opened.elapsed() >= AFTERLIFE;
        (of_this_term && last >= committed && settled).then_some(Complete)
    }

    /// The node has caught up.
    pub(crate) async fn followed(&self, _: Complete) {
        if let Err(error) = self.hard.save(HardState::caught_up).await {
            tracing::warn!(%error, "cannot note that this replica has caught up");
            return;
        }
        if self.recovering.send_replace(false) {
            tracing::info!("this replica has caught up after the loss of its data");
        }
    }
}
