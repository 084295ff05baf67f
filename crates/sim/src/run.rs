//! Runs a scenario: a phase with faults, then everything heals and finishes, then the checkers.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use skep_check::backup::BackupCounts;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::check::{self, Violation};
use crate::clock::EPOCH_MS;
use crate::cluster::{ClusterConfig, NodeId, SHARE_NODE, SimCluster};
use crate::evidence::{End, Evidence, FinalState, Recorder};
use crate::fault::{Backups, Fault, Operator, Outages, Planned, inflict, is_changing, leader};
use crate::generated::chance::Chance;
use crate::history::OutcomeCounts;
use crate::net::Link;
use crate::restored;
use crate::scenario::Scenario;
use crate::seeds::Seeds;
use crate::trace::Event;
use crate::workload::{Client, JOB_TYPES, Janitor, Manner, perform, work};
use crate::world::{Options, World, simulate};

/// How long a cluster may take until every partition is led for the first time.
pub(crate) const START_MAX: Duration = Duration::from_secs(20);
/// How long healing and finishing may take after the last fault, in simulated time.
const HEAL_MAX: Duration = Duration::from_secs(120);
/// How often it is looked whether all is done.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What came of a run.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    /// Broken promises; none is what everybody hopes for.
    pub violations: Vec<Violation>,
    /// Hash over all events: equal for equal runs.
    pub trace_hash: u64,
    /// Events of the simulation.
    pub events: u64,
    /// Simulated time, in milliseconds.
    pub simulated_ms: u64,
    /// From the end of all faults until all was done.
    pub healed_after_ms: Option<u64>,
    /// Calls of clients, by outcome.
    pub calls: OutcomeCounts,
    /// Records in all logs.
    pub records: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Backups by what became of them.
    pub backups: BackupCounts,
    /// From the start of the cluster that was restored from one until all was done there.
    pub restored_after_ms: Option<u64>,
}

/// Runs a scenario and holds it against all promises.
#[must_use]
pub fn run(scenario: &Scenario) -> Report {
    let done =
        simulate(scenario.seed, Options::default(), async |world| drive(&world, scenario).await);
    let mut faults = BTreeMap::new();
    for planned in &scenario.faults {
        *faults.entry(planned.fault.name()).or_default() += 1;
    }
    let mut report = Report {
        violations: Vec::new(),
        trace_hash: done.trace_hash,
        events: done.events,
        simulated_ms: u64::try_from(done.simulated.as_millis()).unwrap_or(u64::MAX),
        healed_after_ms: None,
        calls: OutcomeCounts::default(),
        records: 0,
        faults,
        backups: BackupCounts::default(),
        restored_after_ms: None,
    };
    match done.value {
        Ok((mut evidence, restored)) => {
            evidence.end.panics = done.panics;
            report.violations = check::all(&evidence);
            for mut violation in restored.iter().flat_map(check::all) {
                violation.what = format!("after a restore: {}", violation.what);
                report.violations.push(violation);
            }
            report.healed_after_ms = evidence.end.healed_after_ms;
            report.restored_after_ms = restored.and_then(|it| it.end.healed_after_ms);
            report.backups = BackupCounts::of(&evidence.backups);
            report.calls = OutcomeCounts::of(&evidence.calls);
            report.records = evidence.recorded.all().count() as u64;
        }
        Err(panic) => report.violations.push(Violation { checker: "the run itself", what: panic }),
    }
    report
}

/// Events of two runs side by side, with their number.
pub type Parted = Vec<(usize, Option<Event>, Option<Event>)>;

/// Runs a scenario twice and gives the events around the place where the runs part; `None` when
/// they do not.
#[must_use]
pub fn parting(scenario: &Scenario) -> Option<Parted> {
    let recorded = || {
        let options = Options { record: true };
        simulate(scenario.seed, options, async |world| {
            drop(drive(&world, scenario).await);
        })
        .recorded
    };
    let (one, other) = (recorded(), recorded());
    let at = (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at))?;
    let around = at.saturating_sub(EVENTS_SHOWN)..at + EVENTS_SHOWN;
    Some(around.map(|at| (at, one.get(at).copied(), other.get(at).copied())).collect())
}

/// Events shown before and after the place where two runs part.
const EVENTS_SHOWN: usize = 12;

