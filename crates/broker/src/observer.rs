//! Who sees what is committed: the seam between a partition and those that read its log.
//!
//! Every replica tells, leader or not, entry by entry and in order. Whoever watches gets bytes and
//! decides itself what to read of them.

use std::collections::BTreeMap;
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

impl Inspection {
    /// A number that two replicas of a partition at one position have in common: FNV-1a over every
    /// row, with its lengths.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hash = Fnv(FNV_OFFSET);
        for (table, key, value) in &self.rows {
            hash.add(&[*table]);
            for part in [key, value] {
                hash.add(&(part.len() as u64).to_le_bytes());
                hash.add(part);
            }
        }
        hash.0
    }

    /// How many rows each table has that has any, by name.
    #[must_use]
    pub fn tables(&self) -> BTreeMap<&'static str, usize> {
        let mut tables = BTreeMap::new();
        for (table, _, _) in &self.rows {
            *tables.entry(skep_engine::state::table_name(*table)).or_insert(0) += 1;
        }
        tables
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn inspection(rows: Vec<(u8, Vec<u8>, Vec<u8>)>) -> Inspection {
        Inspection { entry: None, position: 1, rows }
    }

    #[test]
    fn a_digest_sees_every_byte_and_where_it_stands() {
        let one = inspection(vec![(28, vec![1, 2], vec![3])]);
        assert_eq!(one.digest(), inspection(one.rows.clone()).digest());
        for other in [
            vec![(28, vec![1], vec![2, 3])],
            vec![(29, vec![1, 2], vec![3])],
            vec![(28, vec![1, 2], vec![4])],
            vec![],
        ] {
            assert_ne!(one.digest(), inspection(other).digest());
        }
    }

    #[test]
    fn rows_are_counted_by_the_names_of_their_tables() {
        let row = |table| (table, Vec::new(), Vec::new());
        let tables = inspection(vec![row(0), row(28), row(28), row(10)]).tables();
        assert_eq!(tables, BTreeMap::from([("incidents", 2), ("meta", 1), ("processes", 1)]));
    }
}
