//! Checkpoints: what changed goes to the store in the background, then the log before it may go.
//!
//! A checkpoint is frozen at the end of a round. It is written when that round is committed, not
//! before: the store must never hold what the log may still lose.

use std::sync::Arc;

use crate::metrics::seconds;
use crate::partition::processor::{End, Partition, Step};
use crate::partition::{Inbox, Processing, StateChanges};
use crate::replication::{EntryId, Replication};

/// When a checkpoint is due, and who writes it.
pub(crate) struct CheckpointSettings {
    /// Bytes of log since the last one.
    pub(crate) log_bytes: u64,
    /// Bytes of state in memory that no checkpoint holds.
    pub(crate) dirty_bytes: usize,
    /// Microseconds since the last one, while anything is new.
    pub(crate) interval_us: u64,
    /// How often the state in the store was replaced by that of another node.
    pub(crate) replaced: Box<dyn Fn() -> u64 + Send>,
    /// Takes a job without waiting; [`super::Control::CheckpointDone`] tells of its end.
    pub(crate) write: Box<dyn Fn(CheckpointJob) + Send>,
}

/// A checkpoint to write.
pub(crate) struct CheckpointJob {
    pub(crate) changes: Arc<dyn StateChanges>,
    /// The entry as of which it is.
    pub(crate) entry: EntryId,
    /// What the replication wants to have stored with it.
    pub(crate) replication_meta: Vec<u8>,
    /// How often the state had been replaced when the engine that changed it was made.
    pub(crate) replaced: u64,
    /// Who hears of its end.
    pub(crate) inbox: Arc<Inbox>,
}

enum State {
    Idle,
    /// Frozen; `entry` is known when the last round in it is committed.
    Frozen {
        changes: Arc<dyn StateChanges>,
        entry: Option<EntryId>,
        log_bytes: u64,
    },
    Writing {
        changes: Arc<dyn StateChanges>,
        entry: EntryId,
        log_bytes: u64,
        started_us: u64,
    },
    /// The store refused it; tried again after a while.
    Failed {
        changes: Arc<dyn StateChanges>,
        entry: EntryId,
        log_bytes: u64,
        at_us: u64,
    },
}

/// The checkpoints of one partition.
pub(super) struct Checkpoints {
    state: State,
    /// The last one in the store.
    last: Option<EntryId>,
    last_us: u64,
    /// Log since the last one was frozen.
    log_bytes: u64,
}

/// Pause after a checkpoint that failed, in microseconds.
const RETRY_PAUSE_US: u64 = 1_000_000;

impl Checkpoints {
    pub(super) fn new(last: Option<EntryId>, now_us: u64) -> Self {
        Self { state: State::Idle, last, last_us: now_us, log_bytes: 0 }
    }

    /// A round or replayed entry is committed: the state as of `position` is safe in the log.
    pub(super) fn committed(&mut self, committed: EntryId, position: u64, bytes: usize) {
        self.log_bytes += bytes as u64;
        if let State::Frozen { changes, entry: entry @ None, .. } = &mut self.state
            && changes.position() == position
        {
            *entry = Some(committed);
        }
    }

    pub(super) fn last(&self) -> Option<EntryId> {
        self.last
    }

    pub(super) fn is_writing(&self) -> bool {
        matches!(self.state, State::Writing { .. })
    }

    /// The engine is made anew: what it froze is gone.
    pub(super) fn forget_unwritten(&mut self) {
        self.state = State::Idle;
    }

    /// The store holds the state of another node as of this entry.
    pub(super) fn replaced(&mut self, entry: EntryId) {
        self.state = State::Idle;
        self.last = Some(entry);
        self.log_bytes = 0;
    }
}

