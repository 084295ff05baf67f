//! The REST API, version 2 (`spec/engine.md` 3): strict in, complete out.
//!
//! Bodies with unknown fields are refused, every required field of an answer is written even when
//! it is null, keys are decimal strings, and every error is a problem detail.

mod body;
mod cluster;
mod decisions;
mod instances;
mod jobs;
mod json;
mod later;
mod messages;
pub(crate) mod problem;
mod resources;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, patch, post, put};

use crate::gateway::Gateway;
use crate::limits::REQUEST_BYTES_MAX;

pub(crate) use body::{Body, OptionalBody, Query};
pub(crate) use cluster::controlled_clock;
pub(crate) use json::Json;
pub(crate) use problem::Problem;

/// The routes over a gateway.
pub fn router(gateway: Gateway) -> Router {
    let router = Router::new()
        .route("/v1/topology", get(cluster::topology))
        .route("/v2/topology", get(cluster::topology))
        .route("/v2/status", get(cluster::status))
        .route("/v2/license", get(cluster::license))
        .route("/v2/authentication/me", get(cluster::me))
        .route("/v2/system/configuration", get(cluster::configuration))
        .route("/v2/clock", put(cluster::pin_clock))
        .route("/v2/clock/reset", post(cluster::reset_clock))
        .route("/v2/deployments", post(resources::deploy))
        .route("/v2/resources/{resourceKey}/deletion", post(resources::delete))
        .route("/v2/decision-definitions/evaluation", post(decisions::evaluate))
        .route("/v2/process-instances", post(instances::create))
        .route("/v2/process-instances/{processInstanceKey}/cancellation", post(instances::cancel))
        .route(
            "/v2/element-instances/{elementInstanceKey}/variables",
            put(instances::set_variables),
        )
        .route("/v2/jobs/activation", post(jobs::activate))
        .route("/v2/jobs/{jobKey}", patch(jobs::update))
        .route("/v2/jobs/{jobKey}/completion", post(jobs::complete))
        .route("/v2/jobs/{jobKey}/failure", post(jobs::fail))
        .route("/v2/jobs/{jobKey}/error", post(jobs::throw_error))
        .route("/v2/incidents/{incidentKey}/resolution", post(jobs::resolve_incident))
        .route("/v2/messages/publication", post(messages::publish))
        .route("/v2/messages/correlation", post(messages::correlate))
        .route("/v2/signals/broadcast", post(messages::broadcast));
    later::routes(router)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(axum::middleware::from_fn(problem::complete))
        .with_state(gateway)
}

#[cfg(test)]
mod tests;
