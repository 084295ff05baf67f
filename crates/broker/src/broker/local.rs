//! Commands between partitions of one process.

use std::sync::Arc;

use skep_protocol::{Command, JobIntent, PartitionId, Payload};

use crate::partition::Inbox;
use crate::transport::Transport;

/// Straight into the inboxes.
pub(super) struct LocalTransport(pub(super) Vec<Arc<Inbox>>);

impl Transport for LocalTransport {
    fn send(&self, partition: PartitionId, command: Command) {
        if matches!(command.payload, Payload::Job(JobIntent::Yield, _)) {
            metrics::counter!(crate::metrics::JOBS_YIELDED).increment(1);
        }
        match self.0.get((partition as usize).wrapping_sub(1)) {
            Some(inbox) => inbox.command(command),
            None => tracing::warn!(partition, "a command for a partition that does not exist"),
        }
    }
}
