//! Commands between partitions of a node that is alone.

use std::sync::Arc;

use skep_protocol::{Command, PartitionId};

use crate::broker::Members;
use crate::transport::Transport;

/// Straight into the inboxes.
pub(super) struct LocalTransport(pub(super) Arc<Members>);

impl Transport for LocalTransport {
    fn send(&self, partition: PartitionId, command: Command) {
        match self.0.get(partition) {
            Some(member) => member.inbox.command(command),
            None => tracing::warn!(partition, "a command for a partition that does not exist"),
        }
    }
}
