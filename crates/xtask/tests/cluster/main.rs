//! A cluster of real processes under load and under faults: nothing acknowledged is lost, nothing happens twice.
//!
//! Three brokers and two gateways, started by `skep cluster start`, with a network namespace each where the machine allows it. Clients load
//! both gateways all the time; [`scenario`]s kill, pause, wipe, cut and slow down nodes; an independent checker ([`ledger`],
//! [`versions`]) knows only what clients were told, and judges that. `cargo test` runs a short form, `cargo xtask cluster-test` everything,
//! `cargo xtask cluster-bench` the figures of `docs/benchmarks.md` ([`figures`]).
#![allow(
    clippy::disallowed_methods,
    reason = "starts processes, reads its settings from the environment and waits for real time to pass"
)]

mod availability;
#[path = "../support/binary.rs"]
mod binary;
mod cluster;
mod disk;
mod figures;
#[path = "../crash/ledger.rs"]
mod ledger;
mod load;
#[path = "../support/look.rs"]
mod look;
mod models;
mod report;
mod scenario;
mod settings;
mod versions;
mod work;

use cluster::Cluster;
use load::Load;
use report::Report;
use scenario::{SCENARIOS, Scenario, Stage};
use settings::{Mode, Settings};
use std::time::{Duration, Instant};

/// Load before the first fault and after the last one.
const CALM: Duration = Duration::from_secs(1);

/// How long everything may take to finish when no fault is left.
const DRAIN_MAX: Duration = Duration::from_secs(120);

#[test]
fn nothing_is_lost_or_doubled_whatever_happens_to_nodes_and_network() {
    let settings = Settings::read();
    let wanted: Vec<&Scenario> =
        SCENARIOS.iter().filter(|scenario| settings.wants(scenario)).collect();
    assert!(!wanted.is_empty(), "no scenario has that name; there are: {}", scenario::names());
    let mut report = Report::new(&settings);
    // The full disk takes a broker whose disk is small from the start, so it has a cluster of its own.
    for is_small in [false, true] {
        let group: Vec<&Scenario> = wanted
            .iter()
            .copied()
            .filter(|scenario| scenario.needs.contains(&scenario::Need::SmallDisk) == is_small)
            .collect();
        if !group.is_empty() {
            run(&settings, &group, is_small, &mut report);
        }
    }
    println!("{}", report.table());
    report.write(&settings);
    assert!(report.violations.is_empty(), "{}", report.violations.join("\n"));
}

/// The figures of a cluster; not a test of anything, so only on request.
#[test]
#[ignore = "measures for minutes: cargo xtask cluster-bench"]
fn cluster_bench() {
    figures::run(&Settings::read());
}

/// Loads one cluster, lets the scenarios happen to it one after the other, and judges.
fn run(settings: &Settings, scenarios: &[&Scenario], small_disk: bool, report: &mut Report) {
    let disk = if small_disk {
        match disk::SmallDisk::mount(&settings.folder.join("small-disk/broker-2")) {
            Ok(disk) => Some(disk),
            Err(message) => {
                return report.skip(scenarios, &format!("no small disk here: {message}"));
            }
        }
    } else {
        None
    };
    let name = if small_disk { "small-disk" } else { "cluster" };
    let cluster = Cluster::start(settings, &settings.folder.join(name), settings.netns)
        .unwrap_or_else(|message| panic!("{message}"));
    report.cluster(&cluster);
    let runtime = work::runtime();
    let load = runtime.block_on(Load::start(&cluster, settings.rate_per_s));
    std::thread::sleep(CALM);
    let mut stage =
        Stage::new(&cluster, &load, &runtime, settings, disk.as_ref().map(disk::SmallDisk::folder));
    for scenario in scenarios {
        if scenario.needs.contains(&scenario::Need::Network) && !cluster.has_namespaces() {
            report.skip(&[scenario], "no network namespaces here");
            continue;
        }
        println!("{}: {}", scenario.name, scenario.claim);
        let began = load.clock.now_us();
        let before = load.counts();
        let outcome = (scenario.run)(&mut stage);
        let healed = cluster.wait_until_it_serves(settings.heal_max).map(|_| ());
        let window = began..load.clock.now_us();
        for problem in [outcome, healed].into_iter().filter_map(Result::err) {
            report.violations.push(format!("{}: {problem}", scenario.name));
        }
        report.fault(scenario, &load, before, &window, cluster.partitions());
        println!("  {}", load.summary());
    }
    std::thread::sleep(CALM);
    finish(&cluster, load, &runtime, report);
    drop(cluster);
    drop(disk);
}

/// Ends the load, waits until everything is finished, and asks the checkers.
fn finish(
    cluster: &Cluster,
    mut load: Load,
    runtime: &tokio::runtime::Runtime,
    report: &mut Report,
) {
    runtime.block_on(load.stop_creating());
    let doubts_end = Instant::now() + load::JOB_TIMEOUT * 2;
    // What is open when the time is over is a finding of the ledger.
    let _ = look::until(DRAIN_MAX, look::PAUSE, || {
        // By now each job that is not over has been offered again: what is left in doubt can be asked.
        if Instant::now() > doubts_end {
            runtime.block_on(load.settle_doubts());
        }
        Ok((load.ledger.open_count() == 0).then_some(()))
    });
    runtime.block_on(load.stop_working());
    runtime.block_on(load.look_for_leftovers());
    let versions = runtime.block_on(load.versions.settle(&load.clients, cluster.partitions()));
    report.totals(&load);
    report.violations.extend(load.ledger.verdict());
    report.violations.extend(versions);
}

/// Smoke tests run while other tests do, so they take what they need to and no more.
fn short(mode: Mode, full: Duration, short: Duration) -> Duration {
    if mode == Mode::Full { full } else { short }
}
