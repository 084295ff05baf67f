//! Probes.
//!
//! *Startup* is up when every port is open. *Liveness* is up while no partition is dead: a restart
//! can only help a dead one. *Readiness* is up while every partition is led and works. The overall
//! status is all of them, with the reason of each partition.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use skep_broker::{PartitionHealth, PartitionRole, PartitionStatus};

use super::Management;
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

fn partitions(management: &Management) -> Vec<PartitionStatus> {
    management.gateway().backend().topology().partitions
}

fn works(partition: &PartitionStatus) -> bool {
    partition.role == PartitionRole::Leader && partition.health == PartitionHealth::Healthy
}

pub(super) async fn startup(State(management): State<Management>) -> Response {
    answer(management.started(), None)
}

pub(super) async fn liveness(State(management): State<Management>) -> Response {
    let dead =
        |partition: &PartitionStatus| matches!(partition.health, PartitionHealth::Dead { .. });
    answer(!partitions(&management).iter().any(dead), None)
}

pub(super) async fn readiness(State(management): State<Management>) -> Response {
    answer(management.started() && partitions(&management).iter().all(works), None)
}

pub(super) async fn overall(State(management): State<Management>) -> Response {
    let partitions = partitions(&management);
    let up = management.started() && partitions.iter().all(works);
    let mut components = Json::object();
    for partition in &partitions {
        let mut component = Json::object();
        component.string("status", if works(partition) { "UP" } else { "DOWN" });
        if let PartitionHealth::Unhealthy { reason } | PartitionHealth::Dead { reason } =
            &partition.health
        {
            component.string("reason", reason);
        }
        components.raw(&format!("partition-{}", partition.id), &component.end());
    }
    answer(up, Some(components.end()))
}
