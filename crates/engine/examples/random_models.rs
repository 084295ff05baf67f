//! Random models and paths in any number:
//! `cargo run --release -p skep-engine --example random_models -- --models 1000 --paths 100 [--seed FIRST_MODEL] [--kinds]`;
//! `--one SEED` runs one path and shows its records; `--messages N` runs the messages of `messages.rs`.
//!
//! After every step processed, replayed and recounted state are compared. Each failure is printed
//! with its seed; the exit code tells whether there was one. `--kinds` counts the records of each kind:
//! what is not among them was not tested.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that runs outside of the test harness"
)]

#[path = "../tests/random/backup.rs"]
mod backup;
#[path = "../tests/random/bpmn.rs"]
mod bpmn;
#[path = "../tests/random/chance.rs"]
mod chance;
#[path = "../../check/src/reader/check.rs"]
mod check;
#[path = "../tests/random/decisions.rs"]
mod decisions;
#[path = "../tests/random/explore.rs"]
mod explore;
#[allow(unreachable_pub, reason = "the checkers show it to the simulation")]
#[path = "../../check/src/reader/history.rs"]
mod history;
#[path = "../tests/random/messages.rs"]
mod messages;
#[path = "../tests/random/model.rs"]
mod model;
#[path = "../tests/random/network.rs"]
mod network;
#[path = "../tests/random/path.rs"]
mod path;
#[path = "../../check/src/reader/rows.rs"]
mod rows;
#[path = "../tests/harness/store.rs"]
mod store;

use std::process::ExitCode;
use std::time::Instant;

/// Failures after which a run stops: more of them say the same.
const FAILURES_MAX: usize = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(default, |at| {
            let text = arguments.get(at + 1).and_then(|text| text.parse().ok());
            text.unwrap_or_else(|| panic!("{name} needs a number"))
        })
    };
    if let Some(at) = arguments.iter().position(|argument| argument == "--one") {
        let seed = arguments.get(at + 1).and_then(|text| text.parse().ok());
        return match explore::run(seed.expect("--one needs the seed of a path")) {
            Ok(_) => ExitCode::SUCCESS,
            Err(failure) => {
                println!("{failure}");
                ExitCode::FAILURE
            }
        };
    }
    if arguments.iter().any(|argument| argument == "--messages") {
        return run_messages(number("--seed", 0), number("--messages", 1000));
    }
    let (models, paths) = (number("--models", 1000), number("--paths", 100));
    let first = number("--seed", 0);
    let start = Instant::now();
    let mut work = path::Work::default();
    let (mut failures, mut done) = (0, 0);
    for model in first..first + models {
        for failure in explore::run_model(model, paths, &mut work) {
            failures += 1;
            println!("{failure}\n");
        }
        done += 1;
        if done % 50 == 0 {
            println!(
                "{done} of {models} models, {:.0} s, {failures} failures",
                start.elapsed().as_secs_f64()
            );
        }
        if failures >= FAILURES_MAX {
            println!("stopped after {failures} failures");
            break;
        }
    }
    if arguments.iter().any(|argument| argument == "--kinds") {
        for ((value_type, intent, about), count) in &work.kinds {
            println!("{count:10} {value_type} {intent} {about}");
        }
    }
    println!(
        "{done} models x {paths} paths: {} process instances, {} steps, {} commands, {} records compared in {:.1} s; {failures} failures",
        work.instances(),
        work.steps,
        work.commands,
        work.records(),
        start.elapsed().as_secs_f64()
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_messages(first: u64, count: u64) -> ExitCode {
    let start = Instant::now();
    let (mut failures, mut correlated) = (0, 0);
    for seed in first..first + count {
        match std::panic::catch_unwind(|| messages::run(seed, false)) {
            Ok(more) => correlated += more,
            Err(_) => {
                failures += 1;
                println!(
                    "seed {seed} fails; again: SKEP_MESSAGES_SEED={seed} cargo test -p skep-engine --test random \
                     one_run_of_messages -- --nocapture"
                );
            }
        }
        if failures >= FAILURES_MAX {
            break;
        }
    }
    println!(
        "{count} runs: {correlated} messages correlated in {:.1} s; {failures} failures",
        start.elapsed().as_secs_f64()
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
