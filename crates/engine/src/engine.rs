//! The engine's outside.

use std::sync::Arc;

use skep_protocol::{Command, PartitionId, Record};

use crate::outcome::{Outcome, RequestId};
use crate::state::{Backing, BackingError, Checkpoint};

/// What an engine has to know about its place in the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// This partition.
    pub partition_id: PartitionId,
    /// How many partitions there are.
    pub partitions: u32,
}

/// One partition's engine.
pub struct Engine {
    settings: Settings,
    backing: Arc<dyn Backing>,
}

/// A record cannot be applied: this replica must stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayError(pub String);

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReplayError {}

impl Engine {
    /// An engine whose state is what `backing` holds.
    ///
    /// # Errors
    /// When the backing cannot be read.
    pub fn new(settings: Settings, backing: Arc<dyn Backing>) -> Result<Self, BackingError> {
        Ok(Self { settings, backing })
    }

    /// Processes one command as of `now_ms` and adds what it gives to `outcome`.
    ///
    /// Never fails: what goes wrong becomes a rejection or an incident. `request` is answered by
    /// an effect of this or a later command.
    pub fn process(&mut self, command: Command, request: Option<RequestId>, now_ms: i64, outcome: &mut Outcome) {
        let _ = (command, request, now_ms, outcome, &self.backing, &self.settings);
    }

    /// Applies records that were committed before: the events change state, the rest is skipped.
    ///
    /// # Errors
    /// When a record contradicts the state; the replica must stop then.
    pub fn replay(&mut self, records: &[Record]) -> Result<(), ReplayError> {
        let _ = records;
        Ok(())
    }

    /// Commands that have become due at `now_ms`: timers, deadlines, back-offs, expiries, queued
    /// slices, sends to repeat. At most [`crate::limits::DUE_COMMANDS_MAX`]; ask again when that many came.
    /// Sends to repeat come as effects, not as commands.
    pub fn due(&mut self, now_ms: i64, effects: &mut Vec<crate::Effect>) -> Vec<Command> {
        let _ = (now_ms, effects);
        Vec::new()
    }

    /// When [`Engine::due`] has to be asked again at the latest, epoch milliseconds.
    pub fn next_due_ms(&mut self) -> Option<i64> {
        None
    }

    /// The position of the last record that was written or replayed.
    #[must_use]
    pub fn last_position(&self) -> u64 {
        0
    }

    /// Position as of which the backing store holds the state (from its meta bytes).
    #[must_use]
    pub fn checkpoint_position(&self) -> u64 {
        0
    }

    /// Estimated bytes of state in memory that no checkpoint holds yet.
    #[must_use]
    pub fn dirty_bytes(&self) -> usize {
        0
    }

    /// Freezes what changed since the last checkpoint; `None` while one is under way or nothing changed.
    pub fn begin_checkpoint(&mut self) -> Option<Arc<Checkpoint>> {
        None
    }

    /// The checkpoint that was begun is durable in the backing store: reads go there now.
    ///
    /// # Errors
    /// When the backing cannot be read.
    pub fn end_checkpoint(&mut self) -> Result<(), BackingError> {
        Ok(())
    }
}
