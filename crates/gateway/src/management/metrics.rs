//! Metrics as Prometheus text.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::Management;
use crate::metrics::SECONDS_BUCKETS;

/// Renders what the recorder holds.
#[derive(Clone)]
pub struct MetricsHandle {
    handle: PrometheusHandle,
}

impl MetricsHandle {
    /// Folds samples into their buckets, so that they do not pile up while nobody scrapes. To be
    /// called about every second.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// The metrics as text.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    fn builder() -> PrometheusBuilder {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS_BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new())
    }

    /// A handle on a recorder that nothing records to.
    #[cfg(test)]
    pub(crate) fn detached() -> Self {
        Self { handle: Self::builder().build_recorder().handle() }
    }
}

/// Makes the process record its metrics, once; to be called before anything is measured.
///
/// # Errors
/// When the process has a recorder already.
pub fn install_metrics() -> Result<MetricsHandle, String> {
    let recorder = MetricsHandle::builder().build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|error| format!("the metrics recorder cannot be installed: {error}"))?;
    Ok(MetricsHandle { handle })
}

pub(super) async fn render(State(management): State<Management>) -> Response {
    let text = management.inner.metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
