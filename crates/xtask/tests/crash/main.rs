//! `kill -9` at any moment loses nothing acknowledged and duplicates nothing.
//!
//! A real `skep serve` process is loaded by real clients and killed at random moments, over and over, on the same data. An independent
//! checker ([`ledger`]) knows only what clients were told, and judges that. `cargo test` runs a few rounds;
//! `cargo xtask crash-test --rounds N --seed S` runs as many as one likes.
#![allow(
    clippy::disallowed_methods,
    reason = "starts processes, reads its settings from the environment and waits for real time to pass"
)]

#[path = "../support/binary.rs"]
mod binary;
mod ledger;
#[path = "../support/look.rs"]
mod look;
#[path = "../../src/server.rs"]
#[allow(dead_code, reason = "the bench uses the rest of it")]
mod server;
mod workload;

use ledger::Ledger;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use server::{Ports, Server};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use workload::Workload;

/// Kills in a run of `cargo test`: enough to see a server that forgets, few enough for everyday use.
const ROUNDS_DEFAULT: u32 = 4;

/// Milliseconds that a server lives under load before it is killed: from "just up" to "has written checkpoints".
const LIFE_MS: std::ops::Range<u64> = 1..900;

/// How long after the last kill everything has to be finished.
const DRAIN_MAX: Duration = Duration::from_secs(60);

#[test]
fn killed_server_loses_nothing_and_duplicates_nothing() {
    let rounds = setting("SKEP_CRASH_ROUNDS").map_or(ROUNDS_DEFAULT, |rounds| rounds as u32);
    let seed = setting("SKEP_CRASH_SEED").unwrap_or(1);
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let violations = run(&binary::binary("SKEP_CRASH_BINARY"), &folder, rounds, seed);
    assert!(
        violations.is_empty(),
        "after kills with seed {seed} (data and log are kept in {}):\n{}",
        folder.display(),
        violations.join("\n")
    );
    std::fs::remove_dir_all(&folder).expect("the folder of this test can be removed");
}

/// Loads and kills a server `rounds` times, lets everything finish, and returns what was wrong.
fn run(binary: &Path, folder: &Path, rounds: u32, seed: u64) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(seed);
    let ports = Ports::free().expect("there are free ports");
    let start = || {
        Server::start(
            binary,
            &folder.join("data"),
            &folder.join("log"),
            ports,
            &["--partitions", "3"],
        )
        .unwrap_or_else(|message| panic!("{message}"))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started");
    let ledger = Arc::new(Ledger::default());
    let mut server = start();
    let workload = {
        let _inside = runtime.enter();
        Workload::new(&server.grpc_address(), ledger.clone())
    };
    runtime.block_on(workload.deploy());
    let creators = runtime.block_on(async { workload.start_creating() });
    let workers = runtime.block_on(async { workload.start_working() });
    let mut slowest_start = Duration::ZERO;
    for round in 1..=rounds {
        std::thread::sleep(Duration::from_millis(random.random_range(LIFE_MS)));
        server.kill();
        server = start();
        slowest_start = slowest_start.max(server.start_time());
        println!("kill {round}: back after {:?}; {}", server.start_time(), ledger.summary());
    }
    creators.stop(&runtime);
    let doubts_end = Instant::now() + workload::JOB_TIMEOUT * 2;
    // What is open when the time is over is a finding of the ledger.
    let _ = look::until(DRAIN_MAX, look::PAUSE, || {
        // By now each job that is not over has been offered again: what is left in doubt can be asked.
        if Instant::now() > doubts_end {
            runtime.block_on(workload.settle_doubts());
        }
        Ok((ledger.open_count() == 0).then_some(()))
    });
    workers.stop(&runtime);
    runtime.block_on(workload.look_for_leftovers());
    println!("{rounds} kills, seed {seed}: {}; slowest start {slowest_start:?}", ledger.summary());
    ledger.verdict()
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}
