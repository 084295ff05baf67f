//! The replicas of this node, started and removed while it runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use skep_protocol::PartitionId;

use crate::broker::Inner;
use crate::broker::replica::Beginning;
use crate::metadata::{ClusterConfig, HostError, LocalReplicas, ReplicaStart};
use crate::partition::Control;

/// This node, following a configuration.
pub(super) struct Hosted<'a> {
    pub(super) inner: &'a Inner,
    pub(super) config: &'a Arc<ClusterConfig>,
}

fn failed(error: impl std::fmt::Display) -> HostError {
    HostError(error.to_string())
}

#[async_trait]
impl LocalReplicas for Hosted<'_> {
    fn running(&self) -> BTreeSet<PartitionId> {
        self.inner.members.all().iter().map(|member| member.id).collect()
    }

    async fn start(&self, partition: PartitionId, start: ReplicaStart) -> Result<(), HostError> {
        let replicas = self.inner.replicas.lock();
        let Some(replicas) = replicas.as_ref() else {
            return Err(failed("this node is stopping"));
        };
        let member = self.inner.members.add(partition);
        let node = replicas.parts.config.node_id;
        match replicas.start(&member, Beginning::of(self.config, partition, node, start)) {
            Ok(body) => {
                self.inner.bodies.lock().push((Some(partition), body));
                Ok(())
            }
            Err(error) => {
                self.inner.members.remove(partition);
                Err(failed(error))
            }
        }
    }

    async fn remove(&self, partition: PartitionId) -> Result<(), HostError> {
        let Some(member) = self.inner.members.get(partition) else { return Ok(()) };
        member.inbox.control(Control::Stop);
        let bodies: Vec<_> = {
            let mut bodies = self.inner.bodies.lock();
            bodies.extract_if(.., |(id, _)| *id == Some(partition)).collect()
        };
        for (_, body) in bodies {
            if !body.join().await {
                tracing::error!(partition, "a removed replica panicked");
            }
        }
        // Gone only now: until here it is still one that has to be removed.
        self.inner.members.remove(partition);
        let replicas = self.inner.replicas.lock();
        let Some(replicas) = replicas.as_ref() else { return Ok(()) };
        replicas.parts.data.forget(partition).map_err(failed)
    }
}
