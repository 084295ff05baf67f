//! Models and paths by number, and the account of those that fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::model::Model;
use super::path::{self, Work};

/// What went wrong, with everything that is needed to see it again.
pub(crate) struct Failure {
    seed: u64,
    message: String,
    trace: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = std::env::temp_dir().join(format!("skep-random-{}.txt", self.seed));
        let mut models = String::new();
        for (id, files) in &Model::new(model_of(self.seed)).processes {
            for (at, file) in files.iter().enumerate() {
                models += &format!("== {id}, version {}\n{file}\n", at + 1);
            }
        }
        let place = match std::fs::write(&file, models) {
            Ok(()) => file.display().to_string(),
            Err(error) => format!("not written: {error}"),
        };
        write!(
            f,
            "seed {} fails: {}\nmodel: {place}\nsteps:\n{}\
             again: SKEP_RANDOM_SEED={} cargo test -p skep-engine --test random one_seed -- --nocapture",
            self.seed, self.message, self.trace, self.seed
        )
    }
}

/// Paths that a model may have: a seed is model and path in one number.
pub(crate) const PATHS_MAX: u64 = 10_000;

fn model_of(seed: u64) -> u64 {
    seed / PATHS_MAX
}

/// Seed of a path of a model.
pub(crate) fn seed_of(model: u64, path: u64) -> u64 {
    model * PATHS_MAX + path % PATHS_MAX
}

/// Runs one path and shows all its records.
pub(crate) fn run(seed: u64) -> Result<Work, Failure> {
    let mut trace = String::new();
    let model = Model::new(model_of(seed));
    run_with(&model, seed, true, &mut trace)
}

fn run_with(model: &Model, seed: u64, verbose: bool, trace: &mut String) -> Result<Work, Failure> {
    trace.clear();
    // Neighbouring seeds must not give neighbouring paths.
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5ca1_ab1e;
    let run = catch_unwind(AssertUnwindSafe(|| path::run(model, mixed, verbose, trace)));
    run.map_err(|panic| Failure { seed, message: text_of(panic.as_ref()), trace: trace.clone() })
}

/// Runs all paths of a model, and gives the work and the failures.
pub(crate) fn run_model(model: u64, paths: u64, work: &mut Work) -> Vec<Failure> {
    let built = Model::new(model);
    let mut trace = String::new();
    let mut failures = Vec::new();
    for path in 0..paths {
        match run_with(&built, seed_of(model, path), false, &mut trace) {
            Ok(more) => work.add(more),
            Err(failure) => failures.push(failure),
        }
    }
    failures
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown failure".to_owned())
}
