//! Runs the tables in `tests/dmn_tables/*.txt`: what DMN 1.5 says of FEEL, in the `Dmn` dialect. One case
//! a line, `expression | variables | result`.
//!
//! Variables are a FEEL context; its keys are declared names. The result is what `string(value)`
//! shows, texts in JSON quotes, `PARSE` for an expression that is refused. A line `unary tests` begins
//! a part of the file whose expressions are unary tests; `⏎` in an expression is a line break; `#`
//! begins a comment.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write;

use skep_feel::{Context, Dialect, Environment, Expression, Names, NoVariables, Syntax, Value};

/// 2026-01-02T03:04:05.678Z
const NOW_MS: i64 = 1_767_323_045_678;

/// The variables of a case and their names.
fn variables(text: &str) -> (BTreeMap<String, Value>, Names) {
    let mut names = Names::none();
    if text.is_empty() {
        return (BTreeMap::new(), names);
    }
    let syntax = Syntax { dialect: Dialect::Dmn, names: &names };
    let expression = Expression::parse_in(text, &syntax).unwrap();
    let value = expression.evaluate(&NoVariables, &Environment::at(0)).unwrap().value;
    let context = value.as_context().expect("the variables are a context");
    for (key, value) in context.entries() {
        names.insert(key);
        declare_keys(value, &mut names);
    }
    let entries = context.entries().iter();
    (entries.map(|(key, value)| (key.to_string(), value.clone())).collect(), names)
}

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

fn run(text: &str, variables: &BTreeMap<String, Value>, names: &Names, unary: bool) -> String {
    let syntax = Syntax { dialect: Dialect::Dmn, names };
    let parsed = match unary {
        true => Expression::parse_unary_tests_in(text, &syntax),
        false => Expression::parse_in(text, &syntax),
    };
    let Ok(expression) = parsed else { return "PARSE".into() };
    match expression.evaluate(variables, &Environment::at(NOW_MS)) {
        Err(error) => format!("FAIL: {error}"),
        Ok(evaluation) => match &evaluation.value {
            Value::String(_) => evaluation.value.to_json(),
            value => value.shown_in(Dialect::Dmn).to_string(),
        },
    }
}

fn check_file(name: &str, table: &str, failures: &mut String) -> usize {
    let (mut count, mut unary) = (0, false);
    for (line, number) in table.lines().zip(1..) {
        if line.trim() == "unary tests" {
            unary = true;
            continue;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [text, variables_text, expected] = fields[..] else {
            panic!("{name}:{number}: expected `expression | variables | result`");
        };
        let text = text.replace('⏎', "\n");
        let (variables, names) = variables(variables_text);
        let found = run(&text, &variables, &names, unary);
        if found != expected {
            writeln!(
                failures,
                "{name}:{number}: {text}\n  expected {expected}\n  found    {found}"
            )
            .unwrap();
        }
        count += 1;
    }
    count
}

#[test]
fn every_case_of_the_standard_gives_its_result() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dmn_tables");
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let (mut count, mut failures) = (0, String::new());
    for path in names {
        let table = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        count += check_file(&name, &table, &mut failures);
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count > 400, "only {count} cases were found");
}
