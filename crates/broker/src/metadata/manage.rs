//! What operators ask of the cluster: answered by the coordinator, wherever they ask.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skep_protocol::PartitionId;

use crate::backup::BackupCall;
use crate::metadata::config::{ClusterConfig, ExportingState, METADATA_PARTITION};
use crate::metadata::coordinator::Coordinator;
use crate::metadata::group::ProposeError;
use crate::metadata::host::{HostError, Reconfiguration};
use crate::metadata::planner::{Wanted, plan};
use crate::metadata::refusal::Refusal;
use crate::metadata::step::first_choice;
use crate::metadata::{transition, view};

/// A request for the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ManageRequest {
    /// The cluster as it is.
    Cluster,
    /// Another cluster.
    Change {
        /// What is wanted.
        wanted: Wanted,
        /// Only plan it.
        dry_run: bool,
        /// Do it without those that are lost.
        force: bool,
    },
    /// How far a change is.
    ShowChange {
        /// Its number.
        id: u64,
    },
    /// Drop what is not done yet of a change.
    CancelChange {
        /// Its number.
        id: u64,
    },
    /// Give every partition the leader that its priorities want.
    Rebalance,
    /// What exporters do, on all nodes.
    Exporting {
        /// What they shall do; without it: what they do.
        state: Option<ExportingState>,
    },
    /// Remove everything.
    Purge,
    /// Something about backups; any node with a store answers.
    Backups(BackupCall),
}

/// The answer to a [`ManageRequest`].
pub type Managed = Result<Value, Refusal>;

/// Attempts to decide on a change when others decide at the same time.
const ATTEMPTS_MAX: usize = 5;

impl Coordinator {
    /// Answers a request, when this node coordinates.
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn manage(&self, request: ManageRequest) -> Managed {
        if !self.group.is_leading() {
            return Err(Refusal::unavailable(
                "this node does not coordinate the cluster; ask again in a moment",
            ));
        }
        match request {
            ManageRequest::Cluster => {
                Ok(view::cluster(&*self.config()?, self.waiting_for().as_deref()))
            }
            ManageRequest::Change { wanted, dry_run, force } => {
                if force {
                    self.check_majorities().await?;
                }
                self.change(&wanted, dry_run).await
            }
            ManageRequest::ShowChange { id } => {
                let view = view::change(&*self.config()?, id, self.waiting_for().as_deref());
                view.ok_or_else(|| Refusal::not_found(format!("there is no change {id}")))
            }
            ManageRequest::CancelChange { id } => {
                let now_ms = self.clock.now_ms();
                self.decide(|config| transition::cancel(config, id, now_ms)).await?;
                Ok(view::cluster(&*self.config()?, self.waiting_for().as_deref()))
            }
            ManageRequest::Rebalance => self.rebalance().await,
            ManageRequest::Exporting { state } => self.exporting(state).await,
            ManageRequest::Backups(_) => Err(Refusal::unsupported(
                "backups are not a matter of the coordinator; ask a broker with --backup-dir",
            )),
            ManageRequest::Purge => Err(Refusal::unsupported(
                "Skep does not purge a running cluster: stop it, empty the data folders of all \
                 brokers, and start it again",
            )),
        }
    }

    fn config(&self) -> Result<Arc<ClusterConfig>, Refusal> {
        let known = self.group.known().current();
        known.ok_or_else(|| Refusal::unavailable("the cluster configuration is not known yet"))
    }

    async fn change(&self, wanted: &Wanted, dry_run: bool) -> Managed {
        let now_ms = self.clock.now_ms();
        if dry_run {
            let config = self.config()?;
            let plan = plan(&config, wanted)?;
            return Ok(view::planned(&config, &plan, config.next_change_id()));
        }
        let mut answer = Value::Null;
        self.decide(|config| {
            let plan = plan(config, wanted)?;
            answer = view::planned(config, &plan, config.next_change_id());
            Ok(transition::start(config, plan.operations, now_ms))
        })
        .await?;
        Ok(answer)
    }

    /// Decides on what `next` makes of the configuration; makes it again when that has changed.
    async fn decide(
        &self,
        mut next: impl FnMut(&ClusterConfig) -> Result<ClusterConfig, Refusal> + Send,
    ) -> Result<(), Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let config = self.config()?;
            match self.group.propose(next(&config)?).await {
                Ok(()) => return Ok(()),
                Err(ProposeError::Outdated) => {}
                Err(error) => return Err(Refusal::unavailable(error.to_string())),
            }
        }
        Err(Refusal::unavailable("the cluster configuration keeps changing; ask again"))
    }

    /// Force is for clusters that lost brokers. While every partition has a majority nothing needs
    /// it; without one it would invent a past that some replica may contradict.
    async fn check_majorities(&self) -> Result<(), Refusal> {
        let config = self.config()?;
        for &partition in config.partitions.keys() {
            if let Err(error) = self.host.status(partition).await {
                return Err(Refusal::unsupported(format!(
                    "partition {partition} has no majority ({error}), and Skep does not force one: \
                     what only the lost replicas had would be gone without a trace. Bring one of \
                     them back, or restore the newest backup"
                )));
            }
        }
        Ok(())
    }

    async fn rebalance(&self) -> Managed {
        let config = self.config()?;
        let mut partitions = Vec::new();
        for &partition in config.partitions.keys().filter(|it| **it != METADATA_PARTITION) {
            partitions.push(self.rebalance_partition(&config, partition).await);
        }
        Ok(json!({ "partitions": partitions }))
    }

    async fn rebalance_partition(&self, config: &ClusterConfig, partition: PartitionId) -> Value {
        let status = match self.host.status(partition).await {
            Ok(status) => status,
            Err(error) => return json!({ "partitionId": partition, "error": error.to_string() }),
        };
        let wanted = first_choice(config, partition, &status, None).unwrap_or(status.leader);
        let mut view = json!({ "partitionId": partition, "from": status.leader, "to": wanted });
        if wanted != status.leader
            && let Err(error) = self.transfer(config, partition, wanted).await
        {
            view["error"] = json!(error.to_string());
        }
        view
    }

    async fn transfer(
        &self,
        config: &ClusterConfig,
        partition: PartitionId,
        to: u32,
    ) -> Result<(), HostError> {
        let change = Reconfiguration::TransferLeader(to);
        self.host.reconfigure(config.version, partition, &change).await
    }

    async fn exporting(&self, state: Option<ExportingState>) -> Managed {
        if let Some(state) = state
            && self.config()?.exporting != state
        {
            let next =
                |config: &ClusterConfig| Ok(ClusterConfig { exporting: state, ..config.next() });
            self.decide(next).await?;
        }
        Ok(json!({ "state": self.config()?.exporting }))
    }
}
