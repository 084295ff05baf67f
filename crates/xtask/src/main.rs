//! Development tasks of Skep, run as `cargo xtask TASK`.
//!
//! They are Rust and not shell so that they work the same on every machine, and each of them does something:
//! a task is added here when it works, never before.
#![allow(
    clippy::disallowed_methods,
    reason = "talks to a person: reads the wall clock, the environment and waits for other processes"
)]

mod demo;
mod deny;
mod licence;
mod shell;
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
    Tidy,
    /// Check the crates that we depend on against deny.toml: bans, licences, sources, advisories
    Deny,
    /// Everything a change has to pass, read-only: fmt, clippy, tidy, deny, doc, test
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
        Task::Tidy => tidy::run(),
        Task::Deny => deny::run(),
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
