//! The commands of both protocols: checked records in, records out.
//!
//! What arrives here has the shape that the contract asks for; whether it makes sense is the
//! engine's decision, whose rejections reach the client word for word.

use std::time::Duration;

use bytes::Bytes;
use skep_protocol::{
    Command, DeploymentIntent, DeploymentRecord, IncidentIntent, IncidentRecord, JobIntent,
    JobRecord, Key, MessageCorrelationIntent, MessageCorrelationRecord, MessageIntent,
    MessageRecord, NO_KEY, PartitionId, Payload, ProcessInstanceCreationIntent,
    ProcessInstanceCreationRecord, ProcessInstanceIntent, ProcessInstanceRecord,
    ProcessInstanceResultRecord, ResourceDeletionIntent, ResourceDeletionRecord, ResourceRecord,
    SignalIntent, SignalRecord, UpdateSemantics, VariableDocumentIntent, VariableDocumentRecord,
    key,
};

use crate::check;
use crate::error::GatewayError;
use crate::gateway::{Accepted, Gateway};
use crate::limits::{DEPLOYMENT_RESOURCES_MAX, REQUEST_TIMEOUT_DEFAULT};
use crate::wait::WaitFor;

/// The partition that deployments are made on and distributed from.
const DEPLOYMENT_PARTITION: PartitionId = 1;

impl Gateway {
    /// A command about a job.
    pub(crate) async fn job(
        &self,
        job_key: i64,
        operation_reference: u64,
        intent: JobIntent,
        record: JobRecord,
    ) -> Result<(), GatewayError> {
        self.execute_by_key(job_key, operation_reference, Payload::Job(intent, record)).await?;
        Ok(())
    }

    /// Creates a process instance.
    pub(crate) async fn create_instance(
        &self,
        operation_reference: u64,
        record: ProcessInstanceCreationRecord,
    ) -> Result<ProcessInstanceCreationRecord, GatewayError> {
        let intent = ProcessInstanceCreationIntent::Create;
        let accepted =
            self.create(operation_reference, intent, record, REQUEST_TIMEOUT_DEFAULT).await?;
        match accepted.payload {
            Payload::ProcessInstanceCreation(_, created) => Ok(created),
            _ => Err(GatewayError::unexpected_answer("CREATE")),
        }
    }

    /// Creates a process instance and waits until it has completed.
    pub(crate) async fn create_instance_with_result(
        &self,
        operation_reference: u64,
        record: ProcessInstanceCreationRecord,
        timeout: Duration,
    ) -> Result<ProcessInstanceResultRecord, GatewayError> {
        let intent = ProcessInstanceCreationIntent::CreateWithAwaitingResult;
        let accepted = self.create(operation_reference, intent, record, timeout).await?;
        match accepted.payload {
            Payload::ProcessInstanceResult(_, result) => Ok(result),
            _ => Err(GatewayError::unexpected_answer("CREATE_WITH_AWAITING_RESULT")),
        }
    }

    async fn create(
        &self,
        operation_reference: u64,
        intent: ProcessInstanceCreationIntent,
        record: ProcessInstanceCreationRecord,
        timeout: Duration,
    ) -> Result<Accepted, GatewayError> {
        check::tags(&record.tags)?;
        let home = home_of_creation(operation_reference, &record.business_id, self.homes()?);
        let payload = Payload::ProcessInstanceCreation(intent, record);
        let command = Command { operation_reference, ..Command::new(NO_KEY, payload) };
        match home {
            Some(partition) => self.execute(partition, command, timeout).await,
            None => self.execute_anywhere(command, timeout).await,
        }
    }

    /// Cancels a process instance.
    pub(crate) async fn cancel_instance(
        &self,
        process_instance_key: i64,
        operation_reference: u64,
    ) -> Result<(), GatewayError> {
        let record = ProcessInstanceRecord {
            process_instance_key: Key::try_from(process_instance_key).unwrap_or(NO_KEY),
            ..ProcessInstanceRecord::default()
        };
        let payload = Payload::ProcessInstance(ProcessInstanceIntent::Cancel, record);
        self.execute_by_key(process_instance_key, operation_reference, payload).await?;
        Ok(())
    }

    /// Deploys files, all or none. When the answer waits for all partitions and that takes too long,
    /// they are deployed all the same.
    pub(crate) async fn deploy(
        &self,
        resources: Vec<ResourceRecord>,
        wait_for: WaitFor,
    ) -> Result<DeploymentRecord, GatewayError> {
        if resources.is_empty() {
            return Err(GatewayError::invalid(
                "Expected to deploy at least one resource, but none was given",
            ));
        }
        if resources.len() > DEPLOYMENT_RESOURCES_MAX {
            return Err(GatewayError::invalid(format!(
                "Expected to deploy at most {DEPLOYMENT_RESOURCES_MAX} resources at once, but found {}",
                resources.len()
            )));
        }
        for resource in &resources {
            check::name("the name of a resource", &resource.name)?;
        }
        let record = DeploymentRecord {
            resources,
            awaits_all_partitions: wait_for == WaitFor::AllPartitions,
            ..DeploymentRecord::default()
        };
        let command = Command::new(NO_KEY, Payload::Deployment(DeploymentIntent::Create, record));
        let accepted = self.execute(DEPLOYMENT_PARTITION, command, REQUEST_TIMEOUT_DEFAULT).await?;
        match accepted.payload {
            Payload::Deployment(_, mut deployed) => {
                if deployed.deployment_key == NO_KEY {
                    deployed.deployment_key = accepted.key;
                }
                Ok(deployed)
            }
            _ => Err(GatewayError::unexpected_answer("DEPLOYMENT CREATE")),
        }
    }

