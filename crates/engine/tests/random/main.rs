//! Random models, random paths, and after every step: what was processed, what replay gives and what
//! the records say are the same.
#![allow(clippy::unwrap_used, reason = "a test: what must not fail says so by panicking")]

mod backup;
mod bpmn;
mod chance;
#[path = "../../../check/src/reader/check.rs"]
mod check;
mod decisions;
mod explore;
#[allow(unreachable_pub, reason = "the checkers show it to the simulation")]
#[path = "../../../check/src/reader/history.rs"]
mod history;
mod messages;
mod model;
mod network;
mod path;
#[path = "../../../check/src/reader/rows.rs"]
mod rows;
#[path = "../harness/store.rs"]
mod store;

use path::Work;

/// A small share of `cargo run --release -p skep-engine --example random_models`.
#[test]
fn a_share_of_all_models() {
    let mut work = Work::default();
    for model in 0..50 {
        if let Some(failure) = explore::run_model(model, 6, &mut work).first() {
            panic!("{failure}");
        }
    }
    assert!(work.instances() > 100, "paths create instances");
    assert!(work.records() > 10_000, "paths do something");
}

#[test]
fn messages_reach_each_process_once_over_a_bad_network() {
    let correlated: u64 = (0..60).map(|seed| messages::run(seed, false)).sum();
    assert!(correlated > 60, "messages are correlated");
}

/// Exactly the run of `SKEP_MESSAGES_SEED`.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test is configured by its environment only")]
fn one_run_of_messages() {
    let Ok(seed) = std::env::var("SKEP_MESSAGES_SEED") else { return };
    messages::run(seed.parse().expect("SKEP_MESSAGES_SEED is a number"), true);
}

#[test]
fn every_generated_model_is_accepted() {
    for seed in 0..100 {
        for (id, files) in &model::Model::new(seed).processes {
            for file in files {
                if let Err(violations) = skep_bpmn::parse(file) {
                    panic!("{id} of model {seed} is refused: {violations:?}\n{file}");
                }
            }
        }
    }
}

/// Exactly the path of `SKEP_RANDOM_SEED`.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test is configured by its environment only")]
fn one_seed() {
    let Ok(seed) = std::env::var("SKEP_RANDOM_SEED") else { return };
    if let Err(failure) = explore::run(seed.parse().expect("SKEP_RANDOM_SEED is a number")) {
        panic!("{failure}");
    }
}
