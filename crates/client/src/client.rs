//! The connection and one method for each RPC.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::jobs::{JobPoll, JobStream};
use crate::limits::{
    ANSWER_GRACE, CONNECTION_WINDOW_BYTES, MESSAGE_BYTES_MAX, STREAM_WINDOW_BYTES,
};
use crate::proto::gateway_client::GatewayClient;
use crate::proto::{
    ActivateJobsRequest, BroadcastSignalRequest, BroadcastSignalResponse,
    CancelProcessInstanceRequest, CompleteJobRequest, CreateProcessInstanceRequest,
    CreateProcessInstanceResponse, CreateProcessInstanceWithResultRequest,
    CreateProcessInstanceWithResultResponse, DeleteResourceRequest, DeleteResourceResponse,
    DeployProcessRequest, DeployProcessResponse, DeployResourceRequest, DeployResourceResponse,
    EvaluateConditionalRequest, EvaluateConditionalResponse, EvaluateDecisionRequest,
    EvaluateDecisionResponse, FailJobRequest, MigrateProcessInstanceRequest,
    ModifyProcessInstanceRequest, PublishMessageRequest, PublishMessageResponse,
    ResolveIncidentRequest, SetVariablesRequest, SetVariablesResponse, StreamActivatedJobsRequest,
    ThrowErrorRequest, TopologyRequest, TopologyResponse, UpdateJobPriorityRequest,
    UpdateJobRetriesRequest, UpdateJobTimeoutRequest,
};
use crate::{Error, ErrorKind, Options, retry};

pub(crate) type Gateway = GatewayClient<InterceptedService<Channel, Authorization>>;

/// A connection to a gateway. Cloning is cheap and shares the connection, which is opened again
/// by itself when it breaks.
#[derive(Clone, Debug)]
pub struct Client {
    gateway: Gateway,
    options: Options,
}

/// Adds the bearer token to each call.
#[derive(Clone)]
pub(crate) struct Authorization(Option<MetadataValue<Ascii>>);

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Bearer <secret>" } else { "none" })
    }
}

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// Calls a unary RPC under the retry policy and a timeout, and unwraps its answer.
macro_rules! unary {
    ($self:ident, $rpc:ident, $request:expr) => {
        unary!($self, $rpc, $request, $self.options.request_timeout)
    };
    ($self:ident, $rpc:ident, $request:expr, $timeout:expr) => {{
        let (request, timeout) = ($request, $timeout);
        retry::call(&$self.options, || {
            let mut gateway = $self.gateway.clone();
            let request = timed(request.clone(), timeout);
            async move { within(timeout, gateway.$rpc(request)).await }
        })
        .await
    }};
}

impl Client {
    /// Connects to the gateway at `address`: `host:port` or `http://host:port`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an address or token that cannot be one, or for `https://`, which
    /// this client does not speak; [`ErrorKind::Unavailable`] when nothing answers there.
    pub async fn connect(address: &str, options: Options) -> Result<Self, Error> {
        let channel = endpoint(address, &options)?
            .connect()
            .await
            .map_err(|error| Error::from_connect(address, &error))?;
        Self::over(channel, options)
    }

    /// Like [`Client::connect`], but opens the connection at the first call.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] as for [`Client::connect`].
    pub fn connect_lazy(address: &str, options: Options) -> Result<Self, Error> {
        let channel = endpoint(address, &options)?.connect_lazy();
        Self::over(channel, options)
    }

