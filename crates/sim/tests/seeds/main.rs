//! Whole clusters under seeds: what `cargo xtask sim` runs by the thousand, a share of it.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic like tests do")]

#[cfg(feature = "mutation")]
mod mutations;
mod scenarios;

use skep_sim::run::Report;
use skep_sim::scenario::{Scenario, Shape};
use skep_sim::sweep::{Plan, Summary, sweep};

/// Seeds of small clusters and of large ones.
const SEEDS_ALONE: u64 = 180;
const SEEDS_CLUSTER: u64 = 30;
/// Phase with faults, shorter than in long runs.
const DURATION_MS_MAX: u64 = 1_500;

fn plan(first: u64, count: u64) -> Plan {
    Plan { first, count, threads: 2, failures_max: 1, repeat_every: 20 }
}

fn shortened(mut scenario: Scenario) -> Scenario {
    if scenario.duration_ms > DURATION_MS_MAX {
        scenario.duration_ms = DURATION_MS_MAX;
        scenario.actions.retain(|timed| timed.at_ms < DURATION_MS_MAX);
        scenario.faults.retain(|planned| planned.at_ms < DURATION_MS_MAX);
    }
    scenario
}

fn quiet(_: u64, _: &Report) {}

fn assert_clean(summary: &Summary, count: u64) {
    if let Some(failure) = summary.failures.first() {
        panic!("seed {}: {:#?}", failure.seed, failure.report.violations);
    }
    assert_eq!(summary.not_repeatable, Vec::<u64>::new(), "every seed is one run");
    assert_eq!(summary.seeds, count);
    assert!(summary.calls.acknowledged > count, "clients get something done");
    assert!(summary.records > 100 * count, "partitions do something");
}

#[test]
fn a_share_of_seeds_on_one_broker() {
    let shape = Shape { brokers: 1, gateways: 0, replication_factor: 1, ..Shape::default() };
    let of = |seed| shortened(Scenario::with_shape(seed, shape));
    assert_clean(&sweep(plan(1, SEEDS_ALONE), of, || true, quiet), SEEDS_ALONE);
}

#[test]
fn a_share_of_seeds_on_a_cluster() {
    let of = |seed| shortened(Scenario::with_shape(seed, Shape::default()));
    assert_clean(&sweep(plan(1, SEEDS_CLUSTER), of, || true, quiet), SEEDS_CLUSTER);
}
