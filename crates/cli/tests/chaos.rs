//! `skep chaos run --compat` does what the Chaos Toolkit does: the same log, the same journal, the same exit code.
//!
//! What the Chaos Toolkit does is in the golden files, which `cargo xtask chaos-compat` holds against the real one.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    reason = "the harness waits for other processes and serves them"
)]

#[path = "../../chaos/tests/toolkit/harness.rs"]
mod harness;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

fn toolkit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../chaos/tests/toolkit")
}

fn difference(case: &harness::Case) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    command.args(["chaos", "run", "--compat"]);
    let found = case.run(command, folder.path()).expect("it runs");
    let golden = toolkit().join("golden").join(format!("{}.json", case.name));
    let text = std::fs::read_to_string(&golden).unwrap_or_default();
    let expected: Value = serde_json::from_str(&text).unwrap_or_default();
    (found != expected)
        .then(|| format!("{}\nthe Chaos Toolkit: {expected:#}\nSkep: {found:#}", case.name))
}

#[test]
fn every_case_is_as_with_the_chaos_toolkit() {
    let cases = harness::cases(&toolkit().join("cases")).expect("cases");
    assert!(cases.len() >= 20, "the cases are gone");
    let (next, differences) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let case = next.lock().expect("no panic").next();
                    let Some(case) = case else { break };
                    differences.lock().expect("no panic").extend(difference(case));
                }
            });
        }
    });
    let differences = differences.into_inner().expect("no panic");
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n\n"));
}
