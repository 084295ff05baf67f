//! What a partition needs of an engine, so that tests can put a small one in its place.

use std::sync::Arc;

use skep_engine::{Checkpoint, Effect, Engine, Outcome, PendingDistributions, RequestId};
use skep_protocol::{Command, PartitionId, Record};

/// Makes the engine from what the store holds.
pub(crate) type EngineFactory<E> = Box<dyn Fn() -> Result<E, String> + Send>;

/// The state that changed since the last checkpoint, as of one position.
pub(crate) trait StateChanges: Send + Sync {
    fn position(&self) -> u64;
    fn meta(&self) -> &[u8];
    fn visit(&self, visit: &mut dyn FnMut(u8, Vec<u8>, Option<Vec<u8>>));
}

/// See [`Engine`], whose methods these are.
pub(crate) trait Processing {
    fn process(
        &mut self,
        command: Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
    );
    /// Small engines of tests have no checkpoints, and no other partitions.
    fn checkpoint_before(&self, _: &Command) -> Option<Command> {
        None
    }
    fn last_checkpoint(&self) -> Option<(u64, u64)> {
        None
    }
    fn set_reachable(&mut self, _partition: PartitionId, _reachable: bool) {}
    fn pending_distributions(&self) -> Vec<PendingDistributions> {
        Vec::new()
    }
    fn replay(&mut self, records: &[Record]) -> Result<(), String>;
    fn due(&mut self, now_ms: i64, effects: &mut Vec<Effect>) -> Vec<Command>;
    fn next_due_ms(&mut self) -> Option<i64>;
    fn last_position(&self) -> u64;
    fn checkpoint_position(&self) -> u64;
    fn dirty_bytes(&self) -> usize;
    fn begin_checkpoint(&mut self) -> Option<Arc<dyn StateChanges>>;
    fn end_checkpoint(&mut self) -> Result<(), String>;
    fn dump(&self) -> Vec<(u8, Vec<u8>, Vec<u8>)>;
}

impl StateChanges for Checkpoint {
    fn position(&self) -> u64 {
        Self::position(self)
    }

    fn meta(&self) -> &[u8] {
        Self::meta(self)
    }

    fn visit(&self, visit: &mut dyn FnMut(u8, Vec<u8>, Option<Vec<u8>>)) {
        Self::visit(self, visit);
    }
}

impl Processing for Engine {
    fn process(
        &mut self,
        command: Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
    ) {
        Self::process(self, command, request, now_ms, outcome);
    }

    fn checkpoint_before(&self, command: &Command) -> Option<Command> {
        Self::checkpoint_before(self, command)
    }

    fn last_checkpoint(&self) -> Option<(u64, u64)> {
        Self::last_checkpoint(self)
    }

    fn set_reachable(&mut self, partition: PartitionId, reachable: bool) {
        Self::set_reachable(self, partition, reachable);
    }

    fn pending_distributions(&self) -> Vec<PendingDistributions> {
        Self::pending_distributions(self)
    }

    fn replay(&mut self, records: &[Record]) -> Result<(), String> {
        Self::replay(self, records).map_err(|error| error.to_string())
    }

    fn due(&mut self, now_ms: i64, effects: &mut Vec<Effect>) -> Vec<Command> {
        Self::due(self, now_ms, effects)
    }

    fn next_due_ms(&mut self) -> Option<i64> {
        Self::next_due_ms(self)
    }

    fn last_position(&self) -> u64 {
        Self::last_position(self)
    }

    fn checkpoint_position(&self) -> u64 {
        Self::checkpoint_position(self)
    }

    fn dirty_bytes(&self) -> usize {
        Self::dirty_bytes(self)
    }

    fn begin_checkpoint(&mut self) -> Option<Arc<dyn StateChanges>> {
        Self::begin_checkpoint(self).map(|checkpoint| checkpoint as Arc<dyn StateChanges>)
    }

    fn end_checkpoint(&mut self) -> Result<(), String> {
        Self::end_checkpoint(self).map_err(|error| error.to_string())
    }

    fn dump(&self) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
        Self::dump(self)
    }
}
