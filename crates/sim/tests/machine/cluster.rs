//! Three brokers and two gateways on the simulated machine.

use std::time::Duration;

use skep_sim::{
    ClusterConfig, Crash, Cut, NodeId, Options, SimCluster, Simulated, World, simulate,
};

use crate::support::{Client, TIMEOUT};

const MINUTE: Duration = Duration::from_secs(60);

/// Waits until every partition takes commands through this gateway, and has the process.
async fn ready(cluster: &SimCluster, client: &Client) {
    let partitions = cluster.config().partitions;
    for partition in 1..=partitions {
        let started = cluster.world().elapsed();
        while let Err(error) = client.try_create(partition).await {
            let waited = cluster.world().elapsed() - started;
            assert!(waited < MINUTE, "partition {partition}: {error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn started(world: &World) -> (SimCluster, Client) {
    let cluster = SimCluster::new(world, ClusterConfig::default());
    cluster.start_all().await.expect("it starts");
    let client = Client(cluster.backend(NodeId::gateway(0)));
    let begun = world.elapsed();
    while let Err(error) = client.deploy().await {
        assert!(world.elapsed() - begun < MINUTE, "{error:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ready(&cluster, &client).await;
    (cluster, client)
}

/// The broker that leads a partition, as the first gateway sees it.
fn leader(cluster: &SimCluster, partition: u32) -> Option<NodeId> {
    let topology = cluster.backend(NodeId::gateway(0)).topology();
    let led = topology.brokers.iter().find(|broker| {
        broker.partitions.iter().any(|replica| {
            replica.id == partition && replica.role == skep_broker::PartitionRole::Leader
        })
    });
    led.map(|broker| NodeId(broker.node_id))
}

async fn loses_its_leaders(world: World, how: Crash) -> u32 {
    let (cluster, client) = started(&world).await;
    let mut acknowledged = 0;
    for partition in 1..=cluster.config().partitions {
        let leader = leader(&cluster, partition).expect("somebody leads");
        cluster.crash(leader, how);
        let crashed = world.elapsed();
        while client.try_create(partition).await.is_err() {
            assert!(world.elapsed() - crashed < MINUTE, "nobody leads partition {partition}");
        }
        acknowledged += 1;
        cluster.start(leader).await.expect("it starts again");
    }
    cluster.heal_all().await.expect("all of them are up");
    ready(&cluster, &client).await;
    acknowledged
}

fn check<T: std::fmt::Debug>(simulated: Simulated<T>) -> T {
    assert_eq!(simulated.panics, Vec::<String>::new());
    simulated.value.expect("no panic")
}

#[test]
fn a_cluster_goes_on_when_leaders_crash() {
    for (seed, how) in [(1, Crash::Kill), (2, Crash::PowerLoss)] {
        let run =
            simulate(seed, Options::default(), async |world| loses_its_leaders(world, how).await);
        assert_eq!(check(run), 3);
    }
}

#[test]
fn a_seed_of_a_cluster_is_one_run() {
    let run = |seed| {
        simulate(seed, Options { record: true }, async |world| {
            loses_its_leaders(world, Crash::PowerLoss).await
        })
    };
    let (first, again) = (run(7), run(7));
    let differs = first.recorded.iter().zip(&again.recorded).position(|(a, b)| a != b);
    let around = differs.map(|at| (&first.recorded[at.saturating_sub(5)..=at], again.recorded[at]));
    assert_eq!(around, None, "the first event that differs is the last of these");
    assert_eq!((first.trace_hash, first.events), (again.trace_hash, again.events));
}

#[test]
fn a_cluster_goes_on_when_one_broker_is_cut_off_paused_or_wiped() {
    let run = simulate(3, Options::default(), async |world: World| {
        let (cluster, client) = started(&world).await;
        let victim = leader(&cluster, 1).expect("somebody leads");
        for other in cluster.nodes().into_iter().filter(|other| *other != victim) {
            cluster.network().cut(victim.0, other.0, Cut::Hold);
            cluster.network().cut(other.0, victim.0, Cut::Hold);
        }
        ready(&cluster, &client).await;
        cluster.heal_all().await.expect("healed");
        ready(&cluster, &client).await;
        let victim = leader(&cluster, 2).expect("somebody leads");
        cluster.pause(victim);
        ready(&cluster, &client).await;
        cluster.heal_all().await.expect("healed");
        let victim = leader(&cluster, 3).expect("somebody leads");
        cluster.wipe(victim);
        ready(&cluster, &client).await;
        cluster.start(victim).await.expect("it starts with nothing");
        ready(&cluster, &client).await;
        assert!(cluster.stop(victim, TIMEOUT).await);
    });
    check(run);
}
