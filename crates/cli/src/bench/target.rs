//! What the generator asks of a cluster, over gRPC or REST, with everything prepared beforehand.

use std::cell::Cell;

use bytes::Bytes;
use prost::Message;
use serde::Deserialize;
use skep_client::proto::{
    ActivateJobsRequest, CompleteJobRequest, CreateProcessInstanceRequest,
    CreateProcessInstanceWithResultRequest, PublishMessageRequest, StreamActivatedJobsRequest,
};

use super::grpc::{GrpcConnection, GrpcStream, Rpc};
use super::refusal::Refusal;
use super::rest::RestPool;
use super::wire::{self, Job, SEQUENCE_VARIABLE};
use super::workload::{JOB_TYPE, MESSAGE_NAME, Start};
use crate::failure::Failure;
use crate::limits::{BENCH_JOB_TIMEOUT, BENCH_JOBS_PER_POLL, BENCH_POLL_WAIT, BENCH_RESULT_WAIT};

/// Name under which the generator works on jobs.
const WORKER_NAME: &str = "skep-bench";

/// What instances are made of.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How they start.
    pub(crate) start: Start,
    /// The deployed definition.
    pub(crate) process_definition_key: i64,
    /// Variables of the start and of each job's result, a JSON object.
    pub(crate) variables: String,
    /// Tells the messages of this run from those of others.
    pub(crate) run_id: String,
}

/// The cluster under load.
pub(crate) enum Target {
    Grpc(GrpcTarget),
    Rest(RestTarget),
}

impl Target {
    /// Starts an instance. The answer is what [`Job::instance`] will say: its key, or `sequence`
    /// when it is started by a message.
    pub(crate) async fn start(&self, sequence: i64) -> Result<i64, Refusal> {
        match self {
            Self::Grpc(target) => target.start(sequence).await,
            Self::Rest(target) => target.start(sequence).await,
        }
    }

    /// Completes a job.
    pub(crate) async fn complete(&self, job_key: i64) -> Result<(), Refusal> {
        match self {
            Self::Grpc(target) => {
                let frame = wire::framed_key(job_key, &target.complete_rest);
                target.connection().unary(&target.complete_rpc, frame).await.map(drop)
            }
            Self::Rest(target) => {
                let path = format!("/v2/jobs/{job_key}/completion");
                target.calls.post(&path, target.complete_body.clone()).await.map(drop)
            }
        }
    }

    /// Polls for jobs; waits for some time when there are none and `wait` is set.
    pub(crate) async fn activate(&self, wait: bool) -> Result<Vec<Job>, Refusal> {
        match self {
            Self::Grpc(target) => target.activate(wait).await,
            Self::Rest(target) => target.activate(wait).await,
        }
    }

    /// Opens a job stream, where the protocol has one.
    pub(crate) async fn stream(&self) -> Result<Option<GrpcStream>, Refusal> {
        match self {
            Self::Grpc(target) => {
                let frame = target.stream_frame.clone();
                target.connection().call(&target.stream_rpc, frame).await.map(Some)
            }
            Self::Rest(_) => Ok(None),
        }
    }

    /// Reads a job that came over the stream.
    pub(crate) fn job(&self, message: &[u8]) -> Job {
        wire::job(message, matches!(self, Self::Grpc(target) if target.by_variable()))
    }

    /// Why the cluster cannot be reached any more, if so.
    pub(crate) fn broken(&self) -> Option<String> {
        match self {
            Self::Grpc(target) => target.connections.iter().find_map(GrpcConnection::broken),
            Self::Rest(target) => target.calls.broken().or_else(|| target.polls.broken()),
        }
    }
}

/// A cluster spoken to over gRPC.
pub(crate) struct GrpcTarget {
    connections: Vec<GrpcConnection>,
    next: Cell<usize>,
    start: Start,
    start_rpc: Rpc,
    /// The whole request, or for messages what follows the correlation key and the variables.
    start_frame: Bytes,
    variables: String,
    run_id: String,
    complete_rpc: Rpc,
    complete_rest: Vec<u8>,
    activate_rpc: Rpc,
    activate_waiting_frame: Bytes,
    activate_frame: Bytes,
    stream_rpc: Rpc,
    stream_frame: Bytes,
}

