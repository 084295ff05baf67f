//! `cargo xtask crash-test`: the crash test of `tests/crash`, with many rounds and an optimised server.

use crate::compat;
use crate::shell::{self, Outcome};
use crate::workspace;

/// Builds the server, and kills it `rounds` times at moments that follow from `seed`.
pub(crate) fn run(rounds: u32, seed: u64, debug: bool) -> Outcome {
    let root = workspace::root();
    let target = workspace::metadata(false)?.target_directory;
    let binary = compat::build(&root, &target, !debug)?;
    shell::run(
        shell::cargo(&root)
            .args(["test", "--locked", "--package", "skep-xtask", "--test", "crash", "--"])
            .args(["--nocapture", "killed_server"])
            .env("SKEP_CRASH_BINARY", binary)
            .env("SKEP_CRASH_ROUNDS", rounds.to_string())
            .env("SKEP_CRASH_SEED", seed.to_string()),
    )
}
