mod decisions;

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::serve::Listener;
use skep_broker::{Broker, BrokerConfig, Environment};
use skep_env::SystemClock;
use skep_protocol::{ProcessInstanceCreationRecord, RejectionType};
use tonic::Code;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};

use super::*;
use crate::Address;
use crate::error::ErrorKind;
use crate::management::{LogControl, LogLevel, MetricsHandle};
use crate::proto;
use crate::testing::{FakeBroker, accepted, job, refused};

async fn free_port() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

#[tokio::test]
async fn accepted_connections_have_nodelay() {
    let listener = free_port().await;
    let address = listener.local_addr().unwrap();
    let mut grpc = Box::pin(incoming(listener));
    let _client = TcpStream::connect(address).await.unwrap();
    assert!(grpc.next().await.unwrap().unwrap().nodelay().unwrap());

    let listener = free_port().await;
    let address = listener.local_addr().unwrap();
    let mut http = http_listener(listener);
    let _client = TcpStream::connect(address).await.unwrap();
    assert!(http.accept().await.0.nodelay().unwrap());
}

struct Running {
    broker: Arc<FakeBroker>,
    gateway: Gateway,
    servers: RunningServers,
    addresses: BoundAddresses,
    channel: Channel,
}

async fn start(broker: FakeBroker) -> Running {
    let broker = Arc::new(broker);
    let gateway = broker.gateway();
    start_with(gateway, broker).await
}

/// A server over the real broker, in memory.
async fn start_real(partitions: u32) -> (Running, Broker) {
    let config = BrokerConfig { partitions, ..BrokerConfig::default() };
    let broker = Broker::start(config, Environment::virtual_time()).await.unwrap();
    let address = Address { host: "127.0.0.1".to_owned(), port: 26_500 };
    let gateway = Gateway::new(Arc::new(broker.clone()), Arc::new(SystemClock), address);
    (start_with(gateway, Arc::new(FakeBroker::echo(1))).await, broker)
}

async fn start_with(gateway: Gateway, broker: Arc<FakeBroker>) -> Running {
    let listeners = Listeners::bind(&ListenAddresses {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        rest_port: 0,
        grpc_port: 0,
        management_port: 0,
    })
    .await
    .unwrap();
    let addresses = listeners.addresses().unwrap();
    let logs = LogControl::new(LogLevel::Info, |_| Ok(()));
    let management = Management::new(gateway.clone(), MetricsHandle::detached(), logs);
    let servers = listeners.serve(&gateway, management);
    let channel = Endpoint::from_shared(format!("http://{}", addresses.grpc))
        .unwrap()
        .connect()
        .await
        .unwrap();
    Running { broker, gateway, servers, addresses, channel }
}

impl Running {
    async fn unary<Q, A>(&self, method: &'static str, request: Q) -> Result<A, tonic::Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static(method);
        let codec = tonic_prost::ProstCodec::<Q, A>::default();
        let answer = client.unary(tonic::Request::new(request), path, codec).await;
        answer.map(tonic::Response::into_inner)
    }

    async fn stream<Q, A>(
        &self,
        method: &'static str,
        request: Q,
    ) -> Result<tonic::Streaming<A>, tonic::Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static(method);
        let codec = tonic_prost::ProstCodec::<Q, A>::default();
        let answer = client.server_streaming(tonic::Request::new(request), path, codec).await;
        answer.map(tonic::Response::into_inner)
    }
}

const COMPLETE: &str = "/gateway_protocol.Gateway/CompleteJob";
const ACTIVATE: &str = "/gateway_protocol.Gateway/ActivateJobs";

fn completion(variables: &str) -> proto::CompleteJobRequest {
    proto::CompleteJobRequest {
        job_key: 2_251_799_813_685_256,
        variables: variables.to_owned(),
        ..proto::CompleteJobRequest::default()
    }
}

fn activation(request_timeout: i64) -> proto::ActivateJobsRequest {
    proto::ActivateJobsRequest {
        r#type: "pay".to_owned(),
        worker: "w".to_owned(),
        timeout: 1000,
        max_jobs_to_activate: 10,
        request_timeout,
        ..proto::ActivateJobsRequest::default()
    }
}

