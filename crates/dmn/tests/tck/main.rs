//! Runs the DMN TCK (`../shared/tck` beside the repository, or the folder in `SKEP_TCK`) in the `Dmn`
//! dialect. `tck-known-failures.txt` lists what fails, each with its reason: a failure that is not
//! listed fails the test, and so does a listed case that passes. The list may only shrink;
//! `SKEP_TCK_SHRINK=1` takes the cases from it that pass. All failures with what was got instead are in
//! `target/tmp/tck-failures.txt` after a run.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod case;
mod compare;
mod models;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use skep_feel::{Dialect, Environment, Value};

/// The time of `now()`: that of the last change of the cases does not matter to any of them.
const NOW_MS: i64 = 1_750_000_000_000;

#[test]
fn tck() {
    let Some(root) = root() else {
        // Not by `eprintln!`, which is heard only when the test fails.
        let told = b"SKIPPED: there is no TCK; put it to ../shared/tck or set SKEP_TCK\n";
        std::io::stderr().write_all(told).unwrap();
        return;
    };
    let mut failures = BTreeMap::new();
    let (mut passed, mut total, mut table) = (0, 0, String::new());
    for folder in folders(&root) {
        let (folder_passed, folder_total) = run_folder(&root, &folder, &mut failures);
        passed += folder_passed;
        total += folder_total;
        let mark = if folder_passed == folder_total { " " } else { "!" };
        let name = folder.strip_prefix(&root).unwrap_or(&folder).display();
        let _ = writeln!(table, "{mark} {folder_passed:4} of {folder_total:4}  {name}");
    }
    let _ = writeln!(table, "TCK: {passed} of {total} results as expected");
    eprint!("{table}");
    let report: String =
        failures.iter().map(|(id, reason)| format!("{id}  # {reason}\n")).collect();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tck-failures.txt");
    std::fs::write(&file, report).unwrap();
    assert!(total > 2_000, "the TCK is not complete: {total} results");
    check_ratchet(&failures, &file);
}

fn root() -> Option<PathBuf> {
    let root = match std::env::var_os("SKEP_TCK") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tck"),
    };
    root.is_dir().then_some(root)
}

/// The folders with cases, sorted.
fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for level in entries(root).into_iter().filter(|path| path.is_dir()) {
        folders.extend(entries(&level).into_iter().filter(|path| path.is_dir()));
    }
    folders
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn run_folder(
    root: &Path,
    folder: &Path,
    failures: &mut BTreeMap<String, String>,
) -> (usize, usize) {
    let files = entries(folder);
    let models = models::read(&files);
    let (mut passed, mut total) = (0, 0);
    let environment = Environment::at(NOW_MS);
    for file in files.iter().filter(|path| path.extension().is_some_and(|found| found == "xml")) {
        let text = std::fs::read_to_string(file).unwrap();
        let test = case::read(&text);
        let name = file.strip_prefix(root).unwrap().with_extension("");
        let model = models.get(&test.model);
        for case in &test.cases {
            for result in &case.results {
                total += 1;
                let actual = match model {
                    None => Err("the model is missing".to_owned()),
                    Some(Err(violations)) => Err(format!("the model is refused: {violations}")),
                    Some(Ok(model)) => case.evaluate(model, result, &environment),
                };
                match compare::judge(result, actual) {
                    Ok(()) => passed += 1,
                    Err(reason) => {
                        let id = format!("{}/{}/{}", name.display(), case.id, result.name);
                        failures.insert(id.replace(' ', "_"), one_line(&reason));
                    }
                }
            }
        }
    }
    (passed, total)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}

fn check_ratchet(failures: &BTreeMap<String, String>, file: &Path) {
    let known: BTreeSet<&str> = include_str!("../tck-known-failures.txt")
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|line| !line.is_empty())
        .collect();
    let unexpected: Vec<String> = failures
        .iter()
        .filter(|(id, _)| !known.contains(id.as_str()))
        .map(|(id, reason)| format!("{id}  # {reason}"))
        .collect();
    let passing: Vec<&&str> = known.iter().filter(|id| !failures.contains_key(**id)).collect();
    if std::env::var_os("SKEP_TCK_SHRINK").is_some() {
        shrink(failures);
        return;
    }
    assert!(
        unexpected.is_empty() && passing.is_empty(),
        "{} failures are not in tck-known-failures.txt (all failures: {}):\n{}\n{} listed cases pass, remove them:\n{passing:#?}",
        unexpected.len(),
        file.display(),
        unexpected.iter().take(40).cloned().collect::<Vec<_>>().join("\n"),
        passing.len(),
    );
}

/// Takes cases that pass from the list; never adds one.
fn shrink(failures: &BTreeMap<String, String>) {
    let kept: String = include_str!("../tck-known-failures.txt")
        .lines()
        .filter(|line| {
            let id = line.split('#').next().unwrap_or("").trim();
            id.is_empty() || failures.contains_key(id)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tck-known-failures.txt");
    std::fs::write(file, kept).unwrap();
}

/// FEEL text as a value; for the literals of the cases.
fn feel(text: &str) -> Value {
    let names = skep_feel::Names::none();
    let syntax = skep_feel::Syntax { dialect: Dialect::Dmn, names: &names };
    match skep_feel::Expression::parse_in(text, &syntax) {
        Ok(expression) => {
            let evaluation = expression.evaluate(&skep_feel::NoVariables, &Environment::at(NOW_MS));
            evaluation.map_or(Value::Null, |evaluation| evaluation.value)
        }
        Err(_) => Value::Null,
    }
}
