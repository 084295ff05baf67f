//! The RPCs.

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use skep_protocol::{JobIntent, JobRecord, MessageRecord, ResourceRecord, SignalRecord};
use tonic::{Request, Response, Status, async_trait};

use super::convert::{
    business_id_out, check_job_result, check_lease, creation, document_out, key_in, key_out,
    poll_answer, pushed_jobs, tenant_out, topology, version_out,
};
use super::decisions::{deployments, evaluation, process_metadata};
use crate::check;
use crate::delivery::{Messages, pushed};
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::metrics::{Method, Protocol};
use crate::poll::{Poll, PollRequest};
use crate::proto;
use crate::wait::{WAIT_FOR, WaitFor};

/// The service over a gateway.
#[derive(Clone)]
pub struct GrpcService {
    gateway: Gateway,
}

type Answer<T> = Result<Response<T>, Status>;
type Messaged<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl GrpcService {
    /// The service over this gateway.
    #[must_use]
    pub fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }

    async fn measured<T>(
        &self,
        method: Method,
        request: impl Future<Output = Result<T, GatewayError>>,
    ) -> Answer<T> {
        let result = self.gateway.measured(Protocol::Grpc, method, request).await;
        result.map(Response::new).map_err(Status::from)
    }

    async fn job(
        &self,
        method: Method,
        job_key: i64,
        operation_reference: Option<u64>,
        intent: JobIntent,
        record: Result<JobRecord, GatewayError>,
    ) -> Result<(), Status> {
        let request = async {
            self.gateway.job(job_key, operation_reference.unwrap_or(0), intent, record?).await
        };
        self.gateway.measured(Protocol::Grpc, method, request).await.map_err(Status::from)
    }

    async fn deploy(
        &self,
        tenant_id: &str,
        resources: Vec<ResourceRecord>,
        wait_for: Result<WaitFor, GatewayError>,
    ) -> Result<skep_protocol::DeploymentRecord, Status> {
        let request = async {
            check::tenant(tenant_id)?;
            self.gateway.deploy(resources, wait_for?).await
        };
        self.gateway.measured(Protocol::Grpc, Method::Deploy, request).await.map_err(Status::from)
    }
}

/// What the answer to a deployment waits for.
fn wait_for<T>(request: &Request<T>) -> Result<WaitFor, GatewayError> {
    WaitFor::read(request.metadata().get(WAIT_FOR).map(|value| value.as_bytes()))
}

fn complete_job_record(request: &proto::CompleteJobRequest) -> Result<JobRecord, GatewayError> {
    check_job_result(request.result.as_ref())?;
    check_lease(request.job_lease_token.as_ref())?;
    check::unsupported(request.business_id.is_some(), "assigning a business id")?;
    let variables = check::document("variables", &request.variables)?;
    Ok(JobRecord { variables, ..JobRecord::default() })
}

fn fail_job_record(request: proto::FailJobRequest) -> Result<JobRecord, GatewayError> {
    check_lease(request.job_lease_token.as_ref())?;
    let variables = check::document("variables", &request.variables)?;
    Ok(JobRecord {
        variables,
        retries: request.retries,
        error_message: request.error_message,
        retry_back_off_ms: request.retry_back_off,
        ..JobRecord::default()
    })
}

fn throw_error_record(request: proto::ThrowErrorRequest) -> Result<JobRecord, GatewayError> {
    check_lease(request.job_lease_token.as_ref())?;
    let variables = check::document("variables", &request.variables)?;
    Ok(JobRecord {
        variables,
        error_code: request.error_code,
        error_message: request.error_message,
        ..JobRecord::default()
    })
}

#[async_trait]
impl proto::gateway_server::Gateway for GrpcService {
    async fn topology(
        &self,
        _: Request<proto::TopologyRequest>,
    ) -> Answer<proto::TopologyResponse> {
        let answer = topology(&self.gateway.backend().topology(), self.gateway.address());
        self.measured(Method::Topology, async { Ok(answer) }).await
    }

