//! The clock of a server that was started with `--virtual-time`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::Management;
use crate::ClockControl;
use crate::rest::{Body, Json, Problem, controlled_clock};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Pin {
    epoch_milli: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Add {
    offset_milli: i64,
}

fn control(management: &Management) -> Result<Arc<dyn ClockControl>, Problem> {
    Ok(controlled_clock(management.gateway())?)
}

fn answer(management: &Management) -> Response {
    let now_ms = management.gateway().backend().now_ms();
    let mut json = Json::object();
    json.integer("epochMilli", now_ms);
    json.string("instant", &skep_env::rfc3339(now_ms));
    json.answer()
}

pub(super) async fn now(State(management): State<Management>) -> Result<Response, Problem> {
    control(&management)?;
    Ok(answer(&management))
}

pub(super) async fn pin(
    State(management): State<Management>,
    Body(request): Body<Pin>,
) -> Result<Response, Problem> {
    control(&management)?.pin(request.epoch_milli).await?;
    Ok(answer(&management))
}

pub(super) async fn add(
    State(management): State<Management>,
    Body(request): Body<Add>,
) -> Result<Response, Problem> {
    control(&management)?.add(request.offset_milli).await?;
    Ok(answer(&management))
}

pub(super) async fn reset(State(management): State<Management>) -> Result<Response, Problem> {
    control(&management)?.reset().await?;
    Ok(answer(&management))
}
