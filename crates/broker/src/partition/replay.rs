//! State from the log: entries of other leaders and of earlier lives are applied, not decided.

use bytes::Bytes;
use skep_protocol::codec;

use crate::limits;
use crate::partition::Processing;
use crate::partition::processor::{Applied, End, Partition, Step};
use crate::replication::{EntryId, Replication};

impl<E: Processing, R: Replication> Partition<E, R> {
    /// Applies a committed entry that this engine did not decide.
    pub(super) fn replay(&mut self, entry: EntryId, batch: Bytes) -> Step {
        let bytes = batch.len();
        if bytes > 0 {
            self.replay_batch(entry, batch)?;
            self.nothing_due_at_ms = None;
        }
        self.applied = Applied { entry: Some(entry), position: self.engine.last_position() };
        self.parts.status.set_position(self.applied.position);
        self.parts.status.set_backup_checkpoint(self.engine.last_checkpoint());
        self.checkpoints.committed(entry, self.applied.position, bytes);
        Ok(())
    }

    fn replay_batch(&mut self, entry: EntryId, batch: Bytes) -> Step {
        let refused = |reason: String| {
            End::Failed(format!(
                "entry {} of the log cannot be applied: {reason}; this replica must not go on",
                entry.index
            ))
        };
        let records = codec::decode_entries(batch).map_err(|error| refused(error.to_string()))?;
        self.metrics.replayed.increment(records.len() as u64);
        self.engine.replay(&records).map_err(refused)
    }

    /// The engine as of the last committed entry, from store and log: what it decided since is not
    /// in the log of the new leader. Waits while a checkpoint changes the store.
    pub(super) fn rebuild(&mut self) -> Step {
        if self.checkpoints.is_writing() {
            return Ok(());
        }
        self.checkpoints.forget_unwritten();
        self.engine_replaced = (self.parts.checkpoints.replaced)();
        self.engine = (self.parts.factory)().map_err(End::Failed)?;
        self.nothing_due_at_ms = None;
        let mut after = self.checkpoints.last();
        let up_to = self.applied.entry;
        while let Some(up_to) = up_to.filter(|up_to| after < Some(*up_to)) {
            let entries = self
                .parts
                .replication
                .read(after, up_to, limits::REPLAY_READ_BYTES)
                .map_err(|error| End::Failed(error.to_string()))?;
            if entries.is_empty() {
                return Err(End::Failed(format!("the log ends before entry {}", up_to.index)));
            }
            for (entry, batch) in entries {
                after = Some(entry);
                if !batch.is_empty() {
                    self.replay_batch(entry, batch)?;
                }
            }
        }
        self.applied.position = self.engine.last_position();
        self.needs_rebuild = false;
        Ok(())
    }

    /// The leader has sent its whole state, which is in the store now.
    pub(super) fn state_replaced(&mut self, entry: EntryId) {
        self.checkpoints.replaced(entry);
        self.applied = Applied { entry: Some(entry), position: 0 };
        self.needs_rebuild = true;
    }
}
