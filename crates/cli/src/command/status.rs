//! `skep status`: the topology.

use std::net::ToSocketAddrs;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use skep_client::proto::{BrokerInfo, TopologyResponse};

use crate::cluster::http;
use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::{Format, print_line, rows_as_table};

/// How long the management port may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  skep status\n  skep status --address cluster.local:26500 --management cluster.local:9600"
)]
pub(crate) struct StatusArgs {
    /// Management port of any node (host:port), to show what partitions have not got yet of what is
    /// deployed, too
    #[arg(long, env = "SKEP_MANAGEMENT", value_name = "ADDRESS")]
    management: Option<String>,
}

impl StatusArgs {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let topology = connection.connect().await?.topology().await?;
        let mut json = topology_json(&topology);
        let distributions = self.management.as_deref().map(distributions).transpose()?;
        if let Some(distributions) = &distributions {
            json["distributions"] = distributions.clone();
        }
        if format == Format::Json {
            return format.record(&json);
        }
        print_line(&format!(
            "gateway {}, {} broker(s), {} partition(s), replication factor {}\n",
            topology.gateway_version,
            topology.cluster_size,
            topology.partitions_count,
            topology.replication_factor
        ))?;
        let rows: Vec<Value> = topology.brokers.iter().flat_map(partition_rows).collect();
        let columns = ["node", "address", "version", "partition", "role", "health"];
        print_line(&rows_as_table(&columns, &rows))?;
        match distributions.as_ref().and_then(Value::as_array) {
            Some(pending) if pending.is_empty() => {
                print_line("\nevery partition has everything that is deployed")
            }
            Some(pending) => {
                let columns =
                    ["partitionId", "receiver", "pending", "valueType", "oldestAgeMs", "attempts"];
                print_line(&format!(
                    "\nnot acknowledged yet:\n{}",
                    rows_as_table(&columns, pending)
                ))
            }
            None => Ok(()),
        }
    }
}

/// What partitions have not acknowledged, as a node says on its management port.
fn distributions(address: &str) -> Result<Value, Failure> {
    let plain = address.trim_start_matches("http://").trim_end_matches('/');
    let found = plain.to_socket_addrs().map_err(|error| {
        Failure::Usage(format!("{address:?} is no address like 127.0.0.1:9600: {error}"))
    })?;
    for address in found {
        let answer = http::request(address, "GET", "/actuator/distributions", None, PATIENCE);
        if let Some((200, text)) = answer {
            let mut json: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            return Ok(json["distributions"].take());
        }
    }
    Err(Failure::Unreachable(format!("no node answers on the management port {address}")))
}

fn topology_json(topology: &TopologyResponse) -> Value {
    let brokers: Vec<Value> = topology
        .brokers
        .iter()
        .map(|broker| {
            json!({
                "nodeId": broker.node_id,
                "host": broker.host,
                "port": broker.port,
                "version": broker.version,
                "partitions": broker.partitions.iter().map(|partition| json!({
                    "partitionId": partition.partition_id,
                    "role": partition.role().as_str_name().to_lowercase(),
                    "health": partition.health().as_str_name().to_lowercase(),
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "gatewayVersion": topology.gateway_version,
        "clusterSize": topology.cluster_size,
        "partitionsCount": topology.partitions_count,
        "replicationFactor": topology.replication_factor,
        "brokers": brokers,
    })
}

/// A row for each partition of a broker; a broker without any still gets one.
fn partition_rows(broker: &BrokerInfo) -> Vec<Value> {
    let address = format!("{}:{}", broker.host, broker.port);
    let row = |partition: Value, role: &str, health: &str| {
        json!({
            "node": broker.node_id, "address": address, "version": broker.version,
            "partition": partition, "role": role, "health": health,
        })
    };
    if broker.partitions.is_empty() {
        return vec![row(Value::Null, "", "")];
    }
    let mut partitions: Vec<_> = broker.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_id);
    partitions
        .into_iter()
        .map(|partition| {
            row(
                partition.partition_id.into(),
                &partition.role().as_str_name().to_lowercase(),
                &partition.health().as_str_name().to_lowercase(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use skep_client::proto::Partition;

    use super::*;

    #[test]
    fn each_partition_has_its_row_and_an_empty_broker_one() {
        let partition = |partition_id, role| Partition { partition_id, role, health: 0 };
        let mut broker = BrokerInfo { host: "h".into(), port: 1, ..BrokerInfo::default() };
        assert_eq!(partition_rows(&broker).len(), 1);
        broker.partitions = vec![partition(2, 1), partition(1, 0)];
        let rows = partition_rows(&broker);
        assert_eq!((&rows[0]["partition"], &rows[0]["role"]), (&json!(1), &json!("leader")));
        assert_eq!((&rows[1]["partition"], &rows[1]["role"]), (&json!(2), &json!("follower")));
    }
}
