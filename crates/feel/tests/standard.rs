//! Tables of expressions and their results in the dialect of the standard. The model declares the
//! names of the variables.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write;

use skep_feel::{Dialect, Environment, Expression, Names, NoVariables, Syntax, Value};

/// 2026-01-02T03:04:05.678Z
const NOW_MS: i64 = 1_767_323_045_678;

fn result(text: &str, variables: &str) -> String {
    let environment = Environment::at(NOW_MS);
    let none = Names::none();
    let parsed = Expression::parse_in(variables, &Syntax { dialect: Dialect::Dmn, names: &none });
    let variables = parsed.unwrap().evaluate(&NoVariables, &environment).unwrap().value;
    let entries = variables.as_context().unwrap().entries();
    let variables: BTreeMap<String, Value> =
        entries.iter().map(|(key, value)| (key.to_string(), value.clone())).collect();
    let names: Names = variables.keys().map(String::as_str).collect();
    let syntax = Syntax { dialect: Dialect::Dmn, names: &names };
    let Ok(expression) = Expression::parse_in(text, &syntax) else { return "PARSE".into() };
    match expression.evaluate(&variables, &environment) {
        Err(_) => "FAIL".into(),
        Ok(evaluation) => match &evaluation.value {
            Value::String(_) => evaluation.value.to_json(),
            value => value.shown_in(Dialect::Dmn).to_string(),
        },
    }
}

fn check(table: &str) {
    let (mut wrong, mut count) = (String::new(), 0);
    for (line, number) in table.lines().zip(1..) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        count += 1;
        let fields: Vec<&str> = line.split(" |").map(str::trim).collect();
        let [text, variables, expected] = fields.as_slice() else { panic!("{line}") };
        let variables = if variables.is_empty() { "{}" } else { variables };
        let found = result(&text.replace('⏎', "\n"), variables);
        if found != *expected {
            writeln!(wrong, "{number}: {text} | {expected}, found {found}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count > 50, "only {count} rows");
}

#[test]
fn the_language() {
    check(include_str!("standard/language.txt"));
}

#[test]
fn the_functions() {
    check(include_str!("standard/functions.txt"));
}
