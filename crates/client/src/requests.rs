//! Constructors and setters for the request messages, so that a call names only what matters.
//! Variables are given as anything that prints as a JSON object: text or `serde_json::Value`.

use std::fmt::Display;
use std::time::Duration;

use crate::proto::{
    ActivateJobsRequest, BroadcastSignalRequest, CancelProcessInstanceRequest, CompleteJobRequest,
    CreateProcessInstanceRequest, CreateProcessInstanceWithResultRequest, DeployResourceRequest,
    EvaluateDecisionRequest, FailJobRequest, PublishMessageRequest, ResolveIncidentRequest,
    Resource, SetVariablesRequest, StreamActivatedJobsRequest, ThrowErrorRequest,
    UpdateJobRetriesRequest, UpdateJobTimeoutRequest,
};

/// `version` that means the latest one.
const VERSION_LATEST: i32 = -1;

/// Milliseconds as the contract counts them.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl CreateProcessInstanceRequest {
    /// An instance of the latest version of a process.
    pub fn latest(bpmn_process_id: impl Into<String>) -> Self {
        Self { bpmn_process_id: bpmn_process_id.into(), version: VERSION_LATEST, ..Self::default() }
    }

    /// An instance of exactly this process definition.
    pub fn by_key(process_definition_key: i64) -> Self {
        Self { process_definition_key, version: VERSION_LATEST, ..Self::default() }
    }

    /// Takes this version instead of the latest.
    pub fn with_version(self, version: i32) -> Self {
        Self { version, ..self }
    }

    /// Starts with these variables.
    pub fn with_variables(self, variables: impl Display) -> Self {
        Self { variables: variables.to_string(), ..self }
    }

    /// Belongs to this tenant.
    pub fn with_tenant(self, tenant_id: impl Into<String>) -> Self {
        Self { tenant_id: tenant_id.into(), ..self }
    }

    /// Carries the caller's own id.
    pub fn with_business_id(self, business_id: impl Into<String>) -> Self {
        Self { business_id: Some(business_id.into()), ..self }
    }

    /// Waits for completion, for as long as `wait`, and fetches these variables (none: all).
    pub fn awaiting_result(
        self,
        wait: Duration,
        fetch_variables: Vec<String>,
    ) -> CreateProcessInstanceWithResultRequest {
        CreateProcessInstanceWithResultRequest {
            request: Some(self),
            request_timeout: millis(wait),
            fetch_variables,
        }
    }
}

impl CancelProcessInstanceRequest {
    /// Cancels this instance.
    pub fn new(process_instance_key: i64) -> Self {
        Self { process_instance_key, ..Self::default() }
    }
}

impl DeployResourceRequest {
    /// Deploys one resource; [`Self::with_resource`] adds more.
    pub fn new(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self::default().with_resource(name, content)
    }

    /// Adds a resource to the same deployment.
    pub fn with_resource(mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.resources.push(Resource { name: name.into(), content: content.into() });
        self
    }

    /// Belongs to this tenant.
    pub fn with_tenant(self, tenant_id: impl Into<String>) -> Self {
        Self { tenant_id: tenant_id.into(), ..self }
    }
}

impl PublishMessageRequest {
    /// A message for the subscriptions with this correlation key; not buffered.
    pub fn new(name: impl Into<String>, correlation_key: impl Into<String>) -> Self {
        Self { name: name.into(), correlation_key: correlation_key.into(), ..Self::default() }
    }

    /// Buffers the message for this long.
    pub fn with_time_to_live(self, time_to_live: Duration) -> Self {
        Self { time_to_live: millis(time_to_live), ..self }
    }

    /// Makes the message unique while it is buffered.
    pub fn with_message_id(self, message_id: impl Into<String>) -> Self {
        Self { message_id: message_id.into(), ..self }
    }

    /// Carries these variables.
    pub fn with_variables(self, variables: impl Display) -> Self {
        Self { variables: variables.to_string(), ..self }
    }
}

impl BroadcastSignalRequest {
    /// A signal without variables.
    pub fn new(signal_name: impl Into<String>) -> Self {
        Self { signal_name: signal_name.into(), ..Self::default() }
    }

    /// Carries these variables.
    pub fn with_variables(self, variables: impl Display) -> Self {
        Self { variables: variables.to_string(), ..self }
    }
}

impl ActivateJobsRequest {
    /// Up to `jobs_max` jobs of a type for a worker that owns each for `timeout`.
    pub fn new(
        job_type: impl Into<String>,
        worker: impl Into<String>,
        jobs_max: i32,
        timeout: Duration,
    ) -> Self {
        Self {
            r#type: job_type.into(),
            worker: worker.into(),
            max_jobs_to_activate: jobs_max,
            timeout: millis(timeout),
            ..Self::default()
        }
    }

