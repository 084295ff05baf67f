//! A gateway that hands out the jobs a test offers and reports every call to the test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::codegen::BoxStream;
use tonic::service::Interceptor;
use tonic::{Request, Response, Status};

#[allow(unreachable_pub, unused_qualifications, dead_code, clippy::all)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/fake_gateway/gateway_protocol.rs"));
}
use proto::gateway_server::{Gateway, GatewayServer};
use proto::*;

/// A request for jobs as the gateway saw it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Poll { jobs_max: i32, wait_ms: i64 },
    Stream,
}

pub(crate) struct FakeGateway {
    pub(crate) address: String,
    shared: Arc<Shared>,
    calls: mpsc::Receiver<Call>,
    answers: mpsc::Receiver<String>,
}

struct Shared {
    jobs: Mutex<VecDeque<ActivatedJob>>,
    job_offered: Notify,
    stream: Mutex<Option<mpsc::Sender<Result<ActivatedJob, Status>>>>,
    refusal: Mutex<Option<Status>>,
    calls: mpsc::Sender<Call>,
    answers: mpsc::Sender<String>,
}

#[derive(Clone)]
struct Service(Arc<Shared>);

#[derive(Clone)]
struct Token(Option<&'static str>);

impl Interceptor for Token {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let Some(token) = self.0 else { return Ok(request) };
        let expected = format!("Bearer {token}");
        match request.metadata().get("authorization") {
            Some(given) if given.as_bytes() == expected.as_bytes() => Ok(request),
            _ => Err(Status::unauthenticated("a token is required")),
        }
    }
}

impl FakeGateway {
    pub(crate) async fn start() -> Self {
        Self::start_inner(Token(None)).await
    }

    pub(crate) async fn start_with_token(token: &'static str) -> Self {
        Self::start_inner(Token(Some(token))).await
    }

    async fn start_inner(token: Token) -> Self {
        let (calls_send, calls) = mpsc::channel(10_000);
        let (answers_send, answers) = mpsc::channel(10_000);
        let shared = Arc::new(Shared {
            jobs: Mutex::default(),
            job_offered: Notify::new(),
            stream: Mutex::default(),
            refusal: Mutex::default(),
            calls: calls_send,
            answers: answers_send,
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let service = GatewayServer::with_interceptor(Service(Arc::clone(&shared)), token);
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self { address, shared, calls, answers }
    }

    pub(crate) fn offer(&self, key: i64, retries: i32) {
        self.shared.jobs.lock().unwrap().push_back(job(key, retries));
        self.shared.job_offered.notify_waiters();
    }

    pub(crate) fn push(&self, key: i64, retries: i32) {
        let stream = self.shared.stream.lock().unwrap();
        stream.as_ref().expect("a stream is open").try_send(Ok(job(key, retries))).unwrap();
    }

    pub(crate) fn break_stream(&self) {
        let stream = self.shared.stream.lock().unwrap().take().expect("a stream is open");
        stream.try_send(Err(Status::unavailable("broken on purpose"))).unwrap();
    }

    pub(crate) fn refuse_next(&self, status: Status) {
        *self.shared.refusal.lock().unwrap() = Some(status);
    }

    pub(crate) async fn next_call(&mut self) -> Call {
        self.calls.recv().await.expect("the gateway lives")
    }

    pub(crate) async fn next_answer(&mut self) -> String {
        self.answers.recv().await.expect("the gateway lives")
    }
}

fn job(key: i64, retries: i32) -> ActivatedJob {
    ActivatedJob { key, retries, r#type: "pay".into(), ..ActivatedJob::default() }
}

impl Service {
    fn answer<T: Default>(&self, answer: String) -> Result<Response<T>, Status> {
        if let Some(refusal) = self.0.refusal.lock().unwrap().take() {
            return Err(refusal);
        }
        self.0.answers.try_send(answer).unwrap();
        Ok(Response::new(T::default()))
    }
}

#[tonic::async_trait]
impl Gateway for Service {
    async fn topology(
        &self,
        _: Request<TopologyRequest>,
    ) -> Result<Response<TopologyResponse>, Status> {
        let answer = TopologyResponse { gateway_version: "fake".into(), ..Default::default() };
        Ok(Response::new(answer))
    }

    async fn activate_jobs(
        &self,
        request: Request<ActivateJobsRequest>,
    ) -> Result<Response<BoxStream<ActivateJobsResponse>>, Status> {
        let request = request.into_inner();
        let jobs_max = request.max_jobs_to_activate;
        let wait_ms = request.request_timeout;
        self.0.calls.try_send(Call::Poll { jobs_max, wait_ms }).unwrap();
        let shared = Arc::clone(&self.0);
        let jobs = loop {
            let offered = shared.job_offered.notified();
            tokio::pin!(offered);
            offered.as_mut().enable();
            {
                let mut waiting = shared.jobs.lock().unwrap();
                let count = waiting.len().min(jobs_max as usize);
                if count > 0 || wait_ms < 0 {
                    break waiting.drain(..count).collect::<Vec<_>>();
                }
            }
            offered.await;
        };
        let batches = jobs.into_iter().map(|job| Ok(ActivateJobsResponse { jobs: vec![job] }));
        Ok(Response::new(futures::stream::iter(batches.collect::<Vec<_>>()).boxed()))
    }

    async fn stream_activated_jobs(
        &self,
        _: Request<StreamActivatedJobsRequest>,
    ) -> Result<Response<BoxStream<ActivatedJob>>, Status> {
        let (send, jobs) = mpsc::channel(100);
        *self.0.stream.lock().unwrap() = Some(send);
        self.0.calls.try_send(Call::Stream).unwrap();
        Ok(Response::new(ReceiverStream::new(jobs).boxed()))
    }

    async fn complete_job(
        &self,
        request: Request<CompleteJobRequest>,
    ) -> Result<Response<CompleteJobResponse>, Status> {
        let request = request.into_inner();
        self.answer(format!("complete {} {}", request.job_key, request.variables))
    }

    async fn fail_job(
        &self,
        request: Request<FailJobRequest>,
    ) -> Result<Response<FailJobResponse>, Status> {
        let FailJobRequest { job_key, retries, error_message, .. } = request.into_inner();
        self.answer(format!("fail {job_key} retries={retries} {error_message}"))
    }

    async fn throw_error(
        &self,
        request: Request<ThrowErrorRequest>,
    ) -> Result<Response<ThrowErrorResponse>, Status> {
        let request = request.into_inner();
        self.answer(format!("error {} {}", request.job_key, request.error_code))
    }

    async fn resolve_incident(
        &self,
        _: Request<ResolveIncidentRequest>,
    ) -> Result<Response<ResolveIncidentResponse>, Status> {
        std::future::pending().await
    }
}
