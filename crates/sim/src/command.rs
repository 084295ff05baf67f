//! The command line: what to run, and how it is told.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use skep_sim::minimise::minimise;
use skep_sim::mutation;
use skep_sim::run::{Report, run};
use skep_sim::scenario::Scenario;
use skep_sim::sweep::{Plan, Summary, sweep};

/// Runs a whole cluster on one thread under one seed, over and over.
#[derive(Parser)]
#[command(name = "skep-sim")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// No new seed is begun after so many minutes
    #[arg(long)]
    minutes: Option<u64>,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs one scenario: a file, or the name of one in crates/sim/scenarios
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Brokers, whatever the seed says
    #[arg(long)]
    brokers: Option<u32>,
    /// Takes backups, whatever the seed says
    #[arg(long)]
    backups: bool,
    /// Failing seeds after which no more are begun
    #[arg(long, default_value_t = 10)]
    failures_max: usize,
    /// Tells everything as JSON
    #[arg(long)]
    json: bool,
    /// Runs each seed twice and shows where the runs part
    #[arg(long)]
    compare: bool,
    /// Leaves failing seeds as they are
    #[arg(long)]
    no_minimise: bool,
    /// Prints what production code logs, with node and simulated time, e.g. `skep_broker=debug`
    #[arg(long)]
    log: Option<String>,
    /// Makes each mistake that the checkers have to find; needs a build with the feature `mutation`
    #[arg(long)]
    mutations: bool,
    /// Only the mistakes whose names contain this
    #[arg(long, requires = "mutations")]
    only: Option<String>,
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(filter) = &arguments.log {
        crate::log::print(filter);
    }
    if arguments.compare {
        return compare(&arguments);
    }
    if arguments.mutations {
        return mutations(&arguments);
    }
    let result = match &arguments.scenario {
        Some(path) => one(&arguments, path),
        None => Ok(many(&arguments)),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("skep-sim: {message}");
            ExitCode::FAILURE
        }
    }
}

fn scenario_of(arguments: &Arguments, seed: u64) -> Scenario {
    let scenario = Scenario::random(seed);
    let scenario = match arguments.brokers {
        None => scenario,
        Some(brokers) => {
            let mut shape = scenario.shape;
            shape.brokers = brokers;
            shape.replication_factor = shape.replication_factor.min(brokers);
            if brokers == 1 {
                shape.gateways = 0;
            }
            Scenario::with_shape(seed, shape)
        }
    };
    if arguments.backups { scenario.with_backups() } else { scenario }
}

fn compare(arguments: &Arguments) -> ExitCode {
    let mut same = true;
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let Some(parting) = skep_sim::run::parting(&scenario_of(arguments, seed)) else { continue };
        same = false;
        println!("seed {seed}: two runs part");
        for (at, one, other) in parting {
            println!("{} {at}: {one:?} | {other:?}", if one == other { " " } else { "!" });
        }
    }
    if same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes each mistake, and tells which checker found it.
