//! Holds what the brokers committed against the promises that the simulation checks.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use skep_check::check::{Violation, names};

use crate::cluster::layout::NodeKind;
use crate::cluster::state::ClusterState;
use crate::command::zbchaos::states_of;
use crate::evidence::{Gathered, States};
use crate::failure::Failure;

/// See the module.
pub(super) struct Promises {
    gathered: Option<Gathered>,
    cluster: std::path::PathBuf,
    /// When the round before was over: since then every leader has looked at its timers.
    quiet_since_ms: i64,
    told: Vec<Violation>,
}

impl Promises {
    pub(super) fn of(state: &ClusterState, cluster: &Path) -> Self {
        let folder = state.evidence.as_deref();
        let gathered = folder.map(|folder| Gathered::of(folder, state.partitions));
        if gathered.is_none() {
            eprintln!(
                "the cluster was started without --evidence: what it commits is not held against the \
                 promises of the simulation"
            );
        }
        Self { gathered, cluster: cluster.to_owned(), quiet_since_ms: 0, told: Vec::new() }
    }

    /// Promises that were broken since the last look. Only a whole cluster is at rest, as some need it.
    /// The last look replays all that was committed, once, and compares it with the replicas' states.
    pub(super) fn look(
        &mut self,
        is_whole: bool,
        is_last: bool,
    ) -> Result<Vec<Violation>, Failure> {
        let Some(gathered) = &mut self.gathered else { return Ok(Vec::new()) };
        // First the states: what was committed is written down before it is in a state.
        let states = if is_last && is_whole {
            states(&ClusterState::load(&self.cluster)?)
        } else {
            States::new()
        };
        gathered.look()?;
        let mut broken = gathered.check(is_whole.then_some(self.quiet_since_ms));
        if let Err(what) = gathered.check_states(&states) {
            broken.push(Violation { checker: names::REPLICAS, what });
        }
        broken.retain(|violation| !self.told.contains(violation));
        self.told.extend(broken.iter().cloned());
        if is_whole {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.quiet_since_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        }
        Ok(broken)
    }

    /// What was looked at, for the end.
    pub(super) fn summary(&self) -> String {
        let Some(gathered) = &self.gathered else { return String::new() };
        format!(", {} records held against the promises", gathered.records())
    }
}

/// Position and digest of every replica that can be asked.
fn states(cluster: &Option<ClusterState>) -> States {
    let mut states = States::new();
    for node in cluster.iter().flat_map(|cluster| cluster.of_kind(NodeKind::Broker)) {
        let replicas = states_of(node.addresses.management.into());
        for (partition, replica) in replicas.into_iter().flatten() {
            let (Some(position), Some(digest)) =
                (replica["position"].as_u64(), replica["digest"].as_str())
            else {
                continue;
            };
            let replicas: &mut Vec<_> = states.entry(partition).or_default();
            replicas.push((position, digest.to_owned()));
        }
    }
    states
}