impl GrpcTarget {
    pub(crate) fn new(connections: Vec<GrpcConnection>, plan: &Plan) -> Result<Self, Failure> {
        let Some(first) = connections.first() else {
            return Err(Failure::Usage("at least one connection is needed".into()));
        };
        let create = CreateProcessInstanceRequest::by_key(plan.process_definition_key)
            .with_variables(&plan.variables);
        let (rpc_name, start_frame) = match plan.start {
            Start::Create => ("CreateProcessInstance", wire::framed(&create)),
            Start::CreateWithResult => {
                let request: CreateProcessInstanceWithResultRequest =
                    create.awaiting_result(BENCH_RESULT_WAIT, Vec::new());
                ("CreateProcessInstanceWithResult", wire::framed(&request))
            }
            Start::Publish => ("PublishMessage", Bytes::new()),
        };
        let poll =
            ActivateJobsRequest::new(JOB_TYPE, WORKER_NAME, BENCH_JOBS_PER_POLL, BENCH_JOB_TIMEOUT);
        let stream = StreamActivatedJobsRequest::new(JOB_TYPE, WORKER_NAME, BENCH_JOB_TIMEOUT);
        let complete = CompleteJobRequest::new(0).with_variables(&plan.variables);
        Ok(Self {
            start: plan.start,
            start_rpc: first.rpc(rpc_name)?,
            start_frame,
            variables: plan.variables.clone(),
            run_id: plan.run_id.clone(),
            complete_rpc: first.rpc("CompleteJob")?,
            complete_rest: complete.encode_to_vec(),
            activate_rpc: first.rpc("ActivateJobs")?,
            activate_waiting_frame: wire::framed(&poll.clone().with_wait(BENCH_POLL_WAIT)),
            activate_frame: wire::framed(&poll.without_wait()),
            stream_rpc: first.rpc("StreamActivatedJobs")?,
            stream_frame: wire::framed(&stream),
            next: Cell::new(0),
            connections,
        })
    }

    fn by_variable(&self) -> bool {
        self.start == Start::Publish
    }

    /// The next connection in turn.
    fn connection(&self) -> &GrpcConnection {
        let next = (self.next.get() + 1) % self.connections.len();
        self.next.set(next);
        &self.connections[next]
    }

    async fn start(&self, sequence: i64) -> Result<i64, Refusal> {
        /// Number of the instance key in `CreateProcessInstanceResponse`.
        const INSTANCE_KEY_FIELD: u64 = 4;
        let frame = match self.start {
            Start::Publish => wire::framed(&self.message(sequence)),
            _ => self.start_frame.clone(),
        };
        let answer = self.connection().unary(&self.start_rpc, frame).await?;
        Ok(match self.start {
            Start::Publish => sequence,
            _ => wire::number(&answer, INSTANCE_KEY_FIELD),
        })
    }

    fn message(&self, sequence: i64) -> PublishMessageRequest {
        PublishMessageRequest::new(MESSAGE_NAME, format!("{}-{sequence}", self.run_id))
            .with_variables(numbered(&self.variables, sequence))
    }

    async fn activate(&self, wait: bool) -> Result<Vec<Job>, Refusal> {
        let frame = if wait { &self.activate_waiting_frame } else { &self.activate_frame };
        let mut answer = self.connection().call(&self.activate_rpc, frame.clone()).await?;
        let mut jobs = Vec::new();
        while let Some(message) = answer.next().await? {
            jobs.append(&mut wire::jobs(&message, self.by_variable()));
        }
        Ok(jobs)
    }
}

/// A cluster spoken to over REST.
pub(crate) struct RestTarget {
    calls: RestPool,
    /// Polls wait for long: they have connections of their own.
    polls: RestPool,
    start: Start,
    start_body: Bytes,
    variables: String,
    run_id: String,
    complete_body: Bytes,
    activate_waiting_body: Bytes,
    activate_body: Bytes,
}