#[tokio::test]
async fn rejections_have_the_documented_status() {
    for (kind, code) in [
        (RejectionType::NotFound, Code::NotFound),
        (RejectionType::InvalidState, Code::FailedPrecondition),
        (RejectionType::InvalidArgument, Code::InvalidArgument),
        (RejectionType::AlreadyExists, Code::AlreadyExists),
        (RejectionType::ProcessingError, Code::Internal),
        (RejectionType::Forbidden, Code::PermissionDenied),
    ] {
        let running = start(FakeBroker::rejecting(kind)).await;
        let answer = running.unary::<_, proto::CompleteJobResponse>(COMPLETE, completion("")).await;
        let status = answer.unwrap_err();
        assert_eq!(status.code(), code);
        assert_eq!(
            status.message(),
            format!("Command 'COMPLETE' rejected with code '{}': because", kind.name())
        );
        running.servers.shutdown().await;
    }
}

#[tokio::test]
async fn wrong_requests_never_reach_the_broker() {
    let running = start(FakeBroker::echo(1)).await;
    for variables in ["[]", "1", "{", "{\"a\":}", " "] {
        let answer =
            running.unary::<_, proto::CompleteJobResponse>(COMPLETE, completion(variables)).await;
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument, "{variables}");
    }
    for wrong in [
        proto::ActivateJobsRequest { r#type: " ".to_owned(), ..activation(-1) },
        proto::ActivateJobsRequest { timeout: 0, ..activation(-1) },
        proto::ActivateJobsRequest { max_jobs_to_activate: 0, ..activation(-1) },
        proto::ActivateJobsRequest { tenant_ids: vec!["red".to_owned()], ..activation(-1) },
    ] {
        let answer = running.stream::<_, proto::ActivateJobsResponse>(ACTIVATE, wrong).await;
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
    }
    assert!(running.broker.sent.lock().is_empty());
    running.servers.shutdown().await;
}

#[tokio::test]
async fn features_to_come_are_unimplemented_with_a_reason() {
    let running = start(FakeBroker::echo(1)).await;
    for method in [
        "/gateway_protocol.Gateway/ModifyProcessInstance",
        "/gateway_protocol.Gateway/MigrateProcessInstance",
        "/gateway_protocol.Gateway/EvaluateConditional",
        "/gateway_protocol.Gateway/UpdateJobPriority",
    ] {
        // The empty message is a valid request of each of them.
        let answer = running
            .unary::<_, proto::CompleteJobResponse>(method, proto::TopologyRequest {})
            .await
            .unwrap_err();
        assert_eq!(answer.code(), Code::Unimplemented);
        assert!(answer.message().contains("not supported by this version"), "{method}");
    }
    running.servers.shutdown().await;
}

#[tokio::test]
async fn instances_are_created_in_turn_and_past_partitions_that_refuse() {
    let running = start(FakeBroker::new(3, |partition, command| {
        if partition == 2 {
            return Err(refused(ErrorKind::ResourceExhausted, true));
        }
        let skep_protocol::Payload::ProcessInstanceCreation(intent, record) = &command.payload
        else {
            panic!()
        };
        let record = ProcessInstanceCreationRecord {
            process_instance_key: skep_protocol::key::compose(partition, 1),
            ..record.clone()
        };
        Ok(accepted(partition, skep_protocol::Payload::ProcessInstanceCreation(*intent, record)))
    }))
    .await;
    let mut partitions = Vec::new();
    for _ in 0..3 {
        let request = proto::CreateProcessInstanceRequest {
            bpmn_process_id: "order".to_owned(),
            version: -1,
            ..proto::CreateProcessInstanceRequest::default()
        };
        let created: proto::CreateProcessInstanceResponse = running
            .unary("/gateway_protocol.Gateway/CreateProcessInstance", request)
            .await
            .unwrap();
        assert_eq!(created.tenant_id, "<default>");
        partitions.push(created.process_instance_key >> 51);
    }
    assert_eq!(partitions, [1, 3, 3]);
    running.servers.shutdown().await;
}

#[tokio::test]
async fn a_creation_that_may_have_been_taken_is_not_repeated() {
    let running =
        start(FakeBroker::new(3, |_, _| Err(refused(ErrorKind::Unavailable, false)))).await;
    let request = proto::CreateProcessInstanceRequest::default();
    let answer = running
        .unary::<_, proto::CreateProcessInstanceResponse>(
            "/gateway_protocol.Gateway/CreateProcessInstance",
            request,
        )
        .await;
    assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
    assert_eq!(running.broker.sent.lock().len(), 1);
    running.servers.shutdown().await;
}

