//! Activation and everything that happens to an activated job.

use std::pin::Pin;
use std::task::{Context, Poll as TaskPoll};

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Frame;
use serde::Deserialize;
use serde_json::value::RawValue;
use skep_broker::ActivatedJob;
use skep_protocol::{DEFAULT_TENANT, JobIntent, JobRecord};

use super::body::{Body, OnlyReference, OperationReference, OptionalBody, PathKey, document};
use super::json::Json;
use super::problem::Problem;
use crate::backend::Delivery;
use crate::check;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::metrics::{Method, Protocol};
use crate::poll::{Poll, PollRequest};
use crate::transcode::headers_to_json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Activation {
    r#type: String,
    worker: Option<String>,
    timeout: i64,
    max_jobs_to_activate: i32,
    fetch_variable: Option<Vec<String>>,
    request_timeout: Option<i64>,
    tenant_ids: Option<Vec<String>>,
    tenant_filter: Option<String>,
    with_lease: Option<bool>,
}

pub(super) async fn activate(
    State(gateway): State<Gateway>,
    Body(request): Body<Activation>,
) -> Result<Response, Problem> {
    if let Some(filter) = &request.tenant_filter
        && !["PROVIDED", "ASSIGNED"].iter().any(|known| known.eq_ignore_ascii_case(filter))
    {
        return Err(Problem::bad_request(format!(
            "Expected tenantFilter PROVIDED or ASSIGNED, but found '{filter}'"
        )));
    }
    let request = PollRequest {
        job_type: request.r#type,
        worker: request.worker.unwrap_or_default(),
        timeout_ms: request.timeout,
        jobs_max: request.max_jobs_to_activate,
        fetch_variables: request.fetch_variable.unwrap_or_default(),
        request_timeout_ms: request.request_timeout.unwrap_or(0),
        tenant_ids: request.tenant_ids.unwrap_or_default(),
        with_lease: request.with_lease.unwrap_or(false),
    };
    let mut poll = Poll::new(gateway, request)?;
    let mut deliveries = Vec::new();
    while let Some(delivery) = poll.next().await? {
        deliveries.push(delivery);
    }
    let jobs = deliveries
        .iter()
        .flat_map(|delivery| delivery.jobs())
        .map(job_json)
        .collect::<Result<Vec<_>, _>>()?;
    let mut json = Json::object();
    json.list("jobs", jobs);
    let body = Activated { text: Some(Bytes::from(json.end())), deliveries };
    let mut response = Response::new(axum::body::Body::new(body.boxed_unsync()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// An answer that carries jobs. They are confirmed when the connection takes it; when the client
/// went away before, they are handed back.
struct Activated {
    text: Option<Bytes>,
    deliveries: Vec<Box<dyn Delivery>>,
}

impl hyper::body::Body for Activated {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> TaskPoll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        for delivery in this.deliveries.drain(..) {
            delivery.confirm();
        }
        TaskPoll::Ready(this.text.take().map(|text| Ok(Frame::data(text))))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.text.as_ref().map_or(0, |text| text.len() as u64))
    }
}

fn job_json(activated: &ActivatedJob) -> Result<String, GatewayError> {
    let job = &activated.job;
    let headers = job.headers.iter().map(|header| (header.key.as_str(), header.value.as_str()));
    let mut json = Json::object();
    json.string("type", &job.job_type);
    json.string("processDefinitionId", &job.bpmn_process_id);
    json.integer("processDefinitionVersion", i64::from(job.process_definition_version));
    json.string("elementId", &job.element_id);
    json.raw("customHeaders", &headers_to_json(headers));
    json.string("worker", &job.worker);
    json.integer("retries", i64::from(job.retries));
    json.integer("deadline", job.deadline_ms);
    json.document("variables", &activated.variables)?;
    json.string("tenantId", if job.tenant_id.is_empty() { DEFAULT_TENANT } else { &job.tenant_id });
    json.string("physicalTenantId", "default");
    json.key("jobKey", activated.key);
    json.key("processInstanceKey", job.process_instance_key);
    json.key("processDefinitionKey", job.process_definition_key);
    json.key("elementInstanceKey", job.element_instance_key);
    json.string("kind", "BPMN_ELEMENT");
    json.string("listenerEventType", "UNSPECIFIED");
    json.null("userTask");
    json.strings("tags", &[]);
    json.null("rootProcessInstanceKey");
    json.null("businessId");
    json.integer("priority", 0);
    json.null("jobLeaseToken");
    Ok(json.end())
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Completion {
    variables: Option<Box<RawValue>>,
    result: Option<JobResult>,
    job_lease_token: Option<String>,
    business_id: Option<String>,
}

/// The result of a listener or an ad-hoc sub-process; a job of an element has nothing to say in it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct JobResult {
    r#type: Option<String>,
    denied: Option<bool>,
    denied_reason: Option<String>,
    corrections: Option<Box<RawValue>>,
    activate_elements: Option<Vec<Box<RawValue>>>,
    is_completion_condition_fulfilled: Option<bool>,
    is_cancel_remaining_instances: Option<bool>,
}

impl JobResult {
    fn says_something(&self) -> bool {
        self.denied.unwrap_or(false)
            || self.denied_reason.as_ref().is_some_and(|reason| !reason.is_empty())
            || self.corrections.as_ref().is_some_and(|corrections| corrections.get() != "{}")
            || self.activate_elements.as_ref().is_some_and(|elements| !elements.is_empty())
            || self.is_completion_condition_fulfilled.unwrap_or(false)
            || self.is_cancel_remaining_instances.unwrap_or(false)
            || self.r#type.as_ref().is_some_and(|kind| kind == "adHocSubProcess")
    }
}

fn check_lease(token: Option<&String>) -> Result<(), GatewayError> {
    check::unsupported(token.is_some_and(|token| !token.is_empty()), "jobLeaseToken")
}

async fn command(
    gateway: &Gateway,
    method: Method,
    job_key: i64,
    operation_reference: u64,
    intent: JobIntent,
    record: Result<JobRecord, GatewayError>,
) -> Result<StatusCode, Problem> {
    let request = async { gateway.job(job_key, operation_reference, intent, record?).await };
    gateway.measured(Protocol::Rest, method, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn complete(
    State(gateway): State<Gateway>,
    PathKey(job_key): PathKey,
    OptionalBody(request): OptionalBody<Completion>,
) -> Result<StatusCode, Problem> {
    let record = || {
        let result = request.result.unwrap_or_default();
        check::unsupported(
            result.says_something(),
            "a job result for a listener or an ad-hoc sub-process",
        )?;
        check_lease(request.job_lease_token.as_ref())?;
        check::unsupported(request.business_id.is_some(), "assigning a business id")?;
        let variables = document("variables", request.variables.as_deref())?;
        Ok(JobRecord { variables, ..JobRecord::default() })
    };
    command(&gateway, Method::CompleteJob, job_key, 0, JobIntent::Complete, record()).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Failure {
    retries: Option<i32>,
    error_message: Option<String>,
    retry_back_off: Option<i64>,
    variables: Option<Box<RawValue>>,
    job_lease_token: Option<String>,
}

pub(super) async fn fail(
    State(gateway): State<Gateway>,
    PathKey(job_key): PathKey,
    OptionalBody(request): OptionalBody<Failure>,
) -> Result<StatusCode, Problem> {
    let record = || {
        check_lease(request.job_lease_token.as_ref())?;
        Ok(JobRecord {
            variables: document("variables", request.variables.as_deref())?,
            retries: request.retries.unwrap_or(0),
            error_message: request.error_message.unwrap_or_default(),
            retry_back_off_ms: request.retry_back_off.unwrap_or(0),
            ..JobRecord::default()
        })
    };
    command(&gateway, Method::FailJob, job_key, 0, JobIntent::Fail, record()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ThrownError {
    error_code: String,
    error_message: Option<String>,
    variables: Option<Box<RawValue>>,
    job_lease_token: Option<String>,
}

pub(super) async fn throw_error(
    State(gateway): State<Gateway>,
    PathKey(job_key): PathKey,
    Body(request): Body<ThrownError>,
) -> Result<StatusCode, Problem> {
    let record = || {
        check_lease(request.job_lease_token.as_ref())?;
        check::name("errorCode", &request.error_code)?;
        Ok(JobRecord {
            variables: document("variables", request.variables.as_deref())?,
            error_code: request.error_code,
            error_message: request.error_message.unwrap_or_default(),
            ..JobRecord::default()
        })
    };
    command(&gateway, Method::ThrowError, job_key, 0, JobIntent::ThrowError, record()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Update {
    changeset: Changeset,
    #[serde(default)]
    operation_reference: OperationReference,
    job_lease_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changeset {
    retries: Option<i32>,
    timeout: Option<i64>,
    priority: Option<i32>,
}

pub(super) async fn update(
    State(gateway): State<Gateway>,
    PathKey(job_key): PathKey,
    Body(request): Body<Update>,
) -> Result<StatusCode, Problem> {
    let Changeset { retries, timeout, priority } = request.changeset;
    let record = || {
        check_lease(request.job_lease_token.as_ref())?;
        check::unsupported(priority.is_some(), "changing the priority of a job")?;
        if retries.is_none() && timeout.is_none() {
            return Err(GatewayError::invalid(
                "Expected at least one of [retries, timeout] in the changeset, but found none",
            ));
        }
        if let Some(retries) = retries {
            check::positive("retries", i64::from(retries))?;
        }
        Ok(JobRecord {
            retries: retries.unwrap_or(0),
            changes_retries: retries.is_some(),
            timeout_ms: timeout.unwrap_or(0),
            changes_timeout: timeout.is_some(),
            ..JobRecord::default()
        })
    };
    let reference = request.operation_reference.0;
    command(&gateway, Method::UpdateJob, job_key, reference, JobIntent::Update, record()).await
}

pub(super) async fn resolve_incident(
    State(gateway): State<Gateway>,
    PathKey(incident_key): PathKey,
    OptionalBody(request): OptionalBody<OnlyReference>,
) -> Result<StatusCode, Problem> {
    let reference = request.operation_reference.0;
    let resolve = gateway.resolve_incident(incident_key, reference);
    gateway.measured(Protocol::Rest, Method::ResolveIncident, resolve).await?;
    Ok(StatusCode::NO_CONTENT)
}
