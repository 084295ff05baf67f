//! Commands from partition to partition, over links.

use std::sync::{Arc, Weak};

use skep_protocol::{Command, PartitionId};

use crate::broker::Members;
use crate::cluster::frame::{Frame, NodeName};
use crate::cluster::metrics::WITHOUT_LEADER;
use crate::cluster::node::Cluster;
use crate::transport::Transport;

/// To the leader of the partition, here or elsewhere. Without one the command is dropped: the engine
/// of its sender repeats it.
pub(crate) struct ClusterTransport {
    pub(crate) members: Arc<Members>,
    /// Not an owner: what partitions hold must not keep links alive.
    pub(crate) cluster: Weak<Cluster>,
}

impl Transport for ClusterTransport {
    fn send(&self, partition: PartitionId, command: Command) {
        if let Some(member) = self.members.get(partition)
            && member.status.is_leader()
        {
            member.inbox.command(command);
            return;
        }
        let sent = self.cluster.upgrade().is_some_and(|cluster| {
            let leader = cluster.view.leader(partition).map(NodeName::Broker);
            let link = leader.and_then(|leader| cluster.link(leader));
            let frame = Frame::Command { partition, command: Box::new(command) };
            link.is_some_and(|link| link.send(&frame).is_ok())
        });
        if !sent {
            metrics::counter!(WITHOUT_LEADER).increment(1);
            tracing::debug!(partition, "a command is dropped, because nobody is known to lead");
        }
    }
}
