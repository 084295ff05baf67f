//! Between messages of the contract and records.

use std::collections::VecDeque;

use skep_broker::{
    ActivatedJob, BrokerStatus, PartitionHealth, PartitionRole, PartitionStatus, Topology,
};
use skep_protocol::{DEFAULT_TENANT, Key, NO_KEY, ProcessInstanceCreationRecord};

use crate::backend::Delivery;
use crate::check;
use crate::error::GatewayError;
use crate::gateway::Address;
use crate::limits::ANSWER_BYTES_MAX;
use crate::proto;
use crate::transcode;
use crate::version::COMPATIBLE_VERSION;

/// A key as clients see it: -1 for none.
pub(super) fn key_out(key: Key) -> i64 {
    if key == NO_KEY { -1 } else { key.cast_signed() }
}

/// A key as the engine sees it: clients write "none" as 0 or -1.
pub(super) fn key_in(key: i64) -> Key {
    Key::try_from(key).unwrap_or(NO_KEY)
}

/// The tenant that answers carry.
pub(super) fn tenant_out(tenant_id: String) -> String {
    if tenant_id.is_empty() { DEFAULT_TENANT.to_owned() } else { tenant_id }
}

pub(super) fn business_id_out(business_id: String) -> Option<String> {
    if business_id.is_empty() { None } else { Some(business_id) }
}

