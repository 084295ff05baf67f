//! Job streams.

use axum::extract::State;
use axum::response::Response;

use super::Management;
use crate::backend::OpenStream;
use crate::rest::Json;

pub(super) async fn job_streams(State(management): State<Management>) -> Response {
    let streams = management.gateway().backend().job_streams();
    let entry = |stream: &OpenStream| {
        let mut entry = Json::object();
        entry.string("jobType", &stream.job_type);
        entry.string("worker", &stream.worker);
        entry.integer("timeoutMs", stream.timeout_ms);
        entry.integer("jobsInFlight", i64::from(stream.jobs_in_flight));
        entry.end()
    };
    let mut json = Json::object();
    // `client`: streams of clients of this node; `remote`: of clients of other nodes, served by this one.
    json.list("client", streams.iter().filter(|stream| !stream.elsewhere).map(entry));
    json.list("remote", streams.iter().filter(|stream| stream.elsewhere).map(entry));
    json.answer()
}
