//! What happens to a cluster: one function a fault. Each ends with the fault undone; whether the cluster comes back is looked at after each.

use crate::availability::RunClock;
use crate::cluster::Cluster;
use crate::disk;
use crate::load::Load;
use crate::models;
use crate::settings::{Mode, Settings};
use crate::short;
use crate::versions;
use crate::work::{self, partition_of};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use skep_client::proto::CreateProcessInstanceRequest;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What a scenario cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Network namespaces.
    Network,
    /// A broker whose disk is small.
    SmallDisk,
}

/// A fault, or several.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) claim: &'static str,
    pub(crate) needs: &'static [Need],
    /// Part of what `cargo test` does.
    pub(crate) in_smoke: bool,
    pub(crate) run: fn(&mut Stage<'_>) -> Result<(), String>,
}

/// Every scenario, in the order in which they happen.
pub(crate) const SCENARIOS: [Scenario; 11] = [
    Scenario {
        name: "leader-kill",
        claim: "kill -9 of a partition's leader, over and over",
        needs: &[],
        in_smoke: true,
        run: leader_kill,
    },
    Scenario {
        name: "follower-kill",
        claim: "kill -9 of the broker that leads least",
        needs: &[],
        in_smoke: false,
        run: follower_kill,
    },
    Scenario {
        name: "gateway-kill",
        claim: "kill -9 of a gateway, the other one serves on",
        needs: &[],
        in_smoke: true,
        run: gateway_kill,
    },
    Scenario {
        name: "leader-pause",
        claim: "a leader stands still (SIGSTOP) and wakes up deposed",
        needs: &[],
        in_smoke: false,
        run: leader_pause,
    },
    Scenario {
        name: "disk-wiped",
        claim: "a broker loses its disk and gets everything from the others",
        needs: &[],
        in_smoke: false,
        run: disk_wiped,
    },
    Scenario {
        name: "rolling-restart",
        claim: "every node is stopped in order and started again, one after the other",
        needs: &[],
        in_smoke: false,
        run: rolling_restart,
    },
    Scenario {
        name: "slow-link",
        claim: "100 ms more between a leader and another broker, each way",
        needs: &[Need::Network],
        in_smoke: false,
        run: slow_link,
    },
    Scenario {
        name: "isolated-broker",
        claim: "a leader is cut from every other node, in both directions",
        needs: &[Need::Network],
        in_smoke: false,
        run: isolated_broker,
    },
    Scenario {
        name: "deployment-distribution",
        claim: "leader of partition 1 cut one way from leader of partition 3, ten versions deployed, healed",
        needs: &[Need::Network],
        in_smoke: true,
        run: deployment_distribution,
    },
    Scenario {
        name: "scaling",
        claim: "a broker comes, takes its share, gives it back and goes",
        needs: &[],
        in_smoke: false,
        run: scaling,
    },
    Scenario {
        name: "full-disk",
        claim: "the disk of one broker is full for a while",
        needs: &[Need::SmallDisk],
        in_smoke: false,
        run: full_disk,
    },
];

/// The names of all scenarios.
pub(crate) fn names() -> String {
    SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ")
}

/// Versions of the deployment experiment.
const VERSIONS: i32 = 10;

/// How long leaders may take to be elected anew. Far above what is measured: the test asks whether, the bench how fast.
const ELECTION_MAX: Duration = Duration::from_secs(30);

/// How long a version may take to reach every partition after a cut is healed.
const DISTRIBUTION_MAX: Duration = Duration::from_secs(60);

/// Size of the variables that fill a log.
const BALLAST_BYTES: usize = 512 * 1024;

/// Large creations at most: several segments of a log, and no more than that on the disks of the others.
const BALLAST_MAX: u64 = 400;

/// Large creations under way at once.
const BALLAST_AT_ONCE: usize = 6;

/// Where a scenario happens.
pub(crate) struct Stage<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) load: &'a Load,
    runtime: &'a Runtime,
    settings: &'a Settings,
    random: StdRng,
    small_disk: Option<&'a Path>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        cluster: &'a Cluster,
        load: &'a Load,
        runtime: &'a Runtime,
        settings: &'a Settings,
        small_disk: Option<&'a Path>,
    ) -> Self {
        let random = StdRng::seed_from_u64(settings.seed);
        Self { cluster, load, runtime, settings, random, small_disk }
    }

    fn clock(&self) -> RunClock {
        self.load.clock
    }

    /// Lets load pass for some time that the seed decides.
    fn linger(&mut self, max_ms: u64) {
        let ms = self.random.random_range(0..=max_ms);
        std::thread::sleep(Duration::from_millis(ms));
    }

    /// A fault that lasts: full length in a full run, less in others.
    fn hold(&self, full_s: u64, short_s: u64) {
        let (full, less) = (Duration::from_secs(full_s), Duration::from_secs(short_s));
        std::thread::sleep(short(self.settings.mode, full, less));
    }

    /// The leader of some partition.
    fn some_leader(&mut self) -> Result<String, String> {
        let leaders = self.cluster.status()?.leaders();
        let all: Vec<&String> = leaders.values().collect();
        let chosen = all.choose(&mut self.random).ok_or("no partition has a leader")?;
        Ok((*chosen).clone())
    }

    fn kill(&self, node: &str) -> Result<(), String> {
        Cluster::kill_process(self.cluster.status()?.pid(node)?).map(|_| ())
    }

    fn restart(&self, node: &str) -> Result<(), String> {
        self.cluster.run(&["restart", node, "--kill", "--wait", "0"])?;
        self.cluster.wait_until_it_serves(self.settings.heal_max).map(|_| ())
    }
}

