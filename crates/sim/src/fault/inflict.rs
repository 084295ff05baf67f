//! Makes a fault happen to a cluster, and ends it.

use std::collections::BTreeSet;
use std::time::Duration;

use skep_broker::PartitionRole;
use skep_broker::metadata::{ManageRequest, RefusalKind, Wanted, WantedBrokers};
use skep_env::DiskOperation;
use tokio::time::Instant;

use super::{Backups, Fault, Outages, Planned};
use crate::cluster::{NodeId, SHARE_NODE, SimCluster};
use crate::life::Crash;
use crate::net::{Cut, Link};

/// How long a node that is stopped in an orderly way may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes a fault happen, waits until it is over, and ends it. What it leaves behind is healed by
/// the end of all faults.
pub(crate) async fn inflict(
    cluster: SimCluster,
    outages: Outages,
    backups: Backups,
    planned: Planned,
) {
    let lasting = Duration::from_millis(planned.for_ms);
    let end = Instant::now() + lasting;
    let network = cluster.network();
    match planned.fault {
        Fault::Kill { node } => crash(&cluster, &outages, NodeId(node), Crash::Kill, end),
        Fault::PowerLoss { node } => crash(&cluster, &outages, NodeId(node), Crash::PowerLoss, end),
        Fault::Blackout => {
            for node in cluster.nodes() {
                crash(&cluster, &outages, node, Crash::PowerLoss, end);
            }
            cluster.disk(SHARE_NODE).end(Some(Crash::PowerLoss));
        }
        Fault::CrashAtStep { node, steps, power } => {
            let how = if power { Crash::PowerLoss } else { Crash::Kill };
            outages.keep_down(NodeId(node), end);
            cluster.crash_after_steps(NodeId(node), steps, how);
        }
        Fault::Pause { node } => {
            cluster.pause(NodeId(node));
            tokio::time::sleep(lasting).await;
            cluster.resume(NodeId(node));
        }
        Fault::CutOneWay { from, to, lose } => {
            network.cut(from, to, how(lose));
            tokio::time::sleep(lasting).await;
            network.heal(from, to);
        }
        Fault::Cut { one, other, lose } => between(&cluster, &[(one, other)], lose, lasting).await,
        Fault::Isolate { node, lose } => {
            let others = cluster.nodes().into_iter().filter(|other| other.0 != node);
            let pairs: Vec<_> = others.map(|other| (node, other.0)).collect();
            between(&cluster, &pairs, lose, lasting).await;
        }
        Fault::CutLeaders { from_partition, to_partition } => {
            let (from, to) = (leader(&cluster, from_partition), leader(&cluster, to_partition));
            if let (Some(from), Some(to)) = (from, to)
                && from != to
            {
                network.cut(from.0, to.0, Cut::Lose);
                tokio::time::sleep(lasting).await;
                network.heal(from.0, to.0);
            }
        }
        fault @ (Fault::BadNetwork { .. } | Fault::SlowLink { .. } | Fault::Reset { .. }) => {
            links(&cluster, &fault, lasting).await;
        }
        fault @ (Fault::SlowDisk { .. }
        | Fault::FullDisk { .. }
        | Fault::FailDisk { .. }
        | Fault::FlipBit { .. }
        | Fault::Wipe { .. }) => disks(&cluster, &outages, &fault, lasting).await,
        Fault::ClockJump { node, by_ms } => {
            cluster.clock(NodeId(node)).jump(by_ms);
            tokio::time::sleep(lasting).await;
            cluster.clock(NodeId(node)).jump(-by_ms);
        }
        Fault::ClockDrift { node, ppm } => {
            cluster.clock(NodeId(node)).set_drift(ppm);
            tokio::time::sleep(lasting).await;
            cluster.clock(NodeId(node)).set_drift(0);
        }
        Fault::RollingRestart => {
            for node in cluster.brokers() {
                if cluster.is_up(node) {
                    cluster.stop(node, STOP_TIMEOUT).await;
                    tokio::time::sleep(lasting / 4).await;
                }
            }
        }
        Fault::Backup => backups.take(&cluster).await,
        Fault::Rebalance => manage(&cluster, ManageRequest::Rebalance).await,
        Fault::Replace { add, remove } => {
            cluster.add(NodeId(add));
            let brokers = WantedBrokers::Other {
                add: BTreeSet::from([add]),
                remove: remove.into_iter().collect(),
            };
            let wanted = Wanted::Shape {
                brokers: Some(brokers),
                partition_count: None,
                replication_factor: None,
            };
            // The operator starts it; until then nobody lets it in.
            tokio::time::sleep(lasting).await;
            manage(&cluster, ManageRequest::Change { wanted, dry_run: false, force: false }).await;
        }
        Fault::AddPartitions { partitions } => {
            let wanted = Wanted::Shape {
                brokers: None,
                partition_count: Some(partitions),
                replication_factor: None,
            };
            manage(&cluster, ManageRequest::Change { wanted, dry_run: false, force: false }).await;
        }
    }
}