impl RestTarget {
    pub(crate) fn new(calls: RestPool, polls: RestPool, plan: &Plan) -> Self {
        let variables = &plan.variables;
        let awaiting = match plan.start {
            Start::CreateWithResult => {
                let wait_ms = BENCH_RESULT_WAIT.as_millis();
                format!(r#","awaitCompletion":true,"requestTimeout":{wait_ms}"#)
            }
            _ => String::new(),
        };
        let start_body = format!(
            r#"{{"processDefinitionKey":"{}","variables":{variables}{awaiting}}}"#,
            plan.process_definition_key
        );
        let timeout_ms = BENCH_JOB_TIMEOUT.as_millis();
        let activate = |wait_ms: i64| {
            Bytes::from(format!(
                r#"{{"type":"{JOB_TYPE}","worker":"{WORKER_NAME}","timeout":{timeout_ms},"maxJobsToActivate":{BENCH_JOBS_PER_POLL},"requestTimeout":{wait_ms}}}"#
            ))
        };
        Self {
            start: plan.start,
            start_body: start_body.into(),
            complete_body: format!(r#"{{"variables":{variables}}}"#).into(),
            activate_waiting_body: activate(BENCH_POLL_WAIT.as_millis() as i64),
            activate_body: activate(-1),
            variables: variables.clone(),
            run_id: plan.run_id.clone(),
            calls,
            polls,
        }
    }

    async fn start(&self, sequence: i64) -> Result<i64, Refusal> {
        if self.start == Start::Publish {
            let body = format!(
                r#"{{"name":"{MESSAGE_NAME}","correlationKey":"{}-{sequence}","timeToLive":0,"variables":{}}}"#,
                self.run_id,
                numbered(&self.variables, sequence)
            );
            self.calls.post("/v2/messages/publication", body.into()).await?;
            return Ok(sequence);
        }
        let answer = self.calls.post("/v2/process-instances", self.start_body.clone()).await?;
        let started: StartedInstance = parsed(&answer)?;
        Ok(started.process_instance_key.0)
    }

    async fn activate(&self, wait: bool) -> Result<Vec<Job>, Refusal> {
        let body = if wait { &self.activate_waiting_body } else { &self.activate_body };
        let answer = self.polls.post("/v2/jobs/activation", body.clone()).await?;
        let activated: ActivatedJobs = parsed(&answer)?;
        let by_variable = self.start == Start::Publish;
        Ok(activated
            .jobs
            .into_iter()
            .map(|job| Job {
                key: job.job_key.0,
                instance: match by_variable {
                    true => job.variables.bench.unwrap_or(0),
                    false => job.process_instance_key.0,
                },
            })
            .collect())
    }
}

/// The variables with the generator's number in front.
fn numbered(variables: &str, sequence: i64) -> String {
    match variables.strip_prefix('{') {
        None | Some("}") => format!(r#"{{"{SEQUENCE_VARIABLE}":{sequence}}}"#),
        Some(members) => format!(r#"{{"{SEQUENCE_VARIABLE}":{sequence},{members}"#),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartedInstance {
    process_instance_key: Key,
}

#[derive(Deserialize)]
struct ActivatedJobs {
    jobs: Vec<RestJob>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestJob {
    #[serde(alias = "key")]
    job_key: Key,
    process_instance_key: Key,
    #[serde(default)]
    variables: NumberedVariables,
}

#[derive(Default, Deserialize)]
struct NumberedVariables {
    bench: Option<i64>,
}

/// A key: text in the current API, a number in that of 8.6.
#[derive(Deserialize)]
#[serde(untagged)]
enum KeyForm {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(try_from = "KeyForm")]
struct Key(i64);

impl TryFrom<KeyForm> for Key {
    type Error = std::num::ParseIntError;

    fn try_from(form: KeyForm) -> Result<Self, Self::Error> {
        match form {
            KeyForm::Number(key) => Ok(Self(key)),
            KeyForm::Text(text) => text.parse().map(Self),
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal {
        code: "UNREADABLE".into(),
        message: format!("the answer is not as expected: {error}"),
        is_backpressure: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_goes_in_front_of_the_variables() {
        assert_eq!(numbered("{}", 7), r#"{"bench":7}"#);
        assert_eq!(numbered(r#"{"a":1}"#, 7), r#"{"bench":7,"a":1}"#);
    }

    #[test]
    fn keys_are_read_as_numbers_and_as_text() {
        let old = br#"{"jobs":[{"key":1,"processInstanceKey":2,"variables":{"bench":9,"b":[]}}]}"#;
        let new = br#"{"jobs":[{"jobKey":"1","processInstanceKey":"2","variables":{"x":1}}]}"#;
        let old: ActivatedJobs = parsed(old).expect("8.6");
        let new: ActivatedJobs = parsed(new).expect("8.8");
        assert_eq!((old.jobs[0].job_key.0, old.jobs[0].variables.bench), (1, Some(9)));
        assert_eq!((new.jobs[0].process_instance_key.0, new.jobs[0].variables.bench), (2, None));
        assert_eq!(parsed::<StartedInstance>(b"{}").err().expect("refused").code, "UNREADABLE");
    }
}
