//! `cargo xtask cluster-test` and `cluster-bench`: the cluster of `tests/cluster`, with every scenario and an optimised server.

use crate::compat;
use crate::shell::{self, Outcome};
use crate::workspace;
use std::path::PathBuf;
use std::process::Command;

/// How the findings are printed.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// What both have in common.
#[derive(clap::Args)]
pub(crate) struct Common {
    /// Shorter faults and fewer of them
    #[arg(long)]
    quick: bool,
    /// Without network namespaces, also where they are allowed; what needs them is skipped
    #[arg(long)]
    loopback: bool,
    /// Use the binary that is built already instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Arguments of `cluster-test`.
#[derive(clap::Args)]
pub(crate) struct TestOptions {
    #[command(flatten)]
    common: Common,
    /// Decides the moments and the victims
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the scenarios whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Creations a second
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Use a build without optimisation
    #[arg(long)]
    debug: bool,
}

/// Arguments of `cluster-bench`.
#[derive(clap::Args)]
pub(crate) struct BenchOptions {
    #[command(flatten)]
    common: Common,
    /// Only these groups of figures: start, throughput, slow-link, kill, hand-over, deployments, cut; with commas between them
    #[arg(long, value_name = "NAMES")]
    only: Option<String>,
    /// Kills that are measured
    #[arg(long, default_value_t = 50)]
    rounds: u32,
}

/// Runs the test.
pub(crate) fn test(options: &TestOptions) -> Outcome {
    run(&options.common, !options.debug, |command| {
        command
            .args(["--nocapture", "nothing_is_lost"])
            .env("SKEP_CLUSTER_TEST_SEED", options.seed.to_string())
            .env("SKEP_CLUSTER_TEST_RATE", options.rate.to_string());
        if let Some(only) = &options.only {
            command.env("SKEP_CLUSTER_TEST_ONLY", only);
        }
    })
}

/// Runs the measurements.
pub(crate) fn bench(options: &BenchOptions) -> Outcome {
    run(&options.common, true, |command| {
        command
            .args(["--nocapture", "--ignored", "cluster_bench"])
            .env("SKEP_CLUSTER_TEST_ROUNDS", options.rounds.to_string());
        if let Some(only) = &options.only {
            command.env("SKEP_CLUSTER_TEST_ONLY", only);
        }
    })
}

fn run(common: &Common, release: bool, settle: impl Fn(&mut Command)) -> Outcome {
    let root = workspace::root();
    let target = workspace::metadata(false)?.target_directory;
    let binary = match &common.binary {
        Some(binary) => std::path::absolute(binary)
            .map_err(|error| format!("cannot find {}: {error}", binary.display()))?,
        None => compat::build(&root, &target, release)?,
    };
    let folder = target.join("cluster-test").join(std::process::id().to_string());
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let report = folder.join("report.json");
    let mut command = shell::cargo(&root);
    command.args(["test", "--locked", "--package", "skep-xtask", "--test", "cluster"]);
    if release {
        // The load is part of what is measured.
        command.arg("--release");
    }
    command.arg("--");
    settle(&mut command);
    command
        .env("SKEP_CLUSTER_TEST_BINARY", binary)
        .env("SKEP_CLUSTER_TEST_FOLDER", &folder)
        .env("SKEP_CLUSTER_TEST_REPORT", &report)
        .env("SKEP_CLUSTER_TEST_MODE", if common.quick { "quick" } else { "full" });
    if common.loopback {
        command.env("SKEP_CLUSTER_TEST_LOOPBACK", "1");
    }
    if common.output == Format::Json {
        // What is printed on the way is for people.
        command.stdout(std::io::stderr());
    }
    let outcome = shell::run(&mut command);
    match (common.output, std::fs::read_to_string(&report)) {
        (Format::Json, Ok(text)) => print!("{text}"),
        (Format::Table, Ok(_)) => println!("report: {}", report.display()),
        (_, Err(_)) => {}
    }
    outcome
}