    async fn deploy_process(
        &self,
        request: Request<proto::DeployProcessRequest>,
    ) -> Answer<proto::DeployProcessResponse> {
        let wait_for = wait_for(&request);
        let resources = request.into_inner().processes.into_iter().map(|process| ResourceRecord {
            name: process.name,
            content: Bytes::from(process.definition),
        });
        let deployed = self.deploy("", resources.collect(), wait_for).await?;
        Ok(Response::new(proto::DeployProcessResponse {
            key: key_out(deployed.deployment_key),
            processes: deployed.processes.into_iter().map(process_metadata).collect(),
        }))
    }

    async fn deploy_resource(
        &self,
        request: Request<proto::DeployResourceRequest>,
    ) -> Answer<proto::DeployResourceResponse> {
        let wait_for = wait_for(&request);
        let request = request.into_inner();
        let resources = request.resources.into_iter().map(|resource| ResourceRecord {
            name: resource.name,
            content: Bytes::from(resource.content),
        });
        let deployed = self.deploy(&request.tenant_id, resources.collect(), wait_for).await?;
        Ok(Response::new(proto::DeployResourceResponse {
            key: key_out(deployed.deployment_key),
            tenant_id: tenant_out(deployed.tenant_id.clone()),
            deployments: deployments(deployed),
        }))
    }

    async fn create_process_instance(
        &self,
        request: Request<proto::CreateProcessInstanceRequest>,
    ) -> Answer<proto::CreateProcessInstanceResponse> {
        self.measured(Method::CreateInstance, async {
            let (operation_reference, record) = creation(request.into_inner(), Vec::new())?;
            let created = self.gateway.create_instance(operation_reference, record).await?;
            Ok(proto::CreateProcessInstanceResponse {
                process_definition_key: key_out(created.process_definition_key),
                bpmn_process_id: created.bpmn_process_id,
                version: created.version,
                process_instance_key: key_out(created.process_instance_key),
                tenant_id: tenant_out(created.tenant_id),
                tags: created.tags,
                business_id: business_id_out(created.business_id),
            })
        })
        .await
    }

    async fn create_process_instance_with_result(
        &self,
        request: Request<proto::CreateProcessInstanceWithResultRequest>,
    ) -> Answer<proto::CreateProcessInstanceWithResultResponse> {
        self.measured(Method::CreateInstanceWithResult, async {
            let request = request.into_inner();
            let timeout = Gateway::timeout(request.request_timeout);
            let (operation_reference, record) =
                creation(request.request.unwrap_or_default(), request.fetch_variables)?;
            let result = self
                .gateway
                .create_instance_with_result(operation_reference, record, timeout)
                .await?;
            Ok(proto::CreateProcessInstanceWithResultResponse {
                process_definition_key: key_out(result.process_definition_key),
                bpmn_process_id: result.bpmn_process_id,
                version: version_out(result.version),
                process_instance_key: key_out(result.process_instance_key),
                variables: document_out(&result.variables)?,
                tenant_id: tenant_out(result.tenant_id),
                tags: result.tags,
                business_id: business_id_out(result.business_id),
            })
        })
        .await
    }

    async fn cancel_process_instance(
        &self,
        request: Request<proto::CancelProcessInstanceRequest>,
    ) -> Answer<proto::CancelProcessInstanceResponse> {
        self.measured(Method::CancelInstance, async {
            let request = request.into_inner();
            let operation_reference = request.operation_reference.unwrap_or(0);
            self.gateway.cancel_instance(request.process_instance_key, operation_reference).await?;
            Ok(proto::CancelProcessInstanceResponse {})
        })
        .await
    }

    async fn modify_process_instance(
        &self,
        _: Request<proto::ModifyProcessInstanceRequest>,
    ) -> Answer<proto::ModifyProcessInstanceResponse> {
        Err(check::later("ModifyProcessInstance").into())
    }

    async fn migrate_process_instance(
        &self,
        _: Request<proto::MigrateProcessInstanceRequest>,
    ) -> Answer<proto::MigrateProcessInstanceResponse> {
        Err(check::later("MigrateProcessInstance").into())
    }

    type ActivateJobsStream = Messaged<proto::ActivateJobsResponse>;

