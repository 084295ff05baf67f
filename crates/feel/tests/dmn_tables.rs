//! Runs the tables in `tests/dmn_tables/*.txt`: what DMN 1.5 says of FEEL, in the `Dmn` dialect. One case
//! a line, `expression | variables | result`.
//!
//! Variables are a FEEL context; its keys are declared names. The result is what `string(value)`
//! shows, texts in JSON quotes, `PARSE` for an expression that is refused. A line `unary tests` begins
//! a part of the file whose expressions are unary tests; `⏎` in an expression is a line break; `#`
//! begins a comment.
#![allow(clippy::unwrap_used, reason = "a test")]

mod tables;

use std::fmt::Write;

use skep_feel::{Context, Dialect, Names, Syntax, Value};
use tables::{Row, evaluate, files, names, rows, shown, variables};

/// Declares the keys inside of a variable, as the type of it would.
fn declare_keys(value: &Value, names: &mut Names) {
    let context_keys = |context: &Context, names: &mut Names| {
        for (key, value) in context.entries() {
            names.insert_key(key);
            declare_keys(value, names);
        }
    };
    match value {
        Value::Context(context) => context_keys(context, names),
        Value::List(list) => list.iter().for_each(|element| declare_keys(&element, names)),
        _ => {}
    }
}

fn run(row: &Row<'_>) -> String {
    let variables = variables(row.field(1), Dialect::Dmn);
    let mut names = names(&variables);
    variables.values().for_each(|value| declare_keys(value, &mut names));
    let syntax = Syntax { dialect: Dialect::Dmn, names: &names };
    match evaluate(&row.expression(), row.unary, &syntax, &variables) {
        None => "PARSE".into(),
        Some(Err(error)) => format!("FAIL: {error}"),
        Some(Ok(evaluation)) => shown(&evaluation.value, Dialect::Dmn),
    }
}

#[test]
fn every_case_of_the_standard_gives_its_result() {
    let (mut count, mut failures) = (0, String::new());
    for (name, table) in files("dmn_tables") {
        for row in rows(&table) {
            let [text, _, expected] = row.fields[..] else {
                panic!("{name}:{}: expected `expression | variables | result`", row.line);
            };
            let found = run(&row);
            if found != expected {
                let line = row.line;
                writeln!(
                    failures,
                    "{name}:{line}: {text}\n  expected {expected}\n  found    {found}"
                )
                .unwrap();
            }
            count += 1;
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count > 1_500, "only {count} cases were found");
}
