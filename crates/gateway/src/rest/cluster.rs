//! Topology, status, licence, who am I, configuration, clock.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use skep_broker::{BrokerStatus, PartitionHealth, PartitionRole, Topology};
use skep_protocol::DEFAULT_TENANT;

use super::body::Body;
use super::json::Json;
use super::problem::Problem;
use crate::ClockControl;
use crate::error::{ErrorKind, GatewayError};
use crate::gateway::{Address, Gateway};
use crate::limits::REQUEST_BYTES_MAX;
use crate::metrics::{Method, Protocol};
use crate::version::COMPATIBLE_VERSION;

pub(super) async fn topology(State(gateway): State<Gateway>) -> Result<Response, Problem> {
    let answer = async { Ok(topology_answer(&gateway.backend().topology(), &gateway)) };
    Ok(gateway.measured(Protocol::Rest, Method::Topology, answer).await?)
}

fn topology_answer(topology: &Topology, gateway: &Gateway) -> Response {
    let mut json = Json::object();
    json.list("brokers", topology.brokers.iter().map(|broker| broker_json(broker, gateway)));
    json.string_or_null("clusterId", &topology.cluster_id);
    json.integer("clusterSize", i64::from(topology.cluster_size));
    json.integer("partitionsCount", i64::from(topology.partition_count));
    json.integer("replicationFactor", i64::from(topology.replication_factor));
    json.string("gatewayVersion", COMPATIBLE_VERSION);
    // -1: no change of the topology has ever been asked for.
    let change = topology.last_completed_change.map_or("-1".to_owned(), |id| id.to_string());
    json.string("lastCompletedChangeId", &change);
    json.answer()
}

fn broker_json(status: &BrokerStatus, gateway: &Gateway) -> String {
    let partitions = status.partitions.iter().map(|partition| {
        let mut json = Json::object();
        json.integer("partitionId", i64::from(partition.id));
        let role = match partition.role {
            PartitionRole::Leader => "leader",
            PartitionRole::Follower => "follower",
            PartitionRole::Inactive => "inactive",
        };
        let health = match partition.health {
            PartitionHealth::Healthy => "healthy",
            PartitionHealth::Unhealthy { .. } => "unhealthy",
            PartitionHealth::Dead { .. } => "dead",
        };
        json.string("role", role);
        json.string("health", health);
        json.string("state", "active");
        json.end()
    });
    let mut broker = Json::object();
    let address = Address::of_broker(status, gateway.address());
    broker.integer("nodeId", i64::from(status.node_id));
    broker.string("brokerId", &status.node_id.to_string());
    broker.string("host", &address.host);
    broker.integer("port", i64::from(address.port));
    broker.list("partitions", partitions);
    broker.string("version", COMPATIBLE_VERSION);
    broker.end()
}

pub(super) async fn status(State(gateway): State<Gateway>) -> Result<StatusCode, Problem> {
    let topology = gateway.backend().topology();
    let led = |id| topology.leader(id).is_some_and(|it| it.health == PartitionHealth::Healthy);
    if (1..=topology.partition_count).any(led) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail =
        "No partition has a healthy leader; see /actuator/partitions on the management port";
    Err(GatewayError::new(ErrorKind::Unavailable, detail).into())
}

pub(super) async fn license() -> Response {
    let mut json = Json::object();
    json.boolean("validLicense", true);
    json.string("licenseType", "apache-2.0");
    json.boolean("isCommercial", false);
    json.null("expiresAt");
    json.answer()
}

/// The API is unprotected: everybody is the same user and may do everything.
pub(super) async fn me() -> Response {
    let mut tenant = Json::object();
    tenant.string("name", "Default");
    tenant.string("tenantId", DEFAULT_TENANT);
    tenant.null("description");

    let mut json = Json::object();
    json.string("username", "anonymous");
    json.string("displayName", "Anonymous");
    json.null("email");
    json.strings("authorizedComponents", &["*".to_owned()]);
    json.list("tenants", [tenant.end()]);
    json.strings("groups", &[]);
    json.strings("roles", &[]);
    json.null("salesPlanType");
    json.raw("c8Links", "{}");
    json.boolean("canLogout", false);
    json.answer()
}

pub(super) async fn configuration() -> Response {
    let mut job_metrics = Json::object();
    job_metrics.boolean("enabled", false);
    job_metrics.string("exportInterval", "PT5M");
    job_metrics.integer("maxWorkerNameLength", 100);
    job_metrics.integer("maxJobTypeLength", 100);
    job_metrics.integer("maxTenantIdLength", 30);
    job_metrics.integer("maxUniqueKeys", 9500);
    let mut components = Json::object();
    components.strings("active", &[]);
    let mut deployment = Json::object();
    deployment.boolean("isMultiTenancyEnabled", false);
    deployment.integer("maxRequestSize", i64::try_from(REQUEST_BYTES_MAX).unwrap_or(i64::MAX));
    let mut authentication = Json::object();
    authentication.boolean("canLogout", false);
    authentication.boolean("isLoginDelegated", false);
    let mut cloud = Json::object();
    cloud.null("stage");

    let mut json = Json::object();
    json.raw("jobMetrics", &job_metrics.end());
    json.raw("components", &components.end());
    json.raw("deployment", &deployment.end());
    json.raw("authentication", &authentication.end());
    json.raw("cloud", &cloud.end());
    json.answer()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockPin {
    timestamp: i64,
}

pub(crate) fn controlled_clock(gateway: &Gateway) -> Result<Arc<dyn ClockControl>, GatewayError> {
    gateway.backend().clock().ok_or_else(|| {
        GatewayError::new(
            ErrorKind::Forbidden,
            "Expected a clock that may be moved, but the server follows the wall clock; \
             start it with --virtual-time",
        )
    })
}

pub(super) async fn pin_clock(
    State(gateway): State<Gateway>,
    Body(request): Body<ClockPin>,
) -> Result<Response, Problem> {
    if request.timestamp < 0 {
        return Err(GatewayError::invalid(format!(
            "Expected a timestamp of at least 0, but it was {}",
            request.timestamp
        ))
        .into());
    }
    controlled_clock(&gateway)?.pin(request.timestamp).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn reset_clock(State(gateway): State<Gateway>) -> Result<Response, Problem> {
    controlled_clock(&gateway)?.reset().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
