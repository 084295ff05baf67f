//! Who sees what is committed: the seam between a partition and those that read its log.
//!
//! Every replica tells, leader or not, entry by entry and in order. Whoever watches gets bytes and
//! decides itself what to read of them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use skep_protocol::PartitionId;
use tokio::sync::oneshot;

use crate::broker::Broker;
use crate::partition::Control;
use crate::replication::EntryId;

/// Sees the committed entries of the partitions of a node. Calls come from the threads of the
/// partitions and must not block them.
pub trait Observer: Send + Sync + fmt::Debug {
    /// The next entry is committed on this node; the batch of an entry of the replication is empty.
    fn committed(&self, partition: PartitionId, entry: EntryId, batch: &Bytes);

    /// The state was replaced by that of another node, as of this entry: what is between was not seen.
    fn state_replaced(&self, partition: PartitionId, entry: EntryId);
}

/// The observer of a node, if it has any.
pub type Observed = Option<Arc<dyn Observer>>;

/// The state of a replica, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The last entry in it.
    pub entry: Option<EntryId>,
    /// The last position in it.
    pub position: u64,
    /// Rows: table, key, value.
    pub rows: Vec<(u8, Vec<u8>, Vec<u8>)>,
}

impl Broker {
    /// The state of this node's replica of a partition, as soon as nothing is under way in it.
    /// `None` when this node has no such replica, or it ends.
    pub async fn inspect(&self, partition: PartitionId) -> Option<Inspection> {
        let (reply, inspection) = oneshot::channel();
        self.inbox_of(partition)?.control(Control::Inspect(reply));
        inspection.await.ok()
    }
}
