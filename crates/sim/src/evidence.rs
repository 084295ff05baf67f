//! What replicas commit, heard at every node of a simulated cluster.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_broker::Observer;
use skep_broker::replication::EntryId;
use skep_protocol::PartitionId;

pub use skep_check::evidence::{End, Evidence, FinalState, Recorded, Replica, Told};

/// Hears all replicas of a cluster; clones are the same.
#[derive(Clone, Default)]
pub struct Recorder(pub(crate) Arc<Mutex<Recorded>>);

impl Recorder {
    /// The ear at a node in one of its lives.
    #[must_use]
    pub fn observer(&self, node: u32, life: u32) -> Arc<dyn Observer> {
        Arc::new(Ear { recorder: self.clone(), node, life })
    }
}

struct Ear {
    recorder: Recorder,
    node: u32,
    life: u32,
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ear({}, {})", self.node, self.life)
    }
}

impl Ear {
    fn tell(&self, partition: PartitionId, told: Told) {
        let replica = Replica { node: self.node, life: self.life, partition };
        self.recorder.0.lock().tell(replica, told);
    }
}

impl Observer for Ear {
    fn committed(&self, partition: PartitionId, entry: EntryId, batch: &Bytes) {
        // Partition 0 is the cluster's own group: its entries are no records.
        if partition > 0 {
            self.tell(partition, Told::Entry(id(entry), batch.clone()));
        }
    }

    fn state_replaced(&self, partition: PartitionId, entry: EntryId) {
        if partition > 0 {
            self.tell(partition, Told::Replaced(id(entry)));
        }
    }
}

fn id(entry: EntryId) -> skep_check::evidence::EntryId {
    skep_check::evidence::EntryId { term: entry.term, index: entry.index }
}
