//! What the tests that run tables of cases share: one case a line, its fields between ` | `, a line
//! `unary tests` before cases that are some, `#` before a comment, `⏎` for a line break in an
//! expression. Variables are a FEEL context, results what `string(value)` shows, texts in JSON quotes.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "shared by tests")]

use std::collections::BTreeMap;

use skep_feel::{
    Dialect, Environment, Evaluation, EvaluationError, Expression, Names, NoVariables, Syntax,
    Value,
};

/// 2026-01-02T03:04:05.678Z
pub const NOW_MS: i64 = 1_767_323_045_678;

/// A case of a table.
pub struct Row<'t> {
    /// Its line, from 1.
    pub line: usize,
    pub unary: bool,
    pub fields: Vec<&'t str>,
}

impl<'t> Row<'t> {
    /// A field; empty if it is not there.
    pub fn field(&self, index: usize) -> &'t str {
        self.fields.get(index).copied().unwrap_or("")
    }

    pub fn expression(&self) -> String {
        self.field(0).replace('⏎', "\n")
    }
}

/// The cases of a table.
pub fn rows(table: &str) -> Vec<Row<'_>> {
    let (mut rows, mut unary) = (Vec::new(), false);
    for (text, line) in table.lines().zip(1..) {
        if text.trim() == "unary tests" {
            unary = true;
        } else if !text.trim().is_empty() && !text.starts_with('#') {
            let fields = text.split(" | ").map(str::trim).collect();
            rows.push(Row { line, unary, fields });
        }
    }
    rows
}

/// Names and texts of the tables in a folder of the tests.
pub fn files(folder: &str) -> Vec<(String, String)> {
    let folder = format!("{}/tests/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// The variables that a text writes as a context.
pub fn variables(text: &str, dialect: Dialect) -> BTreeMap<String, Value> {
    let syntax = Syntax { dialect, ..Syntax::default() };
    let text = if text.is_empty() { "{}" } else { text };
    let expression = Expression::parse_in(text, &syntax).unwrap();
    let value = expression.evaluate(&NoVariables, &Environment::at(0)).unwrap().value;
    let context = value.as_context().expect("the variables are a context");
    context.entries().iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
}

/// The names of variables, as a model declares them.
pub fn names(variables: &BTreeMap<String, Value>) -> Names {
    variables.keys().map(String::as_str).collect()
}

/// What an expression gives; none if it does not parse.
pub fn evaluate(
    text: &str,
    unary: bool,
    syntax: &Syntax<'_>,
    variables: &BTreeMap<String, Value>,
) -> Option<Result<Evaluation, EvaluationError>> {
    let parsed = match unary {
        true => Expression::parse_unary_tests_in(text, syntax),
        false => Expression::parse_in(text, syntax),
    };
    Some(parsed.ok()?.evaluate(variables, &Environment::at(NOW_MS)))
}

/// A value as the tables write it.
pub fn shown(value: &Value, dialect: Dialect) -> String {
    match value {
        Value::String(_) => value.to_json(),
        value => value.shown_in(dialect).to_string(),
    }
}
