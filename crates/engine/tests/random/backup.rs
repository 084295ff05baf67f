//! Backups: a checkpoint on every partition, and a new life of all partitions from what was before it.

use std::sync::Arc;

use skep_engine::Engine;
use skep_engine::state::NoBacking;
use skep_protocol::*;

use super::chance::Chance;
use super::history::History;
use super::network::{Network, settings};
use super::store::Store;

impl Network {
    /// Asks a partition for its part of a cut; it may have it already.
    pub(crate) fn create_checkpoint(
        &mut self,
        chance: &mut Chance,
        partition: PartitionId,
        id: u64,
    ) {
        let last = self.node(partition).engine.last_checkpoint();
        if last.is_none_or(|(last, _)| last < id) || chance.percent(20) {
            let record = CheckpointRecord { checkpoint_id: id, ..CheckpointRecord::default() };
            let payload = Payload::Checkpoint(CheckpointIntent::Create, record);
            self.request(chance, partition, Command::new(NO_KEY, payload));
        }
    }

    /// All partitions begin anew from their logs up to the last checkpoint, which all have. Nothing
    /// is on its way any more, and nobody waits for an answer.
    pub(crate) fn restore(&mut self) {
        let partitions = self.partitions();
        self.forget_what_is_on_its_way();
        for partition in 1..=partitions {
            let node = self.node(partition);
            let (_, position) = node.engine.last_checkpoint().expect("all have it");
            let rest = node.log.split_off(usize::try_from(position).unwrap());
            assert!(
                rest.first().is_none_or(|record| record.source_position == 0),
                "a cut is between two entries"
            );
            let store = Arc::new(Store::default());
            let settings = settings(partition, partitions);
            node.engine = Engine::new(settings, store.clone()).unwrap();
            node.replica = Engine::new(settings, Arc::new(NoBacking)).unwrap();
            node.store = store;
            node.checkpointing = false;
            node.history = History::new(partition);
            for engine in [&mut node.engine, &mut node.replica] {
                engine.replay(&node.log).unwrap();
            }
            let log = std::mem::take(&mut node.log);
            for record in &log {
                self.node(partition).history.note(record);
                self.correlated_once(record);
            }
            self.node(partition).log = log;
        }
    }
}