    fn over(channel: Channel, options: Options) -> Result<Self, Error> {
        let token = options.bearer_token.as_ref().map(|token| {
            MetadataValue::try_from(format!("Bearer {}", token.trim())).map_err(|_| {
                Error::new(ErrorKind::Invalid, "the bearer token has characters no header can hold")
            })
        });
        let authorization = Authorization(token.transpose()?);
        let gateway = GatewayClient::with_interceptor(channel, authorization)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { gateway, options })
    }

    /// The options that this client was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The brokers, the partitions and who leads them.
    pub async fn topology(&self) -> Result<TopologyResponse, Error> {
        unary!(self, topology, TopologyRequest {})
    }

    /// Deploys BPMN processes only; kept for old servers, [`Client::deploy_resource`] does more.
    pub async fn deploy_process(
        &self,
        request: DeployProcessRequest,
    ) -> Result<DeployProcessResponse, Error> {
        #[allow(deprecated)] // It is part of the contract, and old servers have nothing else.
        {
            unary!(self, deploy_process, request)
        }
    }

    /// Deploys processes, decisions and forms, all of them or none.
    pub async fn deploy_resource(
        &self,
        request: DeployResourceRequest,
    ) -> Result<DeployResourceResponse, Error> {
        unary!(self, deploy_resource, request)
    }

    /// Like [`Client::deploy_resource`], but answers when all partitions have what is deployed, also
    /// those that are away now. When the request times out before, it is deployed all the same, and
    /// reaches them later.
    pub async fn deploy_resource_everywhere(
        &self,
        request: DeployResourceRequest,
    ) -> Result<DeployResourceResponse, Error> {
        let timeout = self.options.request_timeout;
        retry::call(&self.options, || {
            let mut gateway = self.gateway.clone();
            let mut request = timed(request.clone(), timeout);
            let everywhere = MetadataValue::from_static("all-partitions");
            request.metadata_mut().insert("skep-wait-for", everywhere);
            async move { within(timeout, gateway.deploy_resource(request)).await }
        })
        .await
    }

    /// Starts a process instance; answers once it exists durably.
    pub async fn create_process_instance(
        &self,
        request: CreateProcessInstanceRequest,
    ) -> Result<CreateProcessInstanceResponse, Error> {
        unary!(self, create_process_instance, request)
    }

    /// Starts a process instance and waits until it has completed.
    pub async fn create_process_instance_with_result(
        &self,
        request: CreateProcessInstanceWithResultRequest,
    ) -> Result<CreateProcessInstanceWithResultResponse, Error> {
        let timeout = self.patience(request.request_timeout);
        unary!(self, create_process_instance_with_result, request, timeout)
    }

    /// Cancels a running process instance and everything in it.
    pub async fn cancel_process_instance(
        &self,
        request: CancelProcessInstanceRequest,
    ) -> Result<(), Error> {
        unary!(self, cancel_process_instance, request).map(drop)
    }

    /// Activates, terminates or moves elements of a running process instance, all or nothing.
    pub async fn modify_process_instance(
        &self,
        request: ModifyProcessInstanceRequest,
    ) -> Result<(), Error> {
        unary!(self, modify_process_instance, request).map(drop)
    }

    /// Continues a running process instance on another process definition.
    pub async fn migrate_process_instance(
        &self,
        request: MigrateProcessInstanceRequest,
    ) -> Result<(), Error> {
        unary!(self, migrate_process_instance, request).map(drop)
    }

    /// Polls for jobs. The answer arrives in batches; [`JobPoll::collect`] takes them all.
    pub async fn activate_jobs(&self, request: ActivateJobsRequest) -> Result<JobPoll, Error> {
        let timeout = self.patience(request.request_timeout);
        let batches = unary!(self, activate_jobs, request, timeout)?;
        Ok(JobPoll::new(batches, timeout))
    }

    /// Opens a stream on which the server pushes jobs as they become activatable. The call is made
    /// when the stream is first polled, and the stream lives until it fails or is dropped.
    pub fn stream_activated_jobs(&self, request: StreamActivatedJobsRequest) -> JobStream {
        let mut gateway = self.gateway.clone();
        // Servers may send their first header together with the first job: no timeout here.
        JobStream::new(async move { gateway.stream_activated_jobs(request).await })
    }

    /// Completes an activated job.
    pub async fn complete_job(&self, request: CompleteJobRequest) -> Result<(), Error> {
        unary!(self, complete_job, request).map(drop)
    }

    /// Reports that a job failed.
    pub async fn fail_job(&self, request: FailJobRequest) -> Result<(), Error> {
        unary!(self, fail_job, request).map(drop)
    }

    /// Throws a BPMN error from a job.
    pub async fn throw_error(&self, request: ThrowErrorRequest) -> Result<(), Error> {
        unary!(self, throw_error, request).map(drop)
    }

    /// Sets the retries of a job.
    pub async fn update_job_retries(&self, request: UpdateJobRetriesRequest) -> Result<(), Error> {
        unary!(self, update_job_retries, request).map(drop)
    }

    /// Gives an activated job a new deadline, counted from now.
    pub async fn update_job_timeout(&self, request: UpdateJobTimeoutRequest) -> Result<(), Error> {
        unary!(self, update_job_timeout, request).map(drop)
    }

    /// Changes the priority of a job.
    pub async fn update_job_priority(
        &self,
        request: UpdateJobPriorityRequest,
    ) -> Result<(), Error> {
        unary!(self, update_job_priority, request).map(drop)
    }

    /// Sets variables in the scope of an element instance.
    pub async fn set_variables(
        &self,
        request: SetVariablesRequest,
    ) -> Result<SetVariablesResponse, Error> {
        unary!(self, set_variables, request)
    }

    /// Publishes a message.
    pub async fn publish_message(
        &self,
        request: PublishMessageRequest,
    ) -> Result<PublishMessageResponse, Error> {
        unary!(self, publish_message, request)
    }

    /// Broadcasts a signal.
    pub async fn broadcast_signal(
        &self,
        request: BroadcastSignalRequest,
    ) -> Result<BroadcastSignalResponse, Error> {
        unary!(self, broadcast_signal, request)
    }

    /// Resolves an incident: what failed is tried again.
    pub async fn resolve_incident(&self, request: ResolveIncidentRequest) -> Result<(), Error> {
        unary!(self, resolve_incident, request).map(drop)
    }

    /// Evaluates a decision. A failed evaluation is an answer with a failure message, not an error.
    pub async fn evaluate_decision(
        &self,
        request: EvaluateDecisionRequest,
    ) -> Result<EvaluateDecisionResponse, Error> {
        unary!(self, evaluate_decision, request)
    }

    /// Evaluates root-level conditional start events.
    pub async fn evaluate_conditional(
        &self,
        request: EvaluateConditionalRequest,
    ) -> Result<EvaluateConditionalResponse, Error> {
        unary!(self, evaluate_conditional, request)
    }

    /// Deletes a deployed process, decision or form.
    pub async fn delete_resource(
        &self,
        request: DeleteResourceRequest,
    ) -> Result<DeleteResourceResponse, Error> {
        unary!(self, delete_resource, request)
    }

    /// How long to wait for a call that the server may hold for `server_wait_ms`.
    fn patience(&self, server_wait_ms: i64) -> Duration {
        let server_wait = Duration::from_millis(u64::try_from(server_wait_ms).unwrap_or(0));
        self.options.request_timeout.max(server_wait.saturating_add(ANSWER_GRACE))
    }
}