fn leader_kill(stage: &mut Stage<'_>) -> Result<(), String> {
    let rounds = match stage.settings.mode {
        Mode::Smoke => 2,
        Mode::Quick => 4,
        Mode::Full => 20,
    };
    for _ in 0..rounds {
        let leader = stage.some_leader()?;
        stage.kill(&leader)?;
        stage.cluster.wait_until_led(ELECTION_MAX)?;
        stage.linger(1_000);
        stage.restart(&leader)?;
        stage.linger(500);
    }
    Ok(())
}

fn follower_kill(stage: &mut Stage<'_>) -> Result<(), String> {
    for _ in 0..if stage.settings.mode == Mode::Full { 5 } else { 1 } {
        let leaders = stage.cluster.status()?.leaders();
        let led = |broker: &String| leaders.values().filter(|leader| *leader == broker).count();
        let brokers = stage.cluster.brokers();
        let follower = brokers.iter().min_by_key(|broker| led(broker)).ok_or("no brokers")?;
        stage.kill(follower)?;
        stage.linger(2_000);
        stage.restart(follower)?;
    }
    Ok(())
}

fn gateway_kill(stage: &mut Stage<'_>) -> Result<(), String> {
    for gateway in stage.cluster.nodes("gateway", "name") {
        stage.kill(&gateway)?;
        stage.hold(2, 1);
        stage.restart(&gateway)?;
    }
    Ok(())
}

fn leader_pause(stage: &mut Stage<'_>) -> Result<(), String> {
    let leader = stage.some_leader()?;
    stage.cluster.run(&["pause", &leader])?;
    stage.hold(10, 4);
    stage.cluster.run(&["resume", &leader]).map(|_| ())
}

fn disk_wiped(stage: &mut Stage<'_>) -> Result<(), String> {
    let leader = stage.some_leader()?;
    stage.cluster.run(&["wipe", &leader, "--wait", "60"]).map(|_| ())
}

fn rolling_restart(stage: &mut Stage<'_>) -> Result<(), String> {
    let nodes = [stage.cluster.brokers(), stage.cluster.nodes("gateway", "name")].concat();
    for node in nodes {
        stage.cluster.run(&["restart", &node, "--wait", "60"])?;
        stage.linger(500);
    }
    Ok(())
}

fn slow_link(stage: &mut Stage<'_>) -> Result<(), String> {
    let leader = stage.some_leader()?;
    let other = stage.cluster.brokers().into_iter().find(|broker| *broker != leader);
    let other = other.ok_or("there is only one broker")?;
    stage.cluster.run(&["net", "delay", &leader, &other, "100", "--both"])?;
    stage.hold(15, 5);
    stage.cluster.run(&["net", "clear"]).map(|_| ())
}

fn isolated_broker(stage: &mut Stage<'_>) -> Result<(), String> {
    let leader = stage.some_leader()?;
    let nodes = [stage.cluster.brokers(), stage.cluster.nodes("gateway", "name")].concat();
    for other in nodes.iter().filter(|node| **node != leader) {
        stage.cluster.run(&["net", "block", &leader, other, "--both"])?;
    }
    stage.hold(10, 5);
    stage.cluster.run(&["net", "clear"]).map(|_| ())
}

/// The experiment that the project is named after in its seed, with what the seed did not ask: every version on every partition, results.
fn deployment_distribution(stage: &mut Stage<'_>) -> Result<(), String> {
    let (one, three) = apart(stage.cluster, 1, 3)?;
    stage.cluster.run(&["net", "block", &one, &three])?;
    let client = stage.load.clients[0].clone();
    let mut slowest = Duration::ZERO;
    for number in 0..VERSIONS {
        let files = models::multi_version(number as usize);
        let began = Instant::now();
        let version = stage
            .runtime
            .block_on(work::deploy(&client, &files))
            .map_err(|error| format!("version {} is not deployed: {error}", number + 1))?;
        slowest = slowest.max(began.elapsed());
        if version != number + 1 {
            return Err(format!("deployment {} gave version {version}", number + 1));
        }
    }
    stage.hold(30, 3);
    let soon = Instant::now() + Duration::from_secs(1);
    let (clients, partitions) = (&stage.load.clients, stage.cluster.partitions());
    let everywhere = |version, deadline| {
        versions::start_everywhere(clients, "multiVersion", version, partitions, deadline)
    };
    let missing = stage.runtime.block_on(everywhere(VERSIONS, soon));
    stage.cluster.run(&["net", "unblock", &one, &three])?;
    let healed = Instant::now();
    let missing_after = stage.runtime.block_on(everywhere(VERSIONS, healed + DISTRIBUTION_MAX));
    println!(
        "  {one} -/-> {three}: slowest deploy {slowest:?}; version {VERSIONS} was missing on {missing:?}, {:?} after the heal on none",
        healed.elapsed()
    );
    if !missing_after.is_empty() {
        return Err(format!("version {VERSIONS} never reached partitions {missing_after:?}"));
    }
    // What has the newest has all before it: versions arrive in order.
    for version in (1..VERSIONS).rev() {
        let missing =
            stage.runtime.block_on(everywhere(version, Instant::now() + Duration::from_secs(10)));
        if !missing.is_empty() {
            return Err(format!("version {version} is missing on {missing:?}, a later one is not"));
        }
    }
    stage.runtime.block_on(decides_everywhere(stage.load, partitions))
}

