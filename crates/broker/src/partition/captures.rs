//! Parts of backups: what they are made of is taken at the right moment, and kept while it is copied.
//!
//! A part is the state of the last stored checkpoint and the log from there to CHECKPOINT CREATED.
//! From the moment that CHECKPOINT CREATED is committed until that log is copied no checkpoint goes
//! to the store and nothing is purged; the copying runs elsewhere, and so does everything else.

use std::collections::{BTreeSet, VecDeque};

use crate::backup::{BackupId, Captured, write_part};
use crate::limits;
use crate::partition::Processing;
use crate::partition::processor::Partition;
use crate::replication::{EntryId, Replication};

/// How far the writing of a part has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartStep {
    /// Its log is copied.
    LogCopied(BackupId),
    /// It is complete or has failed.
    Ended(BackupId),
}

/// A checkpoint of which a part is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) id: BackupId,
    /// Position of CHECKPOINT CREATED.
    pub(crate) position: u64,
    /// The checkpoint was made before, and somebody asks for it again.
    pub(crate) is_repeated: bool,
}

/// The parts that a partition writes.
#[derive(Default)]
pub(super) struct Captures {
    /// Each with the last entry to copy.
    wanted: VecDeque<(Wanted, EntryId)>,
    /// The part whose log is copied, and since when, monotonic microseconds.
    copying: Option<(BackupId, u64)>,
    under_way: BTreeSet<BackupId>,
}

impl Captures {
    /// Checkpoints wait, and the log stays.
    pub(super) fn hold(&self) -> bool {
        self.copying.is_some() || !self.wanted.is_empty()
    }

    pub(super) fn step(&mut self, step: PartStep) {
        match step {
            PartStep::LogCopied(id) => _ = self.copying.take_if(|(copied, _)| *copied == id),
            PartStep::Ended(id) => _ = self.under_way.remove(&id),
        }
    }

    /// The partition ends: what is not written stays unwritten.
    pub(super) fn forget(&mut self) {
        self.wanted.clear();
        self.copying = None;
    }
}

impl<E: Processing, R: Replication> Partition<E, R> {
    /// CHECKPOINT CREATED of this id is committed, or was before and is asked for again.
    pub(super) fn want_part(&mut self, wanted: Wanted) {
        let Some(up_to) = self.applied.entry.filter(|_| self.parts.backup.is_some()) else {
            return;
        };
        let full = self.captures.wanted.len() >= limits::BACKUP_CAPTURES_MAX;
        // The driver asks again for what finds no room here.
        if !full && self.captures.under_way.insert(wanted.id) {
            self.captures.wanted.push_back((wanted, up_to));
        }
    }

    /// Begins to write the next part that is wanted, as soon as the store stands still.
    pub(super) fn advance_captures(&mut self, now_us: u64) {
        if self.is_stopping() {
            return self.captures.forget();
        }
        if let Some((id, since_us)) = self.captures.copying {
            if now_us.saturating_sub(since_us) <= limits::BACKUP_HOLD_US_MAX {
                return;
            }
            tracing::warn!(
                partition = self.parts.id,
                backup = id,
                "the backup store is too slow: the log is not kept for it any longer"
            );
            self.captures.copying = None;
        }
        if self.checkpoints.is_writing() {
            return;
        }
        let Some((wanted, up_to)) = self.captures.wanted.pop_front() else { return };
        let captured = self.capture(wanted, up_to);
        if captured.is_ok() {
            self.captures.copying = Some((wanted.id, now_us));
        }
        if let Some(settings) = &self.parts.backup {
            write_part(settings, &self.parts.inbox, self.parts.id, wanted, captured);
        }
    }

    fn capture(&self, wanted: Wanted, up_to: EntryId) -> Result<Captured, String> {
        let Some(settings) = &self.parts.backup else {
            return Err("this node has no backup store".to_owned());
        };
        let stored = self.engine.checkpoint_position();
        if stored >= wanted.position {
            return Err(format!(
                "node {} leads the partition only since, and its state has gone on to position \
                 {stored}, beyond position {} of the backup; take another backup",
                settings.node_id, wanted.position
            ));
        }
        let replication = self.parts.replication.clone();
        Ok(Captured {
            position: wanted.position,
            after: self.checkpoints.last(),
            up_to,
            view: (settings.view)()?,
            read: Box::new(move |after, up_to, bytes| {
                replication.read(after, up_to, bytes).map_err(|error| error.to_string())
            }),
        })
    }
}