#[tokio::test]
async fn refusals_of_all_partitions_are_one_error() {
    let running =
        start(FakeBroker::new(3, |_, _| Err(refused(ErrorKind::ResourceExhausted, true)))).await;
    let answer = running
        .unary::<_, proto::CreateProcessInstanceResponse>(
            "/gateway_protocol.Gateway/CreateProcessInstance",
            proto::CreateProcessInstanceRequest::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(answer.code(), Code::ResourceExhausted);
    assert!(!answer.details().is_empty());
    assert_eq!(running.broker.sent.lock().len(), 3);
    running.servers.shutdown().await;
}

#[tokio::test]
async fn a_poll_gives_one_message_per_partition_with_jobs() {
    let running = start(FakeBroker::echo(3)).await;
    running.broker.jobs.lock().extend([(1, Ok(vec![job(1), job(2)])), (3, Ok(vec![job(3)]))]);
    let mut stream =
        running.stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(-1)).await.unwrap();
    let mut counts = Vec::new();
    while let Some(answer) = stream.message().await.unwrap() {
        counts.push(answer.jobs.len());
        let job = &answer.jobs[0];
        assert_eq!((job.listener_event_type, job.custom_headers.as_str()), (6, r#"{"a":"b\"c"}"#));
        assert_eq!(job.variables, r#"{"x":1,"y":[true,null]}"#);
    }
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    let asked: Vec<u32> =
        running.broker.activations.lock().iter().map(|(_, record)| record.jobs_max).collect();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0], 10);
    running.servers.shutdown().await;
    assert_eq!(running.broker.fate.confirmed.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_poll_that_finds_nothing_ends_empty_or_waits_for_news() {
    let running = start(FakeBroker::echo(2)).await;
    let mut at_once =
        running.stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(-1)).await.unwrap();
    assert!(at_once.message().await.unwrap().is_none());
    let mut short =
        running.stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(1)).await.unwrap();
    assert!(short.message().await.unwrap().is_none());

    let mut waiting = running
        .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(60_000))
        .await
        .unwrap();
    running.broker.jobs.lock().push_back((2, Ok(vec![job(1)])));
    let announced = async {
        // The poll may register before or after: say it until it was heard.
        loop {
            running.broker.announcements.notify_waiters();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = waiting.message() => assert_eq!(answer.unwrap().unwrap().jobs.len(), 1),
        () = announced => {}
    }
    running.servers.shutdown().await;
}

#[tokio::test]
async fn exhaustion_ends_a_poll_only_when_nothing_was_activated() {
    let running = start(FakeBroker::echo(2)).await;
    running.broker.jobs.lock().push_back((1, Err(refused(ErrorKind::ResourceExhausted, true))));
    let mut stream = running
        .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(60_000))
        .await
        .unwrap();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::ResourceExhausted);

    running
        .broker
        .jobs
        .lock()
        .extend([(1, Err(refused(ErrorKind::ResourceExhausted, true))), (2, Ok(vec![job(1)]))]);
    let mut stream = running
        .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(60_000))
        .await
        .unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap().jobs.len(), 1);
    assert!(stream.message().await.unwrap().is_none());
    running.servers.shutdown().await;
}

#[tokio::test]
async fn a_partition_that_is_away_does_not_end_a_poll_of_the_others() {
    let running = start(FakeBroker::echo(2)).await;
    let away = || Err(refused(ErrorKind::Unavailable, true));
    running.broker.jobs.lock().push_back((1, away()));
    let mut stream = running
        .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(60_000))
        .await
        .unwrap();
    // It waits; what is announced then is found.
    while running.broker.activations.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    running.broker.jobs.lock().push_back((2, Ok(vec![job(1)])));
    let woken = async {
        loop {
            running.broker.announcements.notify_waiters();
            tokio::task::yield_now().await;
        }
    };
    let answer = tokio::select! {
        biased;
        answer = stream.message() => answer,
        () = woken => unreachable!(),
    };
    assert_eq!(answer.unwrap().unwrap().jobs.len(), 1);
    drop(stream);
    running.broker.jobs.lock().extend([(1, away()), (2, away())]);
    let mut stream = running
        .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(60_000))
        .await
        .unwrap();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable, "all are away");
    running.servers.shutdown().await;
}

#[tokio::test]
async fn streams_push_jobs_one_by_one() {
    let running = start(FakeBroker::echo(1)).await;
    running.broker.jobs.lock().extend([(1, Ok(vec![job(1), job(2)])), (1, Ok(vec![job(3)]))]);
    let request = proto::StreamActivatedJobsRequest {
        r#type: "pay".to_owned(),
        timeout: 1000,
        ..proto::StreamActivatedJobsRequest::default()
    };
    let mut stream = running
        .stream::<_, proto::ActivatedJob>("/gateway_protocol.Gateway/StreamActivatedJobs", request)
        .await
        .unwrap();
    let mut keys = Vec::new();
    while let Some(job) = stream.message().await.unwrap() {
        keys.push(job.key & 0xff);
    }
    assert_eq!(keys, [1, 2, 3]);
    running.servers.shutdown().await;
}

