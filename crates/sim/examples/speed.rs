//! How fast a simulated cluster is: simulated time per real time, idle and under a light load.
//!
//! `cargo run --release -p skep-sim --example speed -- [brokers] [seconds]`

#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use std::time::{Duration, Instant};

use skep_sim::{ClusterConfig, Crash, NodeId, Options, SimCluster, simulate};

const RESTARTS: u32 = 200;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|it| it.parse::<u32>().expect("a number"));
    let brokers = arguments.next().unwrap_or(3);
    let seconds = arguments.next().unwrap_or(60);
    let config = ClusterConfig {
        brokers,
        gateways: 0,
        replication_factor: brokers,
        ..ClusterConfig::default()
    };
    let simulated = simulate(1, Options::default(), async |world| {
        let cluster = SimCluster::new(&world, config);
        let started = Instant::now();
        cluster.start_all().await.expect("it starts");
        println!("start: {:?} simulated, {:?} real", world.elapsed(), started.elapsed());
        let idle = Instant::now();
        let events = world.trace().hash().1;
        let steps: u64 = cluster.brokers().iter().map(|id| cluster.steps(*id)).sum();
        tokio::time::sleep(Duration::from_secs(seconds.into())).await;
        let took = idle.elapsed();
        let events = world.trace().hash().1 - events;
        let steps = cluster.brokers().iter().map(|id| cluster.steps(*id)).sum::<u64>() - steps;
        println!(
            "idle: {seconds} s simulated in {took:?}: {:.0} x; {} events/s, {} steps/s",
            f64::from(seconds) / took.as_secs_f64(),
            events / u64::from(seconds),
            steps / u64::from(seconds)
        );
        let restarts = Instant::now();
        for _ in 0..RESTARTS {
            cluster.crash(NodeId(0), Crash::PowerLoss);
            cluster.start(NodeId(0)).await.expect("it starts again");
        }
        println!("restart of a broker: {:?} real", restarts.elapsed() / RESTARTS);
    });
    println!("{:?} {:?}", simulated.value, simulated.panics);
}
