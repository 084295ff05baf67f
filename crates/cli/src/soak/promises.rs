//! Holds what the brokers committed against the promises that the simulation checks.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use skep_check::check::{Calm, Violation};

use super::finish::Finish;
use crate::cluster::layout::NodeKind;
use crate::cluster::state::ClusterState;
use crate::command::zbchaos::states_of;
use crate::evidence::{Gathered, States, Unfinished};
use crate::failure::Failure;

/// See the module.
pub(super) struct Promises {
    gathered: Option<Gathered>,
    cluster: std::path::PathBuf,
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
        Self { gathered, cluster: cluster.to_owned(), told: Vec::new() }
    }

    /// Promises that were broken since the last look. `healed_ms`: since when no fault was left. Only a
    /// whole cluster is at rest, as some need it; then the states of the replicas are compared with
    /// the replay of what was committed, too.
    pub(super) fn look(
        &mut self,
        is_whole: bool,
        healed_ms: Option<i64>,
    ) -> Result<Vec<Violation>, Failure> {
        let Some(gathered) = &mut self.gathered else { return Ok(Vec::new()) };
        // First the states: what was committed is written down before it is in a state.
        let states =
            if is_whole { states(&ClusterState::load(&self.cluster)?) } else { States::new() };
        let now_ms = now_ms();
        let mut broken = gathered.look(&states)?;
        let calm = match healed_ms {
            None => Calm::Troubled,
            Some(_) if is_whole => Calm::AtRest,
            Some(_) => Calm::Healed,
        };
        broken.extend(gathered.check(calm, healed_ms.unwrap_or(now_ms), now_ms, Vec::new()));
        Ok(self.new_of(broken))
    }

    /// What was not told before.
    fn new_of(&mut self, mut broken: Vec<Violation>) -> Vec<Violation> {
        broken.retain(|violation| !self.told.contains(violation));
        self.told.extend(broken.iter().cloned());
        broken
    }

    /// The soak is over, and the cluster whole: has everything done that instances of the soak wait
    /// for, and judges whether they ended.
    pub(super) fn finish(&mut self, finish: &Finish<'_>) -> Result<Vec<Violation>, Failure> {
        let Some(gathered) = &mut self.gathered else { return Ok(Vec::new()) };
        let healed_ms = now_ms();
        let mut broken = Vec::new();
        let mut attempt = finish.begin();
        let left = loop {
            broken.extend(gathered.look(&States::new())?);
            let left: Vec<Unfinished> =
                gathered.unfinished().filter(|it| finish.is_ours(&it.process)).collect();
            if left.is_empty() || !attempt.again(&left)? {
                break left;
            }
        };
        let left = left.iter().map(|it| {
            format!(
                "instance {} of {} on partition {}, which the soak started, has not ended ({} jobs)",
                it.key, it.process, it.partition, it.jobs
            )
        });
        broken.extend(gathered.check(Calm::AtRest, healed_ms, now_ms(), left.collect()));
        Ok(self.new_of(broken))
    }

    /// What was looked at, for the end.
    pub(super) fn summary(&self) -> String {
        let Some(gathered) = &self.gathered else { return String::new() };
        format!(", {} records held against the promises", gathered.records())
    }
}

/// Epoch milliseconds.
pub(super) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
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