/// Tasks that end with the run.
#[derive(Default)]
pub(crate) struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        self.0.push(tokio::task::spawn_local(task));
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// The cluster that a scenario begins with.
pub(crate) fn config_of(scenario: &Scenario) -> ClusterConfig {
    let shape = scenario.shape;
    let takes = |planned: &Planned| planned.fault == Fault::Backup;
    ClusterConfig {
        brokers: shape.brokers,
        gateways: shape.gateways,
        partitions: shape.partitions,
        replication_factor: shape.replication_factor,
        segment_bytes: shape.segment_bytes,
        checkpoint_log_bytes: shape.checkpoint_log_bytes,
        backups: scenario.faults.iter().any(takes),
        ..ClusterConfig::default()
    }
}

/// What is known of the run, and of the cluster that was restored from a backup of it.
async fn drive(world: &World, scenario: &Scenario) -> (Evidence, Option<Evidence>) {
    let shape = scenario.shape;
    let cluster = SimCluster::new(world, config_of(scenario));
    let recorder = Recorder::default();
    let ears = recorder.clone();
    cluster.set_observers(Box::new(move |node: NodeId, life| ears.observer(node.0, life)));
    let client = Client::new(&cluster, &recorder);
    let seeds = world.seeds().part("run");
    let mut run = Run {
        client,
        outages: Outages::default(),
        backups: Backups::new(seeds.part("backups").value()),
        seeds,
        manner: Rc::new(Cell::new(Manner::Careless)),
        cluster,
        recorder,
        scenario,
    };
    let mut tasks = Tasks::default();
    tasks.spawn(Operator::new(&run.cluster, &run.outages).run());
    if run.cluster.config().backups {
        tasks.spawn(run.backups.clone().watch(run.cluster.clone()));
    }
    let started = run.cluster.wait_until(START_MAX, |it| is_led(it, shape.partitions)).await;
    let mut end = End::default();
    if started {
        run.unsafe_phase(&mut tasks).await;
        end = run.healing_phase(&mut tasks).await;
    } else {
        end.left.push(format!("the cluster did not start within {START_MAX:?}"));
        end.left.extend(run.outages.refusals());
    }
    end.now_ms = EPOCH_MS + i64::try_from(world.elapsed().as_millis()).unwrap_or(0);
    drop(tasks);
    let states = if started { run.states().await } else { Vec::new() };
    let mut evidence = Evidence {
        partitions: shape.partitions,
        partitions_at_end: run.cluster.partitions(),
        calls: run.client.take_calls(),
        recorded: std::mem::take(&mut *run.recorder.0.lock()),
        states,
        backups: Vec::new(),
        end,
    };
    let restored = restored::restore(&run, &mut evidence).await;
    (evidence, restored)
}

pub(crate) fn is_led(cluster: &SimCluster, partitions: u32) -> bool {
    (1..=partitions).all(|partition| leader(cluster, partition).is_some())
}

/// A cluster, and everybody who has to do with it.
pub(crate) struct Run<'a> {
    pub(crate) cluster: SimCluster,
    pub(crate) recorder: Recorder,
    pub(crate) client: Client,
    pub(crate) outages: Outages,
    pub(crate) backups: Backups,
    pub(crate) seeds: Seeds,
    pub(crate) manner: Rc<Cell<Manner>>,
    pub(crate) scenario: &'a Scenario,
}

