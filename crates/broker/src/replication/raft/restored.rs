//! A replica that begins with a restored state: as if everything up to one entry had been a snapshot.

use std::collections::BTreeSet;
use std::io;

use openraft::Membership;

use crate::replication::EntryId;
use crate::replication::raft::applied::CheckpointMeta;
use crate::replication::raft::hard_state::HardState;
use crate::replication::raft::types::{self, StoredMembership};

/// What is stored so that replicas begin a new life behind the same entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredReplica {
    /// The entry as of which the state is.
    pub entry: EntryId,
    /// What a checkpoint stores besides the state: [`super::super::Replication::checkpoint_meta`].
    pub checkpoint_meta: Vec<u8>,
    /// The hard state of the stream of the partition, whose log is empty.
    pub hard_state: Vec<u8>,
}

/// The beginning of a replica of these members, behind the entry with this index. The term is that
/// before the first election, so that any leader follows it, however high terms were in the life
/// that was backed up.
///
/// # Errors
/// Never in practice: what is written is small and of fixed shape.
pub fn restored_replica(index: u64, members: &BTreeSet<u64>) -> io::Result<RestoredReplica> {
    let entry = EntryId { term: 0, index };
    let log_id = types::log_id(entry);
    let membership = Membership::new_with_defaults(vec![members.clone()], []);
    let membership = StoredMembership::new(Some(log_id), membership);
    Ok(RestoredReplica {
        entry,
        checkpoint_meta: serde_json::to_vec(&CheckpointMeta::new(log_id, membership))?,
        hard_state: serde_json::to_vec(&HardState::behind(log_id))?,
    })
}
