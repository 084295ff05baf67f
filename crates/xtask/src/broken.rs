//! `cargo xtask chaos-broken`: the experiments of zeebe#9877 fail on a build that makes the mistake.
//!
//! An experiment that passes proves little when it could not fail. The binary is built with the
//! simulator's deliberate mistakes (feature `mutation`), and its partitions apply a distribution again
//! that they know: the same experiment passes without the mistake and has to fail with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Outcome};
use crate::workspace;

/// The mistake, as the engine calls it.
const MISTAKE: &str = "distribution is applied again";

/// What has to notice.
const EXPERIMENT: &str = "experiments/production-s/zeebe-9877/acknowledgement-lost/experiment.json";

/// Runs the experiment without the mistake and with it.
pub(crate) fn run() -> Outcome {
    let root = workspace::root();
    let target = root.join("target").join("broken");
    let mut build = shell::cargo(&root);
    build.args(["build", "--locked", "--package", "skep-cli", "--features", "mutation"]);
    shell::run(build.arg("--target-dir").arg(&target))?;
    let binary = target.join("debug").join("skep");
    let whole = passes(&binary, &root, &target, None)?;
    let broken = passes(&binary, &root, &target, Some(MISTAKE))?;
    match (whole, broken) {
        (true, false) => {
            println!("the experiment passes, and fails when \"{MISTAKE}\"");
            Ok(())
        }
        (false, _) => Err("the experiment fails without a mistake".to_owned()),
        (true, true) => Err(format!("the experiment does not notice that \"{MISTAKE}\"")),
    }
}

/// Whether the experiment passes on a cluster that makes the mistake.
fn passes(
    binary: &Path,
    root: &Path,
    target: &Path,
    mistake: Option<&str>,
) -> Result<bool, String> {
    let folder: PathBuf = target.join("cluster");
    let skep = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command.args(arguments).current_dir(root).env("SKEP_CLUSTER_DIR", &folder);
        if let Some(mistake) = mistake {
            command.env("SKEP_MUTATION", mistake);
        }
        command
    };
    shell::run(&mut skep(&["cluster", "start", "--plan", "production-s", "--chaos"]))?;
    let journal = target.join("journal.json");
    let status = skep(&["chaos", "run", "--journal-path"])
        .arg(&journal)
        .arg(EXPERIMENT)
        .status()
        .map_err(|error| format!("cannot run {}: {error}", binary.display()));
    shell::run(&mut skep(&["cluster", "stop", "--wipe", "--grace", "0s"]))?;
    Ok(status?.success())
}
