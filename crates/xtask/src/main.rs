//! Development tasks of Skep, run as `cargo xtask TASK`.
//!
//! They are Rust and not shell so that they work the same on every machine, and each of them does something:
//! a task is added here when it works, never before.
#![allow(
    clippy::disallowed_methods,
    reason = "talks to a person: reads the wall clock, the environment and waits for other processes"
)]

mod bench;
mod broken;
mod chaos_compat;
mod cluster_test;
mod compat;
mod crash;
mod demo;
mod deny;
mod licence;
mod server;
mod shell;
mod sim;
mod suite;
mod tidy;
mod verify;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Arguments of `cargo xtask`.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Development tasks of Skep",
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build Skep and run its demonstration: an order process under load
    Demo {
        /// Arguments handed to `skep demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run every test of the workspace
    Test {
        /// Arguments handed to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check the rules of the code that compilers do not: dependencies between crates, sizes, leftovers
    Tidy {
        /// Write what can be written: the index of golden scripts in COMPAT.md
        #[arg(long)]
        fix: bool,
    },
    /// Check the crates that we depend on against deny.toml: bans, licences, sources, advisories
    Deny,
    /// Run the official clients of the field (Java, Node, Python, Go) against a real server
    Compat {
        /// Which ones: java-8.5, java-8.8, node, python, go; all without a name
        #[arg(value_name = "CLIENT")]
        clients: Vec<String>,
        /// Build the server with optimisation
        #[arg(long)]
        release: bool,
        /// Use the server whose gRPC API is here, instead of starting one; a real Zeebe, for example
        #[arg(
            long,
            value_name = "HOST:PORT",
            requires = "against_rest",
            conflicts_with = "cluster"
        )]
        against_grpc: Option<String>,
        /// Where the REST API of that server is
        #[arg(long, value_name = "HOST:PORT", requires = "against_grpc")]
        against_rest: Option<String>,
        /// Start three brokers behind two standalone gateways, and use one gateway after the other
        #[arg(long)]
        cluster: bool,
        /// With --cluster: each node in a network namespace of its own
        #[arg(long, requires = "cluster")]
        netns: bool,
    },
    /// Hold the golden files of `skep chaos run --compat` against the real Chaos Toolkit
    ChaosCompat {
        /// Only cases with this in their name
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
        /// Make the golden files anew, by what the Chaos Toolkit does
        #[arg(long)]
        write: bool,
    },
    /// Kill a loaded server over and over, and check what its clients were told
    CrashTest {
        /// How often it is killed
        #[arg(long, default_value_t = 50)]
        rounds: u32,
        /// Decides the moments
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Kill a build without optimisation
        #[arg(long)]
        debug: bool,
    },
    /// Trouble a loaded cluster of real processes in every way, and check what its clients were told
    ClusterTest(cluster_test::TestOptions),
    /// Measure the cluster's figures of docs/benchmarks.md
    ClusterBench(cluster_test::BenchOptions),
    /// The experiments of zeebe#9877 fail on a build that makes the mistake
    ChaosBroken,
    /// Run whole clusters in simulation, each under a seed: --seeds N, --minutes M, --seed S,
    /// --scenario NAME, --mutations, --json
    Sim {
        /// Arguments handed to the simulator; `--help` names them all
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure the table of docs/benchmarks.md: Skep, a real Zeebe, or what serves already
    Bench(bench::Options),
    /// Everything a change has to pass, read-only: fmt, clippy, tidy, deny, doc, compat, test
    Verify {
        /// Leave out a step; may be given several times
        #[arg(long, value_name = "STEP")]
        skip: Vec<verify::Step>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo { arguments } => demo::run(&arguments),
        Task::Test { arguments } => suite::run(&arguments),
        Task::Tidy { fix } => tidy::run(fix),
        Task::Deny => deny::run(),
        Task::Compat { clients, release, cluster: true, netns, .. } => {
            compat::cluster::run(&clients, release, netns)
        }
        Task::Compat { clients, release, against_grpc, against_rest, .. } => {
            let against =
                against_grpc.zip(against_rest).map(|(grpc, rest)| compat::Against { grpc, rest });
            compat::run(&clients, release, against.as_ref())
        }
        Task::ChaosCompat { only, write } => chaos_compat::run(only.as_deref(), write),
        Task::CrashTest { rounds, seed, debug } => crash::run(rounds, seed, debug),
        Task::ClusterTest(options) => cluster_test::test(&options),
        Task::ClusterBench(options) => cluster_test::bench(&options),
        Task::ChaosBroken => broken::run(),
        Task::Sim { arguments } => sim::run(&arguments),
        Task::Bench(options) => bench::run(options),
        Task::Verify { skip } => verify::run(&skip),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("cargo xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
