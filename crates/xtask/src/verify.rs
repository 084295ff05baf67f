//! `cargo xtask verify`: everything that a change has to pass, read-only, each step with its time.

use crate::shell::{self, Outcome};
use crate::{chaos_compat, compat, deny, suite, tidy, workspace};
use std::time::Instant;

/// A step of the gate, in the order in which they run: what fails fast comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Step {
    /// The code is formatted
    Fmt,
    /// No lint speaks up
    Clippy,
    /// The rules that compilers do not check
    Tidy,
    /// The crates that we depend on
    Deny,
    /// The documentation builds, without a dead link
    Doc,
    /// The official clients against a real server
    Compat,
    /// The golden files of `skep chaos run --compat` against the real Chaos Toolkit
    ChaosCompat,
    /// Every test of the workspace
    Test,
}

/// Last comes the one with the summary that a script reads.
const STEPS: [Step; 8] = [
    Step::Fmt,
    Step::Clippy,
    Step::Tidy,
    Step::Deny,
    Step::Doc,
    Step::Compat,
    Step::ChaosCompat,
    Step::Test,
];

/// Runs the steps but those to be skipped, and stops at the first that fails.
pub(crate) fn run(skip: &[Step]) -> Outcome {
    for step in STEPS.into_iter().filter(|step| !skip.contains(step)) {
        let name = format!("{step:?}").to_lowercase();
        println!("==> {name}");
        let started = Instant::now();
        let outcome = run_step(step);
        let seconds = started.elapsed().as_secs();
        if let Err(message) = outcome {
            return Err(format!("{name} failed after {seconds} s: {message}"));
        }
        // The tests end with their summary and nothing after it.
        if step != Step::Test {
            println!("<== {name}: {seconds} s");
        }
    }
    Ok(())
}

fn run_step(step: Step) -> Outcome {
    let root = workspace::root();
    let mut cargo = shell::cargo(&root);
    match step {
        Step::Fmt => shell::run(cargo.args(["fmt", "--all", "--check"])),
        Step::Clippy => shell::run(cargo.args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ])),
        Step::Tidy => tidy::run(false),
        Step::Deny => deny::run(),
        Step::Doc => shell::run(
            cargo
                .args(["doc", "--workspace", "--no-deps", "--locked"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        ),
        // Every client against one node; a cluster has to look the same to the quick ones.
        Step::Compat => compat::run(&[], false, None).and_then(|()| {
            let quick = ["go", "node", "python"].map(str::to_owned);
            compat::cluster::run(&quick, false, false)
        }),
        Step::ChaosCompat => chaos_compat::run(None, false),
        Step::Test => suite::run(&[]),
    }
}
