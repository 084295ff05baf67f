//! The coordinator's view of the nodes, over the links.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use skep_engine::Response;
use skep_protocol::{Command, NO_KEY, PartitionId, Payload, ScaleIntent, ScaleRecord};

use super::request::{NodeRequest, decode, encode};
use crate::broker::{Broker, Inner};
use crate::metadata::{GroupStatus, HostError, Reconfiguration, ReplicaHost};

/// Longest wait for a leader's answer: a hand-over lets the other side catch up first.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest wait for a command of partition 1.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct Nodes(pub(super) Weak<Inner>);

impl Nodes {
    fn inner(&self) -> Result<Arc<Inner>, HostError> {
        self.0.upgrade().ok_or_else(|| HostError("this node is stopping".to_owned()))
    }

    /// Asks the leader of a partition.
    async fn ask(
        &self,
        partition: PartitionId,
        request: NodeRequest,
    ) -> Result<Vec<u8>, HostError> {
        let inner = self.inner()?;
        let Some(cluster) = &inner.cluster else {
            return Err(HostError("this node is alone".to_owned()));
        };
        let leader = cluster.view.leader(partition);
        let leader = leader
            .ok_or_else(|| HostError(format!("partition {partition} has no known leader")))?;
        let answer = if Some(leader) == inner.shape.node_id {
            inner.answer(request).await
        } else {
            let document = encode(&request).map_err(HostError)?;
            cluster.manage(leader, document, ANSWER_TIMEOUT).await
        };
        answer.map(Vec::from).map_err(HostError)
    }
}

impl Nodes {
    /// Asks partition 1, which decides about the number of partitions.
    async fn command(
        &self,
        intent: ScaleIntent,
        record: ScaleRecord,
    ) -> Result<ScaleRecord, HostError> {
        let broker = Broker(self.inner()?);
        let command = Command::new(NO_KEY, Payload::Scale(intent, record));
        let answer = broker.submit(1, command, COMMAND_TIMEOUT).await;
        let unexpected = || HostError("partition 1 answered something else".to_owned());
        match answer.map_err(|error| HostError(error.to_string()))? {
            Response::Accepted { payload, .. } => match *payload {
                Payload::Scale(_, record) => Ok(record),
                _ => Err(unexpected()),
            },
            Response::Rejected { rejection, .. } => Err(HostError(rejection.reason)),
            _ => Err(unexpected()),
        }
    }
}

#[async_trait]
impl ReplicaHost for Nodes {
    fn broker_address(&self, node: u32) -> Option<String> {
        let inner = self.0.upgrade()?;
        let cluster = inner.cluster.as_ref()?;
        if inner.shape.node_id == Some(node) {
            return Some(cluster.parts.address.clone());
        }
        cluster.is_linked(node).then(|| cluster.address_of(node)).flatten()
    }

    async fn status(&self, partition: PartitionId) -> Result<GroupStatus, HostError> {
        let answer = self.ask(partition, NodeRequest::Status { partition }).await?;
        decode(&answer).map_err(HostError)
    }

    async fn reconfigure(
        &self,
        as_of: u64,
        partition: PartitionId,
        change: &Reconfiguration,
    ) -> Result<(), HostError> {
        let change = change.clone();
        self.ask(partition, NodeRequest::Reconfigure { as_of, partition, change }).await?;
        Ok(())
    }

    async fn scale_up(&self, partition_count: u32) -> Result<(), HostError> {
        let record =
            ScaleRecord { desired_partition_count: partition_count, ..ScaleRecord::default() };
        self.command(ScaleIntent::ScaleUp, record).await?;
        Ok(())
    }

    async fn is_redistributed(&self, partition_count: u32) -> Result<bool, HostError> {
        let status = self.command(ScaleIntent::Status, ScaleRecord::default()).await?;
        let ready: BTreeSet<PartitionId> = status.redistributed_partitions.into_iter().collect();
        let known = self.inner()?.cluster.as_ref().and_then(|cluster| cluster.config());
        let used = known.map_or(1, |config| config.partition_count);
        Ok(status.desired_partition_count >= partition_count
            && (used + 1..=partition_count).all(|partition| ready.contains(&partition)))
    }
}