    /// Deletes a definition.
    pub(crate) async fn delete_resource(
        &self,
        resource_key: i64,
        operation_reference: u64,
    ) -> Result<(), GatewayError> {
        let (_, resource_key) = self.locate(resource_key)?;
        let record = ResourceDeletionRecord { resource_key };
        let payload = Payload::ResourceDeletion(ResourceDeletionIntent::Delete, record);
        let command = Command { operation_reference, ..Command::new(NO_KEY, payload) };
        self.execute(DEPLOYMENT_PARTITION, command, REQUEST_TIMEOUT_DEFAULT).await?;
        Ok(())
    }

    /// Publishes a message; gives its key.
    pub(crate) async fn publish_message(&self, record: MessageRecord) -> Result<Key, GatewayError> {
        check::name("the name of a message", &record.name)?;
        let partition = self.partition_of_message(&record.correlation_key)?;
        let command = Command::new(NO_KEY, Payload::Message(MessageIntent::Publish, record));
        Ok(self.execute(partition, command, REQUEST_TIMEOUT_DEFAULT).await?.key)
    }

    /// Publishes a message and waits until it has correlated.
    pub(crate) async fn correlate_message(
        &self,
        record: MessageCorrelationRecord,
    ) -> Result<MessageCorrelationRecord, GatewayError> {
        check::name("the name of a message", &record.name)?;
        let partition = self.partition_of_message(&record.correlation_key)?;
        let payload = Payload::MessageCorrelation(MessageCorrelationIntent::Correlate, record);
        let command = Command::new(NO_KEY, payload);
        let accepted = self.execute(partition, command, REQUEST_TIMEOUT_DEFAULT).await?;
        match accepted.payload {
            Payload::MessageCorrelation(_, mut correlated) => {
                if correlated.message_key == NO_KEY {
                    correlated.message_key = accepted.key;
                }
                Ok(correlated)
            }
            _ => Err(GatewayError::unexpected_answer("MESSAGE_CORRELATION CORRELATE")),
        }
    }

    fn partition_of_message(&self, correlation_key: &str) -> Result<PartitionId, GatewayError> {
        Ok(key::partition_of_correlation_key(correlation_key, self.homes()?))
    }

    /// Broadcasts a signal; gives its key.
    pub(crate) async fn broadcast_signal(&self, record: SignalRecord) -> Result<Key, GatewayError> {
        check::name("the name of a signal", &record.signal_name)?;
        let command = Command::new(NO_KEY, Payload::Signal(SignalIntent::Broadcast, record));
        Ok(self.execute_anywhere(command, REQUEST_TIMEOUT_DEFAULT).await?.key)
    }

    /// Sets variables; gives the key of the event.
    pub(crate) async fn set_variables(
        &self,
        element_instance_key: i64,
        operation_reference: u64,
        local: bool,
        variables: Bytes,
    ) -> Result<Key, GatewayError> {
        let (_, scope_key) = self.locate(element_instance_key)?;
        let update_semantics =
            if local { UpdateSemantics::Local } else { UpdateSemantics::Propagate } as i32;
        let record = VariableDocumentRecord { scope_key, update_semantics, variables };
        let payload = Payload::VariableDocument(VariableDocumentIntent::Update, record);
        Ok(self.execute_by_key(element_instance_key, operation_reference, payload).await?.key)
    }

    /// Resolves an incident.
    pub(crate) async fn resolve_incident(
        &self,
        incident_key: i64,
        operation_reference: u64,
    ) -> Result<(), GatewayError> {
        let payload = Payload::Incident(IncidentIntent::Resolve, IncidentRecord::default());
        self.execute_by_key(incident_key, operation_reference, payload).await?;
        Ok(())
    }
}

/// Where a creation has to go when a retry must meet its first attempt: by business id, which is
/// unique among running instances, else by operation reference. None: anywhere.
fn home_of_creation(
    operation_reference: u64,
    business_id: &str,
    partitions: u32,
) -> Option<PartitionId> {
    if !business_id.is_empty() {
        return Some(key::partition_of_correlation_key(business_id, partitions));
    }
    if operation_reference == 0 {
        return None;
    }
    // References are often consecutive or share their low bits; multiplying by an odd constant
    // and taking the high half spreads both.
    let mixed = operation_reference.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    u32::try_from(mixed % u64::from(partitions.max(1)) + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creations_that_may_be_repeated_have_one_home() {
        assert_eq!(home_of_creation(0, "", 3), None);
        for reference in 1..200 {
            let home = home_of_creation(reference, "", 3);
            assert_eq!(home, home_of_creation(reference, "", 3));
            assert!(home.is_some_and(|partition| (1..=3).contains(&partition)));
        }
        let homes: std::collections::BTreeSet<_> =
            (1..50).map(|reference| home_of_creation(reference * 1_000, "", 3)).collect();
        assert_eq!(homes.len(), 3);
        assert_eq!(home_of_creation(5, "order-1", 3), home_of_creation(0, "order-1", 3));
    }
}
