//! The replicas of this broker: what they do, and what an operator wants them to do.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use skep_broker::metadata::{ExportingState, ManageRequest};
use skep_broker::{PartitionHealth, PartitionRole, ReplicaControl, ReplicaReport};

use super::Management;
use crate::rest::{Body, Json, Problem};

async fn partitions(State(management): State<Management>) -> Response {
    // Without a coordinator the replicas are shown all the same.
    let exporting = management.gateway().backend().manage(ManageRequest::Exporting { state: None });
    let exporting = exporting.await.ok();
    let exporting = exporting.as_ref().and_then(|answer| answer["state"].as_str());
    let mut json = Json::object();
    for replica in management.gateway().backend().replicas() {
        json.raw(&replica.status.id.to_string(), &entry(&replica, exporting));
    }
    json.answer()
}

fn entry(replica: &ReplicaReport, exporting: Option<&str>) -> String {
    let mut entry = Json::object();
    entry.string(
        "role",
        match replica.status.role {
            PartitionRole::Leader => "LEADER",
            PartitionRole::Follower => "FOLLOWER",
            PartitionRole::Inactive => "INACTIVE",
        },
    );
    let (health, reason) = match &replica.status.health {
        PartitionHealth::Healthy => ("HEALTHY", ""),
        PartitionHealth::Unhealthy { reason } => ("UNHEALTHY", reason.as_str()),
        PartitionHealth::Dead { reason } => ("DEAD", reason.as_str()),
    };
    entry.string("health", health);
    entry.string_or_null("reason", reason);
    entry.integer("processedPosition", replica.status.last_position.cast_signed());
    let processing = match replica.status.role {
        _ if replica.processing_paused => "PAUSED",
        PartitionRole::Leader => "PROCESSING",
        PartitionRole::Follower => "REPLAY",
        PartitionRole::Inactive => "FAILED",
    };
    entry.string("streamProcessorPhase", processing);
    let paused = ExportingState::Paused.name();
    let exporting = exporting.unwrap_or(ExportingState::Exporting.name());
    entry.string("exporterPhase", if replica.exporting_paused { paused } else { exporting });
    entry.end()
}

async fn control(
    State(management): State<Management>,
    Path(action): Path<String>,
) -> Result<StatusCode, Problem> {
    let control = match action.as_str() {
        "pauseProcessing" => ReplicaControl::PauseProcessing(true),
        "resumeProcessing" => ReplicaControl::PauseProcessing(false),
        "pauseExporting" => ReplicaControl::PauseExporting(true),
        "resumeExporting" => ReplicaControl::PauseExporting(false),
        "takeSnapshot" => ReplicaControl::TakeSnapshot,
        _ => {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                format!(
                    "Expected takeSnapshot, pauseProcessing, resumeProcessing, pauseExporting or \
                     resumeExporting, but found '{action}'"
                ),
            ));
        }
    };
    management.gateway().backend().control_replicas(control);
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the whole state of each replica, so that replicas can be compared. The partition does nothing
/// else meanwhile.
async fn state(State(management): State<Management>) -> Response {
    let backend = management.gateway().backend();
    let mut json = Json::object();
    for replica in backend.replicas() {
        let Some(inspection) = backend.inspect(replica.status.id).await else { continue };
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let mut tables = Json::object();
        for (name, rows) in inspection.tables() {
            tables.integer(name, whole(rows));
        }
        let mut entry = Json::object();
        entry.integer("position", inspection.position.cast_signed());
        entry.integer("rows", whole(inspection.rows.len()));
        entry.string("digest", &format!("{:016x}", inspection.digest()));
        entry.raw("tables", &tables.end());
        json.raw(&replica.status.id.to_string(), &entry.end());
    }
    json.answer()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flow {
    request: RequestFlow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFlow {
    limit: Option<u32>,
}

async fn flow(State(management): State<Management>) -> Response {
    flow_json(&management)
}

fn flow_json(management: &Management) -> Response {
    let mut json = Json::object();
    for replica in management.gateway().backend().replicas() {
        let mut request = Json::object();
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        request.integer("inflight", whole(replica.requests));
        request.integer("limit", whole(replica.requests_limit));
        let mut entry = Json::object();
        entry.raw("request", &request.end());
        json.raw(&replica.status.id.to_string(), &entry.end());
    }
    json.answer()
}

async fn set_flow(
    State(management): State<Management>,
    Body(flow): Body<Flow>,
) -> Result<Response, Problem> {
    if flow.request.limit == Some(0) {
        return Err(Problem::bad_request(
            "Expected a limit of at least 1, or null for a limit that adapts itself; to refuse \
             everything use POST /actuator/partitions/pauseProcessing",
        ));
    }
    let control = ReplicaControl::LimitRequests(flow.request.limit);
    management.gateway().backend().control_replicas(control);
    Ok(flow_json(&management))
}

/// The routes.
pub(super) fn routes() -> Router<Management> {
    Router::new()
        .route("/actuator/partitions", get(partitions))
        .route("/actuator/partitions/state", get(state))
        .route("/actuator/partitions/{action}", post(control))
        .route("/actuator/flowControl", get(flow).post(set_flow))
}

#[cfg(test)]
mod tests;
