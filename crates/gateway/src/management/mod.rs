//! The port for operators: health, metrics, log levels, clock, partitions, job streams.
//!
//! Names and answers are documented in `docs/operating/management.md`. The port is not meant for
//! the world; it listens where `--bind` says, like the others.

mod backups;
mod clock;
mod cluster;
mod distributions;
mod faults;
mod health;
mod loggers;
mod metrics;
mod replicas;
mod status;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::routing::{get, post};

use crate::gateway::Gateway;
use crate::rest::problem;

pub use faults::Chaos;
pub use loggers::{LogControl, LogLevel};
pub use metrics::{MetricsHandle, install_metrics};

/// What the management port shows.
#[derive(Clone)]
pub struct Management {
    inner: Arc<Inner>,
}

struct Inner {
    gateway: Gateway,
    metrics: MetricsHandle,
    logs: LogControl,
    started: AtomicBool,
    chaos: OnceLock<Chaos>,
}

impl Management {
    /// What the management port shows of this gateway.
    #[must_use]
    pub fn new(gateway: Gateway, metrics: MetricsHandle, logs: LogControl) -> Self {
        let started = AtomicBool::new(false);
        let chaos = OnceLock::new();
        Self { inner: Arc::new(Inner { gateway, metrics, logs, started, chaos }) }
    }

    /// Lets who has the token break this node.
    #[must_use]
    pub fn with_chaos(self, chaos: Chaos) -> Self {
        let _ = self.inner.chaos.set(chaos);
        self
    }

    fn chaos(&self) -> Option<&Chaos> {
        self.inner.chaos.get()
    }

    /// Every port is open: the start is over.
    pub fn set_started(&self) {
        self.inner.started.store(true, Ordering::Release);
    }

    fn started(&self) -> bool {
        self.inner.started.load(Ordering::Acquire)
    }

    fn gateway(&self) -> &Gateway {
        &self.inner.gateway
    }
}

/// The routes.
pub fn router(management: Management) -> Router {
    Router::new()
        .route("/health", get(health::overall))
        .route("/ready", get(health::readiness))
        .route("/startup", get(health::startup))
        .route("/actuator/health", get(health::overall))
        .route("/actuator/health/liveness", get(health::liveness))
        .route("/actuator/health/readiness", get(health::readiness))
        .route("/actuator/health/startup", get(health::startup))
        .route("/actuator/health/status", get(health::overall))
        .route("/metrics", get(metrics::render))
        .route("/actuator/prometheus", get(metrics::render))
        .route("/actuator/loggers", get(loggers::all))
        .route("/actuator/loggers/{name}", get(loggers::one).post(loggers::set))
        .route("/actuator/clock", get(clock::now).delete(clock::reset))
        .route("/actuator/clock/pin", post(clock::pin))
        .route("/actuator/clock/add", post(clock::add))
        .route("/actuator/distributions", get(distributions::pending))
        .route("/actuator/jobstreams", get(status::job_streams))
        .merge(cluster::routes())
        .merge(replicas::routes())
        .merge(backups::routes())
        .merge(faults::routes(&management))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::middleware::from_fn(problem::complete_any))
        .with_state(management)
}

#[cfg(test)]
mod tests;