#[tokio::test]
async fn messages_beyond_the_limit_get_advice() {
    let running = start(FakeBroker::echo(1)).await;
    let large = completion(&format!("{{\"a\":\"{}\"}}", "x".repeat(REQUEST_BYTES_MAX)));
    let status = running.unary::<_, proto::CompleteJobResponse>(COMPLETE, large).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("4194304 bytes"));
    running.servers.shutdown().await;
}

#[tokio::test]
async fn health_knows_the_gateway_by_its_name() {
    let running = start(FakeBroker::echo(1)).await;
    let mut client = tonic_health::pb::health_client::HealthClient::new(running.channel.clone());
    let request =
        tonic_health::pb::HealthCheckRequest { service: "gateway_protocol.Gateway".to_owned() };
    let answer = client.check(request).await.unwrap().into_inner();
    assert_eq!(answer.status, 1);
    running.servers.shutdown().await;
}

#[tokio::test]
async fn stopping_ends_waiting_polls() {
    let running = start(FakeBroker::echo(1)).await;
    let mut waiting = running
        .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, activation(600_000))
        .await
        .unwrap();
    let (end, ()) = tokio::join!(waiting.message(), running.servers.shutdown());
    assert!(end.unwrap().is_none());
}

#[tokio::test]
async fn a_taken_port_names_the_option() {
    let taken = free_port().await;
    let error = Listeners::bind(&ListenAddresses {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        rest_port: 0,
        grpc_port: taken.local_addr().unwrap().port(),
        management_port: 0,
    })
    .await
    .err()
    .unwrap();
    assert!(error.to_string().contains("--grpc-port"), "{error}");
}

#[tokio::test]
async fn the_topology_is_complete() {
    let running = start(FakeBroker::echo(2)).await;
    let topology: proto::TopologyResponse = running
        .unary("/gateway_protocol.Gateway/Topology", proto::TopologyRequest {})
        .await
        .unwrap();
    assert_eq!((topology.partitions_count, topology.cluster_size), (2, 1));
    assert_eq!(topology.gateway_version, crate::version::COMPATIBLE_VERSION);
    assert_eq!(topology.brokers[0].partitions.len(), 2);
    assert_ne!(running.addresses.grpc, running.addresses.rest);
    running.servers.shutdown().await;
}

#[tokio::test]
async fn compressed_requests_are_read_and_bounded() {
    let running = start(FakeBroker::echo(1)).await;
    let send = async |variables: String| {
        let mut client =
            Grpc::new(running.channel.clone()).send_compressed(CompressionEncoding::Gzip);
        client.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<_, proto::CompleteJobResponse>::default();
        let request = tonic::Request::new(completion(&variables));
        client.unary(request, PathAndQuery::from_static(COMPLETE), codec).await
    };
    assert!(send("{\"a\":1}".to_owned()).await.is_ok());
    let bomb = format!("{{\"a\":\"{}\"}}", "x".repeat(2 * REQUEST_BYTES_MAX));
    assert_eq!(send(bomb).await.unwrap_err().code(), Code::ResourceExhausted);
    running.servers.shutdown().await;
}

const DEPLOY: &str = "/gateway_protocol.Gateway/DeployResource";
const CREATE: &str = "/gateway_protocol.Gateway/CreateProcessInstance";
const CREATE_WITH_RESULT: &str = "/gateway_protocol.Gateway/CreateProcessInstanceWithResult";
const STREAM: &str = "/gateway_protocol.Gateway/StreamActivatedJobs";
const ONE_TASK: &str = include_str!("../../../../models/bench/one_task.bpmn");

/// A process with one job of type `benchmark-task`.
async fn deploy_one_task(running: &Running) {
    let resource =
        proto::Resource { name: "one_task.bpmn".to_owned(), content: ONE_TASK.as_bytes().to_vec() };
    let request = proto::DeployResourceRequest {
        resources: vec![resource],
        ..proto::DeployResourceRequest::default()
    };
    let deployed: proto::DeployResourceResponse = running.unary(DEPLOY, request).await.unwrap();
    assert_eq!(deployed.deployments.len(), 1);
}