    async fn activate_jobs(
        &self,
        request: Request<proto::ActivateJobsRequest>,
    ) -> Answer<Self::ActivateJobsStream> {
        let request = request.into_inner();
        let poll = Poll::new(
            self.gateway.clone(),
            PollRequest {
                job_type: request.r#type,
                worker: request.worker,
                timeout_ms: request.timeout,
                jobs_max: request.max_jobs_to_activate,
                fetch_variables: request.fetch_variable,
                request_timeout_ms: request.request_timeout,
                tenant_ids: request.tenant_ids,
                with_lease: request.with_lease,
            },
        )?;
        let deliveries = futures::stream::unfold(poll, |mut poll| async {
            let next = poll.next().await.transpose()?;
            Some((next, poll))
        });
        let messages = Messages::new(deliveries, poll_answer, || {});
        Ok(Response::new(Box::pin(messages.map(|message| message.map_err(Status::from)))))
    }

    type StreamActivatedJobsStream = Messaged<proto::ActivatedJob>;

    async fn stream_activated_jobs(
        &self,
        request: Request<proto::StreamActivatedJobsRequest>,
    ) -> Answer<Self::StreamActivatedJobsStream> {
        let request = request.into_inner();
        let request = PollRequest {
            job_type: request.r#type,
            worker: request.worker,
            timeout_ms: request.timeout,
            fetch_variables: request.fetch_variable,
            tenant_ids: request.tenant_ids,
            with_lease: request.with_lease,
            ..PollRequest::default()
        };
        request.check()?;
        let stream = self
            .gateway
            .backend()
            .open_job_stream(request.record(1))
            .map_err(|refused| Status::from(refused.error))?;
        let gateway = self.gateway.clone();
        gateway.metrics().streams_open.increment(1.0);
        let deliveries = pushed(&gateway, stream);
        let messages = Messages::new(deliveries, pushed_jobs, move || {
            gateway.metrics().streams_open.decrement(1.0);
        });
        Ok(Response::new(Box::pin(messages.map(|message| message.map_err(Status::from)))))
    }

    async fn complete_job(
        &self,
        request: Request<proto::CompleteJobRequest>,
    ) -> Answer<proto::CompleteJobResponse> {
        let request = request.into_inner();
        let record = complete_job_record(&request);
        self.job(Method::CompleteJob, request.job_key, None, JobIntent::Complete, record).await?;
        Ok(Response::new(proto::CompleteJobResponse {}))
    }

    async fn fail_job(
        &self,
        request: Request<proto::FailJobRequest>,
    ) -> Answer<proto::FailJobResponse> {
        let request = request.into_inner();
        let key = request.job_key;
        let record = fail_job_record(request);
        self.job(Method::FailJob, key, None, JobIntent::Fail, record).await?;
        Ok(Response::new(proto::FailJobResponse {}))
    }

    async fn throw_error(
        &self,
        request: Request<proto::ThrowErrorRequest>,
    ) -> Answer<proto::ThrowErrorResponse> {
        let request = request.into_inner();
        let key = request.job_key;
        let record = throw_error_record(request);
        self.job(Method::ThrowError, key, None, JobIntent::ThrowError, record).await?;
        Ok(Response::new(proto::ThrowErrorResponse {}))
    }

    async fn update_job_retries(
        &self,
        request: Request<proto::UpdateJobRetriesRequest>,
    ) -> Answer<proto::UpdateJobRetriesResponse> {
        let request = request.into_inner();
        let record = check_lease(request.job_lease_token.as_ref())
            .map(|()| JobRecord { retries: request.retries, ..JobRecord::default() });
        let reference = request.operation_reference;
        self.job(Method::UpdateJob, request.job_key, reference, JobIntent::UpdateRetries, record)
            .await?;
        Ok(Response::new(proto::UpdateJobRetriesResponse {}))
    }

    async fn update_job_timeout(
        &self,
        request: Request<proto::UpdateJobTimeoutRequest>,
    ) -> Answer<proto::UpdateJobTimeoutResponse> {
        let request = request.into_inner();
        let record = check_lease(request.job_lease_token.as_ref())
            .map(|()| JobRecord { timeout_ms: request.timeout, ..JobRecord::default() });
        let reference = request.operation_reference;
        self.job(Method::UpdateJob, request.job_key, reference, JobIntent::UpdateTimeout, record)
            .await?;
        Ok(Response::new(proto::UpdateJobTimeoutResponse {}))
    }