/// Instances of the newest version come to their end on every partition, with what the decision says.
async fn decides_everywhere(load: &Load, partitions: u64) -> Result<(), String> {
    let mut missing: BTreeSet<u64> = (1..=partitions).collect();
    let deadline = Instant::now() + DISTRIBUTION_MAX;
    while !missing.is_empty() {
        let request = CreateProcessInstanceRequest::latest("multiVersion").with_version(VERSIONS);
        let result = load.clients[0]
            .create_process_instance_with_result(
                request.awaiting_result(work::CALL_MAX, Vec::new()),
            )
            .await;
        match result {
            Ok(result) if result.variables.contains("yolo") => {
                missing.remove(&partition_of(result.process_instance_key));
            }
            Ok(result) => return Err(format!("an instance ended with {}", result.variables)),
            Err(error) if Instant::now() > deadline => {
                return Err(format!("no result on partitions {missing:?}: {error}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    Ok(())
}

/// The leaders of two partitions, on two nodes; leaders are moved until they are.
pub(crate) fn apart(cluster: &Cluster, one: u64, other: u64) -> Result<(String, String), String> {
    for _ in 0..10 {
        let leaders = cluster.status()?.leaders();
        let (Some(one), Some(other)) = (leaders.get(&one), leaders.get(&other)) else {
            cluster.wait_until_led(ELECTION_MAX)?;
            continue;
        };
        if one != other {
            return Ok((one.clone(), other.clone()));
        }
        // Each partition has another broker that leads it first, so this is enough, unless that one is behind.
        cluster.run(&["rebalance"])?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Err(format!("the leaders of partitions {one} and {other} stay on one node"))
}

fn scaling(stage: &mut Stage<'_>) -> Result<(), String> {
    stage.cluster.run(&["add"])?;
    stage.cluster.run(&["scale", "--brokers", "4"])?;
    stage.hold(5, 1);
    stage.cluster.run(&["rebalance"])?;
    stage.cluster.run(&["scale", "--brokers", "3"])?;
    stage.cluster.run(&["remove", "broker-3"]).map(|_| ())
}

fn full_disk(stage: &mut Stage<'_>) -> Result<(), String> {
    let folder: PathBuf = stage.small_disk.ok_or("this cluster has no small disk")?.to_path_buf();
    let began = stage.clock().now_us();
    let filler = disk::Filler::fill(&folder)?;
    let hold = short(stage.settings.mode, Duration::from_secs(15), Duration::from_secs(5));
    let (taken, refused) = stage.runtime.block_on(ballast(stage.load, hold));
    drop(filler);
    println!(
        "  the disk was full for {} ms; {taken} large creations were taken, {refused} were not",
        (stage.clock().now_us() - began) / 1_000
    );
    let log = std::fs::read_to_string(folder.with_extension("log")).unwrap_or_default();
    // Its log waits for space, or a checkpoint of its state finds none.
    if ["disk is full", "No space left"].iter().any(|words| log.contains(words)) {
        return Ok(());
    }
    // A fault that nobody felt proves nothing.
    Err("the broker never noticed that its disk was full".to_owned())
}

/// Creates instances with large variables, which end at once: without them a broker would live on the log that it has reserved, and
/// never notice.
async fn ballast(load: &Load, hold: Duration) -> (u64, u64) {
    let deadline = Instant::now() + hold;
    let variables = format!(r#"{{"ballast": "{}"}}"#, "x".repeat(BALLAST_BYTES));
    let (mut taken, mut refused) = (0, 0);
    while Instant::now() < deadline {
        if taken >= BALLAST_MAX {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        let calls = (0..BALLAST_AT_ONCE).map(|turn| {
            let request = CreateProcessInstanceRequest::latest(models::ROLLED_OUT);
            let client = &load.clients[turn % load.clients.len()];
            client.create_process_instance(request.with_variables(&variables))
        });
        for answer in futures::future::join_all(calls).await {
            match answer {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
        }
    }
    (taken, refused)
}
