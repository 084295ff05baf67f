//! Golden scripts: the readable specification of the engine.
//!
//! Each `tests/scripts/<area>/<claim>.txt` is one scenario; its name is the claim. It has blocks of commands,
//! a line `---`, and the records and answers that came out (docs in `harness/commands.rs`). Each script runs
//! three times: plainly, with a checkpoint after each command, and with an engine that replays the log after
//! each command. All three give the same, and after each command the replayed state equals the processed one.
//!
//! `UPDATE_SCRIPTS=1 cargo test -p skep-engine --test scripts` writes what comes out; the diff is the review.
#![allow(clippy::unwrap_used, reason = "a test: what is unexpected fails it")]

mod harness;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use harness::script::{parse, render, run, runs_once};
use harness::world::Mode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let names: Vec<&String> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let exact = has("--exact");
    let wanted = |name: &str| {
        names.is_empty()
            || names.iter().any(|wanted| {
                if exact { name == wanted.as_str() } else { name.contains(wanted.as_str()) }
            })
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut out = std::io::stdout().lock();
    let mut failed = 0;
    let scripts: Vec<_> = find(&root).into_iter().filter(|(name, _)| wanted(name)).collect();
    for (name, path) in &scripts {
        if has("--list") {
            if !has("--ignored") {
                let _ = writeln!(out, "{name}: test");
            }
            continue;
        }
        let result = catch_unwind(AssertUnwindSafe(|| check(path)))
            .unwrap_or_else(|_| Err("the script cannot be run".to_owned()));
        match result {
            Ok(()) if names.is_empty() => {}
            Ok(()) => drop(writeln!(out, "test {name} ... ok")),
            Err(reason) => {
                failed += 1;
                let _ = writeln!(out, "test {name} ... FAILED\n{reason}");
            }
        }
    }
    if !has("--list") {
        let _ = writeln!(out, "\nscripts: {} passed; {failed} failed", scripts.len() - failed);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All scripts with their names, `area/claim`.
fn find(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let Ok(areas) = std::fs::read_dir(root) else { return found };
    for area in areas.flatten().filter(|area| area.path().is_dir()) {
        for file in std::fs::read_dir(area.path()).unwrap().flatten() {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == "txt") {
                let name = path.strip_prefix(root).unwrap().with_extension("");
                found.push((name.display().to_string(), path));
            }
        }
    }
    found.sort();
    found
}

fn check(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let blocks = parse(&text);
    let outputs = run(&blocks, Mode::Plain);
    let rendered = render(&blocks, &outputs);
    let other_modes = [Mode::Checkpoint, Mode::Replay];
    for mode in other_modes.into_iter().filter(|_| !runs_once(&blocks)) {
        let other = render(&blocks, &run(&blocks, mode));
        if other != rendered {
            return Err(format!(
                "{mode:?} gives something else\n{}",
                difference(&rendered, &other)
            ));
        }
    }
    if rendered == text {
        return Ok(());
    }
    if std::env::args().any(|argument| argument == "--update") || option_env("UPDATE_SCRIPTS") {
        return std::fs::write(path, rendered).map_err(|error| error.to_string());
    }
    Err(difference(&text, &rendered))
}

#[expect(clippy::disallowed_methods, reason = "a switch for the person who runs the tests")]
fn option_env(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value != "0")
}

/// The lines that differ, with what is around them.
fn difference(expected: &str, actual: &str) -> String {
    let (expected, actual): (Vec<_>, Vec<_>) =
        (expected.lines().collect(), actual.lines().collect());
    let same = expected.iter().zip(&actual).take_while(|(a, b)| a == b).count();
    let (old, new) = (&expected[same..], &actual[same..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = String::new();
    for line in &expected[same.saturating_sub(3)..same] {
        text += &format!("    {line}\n");
    }
    for line in &old[..old.len() - tail] {
        text += &format!("  - {line}\n");
    }
    for line in &new[..new.len() - tail] {
        text += &format!("  + {line}\n");
    }
    text
}
