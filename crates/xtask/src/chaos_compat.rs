//! `cargo xtask chaos-compat`: the golden files of `skep chaos run --compat` against the real Chaos Toolkit.
//!
//! That Skep does what they say is a test of `skep-cli`; that the Chaos Toolkit does is checked here, with the
//! version that `crates/chaos/tests/toolkit/requirements.txt` names, in a virtual environment of its own.

#[path = "../../chaos/tests/toolkit/harness.rs"]
mod harness;

use crate::shell::{self, Outcome};
use crate::{compat, workspace};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Cases at a time: most of them wait for something.
const AT_A_TIME: usize = 6;

/// Runs every case, or those with `only` in their name; with `write` the golden files are made anew.
pub(crate) fn run(only: Option<&str>, write: bool) -> Outcome {
    if !shell::is_installed("python3", "-V") {
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            return Err("python3 is not installed, and CI=true".to_owned());
        }
        println!("SKIPPED: python3 is not installed");
        return Ok(());
    }
    let folder = workspace::root().join("crates/chaos/tests/toolkit");
    let made = workspace::metadata(false)?.target_directory.join("compat/chaos-toolkit");
    std::fs::create_dir_all(&made)
        .map_err(|error| format!("cannot create {}: {error}", made.display()))?;
    compat::install_python(&folder.join("requirements.txt"), &made)?;
    let mut cases = harness::cases(&folder.join("cases"))?;
    cases.retain(|case| only.is_none_or(|only| case.name.contains(only)));
    let (next, differences) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = next.lock().ok().and_then(|mut cases| cases.next()) {
                    let outcome = check(case, &folder, &made, write);
                    if let (Err(message), Ok(mut all)) = (outcome, differences.lock()) {
                        all.push(message);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().map_err(|_| "a case panicked".to_owned())?;
    for difference in &differences {
        println!("{difference}\n");
    }
    println!("{} passed, {} failed", cases.len() - differences.len(), differences.len());
    if differences.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{} golden files are not what the Chaos Toolkit does; --write makes them anew",
            differences.len()
        ))
    }
}

fn check(case: &harness::Case, folder: &Path, made: &Path, write: bool) -> Outcome {
    let work = made.join("work").join(&case.name);
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work)
        .map_err(|error| format!("cannot create {}: {error}", work.display()))?;
    // Whatever started this may have told its children to ignore ctrl-c, and Python obeys.
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(made.join("venv/bin/chaos"));
    // Its settings are those of nobody, and it asks nobody for a newer version.
    command
        .args(["--no-version-check", "--no-log-file", "--settings", "no-settings.yaml", "run"])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let found = case.run(command, &work)?;
    let golden: PathBuf = folder.join("golden").join(format!("{}.json", case.name));
    if write {
        return std::fs::write(&golden, format!("{found:#}\n"))
            .map_err(|error| format!("cannot write {}: {error}", golden.display()));
    }
    let text = std::fs::read_to_string(&golden).unwrap_or_default();
    let expected: Value = serde_json::from_str(&text).unwrap_or_default();
    if found == expected {
        return Ok(());
    }
    Err(format!("{}\ngolden: {expected:#}\nthe Chaos Toolkit: {found:#}", case.name))
}