/// A number of records that counts up from 1 as the contract's int32.
pub(super) fn version_out(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

pub(super) fn creation(
    request: proto::CreateProcessInstanceRequest,
    fetch_variables: Vec<String>,
) -> Result<(u64, ProcessInstanceCreationRecord), GatewayError> {
    check::tenant(&request.tenant_id)?;
    check::unsupported(!request.runtime_instructions.is_empty(), "runtimeInstructions")?;
    check::business_id(request.business_id.as_deref())?;
    let record = ProcessInstanceCreationRecord {
        variables: check::document("variables", &request.variables)?,
        bpmn_process_id: request.bpmn_process_id,
        version: request.version,
        process_definition_key: key_in(request.process_definition_key),
        start_element_ids: request
            .start_instructions
            .into_iter()
            .map(|start| start.element_id)
            .collect(),
        fetch_variables,
        tags: request.tags,
        business_id: request.business_id.unwrap_or_default(),
        ..ProcessInstanceCreationRecord::default()
    };
    Ok((request.operation_reference.unwrap_or(0), record))
}

/// A result object that says more than "completed" belongs to listeners and ad-hoc sub-processes.
pub(super) fn check_job_result(result: Option<&proto::JobResult>) -> Result<(), GatewayError> {
    let Some(result) = result else { return Ok(()) };
    let says_something = result.denied.unwrap_or(false)
        || result.corrections.is_some()
        || result.denied_reason.as_ref().is_some_and(|reason| !reason.is_empty())
        || !result.activate_elements.is_empty()
        || result.is_completion_condition_fulfilled.unwrap_or(false)
        || result.is_cancel_remaining_instances.unwrap_or(false);
    check::unsupported(says_something, "a job result for a listener or an ad-hoc sub-process")
}

/// A token that this version never gave out cannot be right.
pub(super) fn check_lease(token: Option<&String>) -> Result<(), GatewayError> {
    check::unsupported(token.is_some_and(|token| !token.is_empty()), "jobLeaseToken")
}

pub(super) fn activated_job(activated: &ActivatedJob) -> Result<proto::ActivatedJob, GatewayError> {
    let job = &activated.job;
    let headers = job.headers.iter().map(|header| (header.key.as_str(), header.value.as_str()));
    Ok(proto::ActivatedJob {
        key: key_out(activated.key),
        r#type: job.job_type.clone(),
        process_instance_key: key_out(job.process_instance_key),
        bpmn_process_id: job.bpmn_process_id.clone(),
        process_definition_version: version_out(job.process_definition_version),
        process_definition_key: key_out(job.process_definition_key),
        element_id: job.element_id.clone(),
        element_instance_key: key_out(job.element_instance_key),
        custom_headers: transcode::headers_to_json(headers),
        worker: job.worker.clone(),
        retries: job.retries,
        deadline: job.deadline_ms,
        variables: document_out(&activated.variables)?,
        tenant_id: tenant_out(job.tenant_id.clone()),
        kind: proto::activated_job::JobKind::BpmnElement as i32,
        // Its number is 6, not 0: it has to be set.
        listener_event_type: proto::activated_job::ListenerEventType::Unspecified as i32,
        ..proto::ActivatedJob::default()
    })
}

/// A stored document as JSON text. That it cannot be read is our fault, not the client's.
pub(super) fn document_out(bytes: &[u8]) -> Result<String, GatewayError> {
    if bytes.is_empty() {
        return Ok("{}".to_owned());
    }
    transcode::msgpack_to_json(bytes)
        .map_err(|error| GatewayError::new(crate::ErrorKind::Internal, error.to_string()))
}

/// Bytes of a job message besides its documents, generously.
const JOB_BYTES: usize = 1024;

/// The jobs of a delivery as one message, or as several when JSON made them larger than a client
/// takes.
pub(super) fn poll_answer(
    delivery: &dyn Delivery,
    ready: &mut VecDeque<proto::ActivateJobsResponse>,
) -> Result<(), GatewayError> {
    let mut answer = proto::ActivateJobsResponse::default();
    let mut answer_bytes = 0;
    for job in delivery.jobs() {
        let job = activated_job(job)?;
        let job_bytes = JOB_BYTES + job.variables.len() + job.custom_headers.len();
        if answer_bytes + job_bytes > ANSWER_BYTES_MAX && !answer.jobs.is_empty() {
            ready.push_back(std::mem::take(&mut answer));
            answer_bytes = 0;
        }
        answer_bytes += job_bytes;
        answer.jobs.push(job);
    }
    ready.push_back(answer);
    Ok(())
}

pub(super) fn pushed_jobs(
    delivery: &dyn Delivery,
    ready: &mut VecDeque<proto::ActivatedJob>,
) -> Result<(), GatewayError> {
    for job in delivery.jobs() {
        ready.push_back(activated_job(job)?);
    }
    Ok(())
}

pub(super) fn topology(topology: &Topology, address: &Address) -> proto::TopologyResponse {
    proto::TopologyResponse {
        brokers: topology.brokers.iter().map(|broker| broker_info(broker, address)).collect(),
        cluster_size: version_out(topology.cluster_size),
        partitions_count: version_out(topology.partition_count),
        replication_factor: version_out(topology.replication_factor),
        gateway_version: COMPATIBLE_VERSION.to_owned(),
        cluster_id: topology.cluster_id.clone(),
    }
}

fn broker_info(broker: &BrokerStatus, mine: &Address) -> proto::BrokerInfo {
    use proto::{PartitionBrokerHealth, PartitionBrokerRole};
    let partition = |partition: &PartitionStatus| proto::Partition {
        partition_id: version_out(partition.id),
        role: match partition.role {
            PartitionRole::Leader => PartitionBrokerRole::Leader,
            PartitionRole::Follower => PartitionBrokerRole::Follower,
            PartitionRole::Inactive => PartitionBrokerRole::Inactive,
        } as i32,
        health: match partition.health {
            PartitionHealth::Healthy => PartitionBrokerHealth::Healthy,
            PartitionHealth::Unhealthy { .. } => PartitionBrokerHealth::Unhealthy,
            PartitionHealth::Dead { .. } => PartitionBrokerHealth::Dead,
        } as i32,
    };
    let address = Address::of_broker(broker, mine);
    proto::BrokerInfo {
        node_id: version_out(broker.node_id),
        host: address.host,
        port: i32::from(address.port),
        partitions: broker.partitions.iter().map(partition).collect(),
        version: COMPATIBLE_VERSION.to_owned(),
        broker_id: broker.node_id.to_string(),
        ..proto::BrokerInfo::default()
    }
}