fn one_task() -> proto::CreateProcessInstanceRequest {
    proto::CreateProcessInstanceRequest {
        bpmn_process_id: "bench_one_task".to_owned(),
        version: -1,
        variables: r#"{"b":[1,{"c":2.5}],"a":"x"}"#.to_owned(),
        ..proto::CreateProcessInstanceRequest::default()
    }
}

fn benchmark_jobs(request_timeout: i64) -> proto::ActivateJobsRequest {
    proto::ActivateJobsRequest {
        r#type: "benchmark-task".to_owned(),
        ..activation(request_timeout)
    }
}

#[tokio::test]
async fn an_instance_runs_from_deployment_to_its_result() {
    let (running, broker) = start_real(2).await;
    deploy_one_task(&running).await;
    let request = proto::CreateProcessInstanceWithResultRequest {
        request: Some(one_task()),
        request_timeout: 60_000,
        fetch_variables: vec!["b".to_owned(), "done".to_owned()],
    };
    let result = running
        .unary::<_, proto::CreateProcessInstanceWithResultResponse>(CREATE_WITH_RESULT, request);
    let work = async {
        let mut jobs = running
            .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, benchmark_jobs(60_000))
            .await
            .unwrap();
        let job = jobs.message().await.unwrap().unwrap().jobs.remove(0);
        assert_eq!(job.variables, r#"{"a":"x","b":[1,{"c":2.5}]}"#);
        let request = proto::CompleteJobRequest {
            job_key: job.key,
            variables: r#"{"done":true}"#.to_owned(),
            ..proto::CompleteJobRequest::default()
        };
        running.unary::<_, proto::CompleteJobResponse>(COMPLETE, request).await.unwrap();
    };
    let (result, ()) = tokio::join!(result, work);
    let variables: serde_json::Value = serde_json::from_str(&result.unwrap().variables).unwrap();
    assert_eq!(variables, serde_json::json!({"b": [1, {"c": 2.5}], "done": true}));
    running.servers.shutdown().await;
    broker.shutdown().await;
}

#[tokio::test]
async fn a_repeated_creation_gives_the_first_instance() {
    let (running, broker) = start_real(3).await;
    deploy_one_task(&running).await;
    let create = async |operation_reference| {
        let request = proto::CreateProcessInstanceRequest { operation_reference, ..one_task() };
        let created: proto::CreateProcessInstanceResponse =
            running.unary(CREATE, request).await.unwrap();
        created.process_instance_key
    };
    let first = create(Some(77)).await;
    assert_eq!(create(Some(77)).await, first);
    assert_ne!(create(Some(78)).await, first);
    assert_ne!(create(None).await, create(None).await);
    running.servers.shutdown().await;
    broker.shutdown().await;
}

#[tokio::test]
async fn a_job_whose_stream_dies_goes_to_the_next_worker() {
    let (running, broker) = start_real(1).await;
    deploy_one_task(&running).await;
    let request = proto::StreamActivatedJobsRequest {
        r#type: "benchmark-task".to_owned(),
        worker: "dies".to_owned(),
        timeout: 3_600_000,
        ..proto::StreamActivatedJobsRequest::default()
    };
    let spec = skep_broker::JobStreamSpec {
        job_type: request.r#type.clone(),
        worker: request.worker.clone(),
        timeout_ms: request.timeout,
        fetch_variables: Vec::new(),
    };
    // A stream that got its job and is dropped before the transport took it.
    let mut stream = broker.open_job_stream(spec).unwrap();
    let created: proto::CreateProcessInstanceResponse =
        running.unary(CREATE, one_task()).await.unwrap();
    let delivery = stream.recv().await.unwrap();
    assert_eq!(delivery.jobs().len(), 1);
    let mut poll = running
        .stream::<_, proto::ActivateJobsResponse>(ACTIVATE, benchmark_jobs(60_000))
        .await
        .unwrap();
    drop((stream, delivery));
    let job = poll.message().await.unwrap().unwrap().jobs.remove(0);
    assert_eq!(job.process_instance_key, created.process_instance_key);
    assert_eq!((job.retries, job.worker.as_str()), (3, "w"));
    // And one that lives gets its job pushed.
    let mut pushed = running.stream::<_, proto::ActivatedJob>(STREAM, request).await.unwrap();
    while running.gateway.backend().job_streams().is_empty() {
        tokio::task::yield_now().await;
    }
    let second: proto::CreateProcessInstanceResponse =
        running.unary(CREATE, one_task()).await.unwrap();
    let job = pushed.message().await.unwrap().unwrap();
    assert_eq!(job.process_instance_key, second.process_instance_key);
    running.servers.shutdown().await;
    broker.shutdown().await;
}
