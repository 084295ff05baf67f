//! Evaluates expressions: `evaluate EXPRESSION [VARIABLES]`, variables as a FEEL context or JSON
//! object; without arguments one expression per line of the input, variables behind a tab.
//! `-u EXPRESSION` (or a line `u<tab>tests<tab>variables`) evaluates unary tests.
#![allow(clippy::disallowed_methods, reason = "an example for people is not part of the engine")]

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use skep_feel::{Environment, Expression, Value};

/// 2026-01-02T03:04:05.678Z
const NOW_MS: i64 = 1_767_323_045_678;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    if !arguments.is_empty() {
        let unary = arguments.first().is_some_and(|argument| argument == "-u");
        if unary {
            arguments.remove(0);
        }
        let text = arguments.first().map_or("", String::as_str);
        let variables = arguments.get(1).map_or("{}", String::as_str);
        let _ = writeln!(out, "{}", evaluate(text, variables, unary));
        return;
    }
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut fields = line.split('\t').peekable();
        let unary = fields.next_if_eq(&"u").is_some();
        let text = fields.next().unwrap_or("").replace('⏎', "\n");
        let result = evaluate(&text, fields.next().unwrap_or("{}"), unary);
        let _ = writeln!(out, "{}   =>   {result}", line.replace('\t', " | "));
    }
}

fn evaluate(text: &str, variables: &str, unary: bool) -> String {
    let environment = Environment::at(NOW_MS);
    let context = Expression::parse(variables)
        .ok()
        .and_then(|variables| variables.evaluate(&skep_feel::NoVariables, &environment).ok());
    let variables: BTreeMap<String, Value> = match context.map(|evaluation| evaluation.value) {
        Some(Value::Context(context)) => {
            context.entries().iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
        }
        _ => return "the variables are not a context".into(),
    };
    let parsed = if unary { Expression::parse_unary_tests(text) } else { Expression::parse(text) };
    let expression = match parsed {
        Ok(expression) => expression,
        Err(error) => return format!("PARSE {error}"),
    };
    match expression.evaluate(&variables, &environment) {
        Err(error) => format!("FAIL {error}"),
        Ok(evaluation) => {
            let mut shown = match &evaluation.value {
                Value::String(_) => evaluation.value.to_json(),
                value => value.to_string(),
            };
            for warning in &evaluation.warnings {
                shown.push_str(&format!("   ⚠ [{:?}] {warning}", warning.kind));
            }
            shown
        }
    }
}
