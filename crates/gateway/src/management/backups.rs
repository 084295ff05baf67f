//! Backups: take one, see how they are, remove one.
//!
//! Paths and shapes are those of the backup API of port 9600 that existing tools use, under its
//! older name and its newer one.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use skep_broker::backup::{BackupCall, BackupState, BackupStatus, PartStatus};
use skep_broker::metadata::ManageRequest;
use skep_env::rfc3339;

use super::Management;
use crate::rest::{Body, Json, Problem};

type Answer = Result<Response, Problem>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Take {
    backup_id: u64,
}

async fn ask<T: DeserializeOwned>(management: &Management, call: BackupCall) -> Result<T, Problem> {
    let answer = management.gateway().backend().manage(ManageRequest::Backups(call)).await?;
    serde_json::from_value(answer).map_err(|error| {
        let detail = format!("a node of another version answered: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
    })
}

async fn start(management: &Management, id: u64) -> Answer {
    if id == 0 {
        return Err(Problem::bad_request("Expected the id of a backup to be 1 or more, found 0"));
    }
    ask::<()>(management, BackupCall::Take { id }).await?;
    let mut json = Json::object();
    let text = format!(
        "A backup with id {id} has been scheduled. Use GET actuator/backups/{id} to monitor its \
         status."
    );
    json.string("message", &text);
    Ok((StatusCode::ACCEPTED, json.answer()).into_response())
}

async fn take(State(management): State<Management>, Body(asked): Body<Take>) -> Answer {
    start(&management, asked.backup_id).await
}

async fn take_named(State(management): State<Management>, Path(id): Path<String>) -> Answer {
    start(&management, number(&id)?).await
}

async fn list(State(management): State<Management>) -> Answer {
    let backups: Vec<BackupStatus> = ask(&management, BackupCall::List).await?;
    let items: Vec<String> = backups.iter().map(backup_json).collect();
    let text = format!("[{}]", items.join(","));
    Ok(([(http::header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn show(State(management): State<Management>, Path(id): Path<String>) -> Answer {
    let backup: BackupStatus = ask(&management, BackupCall::Get { id: number(&id)? }).await?;
    let text = backup_json(&backup);
    Ok(([(http::header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn delete(State(management): State<Management>, Path(id): Path<String>) -> Answer {
    ask::<()>(&management, BackupCall::Delete { id: number(&id)? }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn number(text: &str) -> Result<u64, Problem> {
    let wrong = |_| {
        Problem::bad_request(format!("Expected the id of a backup in the path, found '{text}'"))
    };
    text.parse().map_err(wrong)
}

fn state_name(state: BackupState) -> &'static str {
    match state {
        BackupState::InProgress => "IN_PROGRESS",
        BackupState::Completed => "COMPLETED",
        BackupState::Failed => "FAILED",
        BackupState::Incomplete => "INCOMPLETE",
        BackupState::DoesNotExist => "DOES_NOT_EXIST",
    }
}

fn backup_json(backup: &BackupStatus) -> String {
    let mut json = Json::object();
    json.integer("backupId", backup.backup_id.cast_signed());
    json.string("state", state_name(backup.state));
    json.string_or_null("failureReason", backup.failure_reason.as_deref().unwrap_or(""));
    let created = backup.created_at_ms.map(rfc3339).unwrap_or_default();
    json.string_or_null("createdAt", &created);
    let version = backup.skep_version.as_deref().unwrap_or("");
    json.list("details", backup.partitions.iter().map(|part| part_json(part, version)));
    json.end()
}

fn part_json(status: &PartStatus, version: &str) -> String {
    let mut json = Json::object();
    json.integer("partitionId", i64::from(status.partition_id));
    json.string("state", state_name(status.state));
    json.string_or_null("failureReason", status.failure_reason.as_deref().unwrap_or(""));
    if let Some(part) = &status.part {
        let at = rfc3339(part.created_at_ms);
        json.string("createdAt", &at);
        json.string("lastUpdatedAt", &at);
        json.integer("checkpointPosition", part.checkpoint_position.cast_signed());
        json.integer("brokerId", i64::from(part.node_id));
        let bytes = part.log.bytes + part.snapshot.as_ref().map_or(0, |file| file.bytes);
        json.integer("bytes", bytes.cast_signed());
    }
    json.string("brokerVersion", version);
    json.end()
}

/// The routes, under each of the names that the API has had.
pub(super) fn routes() -> Router<Management> {
    ["backups", "backupRuntime", "backup-runtime"].iter().fold(Router::new(), |router, name| {
        router
            .route(&format!("/actuator/{name}"), get(list).post(take))
            .route(&format!("/actuator/{name}/{{id}}"), get(show).post(take_named).delete(delete))
    })
}

#[cfg(test)]
mod tests;