fn crash(cluster: &SimCluster, outages: &Outages, node: NodeId, how: Crash, end: Instant) {
    outages.keep_down(node, end);
    cluster.crash(node, how);
}

fn how(lose: bool) -> Cut {
    if lose { Cut::Lose } else { Cut::Hold }
}

async fn between(cluster: &SimCluster, pairs: &[(u32, u32)], lose: bool, lasting: Duration) {
    let network = cluster.network();
    for (one, other) in pairs {
        network.cut(*one, *other, how(lose));
        network.cut(*other, *one, how(lose));
    }
    tokio::time::sleep(lasting).await;
    for (one, other) in pairs {
        network.heal(*one, *other);
        network.heal(*other, *one);
    }
}

async fn links(cluster: &SimCluster, fault: &Fault, lasting: Duration) {
    let network = cluster.network();
    match fault {
        Fault::BadNetwork { lose_ppm, repeat_ppm, reorder_ppm, spike_ppm, spike_ms } => {
            network.set_default(Link {
                lose_ppm: *lose_ppm,
                repeat_ppm: *repeat_ppm,
                reorder_ppm: *reorder_ppm,
                spike_ppm: *spike_ppm,
                spike_us: spike_ms * 1_000,
                ..Link::default()
            });
            tokio::time::sleep(lasting).await;
            network.set_default(Link::default());
        }
        Fault::SlowLink { from, to, extra_ms } => {
            let slow = Link::default().slower(Duration::from_millis(*extra_ms));
            network.set_link(*from, *to, slow);
            tokio::time::sleep(lasting).await;
            network.set_link(*from, *to, Link::default());
        }
        Fault::Reset { one, other } => network.reset(*one, *other),
        _ => {}
    }
}

async fn disks(cluster: &SimCluster, outages: &Outages, fault: &Fault, lasting: Duration) {
    match fault {
        Fault::SlowDisk { node, sync_ms } => {
            let slow = Duration::from_millis(*sync_ms);
            cluster.disk(NodeId(*node)).slow(slow / 2, slow);
            tokio::time::sleep(lasting).await;
            cluster.disk(NodeId(*node)).slow(Duration::ZERO, Duration::ZERO);
        }
        Fault::FullDisk { node, room } => {
            cluster.disk(NodeId(*node)).set_room(Some(*room));
            tokio::time::sleep(lasting).await;
            cluster.disk(NodeId(*node)).set_room(None);
        }
        Fault::FailDisk { node, nth, sync } => {
            let operation = if *sync { DiskOperation::SyncData } else { DiskOperation::Write };
            cluster.disk(NodeId(*node)).fail(operation, *nth);
        }
        Fault::FlipBit { node } => {
            outages.damage(NodeId(*node));
            cluster.disk(NodeId(*node)).flip_bit("journal");
        }
        Fault::Wipe { node } => {
            outages.damage(NodeId(*node));
            outages.keep_down(NodeId(*node), Instant::now() + lasting);
            cluster.wipe(NodeId(*node));
        }
        _ => {}
    }
}

/// The node that leads a partition, by its own word.
pub(crate) fn leader(cluster: &SimCluster, partition: u32) -> Option<NodeId> {
    cluster.brokers().into_iter().find(|node| {
        cluster.broker(*node).is_some_and(|broker| {
            broker.topology().local().iter().any(|status| {
                status.id == partition && matches!(status.role, PartitionRole::Leader)
            })
        })
    })
}

/// Whether a change of the cluster is under way, or nobody can say.
pub(crate) async fn is_changing(cluster: &SimCluster) -> bool {
    for node in cluster.brokers().into_iter().filter(|node| cluster.broker(*node).is_some()) {
        match cluster.backend(node).manage(ManageRequest::Cluster).await {
            Ok(view) => return view.get("pendingChange").is_some(),
            // A node without others has nothing that could be changed.
            Err(refusal) if refusal.kind == RefusalKind::Unsupported => return false,
            Err(_) => {}
        }
    }
    true
}

/// Asks the first broker that is up, until one of them does it or patience ends.
async fn manage(cluster: &SimCluster, request: ManageRequest) {
    for _ in 0..MANAGE_ATTEMPTS_MAX {
        for node in cluster.brokers() {
            if cluster.broker(node).is_some()
                && cluster.backend(node).manage(request.clone()).await.is_ok()
            {
                return;
            }
        }
        tokio::time::sleep(MANAGE_PAUSE).await;
    }
}

/// How often the cluster is asked for a change, and the pause between two attempts.
const MANAGE_ATTEMPTS_MAX: u32 = 5;
const MANAGE_PAUSE: Duration = Duration::from_millis(400);