impl<E: Processing, R: Replication> Partition<E, R> {
    /// Begins a checkpoint when one is due, and hands it over when its last round is committed.
    pub(super) async fn advance_checkpoint(&mut self) -> Step {
        if self.needs_rebuild {
            return Ok(());
        }
        let now_us = self.parts.clock.monotonic_us();
        self.advance_captures(now_us);
        if matches!(self.checkpoints.state, State::Idle) && self.is_checkpoint_due(now_us) {
            self.begin_checkpoint(now_us);
        }
        if self.captures.hold() {
            return Ok(());
        }
        match std::mem::replace(&mut self.checkpoints.state, State::Idle) {
            State::Frozen { changes, entry: Some(entry), log_bytes } => {
                self.write_checkpoint(changes, entry, log_bytes, now_us);
            }
            State::Failed { changes, entry, log_bytes, at_us }
                if now_us.saturating_sub(at_us) >= RETRY_PAUSE_US =>
            {
                self.write_checkpoint(changes, entry, log_bytes, now_us);
            }
            other => self.checkpoints.state = other,
        }
        Ok(())
    }

    fn is_checkpoint_due(&self, now_us: u64) -> bool {
        let settings = &self.parts.checkpoints;
        let since_us = now_us.saturating_sub(self.checkpoints.last_us);
        let news = self.applied.position > self.engine.checkpoint_position();
        self.checkpoints.log_bytes >= settings.log_bytes
            || self.engine.dirty_bytes() >= settings.dirty_bytes
            || (news && since_us >= settings.interval_us)
            || (news && self.parts.status.is_checkpoint_wanted())
            || (news && (self.is_space_low() || (self.is_stopping() && self.held.is_empty())))
    }

    fn begin_checkpoint(&mut self, now_us: u64) {
        self.parts.status.checkpoint_begun();
        self.checkpoints.last_us = now_us;
        let Some(changes) = self.engine.begin_checkpoint() else {
            self.checkpoints.log_bytes = 0;
            return;
        };
        let known = changes.position() == self.applied.position;
        let entry = self.applied.entry.filter(|_| known);
        let log_bytes = std::mem::take(&mut self.checkpoints.log_bytes);
        self.checkpoints.state = State::Frozen { changes, entry, log_bytes };
    }

    fn write_checkpoint(
        &mut self,
        changes: Arc<dyn StateChanges>,
        entry: EntryId,
        log_bytes: u64,
        now_us: u64,
    ) {
        (self.parts.checkpoints.write)(CheckpointJob {
            changes: changes.clone(),
            entry,
            replication_meta: self.parts.replication.checkpoint_meta(entry),
            replaced: self.engine_replaced,
            inbox: self.parts.inbox.clone(),
        });
        self.checkpoints.state = State::Writing { changes, entry, log_bytes, started_us: now_us };
    }

    /// The store has the checkpoint, or has refused it.
    pub(super) async fn checkpoint_done(&mut self, result: Result<(), String>) -> Step {
        let now_us = self.parts.clock.monotonic_us();
        let state = std::mem::replace(&mut self.checkpoints.state, State::Idle);
        let State::Writing { changes, entry, log_bytes, started_us } = state else {
            self.checkpoints.state = state;
            return Ok(());
        };
        if let Err(reason) = result {
            tracing::warn!(partition = self.parts.id, %reason, "a checkpoint failed");
            self.metrics.checkpoint_failures.increment(1);
            self.checkpoints.state = State::Failed { changes, entry, log_bytes, at_us: now_us };
            return Ok(());
        }
        self.activity += 1;
        self.metrics.checkpoints.increment(1);
        self.metrics.checkpoint_time.record(seconds(now_us.saturating_sub(started_us)));
        self.checkpoints.last = Some(entry);
        if !self.needs_rebuild {
            self.engine.end_checkpoint().map_err(End::Failed)?;
        }
        let purged = self.parts.replication.checkpointed(entry).await;
        purged.map_err(|error| End::Failed(error.to_string()))
    }

    /// The store holds everything, or cannot at the moment.
    pub(super) fn is_checkpointed(&self) -> bool {
        match self.checkpoints.state {
            State::Idle => self.applied.position <= self.engine.checkpoint_position(),
            State::Frozen { .. } | State::Writing { .. } => false,
            State::Failed { .. } => true,
        }
    }
}