fn endpoint(address: &str, options: &Options) -> Result<Endpoint, Error> {
    if address.starts_with("https://") {
        return Err(Error::new(
            ErrorKind::Invalid,
            "this client does not speak TLS: use http://, or a TLS proxy beside it",
        ));
    }
    let uri =
        if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(uri).map_err(|_| {
        Error::new(ErrorKind::Invalid, format!("{address:?} is no address: write host:port"))
    })?;
    if endpoint.uri().port().is_none() {
        let message = format!("{address:?} has no port: write host:port, gRPC is usually 26500");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(endpoint
        .connect_timeout(options.connect_timeout)
        // Without it, small calls wait for the acknowledgement of the one before (40 ms).
        .tcp_nodelay(true)
        .http2_keep_alive_interval(options.keepalive_interval)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES))
}

/// Tells the server how long its answer is wanted.
fn timed<T>(message: T, timeout: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    request
}

/// The answer, or an error once `timeout` is over: a silent server must not hold the caller.
async fn within<T>(
    timeout: Duration,
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Error> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(outcome) => Ok(outcome?.into_inner()),
        Err(_) => Err(Error::timed_out(timeout)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(address: &str) -> String {
        endpoint(address, &Options::default()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn addresses_work_with_and_without_scheme() {
        for address in ["127.0.0.1:26500", "http://localhost:26500", "[::1]:26500"] {
            let endpoint = endpoint(address, &Options::default()).expect(address);
            assert_eq!(endpoint.uri().port_u16(), Some(26500));
            assert!(endpoint.get_tcp_nodelay());
        }
    }

    #[test]
    fn unusable_addresses_are_refused_with_the_reason() {
        assert!(refusal("localhost").contains("has no port"));
        assert!(refusal("https://cluster:443").contains("TLS"));
        assert!(refusal("not an address:1").contains("host:port"));
    }

    #[tokio::test]
    async fn a_closed_port_is_unavailable_and_not_accepted() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        drop(listener);
        let error = Client::connect(&address, Options::default()).await.expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.is_not_accepted());
        let options = Options { retries_max: 0, ..Options::default() };
        let lazy = Client::connect_lazy(&address, options).expect("a good address");
        let error = lazy.topology().await.expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.is_not_accepted(), "{error:?}");
    }
}
