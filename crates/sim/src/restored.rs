//! After a run: every backup that was said to be complete is restored, by the production code, and
//! the last of them becomes a cluster, of the same shape or of another one, which has to come up, to
//! finish what was under way, and to keep every promise as the first one has to.
//!
//! The time goes on, and the names of the machines are the same; their disks are new.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use skep_broker::backup::{FolderStore, Manifest, RestoreSettings, Restored, restore as fill};
use skep_check::backup::{Backup, RestoredPart};
use skep_check::evidence::{End, Evidence};
use skep_protocol::{JobBatchIntent, Payload};
use skep_storage::state::StateView;

use crate::clock::EPOCH_MS;
use crate::cluster::{CLUSTER_ID, ClusterConfig, MakeObserver, NodeId, SimCluster};
use crate::evidence::Recorder;
use crate::fault::{Backups, Outages};
use crate::generated::chance::Chance;
use crate::history::{Call, Outcome};
use crate::life::Crash;
use crate::node::Node;
use crate::run::{Run, START_MAX, Tasks, config_of, is_led};
use crate::seeds::Seeds;
use crate::share::BACKUPS;
use crate::workload::{Client, Manner};

/// Lives that the nodes of the first cluster do not reach.
const LIVES: u32 = 1_000;
/// References that the clients of the first cluster do not reach.
const REFERENCES: u64 = 1 << 40;
/// The machine on which backups are restored to look into them.
const LOOKING_GLASS: NodeId = NodeId(901);

/// See the module. What came out of the backups goes into the evidence of the run; what is known of
/// the cluster that was restored is evidence of its own.
pub(crate) async fn restore(run: &Run<'_>, evidence: &mut Evidence) -> Option<Evidence> {
    if !run.cluster.config().backups {
        return None;
    }
    evidence.backups = run.backups.known();
    for node in run.cluster.nodes() {
        run.cluster.crash(node, Crash::Kill);
    }
    let glass = run.cluster.machine(LOOKING_GLASS, LIVES);
    let mut last = None;
    for backup in evidence.backups.iter_mut().filter(|backup| backup.is_complete()) {
        let looked = look_into(&run.cluster, &glass, backup.id).await;
        let (parts, manifest) = match looked {
            Ok((parts, manifest)) => (Ok(parts), Some(manifest)),
            Err(reason) => (Err(reason), None),
        };
        backup.restored = Some(parts);
        if let Some(manifest) = manifest {
            last = Some((backup.clone(), manifest));
        }
    }
    let (backup, manifest) = last?;
    Some(live_again(run, evidence, &backup, &manifest).await)
}

