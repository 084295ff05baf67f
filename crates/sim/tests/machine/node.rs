//! One broker on the simulated machine.

use std::time::Duration;

use skep_sim::{ClusterConfig, Crash, NodeId, Options, SimCluster, Simulated, World, simulate};

use crate::support::Client;

const NODE: NodeId = NodeId(0);

fn alone() -> ClusterConfig {
    ClusterConfig { brokers: 1, gateways: 0, replication_factor: 1, ..ClusterConfig::default() }
}

/// Instances are created and half of them completed; the node crashes; the other half completes.
async fn lives_through(world: World, how: Crash) -> usize {
    let cluster = SimCluster::new(&world, alone());
    cluster.start_all().await.expect("it starts");
    let client = Client(cluster.backend(NODE));
    client.deploy().await.expect("deployed");
    let mut created = 0;
    for number in 0..30 {
        match client.create(number % 3 + 1).await {
            Ok(_) => created += 1,
            // The deployment may not have reached all partitions.
            Err(error) => panic!("{error:?}"),
        }
    }
    let mut jobs = Vec::new();
    for partition in 1..=3 {
        jobs.extend(client.activate(partition).await.expect("jobs"));
    }
    assert_eq!(jobs.len(), created);
    let (now, later) = jobs.split_at(15);
    for job in now {
        assert!(client.complete(*job).await.expect("completed"));
    }
    cluster.crash(NODE, how);
    assert!(client.create(1).await.expect_err("it is down").not_accepted);
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.start(NODE).await.expect("it starts again");
    for job in later {
        assert!(client.complete(*job).await.expect("an answer"), "it is still there");
    }
    for partition in 1..=3 {
        assert!(client.activate(partition).await.expect("an answer").is_empty());
    }
    assert!(cluster.stop(NODE, Duration::from_secs(10)).await, "it stops in good order");
    created
}

fn check<T: std::fmt::Debug>(simulated: Simulated<T>) -> T {
    assert_eq!(simulated.panics, Vec::<String>::new());
    simulated.value.expect("no panic")
}

#[test]
fn a_broker_lives_through_a_kill_and_a_loss_of_power() {
    for seed in 0..5 {
        for how in [Crash::Kill, Crash::PowerLoss] {
            let simulated =
                simulate(seed, Options::default(), async |world| lives_through(world, how).await);
            assert!(simulated.simulated > Duration::from_secs(1));
            assert_eq!(check(simulated), 30);
        }
    }
}

#[test]
fn a_seed_is_one_run() {
    let run = |seed| {
        let options = Options { record: true };
        simulate(seed, options, async |world| lives_through(world, Crash::PowerLoss).await)
    };
    let (first, again, other) = (run(1), run(1), run(2));
    let differs = first.recorded.iter().zip(&again.recorded).position(|(a, b)| a != b);
    assert_eq!(differs, None, "the first event that differs");
    assert_eq!((first.trace_hash, first.events), (again.trace_hash, again.events));
    assert_ne!(first.trace_hash, other.trace_hash);
}
