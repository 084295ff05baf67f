//! `cargo xtask demo`: builds Skep with optimisation and runs `skep demo`.

use crate::shell::{self, Outcome};
use crate::workspace;
use std::process::Command;

/// Builds (cargo shows its progress) and hands over to `skep demo`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let root = workspace::root();
    let binary = workspace::metadata(false)?.target_directory.join("release").join("skep");
    if !binary.exists() {
        eprintln!("Building Skep with optimisation. The first time this takes some minutes.");
    }
    shell::run(shell::cargo(&root).args([
        "build",
        "--release",
        "--locked",
        "--package",
        "skep-cli",
    ]))?;
    // Keeps the terminal's input: the demonstration may be asked to leave its server up.
    shell::run(Command::new(binary).arg("demo").args(arguments).current_dir(root))
}