fn mutations(arguments: &Arguments) -> ExitCode {
    if !cfg!(feature = "mutation") {
        eprintln!("skep-sim: build it with `--features mutation`: no mistake is built in");
        return ExitCode::FAILURE;
    }
    let mut all_found = true;
    for mutation in mutation::ALL {
        if arguments.only.as_ref().is_some_and(|only| !mutation.name.contains(only.as_str())) {
            continue;
        }
        let found = mutation::hunt(*mutation, arguments.seed);
        all_found &= found.is_some();
        if arguments.json {
            let line = serde_json::json!({ "mutation": mutation.name, "found": found });
            println!("{line}");
            continue;
        }
        match found {
            Some(found) => {
                let checkers: Vec<_> =
                    found.report.violations.iter().map(|violation| violation.checker).collect();
                println!(
                    "{:<48} seed {:>4}, after {:>3} of {:>3}: {}",
                    mutation.name,
                    found.seed,
                    found.tried,
                    mutation.seeds,
                    checkers.join(", ")
                );
            }
            None => println!("{:<48} NOT FOUND within {} seeds", mutation.name, mutation.seeds),
        }
    }
    if all_found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes the first failing seed as small as it gets, and writes it where it can be run again.
fn keep_smallest(arguments: &Arguments, summary: &Summary) {
    let Some(failure) = summary.failures.first() else { return };
    let Some(checker) = failure.report.violations.first().map(|violation| violation.checker) else {
        return;
    };
    let fails = |scenario: &Scenario| {
        run(scenario).violations.iter().any(|violation| violation.checker == checker)
    };
    let whole = scenario_of(arguments, failure.seed);
    let (mut small, runs) = minimise(&whole, MINIMISE_RUNS_MAX, fails);
    small.name = format!("seed-{}", failure.seed);
    small.about = format!("breaks: {checker}");
    println!(
        "seed {} made smaller in {runs} runs: {} of {} actions, {} of {} faults, {} brokers",
        failure.seed,
        small.actions.len(),
        whole.actions.len(),
        small.faults.len(),
        whole.faults.len(),
        small.shape.brokers
    );
    let path = std::env::temp_dir().join(format!("skep-sim-{}.json", small.name));
    match std::fs::write(&path, small.write()) {
        Ok(()) => println!("  run it with `cargo xtask sim --scenario {}`", path.display()),
        Err(error) => println!("  {}: {error}\n{}", path.display(), small.write()),
    }
}

/// Runs that a seed may cost to be made smaller.
const MINIMISE_RUNS_MAX: usize = 300;

fn one(arguments: &Arguments, path: &PathBuf) -> Result<bool, String> {
    let named = PathBuf::from("crates/sim/scenarios").join(path).with_extension("json");
    let path = if path.exists() { path } else { &named };
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let scenario = Scenario::read(&text)?;
    let report = run(&scenario);
    tell_report(arguments, &scenario.name, &report);
    Ok(report.violations.is_empty())
}

fn tell_report(arguments: &Arguments, name: &str, report: &Report) {
    if arguments.json {
        println!("{}", serde_json::to_string(report).unwrap_or_default());
        return;
    }
    println!(
        "{name}: {} ms simulated, {} events, {} records, healed after {:?} ms, {:?}",
        report.simulated_ms, report.events, report.records, report.healed_after_ms, report.calls
    );
    for violation in &report.violations {
        println!("  {}: {}", violation.checker, violation.what);
    }
}

fn many(arguments: &Arguments) -> bool {
    let began = Instant::now();
    let limit = arguments.minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let plan = Plan {
        first: arguments.seed,
        count: if arguments.minutes.is_some() && arguments.seeds == 100 {
            u64::MAX
        } else {
            arguments.seeds
        },
        threads: arguments.threads,
        failures_max: arguments.failures_max,
        repeat_every: 50,
    };
    let go_on = || limit.is_none_or(|limit| began.elapsed() < limit);
    let seen = |seed: u64, report: &Report| {
        if !report.violations.is_empty() && !arguments.json {
            tell_report(arguments, &format!("seed {seed} fails"), report);
        }
    };
    let summary = sweep(plan, |seed| scenario_of(arguments, seed), go_on, seen);
    tell_summary(arguments, &summary, began.elapsed());
    if !arguments.json && !arguments.no_minimise {
        keep_smallest(arguments, &summary);
    }
    summary.is_clean()
}

fn tell_summary(arguments: &Arguments, summary: &Summary, took: Duration) {
    if arguments.json {
        println!("{}", serde_json::to_string(summary).unwrap_or_default());
        return;
    }
    let seconds = took.as_secs_f64().max(0.001);
    let simulated = summary.simulated_ms as f64 / 1_000.0;
    println!(
        "{} seeds in {seconds:.1} s ({:.1} seeds/s), {simulated:.0} s simulated ({:.0} x real time)",
        summary.seeds,
        summary.seeds as f64 / seconds,
        simulated / seconds
    );
    println!(
        "{} events, {} records, calls: {:?}, longest healing {} ms",
        summary.events, summary.records, summary.calls, summary.healed_after_ms_max
    );
    println!("faults: {:?}", summary.faults);
    println!("{:?}, {} restored", summary.backups, summary.restored);
    if !summary.not_repeatable.is_empty() {
        println!("NOT REPEATABLE: {:?}", summary.not_repeatable);
    }
    println!("{} failing seeds", summary.failures.len());
}