/// Restores a backup onto one machine that has all partitions, and reads what is there.
async fn look_into(
    cluster: &SimCluster,
    glass: &Rc<Node>,
    id: u64,
) -> Result<(Vec<RestoredPart>, Manifest), String> {
    glass.disk.wipe();
    glass.stores.wipe();
    let settings = RestoreSettings {
        node_id: 0,
        brokers: BTreeMap::from([(0, "broker-0:1".to_owned())]),
        replication_factor: Some(1),
        ..settings(cluster, id, NodeId::broker(0))
    };
    let restored = restore_on(glass, settings).await?;
    let mut parts = Vec::new();
    for part in restored.manifest.partitions.iter() {
        let partition = part.partition_id;
        let missing = || format!("nothing of partition {partition} was restored");
        let store = glass.stores.get(partition).ok_or_else(missing)?;
        let position = restored.partitions.get(&partition).copied().ok_or_else(missing)?;
        let mut rows = Vec::new();
        for table in 1..=u8::MAX {
            let read = store.scan(table, &[], None, &mut |key, value| {
                rows.push((table, key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            });
            read.map_err(|error| error.to_string())?;
        }
        parts.push(RestoredPart { partition, position, entry_index: part.entry_index, rows });
    }
    Ok((parts, restored.manifest))
}

fn settings(cluster: &SimCluster, id: u64, node: NodeId) -> RestoreSettings {
    let config = cluster.config();
    let alone = config.brokers == 1 && config.gateways == 0;
    RestoreSettings {
        backup_id: id,
        data_dir: "/data".into(),
        node_id: node.0,
        brokers: if alone { BTreeMap::new() } else { cluster.founders() },
        replication_factor: Some(config.replication_factor),
        partitions: None,
        cluster_id: (!alone).then(|| CLUSTER_ID.to_owned()),
        // A node without others and a cluster have different names.
        rename_cluster: true,
        journal_segment_bytes: config.segment_bytes,
        state: None,
    }
}

async fn restore_on(node: &Rc<Node>, settings: RestoreSettings) -> Result<Restored, String> {
    let restored = node.run_command(|env, state| async move {
        let store = FolderStore::new(env.disk.clone(), BACKUPS);
        let settings = RestoreSettings { state: Some(state), ..settings };
        fill(&store, &settings, &env).await
    });
    restored.await.map_err(|error| error.to_string())
}

/// The cluster of the backup, from its start until everything is done.
async fn live_again(
    first: &Run<'_>,
    before: &Evidence,
    backup: &Backup,
    manifest: &Manifest,
) -> Evidence {
    let recorder = Recorder::default();
    let parts = backup.restored.iter().flatten().flatten();
    let cuts = parts.map(|part| (part.partition, (part.position, part.entry_index))).collect();
    *recorder.0.lock() = before.recorded.up_to(&cuts);
    let seeds = first.seeds.part("restored");
    let config = ClusterConfig {
        partitions: manifest.partition_count,
        message_partitions: Some(manifest.message_partitions),
        lives: LIVES,
        ..shape(seeds.part("shape"), manifest, config_of(first.scenario))
    };
    let world = first.cluster.world();
    let cluster = SimCluster::with_share(world, config, first.cluster.share());
    let ears = recorder.clone();
    let observers: MakeObserver = Box::new(move |node: NodeId, life| ears.observer(node.0, life));
    cluster.set_observers(observers);
    let run = Run {
        client: Client::after(&cluster, &recorder, REFERENCES),
        outages: Outages::default(),
        backups: Backups::new(seeds.value()),
        seeds,
        manner: Rc::new(Cell::new(Manner::Careful)),
        cluster,
        recorder,
        scenario: first.scenario,
    };
    let mut tasks = Tasks::default();
    let mut end = End::default();
    match begin(&run, backup.id).await {
        Ok(()) => {
            run.employ(&mut tasks);
            end = run.finish(&mut tasks).await;
        }
        Err(reason) => end.left.push(reason),
    }
    end.now_ms = EPOCH_MS + i64::try_from(world.elapsed().as_millis()).unwrap_or(0);
    drop(tasks);
    let states = if end.left.is_empty() { run.states().await } else { Vec::new() };
    let mut calls = calls_up_to(before, &cuts);
    calls.extend(run.client.take_calls());
    Evidence {
        partitions: before.partitions,
        partitions_at_end: run.cluster.partitions(),
        calls,
        recorded: std::mem::take(&mut *run.recorder.0.lock()),
        states,
        backups: Vec::new(),
        end,
    }
}

/// Brokers, gateways and copies of the new cluster: mostly those of the first one.
fn shape(seeds: Seeds, manifest: &Manifest, first: ClusterConfig) -> ClusterConfig {
    let mut chance = Chance::new(seeds.value());
    if chance.percent(60) {
        return first;
    }
    let (brokers, replication_factor) = chance.pick(&[(1, 1), (2, 1), (2, 2), (3, 3), (5, 3)]);
    // A node without others cannot have more partitions than it began with.
    let is_grown = manifest.message_partitions != manifest.partition_count;
    let gateways = u32::from(is_grown).max(chance.below(2) as u32);
    ClusterConfig { brokers, gateways, replication_factor, ..first }
}

/// Fills the disks of all brokers, and starts everything.
async fn begin(run: &Run<'_>, id: u64) -> Result<(), String> {
    for node in run.cluster.brokers() {
        let restored = restore_on(&run.cluster.node(node), settings(&run.cluster, id, node)).await;
        restored.map_err(|reason| format!("{node:?} cannot be restored: {reason}"))?;
    }
    let started = run.cluster.start_all().await;
    started.map_err(|reason| format!("the restored cluster does not start: {reason}"))?;
    let partitions = run.cluster.config().partitions;
    if run.cluster.wait_until(START_MAX, |it| is_led(it, partitions)).await {
        Ok(())
    } else {
        Err(format!("the restored cluster is not led within {START_MAX:?}"))
    }
}

/// What clients were told that the restored cluster knows; what came behind the cut never happened.
fn calls_up_to(before: &Evidence, cuts: &BTreeMap<u32, (u64, u64)>) -> Vec<Call> {
    let is_in = |partition: u32, at: u64| cuts.get(&partition).is_some_and(|cut| at <= cut.0);
    let handed_out = |job: &u64| {
        before.recorded.all().any(|(partition, record)| match &record.payload {
            Payload::JobBatch(JobBatchIntent::Activated, batch) => {
                is_in(partition, record.position) && batch.job_keys.contains(job)
            }
            _ => false,
        })
    };
    let happened = |call: &&Call| match &call.outcome {
        Outcome::Acknowledged { position, .. } => is_in(call.partition, *position),
        Outcome::Jobs(jobs) => jobs.iter().all(handed_out),
        _ => false,
    };
    before.calls.iter().filter(happened).cloned().collect()
}
