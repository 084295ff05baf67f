//! What this node knows of the others: who is connected, and who leads what.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use skep_env::watch;
use skep_protocol::PartitionId;

use crate::cluster::frame::{Hello, NodeStatus};
use crate::metadata::METADATA_PARTITION;
use crate::topology::{BrokerStatus, DistributionStatus, PartitionHealth, PartitionRole};

/// Who leads a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) node: u32,
    pub(crate) term: u64,
}

/// Leaders by partition.
pub(crate) type Leaders = BTreeMap<PartitionId, Leader>;

/// The brokers that are connected, this node among them, and what they last said.
pub(crate) struct View {
    nodes: Mutex<BTreeMap<u32, Known>>,
    leaders: watch::Sender<Arc<Leaders>>,
}

struct Known {
    incarnation: u64,
    client_address: String,
    version: String,
    status: NodeStatus,
}

impl View {
    pub(crate) fn new() -> Self {
        Self { nodes: Mutex::default(), leaders: watch::Sender::new(Arc::default()) }
    }

    /// A broker is connected.
    pub(crate) fn up(&self, hello: &Hello) {
        let Some(id) = hello.name.broker() else { return };
        let known = Known {
            incarnation: hello.incarnation,
            client_address: hello.client_address.clone(),
            version: hello.version.clone(),
            status: NodeStatus::default(),
        };
        let mut nodes = self.nodes.lock();
        nodes.insert(id, known);
        self.publish(&nodes);
    }

    /// A broker is not connected any more.
    pub(crate) fn lost(&self, hello: &Hello) {
        let Some(id) = hello.name.broker() else { return };
        let mut nodes = self.nodes.lock();
        if nodes.get(&id).is_some_and(|known| known.incarnation == hello.incarnation) {
            nodes.remove(&id);
            self.publish(&nodes);
        }
    }

    /// A broker says what it does. What is older than what is known is ignored.
    pub(crate) fn heard(&self, id: u32, status: NodeStatus) {
        let mut nodes = self.nodes.lock();
        let Some(known) = nodes.get_mut(&id) else { return };
        if known.incarnation == status.incarnation && known.status.sequence < status.sequence {
            known.status = status;
            self.publish(&nodes);
        }
    }

    /// Tells who waits for a leader, when the leaders have changed.
    fn publish(&self, nodes: &BTreeMap<u32, Known>) {
        let leaders = leaders(nodes);
        self.leaders.send_if_modified(|known| {
            let changed = **known != leaders;
            if changed {
                *known = Arc::new(leaders);
            }
            changed
        });
    }

    /// Who leads a partition, as far as this node knows.
    pub(crate) fn leader(&self, partition: PartitionId) -> Option<u32> {
        self.leaders.borrow().get(&partition).map(|leader| leader.node)
    }

    /// The leaders, and those to come.
    pub(crate) fn leaders(&self) -> watch::Receiver<Arc<Leaders>> {
        self.leaders.subscribe()
    }

    /// What partitions have not acknowledged, as the leaders of the others say.
    pub(crate) fn distributions(&self) -> Vec<DistributionStatus> {
        let nodes = self.nodes.lock();
        let leaders = self.leaders.borrow();
        let leads = |node: u32, partition| {
            leaders.get(&partition).is_some_and(|leader: &Leader| leader.node == node)
        };
        let of_leaders = nodes.iter().flat_map(|(node, known)| {
            let replicas = known.status.replicas.iter();
            replicas.filter(|replica| leads(*node, replica.status.id))
        });
        let mut all: Vec<_> =
            of_leaders.flat_map(|replica| replica.distributions.iter().cloned()).collect();
        all.sort_by_key(|one| (one.partition, one.receiver));
        all
    }

    /// The brokers that are connected.
    pub(crate) fn brokers(&self) -> Vec<BrokerStatus> {
        let nodes = self.nodes.lock();
        let leaders = self.leaders.borrow();
        let broker = |(id, known): (&u32, &Known)| BrokerStatus {
            node_id: *id,
            client_address: known.client_address.clone(),
            version: known.version.clone(),
            partitions: known
                .status
                .replicas
                .iter()
                // The metadata group is nothing that clients can use.
                .filter(|replica| replica.status.id != METADATA_PARTITION)
                .map(|replica| {
                    let mut status = replica.status.clone();
                    let leads = leaders.get(&status.id).is_some_and(|leader| leader.node == *id);
                    if status.role == PartitionRole::Leader && !leads {
                        // It was replaced and does not know yet.
                        status.role = PartitionRole::Follower;
                    }
                    status
                })
                .collect(),
        };
        nodes.iter().map(broker).collect()
    }
}

/// The connected nodes that say that they lead, of several the one with the highest term.
fn leaders(nodes: &BTreeMap<u32, Known>) -> Leaders {
    let mut leaders = Leaders::new();
    for (&node, known) in nodes {
        for replica in &known.status.replicas {
            let dead = matches!(replica.status.health, PartitionHealth::Dead { .. });
            if replica.status.role != PartitionRole::Leader || dead {
                continue;
            }
            let leader = leaders.entry(replica.status.id).or_insert(Leader { node, term: 0 });
            if replica.term >= leader.term {
                *leader = Leader { node, term: replica.term };
            }
        }
    }
    leaders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::frame::{NodeName, Purpose, ReplicaState};
    use crate::topology::PartitionStatus;

    fn hello(id: u32, incarnation: u64) -> Hello {
        Hello {
            protocol: 1,
            protocol_min: 1,
            version: "1".to_owned(),
            cluster_id: "c".to_owned(),
            name: NodeName::Broker(id),
            incarnation,
            purpose: Purpose::Link,
            address: String::new(),
            client_address: String::new(),
            config_version: 1,
            partition_count: 1,
            replication_factor: 1,
            members: 7,
        }
    }

    fn status(incarnation: u64, sequence: u64, role: PartitionRole, term: u64) -> NodeStatus {
        let health = PartitionHealth::Healthy;
        let status = PartitionStatus { id: 1, role, health, last_position: 0 };
        NodeStatus {
            incarnation,
            sequence,
            replicas: vec![ReplicaState { term, status, distributions: Vec::new() }],
        }
    }

    #[test]
    fn the_highest_term_leads() {
        let view = View::new();
        view.up(&hello(0, 1));
        view.up(&hello(1, 1));
        view.heard(0, status(1, 1, PartitionRole::Leader, 4));
        assert_eq!(view.leader(1), Some(0));
        view.heard(1, status(1, 1, PartitionRole::Leader, 5));
        assert_eq!(view.leader(1), Some(1));
        let roles: Vec<_> = view.brokers().iter().map(|it| it.partitions[0].role).collect();
        assert_eq!(roles, [PartitionRole::Follower, PartitionRole::Leader]);
        view.lost(&hello(1, 1));
        assert_eq!(view.leader(1), Some(0), "until it hears that it was replaced");
    }

    #[test]
    fn old_news_is_ignored() {
        let view = View::new();
        view.up(&hello(0, 2));
        view.heard(0, status(2, 2, PartitionRole::Follower, 4));
        view.heard(0, status(2, 1, PartitionRole::Leader, 4));
        view.heard(0, status(1, 9, PartitionRole::Leader, 4));
        assert_eq!(view.leader(1), None);
        view.lost(&hello(0, 1));
        assert_eq!(view.brokers().len(), 1, "an earlier life was lost");
    }
}
