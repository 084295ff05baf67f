//! Fault points of a node that was started for chaos, for who has the token.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use serde::Serialize;
use skep_env::fault::{FaultPoints, FaultSpec, Refusal, RefusalKind};

use super::Management;
use crate::rest::{Body, Problem};

/// What may be broken in this node, and who may do it.
pub struct Chaos {
    /// The fault points.
    pub points: Arc<FaultPoints>,
    /// What a request has to bring as its bearer token.
    pub token: String,
}

/// The routes; they are there on every node, and say so when there is nothing behind them.
pub(super) fn routes(management: &Management) -> Router<Management> {
    let guarded = middleware::from_fn_with_state(management.clone(), guard);
    Router::new()
        .route("/actuator/chaos/faults", get(list).post(arm).delete(clear_all))
        .route("/actuator/chaos/faults/{id}", get(one).delete(clear))
        .route("/actuator/chaos/points", get(points))
        .route_layer(guarded)
}

/// Lets through who has the token.
async fn guard(State(management): State<Management>, request: Request, next: Next) -> Response {
    let Some(chaos) = management.chaos() else {
        return unarmed().into_response();
    };
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if given.is_some_and(|given| is_same(given.as_bytes(), chaos.token.as_bytes())) {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        "Expected the header 'Authorization: Bearer TOKEN' with the token that the node was started with",
    )
    .into_response()
}

/// Compares without telling by its time how much is right.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    let differences = given.iter().zip(expected).fold(0, |all, (one, other)| all | (one ^ other));
    given.len() == expected.len() && differences == 0
}

fn unarmed() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "This node has no fault points; start it with --chaos and a token (--chaos-token-file)",
    )
}

fn chaos(management: &Management) -> Result<&Chaos, Problem> {
    management.chaos().ok_or_else(unarmed)
}

fn no_such(id: &str) -> Problem {
    let detail = format!("there is no fault {id}; it may have ended by itself");
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
}

fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_string(value).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", error.to_string())
    })?;
    Ok((status, [(header::CONTENT_TYPE, "application/json")], text).into_response())
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, title) = match refusal.kind {
            RefusalKind::Invalid => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
            RefusalKind::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            RefusalKind::Conflict => (StatusCode::CONFLICT, "INVALID_STATE"),
            RefusalKind::Unsupported => (StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED"),
        };
        Self::new(status, title, refusal.reason)
    }
}

async fn list(State(management): State<Management>) -> Result<Response, Problem> {
    let points = &chaos(&management)?.points;
    let all = serde_json::json!({
        "node": points.own(),
        "faults": points.list(),
        "ended": points.ended(),
    });
    json(StatusCode::OK, &all)
}

async fn one(
    State(management): State<Management>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let faults = chaos(&management)?.points.list();
    let found = faults.iter().find(|fault| fault.id == id).ok_or_else(|| no_such(&id))?;
    json(StatusCode::OK, found)
}

async fn arm(
    State(management): State<Management>,
    Body(spec): Body<FaultSpec>,
) -> Result<Response, Problem> {
    let targets = management.gateway().backend().fault_targets();
    let status = chaos(&management)?.points.arm(spec, &targets)?;
    json(StatusCode::CREATED, &status)
}

async fn clear(
    State(management): State<Management>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let ended = chaos(&management)?.points.clear(&id).ok_or_else(|| no_such(&id))?;
    json(StatusCode::OK, &ended)
}

async fn clear_all(State(management): State<Management>) -> Result<Response, Problem> {
    let ended = chaos(&management)?.points.clear_all();
    json(StatusCode::OK, &serde_json::json!({ "ended": ended }))
}

async fn points(State(management): State<Management>) -> Result<Response, Problem> {
    let points = &chaos(&management)?.points;
    let places = points.crash_points().iter();
    let places = places.map(|it| serde_json::json!({"name": it.name, "place": it.place}));
    let all = serde_json::json!({
        "node": points.own(),
        "points": places.collect::<Vec<_>>(),
        "commands": points.commands(),
    });
    json(StatusCode::OK, &all)
}

#[cfg(test)]
mod tests;
