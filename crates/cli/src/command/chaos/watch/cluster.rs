//! What the live view knows of the cluster: who leads, how far the partitions are, what is broken.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::cluster::faults::{self, ClusterFault};
use crate::cluster::health;
use crate::cluster::http;
use crate::cluster::layout::NodeKind;
use crate::cluster::state::{ClusterState, NodeState};
use crate::cluster::{admin, state};

/// A cluster, as one look at it has shown.
#[derive(Debug, Default)]
pub(super) struct ClusterView {
    /// Name, state and roles of each node.
    pub(super) nodes: Vec<[String; 3]>,
    /// Records of each partition: the position of its leader, or of whoever is furthest.
    pub(super) records: BTreeMap<u64, u64>,
    pub(super) faults: Vec<ClusterFault>,
}

impl ClusterView {
    /// Asks the nodes of the cluster in a folder; nothing when there is none.
    pub(super) fn look(folder: &Path) -> Option<Self> {
        let cluster: ClusterState = admin::existing(&admin::full_path(folder).ok()?).ok()?;
        let topology = health::any_topology(&cluster).unwrap_or_default();
        let mut view = Self { faults: faults::list(folder).unwrap_or_default(), ..Self::default() };
        for node in &cluster.nodes {
            let state = node.state();
            let roles = match node.kind {
                NodeKind::Broker => topology.roles_of(u64::from(node.id)),
                _ => String::new(),
            };
            view.nodes.push([node.name.clone(), state.text().to_owned(), roles]);
            if node.kind == NodeKind::Broker && state == NodeState::Running {
                view.add_records(node);
            }
        }
        Some(view)
    }

    fn add_records(&mut self, node: &state::Node) {
        let Some((200, text)) = http::get(node.addresses.management, "/actuator/partitions") else {
            return;
        };
        let Ok(Value::Object(partitions)) = serde_json::from_str(&text) else { return };
        for (partition, replica) in partitions {
            let position = replica["processedPosition"].as_u64();
            if let (Ok(partition), Some(position)) = (partition.parse(), position) {
                let furthest = self.records.entry(partition).or_default();
                *furthest = position.max(*furthest);
            }
        }
    }
}
