//! Backups: a checkpoint on every partition, and a new life of all partitions from what was before it.

use skep_protocol::*;

use super::chance::Chance;
use super::network::{Network, Node};

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
        let (partitions, first_partitions) = (self.partitions(), self.first_partitions);
        self.forget_what_is_on_its_way();
        for partition in 1..=partitions {
            let node = self.node(partition);
            let (_, position) = node.engine.last_checkpoint().expect("all have it");
            let rest = node.log.split_off(usize::try_from(position).unwrap());
            assert!(
                rest.first().is_none_or(|record| record.source_position == 0),
                "a cut is between two entries"
            );
            let log = std::mem::take(&mut node.log);
            *node = Node::new(partition, first_partitions);
            node.log = log;
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
        // Partitions that were added behind the cut are not there.
        let count = self.node(1).engine.partition_count();
        self.nodes.truncate(usize::try_from(count).unwrap());
    }
}
