//! Probes.
//!
//! *Startup* is up when every port is open. *Liveness* is up while no replica of this node is dead: a
//! restart can only help a dead one. *Readiness* is up while the replicas of this node work and their
//! partitions have leaders, wherever those are; of a gateway, which has no replicas, while some partition
//! has a leader. The overall status is all of them, with the reason of each replica.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use skep_broker::{PartitionHealth, PartitionStatus, Topology};

use super::{Management, distributions};
use crate::rest::Json;

fn answer(up: bool, details: Option<String>) -> Response {
    let mut json = Json::object();
    json.string("status", if up { "UP" } else { "DOWN" });
    if let Some(details) = details {
        json.raw("components", &details);
    }
    let status = if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, json.answer()).into_response()
}

fn topology(management: &Management) -> Topology {
    management.gateway().backend().topology()
}

/// Whether a replica of this node does its part, and its partition can be used.
fn works(topology: &Topology, replica: &PartitionStatus) -> bool {
    replica.health == PartitionHealth::Healthy && topology.leader(replica.id).is_some()
}

fn is_ready(topology: &Topology) -> bool {
    if topology.node_id.is_none() {
        return (1..=topology.partition_count).any(|id| topology.leader(id).is_some());
    }
    topology.local().iter().all(|replica| works(topology, replica))
}

pub(super) async fn startup(State(management): State<Management>) -> Response {
    answer(management.started(), None)
}

pub(super) async fn liveness(State(management): State<Management>) -> Response {
    let dead =
        |partition: &PartitionStatus| matches!(partition.health, PartitionHealth::Dead { .. });
    answer(!topology(&management).local().iter().any(dead), None)
}

pub(super) async fn readiness(State(management): State<Management>) -> Response {
    answer(management.started() && is_ready(&topology(&management)), None)
}

pub(super) async fn overall(State(management): State<Management>) -> Response {
    let topology = topology(&management);
    let up = management.started() && is_ready(&topology);
    let mut components = Json::object();
    for partition in topology.local() {
        let mut component = Json::object();
        let works = works(&topology, partition);
        component.string("status", if works { "UP" } else { "DOWN" });
        match &partition.health {
            PartitionHealth::Unhealthy { reason } | PartitionHealth::Dead { reason } => {
                component.string("reason", reason);
            }
            PartitionHealth::Healthy if !works => {
                component.string("reason", "no broker is known to lead the partition");
            }
            PartitionHealth::Healthy => {}
        }
        components.raw(&format!("partition-{}", partition.id), &component.end());
    }
    // It works, but not everywhere with what is deployed.
    if let Some(late) = distributions::late(&management) {
        let mut component = Json::object();
        component.string("status", "UP");
        component.string("reason", &late);
        components.raw("distribution", &component.end());
    }
    answer(up, Some(components.end()))
}