impl Run<'_> {
    /// Clients act, workers work, and everything goes wrong that is planned.
    async fn unsafe_phase(&mut self, tasks: &mut Tasks) {
        self.employ(tasks);
        let end = Instant::now() + Duration::from_millis(self.scenario.duration_ms);
        let mut acting = Tasks::default();
        for (number, timed) in self.scenario.actions.iter().enumerate() {
            let (client, action, at_ms) = (self.client.clone(), timed.action.clone(), timed.at_ms);
            let models = self.scenario.models;
            let mut chance = Chance::new(self.seeds.part("action").number(number as u64).value());
            acting.spawn(async move {
                tokio::time::sleep(Duration::from_millis(at_ms)).await;
                perform(&client, models, &mut chance, &action).await;
            });
        }
        let mut failing = Tasks::default();
        for planned in &self.scenario.faults {
            let (cluster, outages, backups, planned) =
                (self.cluster.clone(), self.outages.clone(), self.backups.clone(), planned.clone());
            failing.spawn(async move {
                tokio::time::sleep(Duration::from_millis(planned.at_ms)).await;
                inflict(cluster, outages, backups, planned).await;
            });
        }
        tokio::time::sleep_until(end).await;
        // Actions end by themselves: their clients give up in time.
        for task in std::mem::take(&mut acting.0) {
            let _ = task.await;
        }
    }

    /// Nothing goes wrong any more, and everything that somebody waits for is done.
    async fn healing_phase(&mut self, tasks: &mut Tasks) -> End {
        // A fault that ends with the phase may not have put back what it changed.
        self.cluster.network().set_default(Link::default());
        self.cluster.network().heal_all();
        self.outages.end_all();
        self.cluster.disk(SHARE_NODE).heal();
        for node in self.cluster.nodes() {
            self.cluster.disk(node).heal();
            self.cluster.clock(node).correct();
            if self.cluster.is_paused(node) {
                self.cluster.resume(node);
            }
        }
        self.manner.set(Manner::Careful);
        self.finish(tasks).await
    }

    /// Workers begin.
    pub(crate) fn employ(&self, tasks: &mut Tasks) {
        for (number, job_type) in JOB_TYPES.iter().enumerate() {
            let seeds = self.seeds.part("worker").number(number as u64);
            tasks.spawn(work(self.client.clone(), seeds, job_type, self.manner.clone()));
        }
    }

    /// Does what is waited for until nothing is left to do.
    pub(crate) async fn finish(&self, tasks: &mut Tasks) -> End {
        let began = Instant::now();
        let janitor = Janitor {
            client: self.client.clone(),
            models: self.scenario.models,
            chance: Chance::new(self.seeds.part("janitor").value()),
        };
        tasks.spawn(janitor.run());
        let mut left = Vec::new();
        let elapsed = self.cluster.world().elapsed().as_millis();
        let healing_from_ms = EPOCH_MS + i64::try_from(elapsed).unwrap_or(0);
        let mut end = End { healing_from_ms, ..End::default() };
        while began.elapsed() < HEAL_MAX {
            tokio::time::sleep(LOOK_EVERY).await;
            left = self.left().await;
            if left.is_empty() {
                let after_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                end.healed_after_ms = Some(after_ms);
                return end;
            }
        }
        end.left = left;
        end
    }

    /// What is not done yet.
    async fn left(&self) -> Vec<String> {
        let partitions = self.cluster.partitions();
        let mut left = self.outages.refusals();
        let grows = |planned: &Planned| matches!(planned.fault, Fault::AddPartitions { .. });
        if self.scenario.faults.iter().any(grows) && is_changing(&self.cluster).await {
            left.push("a change of the cluster is not done".to_owned());
        }
        for partition in 1..=partitions {
            if leader(&self.cluster, partition).is_none() {
                left.push(format!("partition {partition} has no leader"));
            }
        }
        {
            let recorded = self.recorder.0.lock();
            for (partition, log) in &recorded.logs {
                left.extend(crate::workload::left(&log.reader.history, *partition));
                if let Some(key) = log.pending_distribution() {
                    left.push(format!("distribution {key} is not acknowledged everywhere"));
                }
            }
        }
        if left.is_empty() {
            left = self.replicas_behind().await;
        }
        if left.is_empty() && self.cluster.config().backups {
            left = self.backups.left(&self.cluster).await;
        }
        left
    }

    /// Replicas that do not have all that is committed.
    async fn replicas_behind(&self) -> Vec<String> {
        let mut behind = Vec::new();
        let states = self.states().await;
        for partition in 1..=self.cluster.partitions() {
            let replicas: Vec<_> =
                states.iter().filter(|state| state.partition == partition).collect();
            let newest = replicas.iter().map(|state| state.position).max().unwrap_or(0);
            if replicas.len() < self.cluster.config().replication_factor as usize {
                behind.push(format!("partition {partition} has {} replicas", replicas.len()));
            }
            for replica in replicas {
                if replica.position < newest {
                    behind.push(format!(
                        "node {} is at position {} of partition {partition}, another one at {newest}",
                        replica.node, replica.position
                    ));
                }
            }
        }
        behind
    }

    /// The states of all replicas.
    pub(crate) async fn states(&self) -> Vec<FinalState> {
        let mut states = Vec::new();
        for node in self.cluster.brokers() {
            let Some(broker) = self.cluster.broker(node) else { continue };
            for partition in 1..=self.cluster.partitions() {
                let inspection =
                    tokio::time::timeout(Duration::from_secs(2), broker.inspect(partition)).await;
                if let Ok(Some(inspection)) = inspection {
                    states.push(FinalState {
                        node: node.0,
                        partition,
                        position: inspection.position,
                        rows: inspection.rows,
                    });
                }
            }
        }
        states
    }
}