    /// Waits for jobs this long; without it the gateway's default applies.
    pub fn with_wait(self, wait: Duration) -> Self {
        Self { request_timeout: millis(wait), ..self }
    }

    /// Answers at once, also when there is no job.
    pub fn without_wait(self) -> Self {
        Self { request_timeout: -1, ..self }
    }

    /// Fetches only these variables.
    pub fn with_fetch_variables(self, fetch_variable: Vec<String>) -> Self {
        Self { fetch_variable, ..self }
    }
}

impl StreamActivatedJobsRequest {
    /// Jobs of a type, pushed to a worker that owns each for `timeout`.
    pub fn new(job_type: impl Into<String>, worker: impl Into<String>, timeout: Duration) -> Self {
        Self {
            r#type: job_type.into(),
            worker: worker.into(),
            timeout: millis(timeout),
            ..Self::default()
        }
    }

    /// Fetches only these variables.
    pub fn with_fetch_variables(self, fetch_variable: Vec<String>) -> Self {
        Self { fetch_variable, ..self }
    }
}

impl CompleteJobRequest {
    /// Completes this job without variables.
    pub fn new(job_key: i64) -> Self {
        Self { job_key, ..Self::default() }
    }

    /// Returns these variables.
    pub fn with_variables(self, variables: impl Display) -> Self {
        Self { variables: variables.to_string(), ..self }
    }
}

impl FailJobRequest {
    /// Fails this job with so many retries left; 0 raises an incident.
    pub fn new(job_key: i64, retries: i32, error_message: impl Into<String>) -> Self {
        Self { job_key, retries, error_message: error_message.into(), ..Self::default() }
    }

    /// Keeps the job away from workers for this long.
    pub fn with_backoff(self, backoff: Duration) -> Self {
        Self { retry_back_off: millis(backoff), ..self }
    }

    /// Sets these variables at the job's element.
    pub fn with_variables(self, variables: impl Display) -> Self {
        Self { variables: variables.to_string(), ..self }
    }
}

impl ThrowErrorRequest {
    /// Throws this error code from a job.
    pub fn new(job_key: i64, error_code: impl Into<String>) -> Self {
        Self { job_key, error_code: error_code.into(), ..Self::default() }
    }

    /// Explains the error to people.
    pub fn with_message(self, error_message: impl Into<String>) -> Self {
        Self { error_message: error_message.into(), ..self }
    }

    /// Hands these variables to the event that catches the error.
    pub fn with_variables(self, variables: impl Display) -> Self {
        Self { variables: variables.to_string(), ..self }
    }
}

impl UpdateJobRetriesRequest {
    /// Sets the retries of this job, at least 1.
    pub fn new(job_key: i64, retries: i32) -> Self {
        Self { job_key, retries, ..Self::default() }
    }
}

impl UpdateJobTimeoutRequest {
    /// Gives this job a deadline `timeout` from now.
    pub fn new(job_key: i64, timeout: Duration) -> Self {
        Self { job_key, timeout: millis(timeout), ..Self::default() }
    }
}

impl SetVariablesRequest {
    /// Sets variables where they are defined, seen from this element instance.
    pub fn new(element_instance_key: i64, variables: impl Display) -> Self {
        Self { element_instance_key, variables: variables.to_string(), ..Self::default() }
    }

    /// Sets them in exactly this scope.
    pub fn locally(self) -> Self {
        Self { local: true, ..self }
    }
}

impl ResolveIncidentRequest {
    /// Resolves this incident.
    pub fn new(incident_key: i64) -> Self {
        Self { incident_key, ..Self::default() }
    }
}

impl EvaluateDecisionRequest {
    /// The latest version of a decision.
    pub fn latest(decision_id: impl Into<String>) -> Self {
        Self { decision_id: decision_id.into(), ..Self::default() }
    }

    /// Exactly this decision.
    pub fn by_key(decision_key: i64) -> Self {
        Self { decision_key, ..Self::default() }
    }

    /// Evaluates with these variables.
    pub fn with_variables(self, variables: impl Display) -> Self {
        Self { variables: variables.to_string(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_may_be_text_or_json_values() {
        let value = serde_json::json!({"a": 1});
        let from_value = CreateProcessInstanceRequest::latest("p").with_variables(value);
        let from_text = CreateProcessInstanceRequest::latest("p").with_variables(r#"{"a":1}"#);
        assert_eq!(from_value, from_text);
        assert_eq!(from_text.version, -1);
    }

    #[test]
    fn durations_become_milliseconds_and_saturate() {
        let poll = ActivateJobsRequest::new("t", "w", 5, Duration::from_secs(2));
        assert_eq!((poll.timeout, poll.request_timeout), (2_000, 0));
        assert_eq!(poll.without_wait().request_timeout, -1);
        assert_eq!(millis(Duration::MAX), i64::MAX);
    }
}