    async fn update_job_priority(
        &self,
        _: Request<proto::UpdateJobPriorityRequest>,
    ) -> Answer<proto::UpdateJobPriorityResponse> {
        Err(check::later("UpdateJobPriority").into())
    }

    async fn set_variables(
        &self,
        request: Request<proto::SetVariablesRequest>,
    ) -> Answer<proto::SetVariablesResponse> {
        self.measured(Method::SetVariables, async {
            let request = request.into_inner();
            let variables = check::document("variables", &request.variables)?;
            let reference = request.operation_reference.unwrap_or(0);
            let key = self
                .gateway
                .set_variables(request.element_instance_key, reference, request.local, variables)
                .await?;
            Ok(proto::SetVariablesResponse { key: key_out(key) })
        })
        .await
    }

    async fn publish_message(
        &self,
        request: Request<proto::PublishMessageRequest>,
    ) -> Answer<proto::PublishMessageResponse> {
        self.measured(Method::PublishMessage, async {
            let request = request.into_inner();
            check::tenant(&request.tenant_id)?;
            check::unsupported(request.business_id.is_some(), "a business id on a message")?;
            let record = MessageRecord {
                variables: check::document("variables", &request.variables)?,
                name: request.name,
                correlation_key: request.correlation_key,
                message_id: request.message_id,
                time_to_live_ms: request.time_to_live,
                ..MessageRecord::default()
            };
            let key = self.gateway.publish_message(record).await?;
            let tenant_id = tenant_out(String::new());
            Ok(proto::PublishMessageResponse { key: key_out(key), tenant_id })
        })
        .await
    }

    async fn broadcast_signal(
        &self,
        request: Request<proto::BroadcastSignalRequest>,
    ) -> Answer<proto::BroadcastSignalResponse> {
        self.measured(Method::BroadcastSignal, async {
            let request = request.into_inner();
            check::tenant(&request.tenant_id)?;
            let record = SignalRecord {
                variables: check::document("variables", &request.variables)?,
                signal_name: request.signal_name,
                ..SignalRecord::default()
            };
            let key = self.gateway.broadcast_signal(record).await?;
            let tenant_id = tenant_out(String::new());
            Ok(proto::BroadcastSignalResponse { key: key_out(key), tenant_id })
        })
        .await
    }

    async fn resolve_incident(
        &self,
        request: Request<proto::ResolveIncidentRequest>,
    ) -> Answer<proto::ResolveIncidentResponse> {
        self.measured(Method::ResolveIncident, async {
            let request = request.into_inner();
            let reference = request.operation_reference.unwrap_or(0);
            self.gateway.resolve_incident(request.incident_key, reference).await?;
            Ok(proto::ResolveIncidentResponse {})
        })
        .await
    }

    async fn evaluate_decision(
        &self,
        request: Request<proto::EvaluateDecisionRequest>,
    ) -> Answer<proto::EvaluateDecisionResponse> {
        self.measured(Method::EvaluateDecision, async {
            let request = request.into_inner();
            check::tenant(&request.tenant_id)?;
            let variables = check::document("variables", &request.variables)?;
            let key = key_in(request.decision_key);
            let evaluated =
                self.gateway.evaluate_decision(key, request.decision_id, variables).await?;
            evaluation(evaluated)
        })
        .await
    }

    async fn evaluate_conditional(
        &self,
        _: Request<proto::EvaluateConditionalRequest>,
    ) -> Answer<proto::EvaluateConditionalResponse> {
        Err(check::later("EvaluateConditional").into())
    }

    async fn delete_resource(
        &self,
        request: Request<proto::DeleteResourceRequest>,
    ) -> Answer<proto::DeleteResourceResponse> {
        self.measured(Method::DeleteResource, async {
            let request = request.into_inner();
            check::unsupported(request.delete_history.unwrap_or(false), "deleteHistory")?;
            let reference = request.operation_reference.unwrap_or(0);
            self.gateway.delete_resource(request.resource_key, reference).await?;
            Ok(proto::DeleteResourceResponse {
                resource_key: request.resource_key.to_string(),
                batch_operation: None,
            })
        })
        .await
    }
}
