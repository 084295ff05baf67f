//! `skep cluster status`.

use clap::Args;
use serde_json::{Value, json};

use super::FolderArgs;
use crate::cluster::admin;
use crate::cluster::health::{self, Health, Topology};
use crate::cluster::layout::NodeKind;
use crate::cluster::state::{ClusterState, Node, NodeState};
use crate::failure::Failure;
use crate::output::{Format, print_line, rows_as_table};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep cluster status\n  skep --output json cluster status | jq -r '.nodes[].grpc'"
)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    folder: FolderArgs,
}

impl StatusArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let folder = admin::full_path(&self.folder.dir)?;
        let state = admin::existing(&folder)?;
        let topology = health::any_topology(&state);
        let nodes: Vec<Value> =
            state.nodes.iter().map(|node| node_json(node, topology.as_ref())).collect();
        if format == Format::Json {
            return format.record(&cluster_json(&state, &nodes, topology.as_ref()));
        }
        let led = topology.as_ref().map_or(0, |topology| topology.led().len());
        print_line(&format!(
            "{} in {}: {led} of {} partitions led, replication factor {}\n",
            state.cluster_id,
            folder.display(),
            state.partitions,
            state.replication_factor
        ))?;
        let rows: Vec<Value> = state
            .nodes
            .iter()
            .zip(&nodes)
            .map(|(node, json)| {
                let mut row = json.clone();
                row["partitions"] = roles(node, topology.as_ref()).into();
                row
            })
            .collect();
        let columns =
            ["name", "state", "health", "pid", "partitions", "grpc", "rest", "management"];
        print_line(&rows_as_table(&columns, &rows))?;
        for fault in &state.faults {
            print_line(&format!("\nFault: {}", fault.text()))?;
        }
        Ok(())
    }
}

fn roles(node: &Node, topology: Option<&Topology>) -> String {
    match (node.kind, topology) {
        (NodeKind::Broker, Some(topology)) => topology.roles_of(u64::from(node.id)),
        _ => String::new(),
    }
}

fn node_json(node: &Node, topology: Option<&Topology>) -> Value {
    let state = node.state();
    // A paused node would only be waited for.
    let health = if state == NodeState::Running { health::health(node) } else { Health::Silent };
    let mut json = serde_json::to_value(node).unwrap_or_else(|_| json!({}));
    json["state"] = state.text().into();
    json["health"] = if state == NodeState::Down { Value::Null } else { health.text().into() };
    json["pid"] = match (state, node.process) {
        (NodeState::Running | NodeState::Paused, Some(process)) => process.pid.into(),
        _ => Value::Null,
    };
    if node.kind == NodeKind::Broker {
        json["partitions"] =
            topology.map_or(Value::Null, |topology| topology.roles_json(u64::from(node.id)));
    }
    json
}

fn cluster_json(state: &ClusterState, nodes: &[Value], topology: Option<&Topology>) -> Value {
    let mut json = serde_json::to_value(state).unwrap_or_else(|_| json!({}));
    json["nodes"] = nodes.into();
    json["partitionsLed"] = topology.map_or(0, |topology| topology.led().len()).into();
    json
}
