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

mod tables;

use std::collections::BTreeMap;
use std::fmt::Write;

use skep_feel::{Dialect, Syntax, Value};
use tables::{evaluate, files, rows, shown, variables};

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
    match evaluate(text, unary, &Syntax::default(), variables) {
        None => ("PARSE".into(), String::new()),
        Some(Err(_)) => ("FAIL".into(), String::new()),
        Some(Ok(evaluation)) => {
            let kinds: Vec<String> =
                evaluation.warnings.iter().map(|warning| format!("{:?}", warning.kind)).collect();
            (shown(&evaluation.value, Dialect::Camunda), kinds.join(", "))
        }
    }
}

#[test]
fn every_case_gives_its_result() {
    let (mut count, mut failures) = (0, String::new());
    for (name, table) in files("cases") {
        for row in rows(&table) {
            let (text, variables) = (row.expression(), variables(row.field(1), Dialect::Camunda));
            let expected = (row.field(2).to_string(), row.field(3).to_string());
            count += 1;
            let mut check = |variables: &BTreeMap<String, Value>, how: &str| {
                let found = run(&text, variables, row.unary);
                if found != expected {
                    writeln!(
                        failures,
                        "{name}:{} ({how}): {text}\n  expected {expected:?}\n  found    {found:?}",
                        row.line
                    )
                    .unwrap();
                }
            };
            check(&variables, "in memory");
            if let Some(packed) = packed(&variables) {
                check(&packed, "from MessagePack");
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count > 500, "only {count} cases were found");
}
