//! Runs the tables in `tests/cases/*.txt`: one case a line,
//! `expression | variables | result | warnings`.
//!
//! Variables are a FEEL context (JSON is one). The result is what `string(value)` shows, texts in
//! JSON quotes, `PARSE` for an expression that is refused, `FAIL` for an evaluation that fails.
//! Warnings are their kinds, separated by commas. A line `unary tests` begins a part of the file
//! whose expressions are unary tests; `⏎` in an expression is a line break; `#` begins a comment.
//! `skep compat feel` reads two comments: `#   RESULT` after a case is what Camunda's own FEEL gives,
//! `# since 8.7` the version of Camunda that has the following cases first.
//!
//! Each case runs with variables in memory and read from MessagePack; both must agree.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write;

use skep_feel::{Environment, Expression, NoVariables, Value};

/// 2026-01-02T03:04:05.678Z
const NOW_MS: i64 = 1_767_323_045_678;

fn variables(text: &str) -> BTreeMap<String, Value> {
    let expression = Expression::parse(if text.is_empty() { "{}" } else { text }).unwrap();
    let value = expression.evaluate(&NoVariables, &Environment::at(0)).unwrap().value;
    let context = value.as_context().expect("the variables are a context");
    context.entries().iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
}

/// The variables as a process has them; none if MessagePack cannot hold one.
fn packed(variables: &BTreeMap<String, Value>) -> Option<BTreeMap<String, Value>> {
    variables
        .iter()
        .map(|(key, value)| {
            let packed = Value::from_msgpack(&value.to_msgpack()).unwrap();
            (packed == *value).then(|| (key.clone(), packed))
        })
        .collect()
}

fn run(text: &str, variables: &BTreeMap<String, Value>, unary: bool) -> (String, String) {
    let parsed = if unary { Expression::parse_unary_tests(text) } else { Expression::parse(text) };
    let Ok(expression) = parsed else { return ("PARSE".into(), String::new()) };
    match expression.evaluate(variables, &Environment::at(NOW_MS)) {
        Err(_) => ("FAIL".into(), String::new()),
        Ok(evaluation) => {
            let shown = match &evaluation.value {
                Value::String(_) => evaluation.value.to_json(),
                value => value.to_string(),
            };
            let kinds: Vec<String> =
                evaluation.warnings.iter().map(|warning| format!("{:?}", warning.kind)).collect();
            (shown, kinds.join(", "))
        }
    }
}

fn check_file(name: &str, table: &str) -> (usize, String) {
    let (mut failures, mut count, mut unary) = (String::new(), 0, false);
    for (line, number) in table.lines().zip(1..) {
        if line.trim() == "unary tests" {
            unary = true;
            continue;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut fields = line.split(" | ").map(str::trim);
        let mut field = || fields.next().unwrap_or("");
        let (text, variables_text) = (field().replace('⏎', "\n"), field());
        let expected = (field().to_string(), field().to_string());
        let variables = variables(variables_text);
        count += 1;
        let mut check = |variables: &BTreeMap<String, Value>, how: &str| {
            let found = run(&text, variables, unary);
            if found != expected {
                writeln!(
                    failures,
                    "{name}:{number} ({how}): {text}\n  expected {expected:?}\n  found    {found:?}"
                )
                .unwrap();
            }
        };
        check(&variables, "in memory");
        if let Some(packed) = packed(&variables) {
            check(&packed, "from MessagePack");
        }
    }
    (count, failures)
}

#[test]
fn every_case_gives_its_result() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let (mut count, mut failures) = (0, String::new());
    for path in names {
        let table = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (cases, failed) = check_file(&name, &table);
        count += cases;
        failures.push_str(&failed);
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count > 500, "only {count} cases were found");
}
