//! `cargo xtask sim`: whole clusters, each on one thread under one seed.

use crate::shell::{self, Outcome};
use crate::workspace;

/// Builds the simulator, with mistakes in it when those are to be found, and hands it the arguments.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let root = workspace::root();
    let mut command = shell::cargo(&root);
    command.args(["run", "--release", "--locked", "--quiet", "--package", "skep-sim"]);
    if arguments.iter().any(|argument| argument == "--mutations") {
        command.args(["--features", "mutation"]);
    }
    shell::run(command.arg("--").args(arguments))
}
