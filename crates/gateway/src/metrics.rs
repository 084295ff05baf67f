//! Metrics of the gateway. Handles are made once: a request must not look up names.
//!
//! Names are documented in `docs/operating/management.md`.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::error::GatewayError;

/// How long a request took at the gateway, in seconds; labels `protocol` and `method`.
pub const REQUEST_SECONDS: &str = "skep_gateway_request_seconds";
/// Requests that failed; labels `protocol`, `method` and `code`.
pub const ERRORS_TOTAL: &str = "skep_gateway_errors_total";
/// Jobs given to clients; label `by` is `poll` or `stream`.
pub const JOBS_DELIVERED_TOTAL: &str = "skep_gateway_jobs_delivered_total";
/// Polls for jobs that wait.
pub const POLLS_WAITING: &str = "skep_gateway_polls_waiting";
/// Open job streams.
pub const STREAMS_OPEN: &str = "skep_gateway_job_streams_open";

/// Bounds of every histogram of seconds.
pub const SECONDS_BUCKETS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

/// The protocol of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Rest,
}

macro_rules! methods {
    ($($name:ident $text:literal,)*) => {
        /// What a request asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Method { $($name,)* }

        const METHODS: &[&str] = &[$($text,)*];
    };
}

methods! {
    Topology "topology",
    Deploy "deploy",
    CreateInstance "create_instance",
    CreateInstanceWithResult "create_instance_with_result",
    CancelInstance "cancel_instance",
    CompleteJob "complete_job",
    FailJob "fail_job",
    ThrowError "throw_error",
    UpdateJob "update_job",
    SetVariables "set_variables",
    PublishMessage "publish_message",
    CorrelateMessage "correlate_message",
    BroadcastSignal "broadcast_signal",
    ResolveIncident "resolve_incident",
    DeleteResource "delete_resource",
    EvaluateDecision "evaluate_decision",
}

/// The handles.
pub(crate) struct Metrics {
    grpc: Vec<Histogram>,
    rest: Vec<Histogram>,
    pub(crate) jobs_polled: Counter,
    pub(crate) jobs_pushed: Counter,
    pub(crate) polls_waiting: Gauge,
    pub(crate) streams_open: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let handles = |protocol: &'static str| {
            METHODS
                .iter()
                .map(|method| histogram!(REQUEST_SECONDS, "protocol" => protocol, "method" => *method))
                .collect()
        };
        Self {
            grpc: handles("grpc"),
            rest: handles("rest"),
            jobs_polled: counter!(JOBS_DELIVERED_TOTAL, "by" => "poll"),
            jobs_pushed: counter!(JOBS_DELIVERED_TOTAL, "by" => "stream"),
            polls_waiting: gauge!(POLLS_WAITING),
            streams_open: gauge!(STREAMS_OPEN),
        }
    }

    /// Notes how a request went.
    pub(crate) fn request(
        &self,
        protocol: Protocol,
        method: Method,
        took_us: u64,
        error: Option<&GatewayError>,
    ) {
        let handles = match protocol {
            Protocol::Grpc => &self.grpc,
            Protocol::Rest => &self.rest,
        };
        if let Some(handle) = handles.get(method as usize) {
            handle.record(took_us as f64 / 1e6);
        }
        if let Some(error) = error {
            let protocol = match protocol {
                Protocol::Grpc => "grpc",
                Protocol::Rest => "rest",
            };
            let method = METHODS.get(method as usize).copied().unwrap_or("unknown");
            counter!(ERRORS_TOTAL, "protocol" => protocol, "method" => method, "code" => error.kind.title())
                .increment(1);
        }
    }
}
