//! Why an expression has no usable value, in words for an incident: after the sentence that says what
//! was expected come the warnings, each with the part of the expression that it is about, and the
//! variables that the expression reads. Built only when something went wrong.

use std::collections::BTreeSet;
use std::fmt::Write;

use skep_feel::{Expression, Value, Variables, Warning, WarningKind, part_of};

use crate::limits::{INCIDENT_VALUE_CHARS_MAX, INCIDENT_VARIABLES_MAX};

/// The warnings of an evaluation; nothing when there are none.
pub(crate) fn warnings(expression: &Expression, warnings: &[Warning]) -> String {
    let mut lines: Vec<String> = Vec::with_capacity(warnings.len());
    for warning in warnings {
        let mut line = format!("\n[{}] {}", kind_name(warning.kind), warning.message);
        if let Some(part) = part_of(expression.text(), &warning.span) {
            let _ = write!(line, " (at '{}')", shortened(part));
        }
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    format!(" The evaluation reported the following warnings:{}", lines.concat())
}

/// The variables that expressions read, with their values; nothing when they read none.
pub(crate) fn inputs<'a>(
    expressions: impl IntoIterator<Item = &'a Expression>,
    variables: &dyn Variables,
) -> String {
    let names: BTreeSet<&str> = expressions
        .into_iter()
        .flat_map(|expression| expression.variables().iter().map(|name| &**name))
        .collect();
    // A name without a variable is a warning already, or the name of a context entry.
    values(names.iter().filter_map(|name| Some((*name, variables.get(name)?))))
}

/// Names with their values; nothing when there are none.
pub(crate) fn values<'a>(values: impl Iterator<Item = (&'a str, Value)>) -> String {
    let mut values = values;
    let mut text = String::new();
    for (name, value) in values.by_ref().take(INCIDENT_VARIABLES_MAX) {
        let separator = if text.is_empty() { "\nVariables: " } else { ", " };
        let _ = write!(text, "{separator}{name} = {}", shortened_value(&value));
    }
    if values.next().is_some() {
        text.push_str(", ...");
    }
    text
}

fn shortened_value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", shortened(text)),
        other => other.shown(INCIDENT_VALUE_CHARS_MAX),
    }
}

/// The beginning of a text.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(INCIDENT_VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The name that Zeebe's incidents show.
fn kind_name(kind: WarningKind) -> &'static str {
    match kind {
        WarningKind::NoVariableFound => "NO_VARIABLE_FOUND",
        WarningKind::NoContextEntryFound => "NO_CONTEXT_ENTRY_FOUND",
        WarningKind::NoPropertyFound => "NO_PROPERTY_FOUND",
        WarningKind::NoFunctionFound => "NO_FUNCTION_FOUND",
        WarningKind::FunctionInvocationFailure => "FUNCTION_INVOCATION_FAILURE",
        WarningKind::NotComparable => "NOT_COMPARABLE",
        WarningKind::InvalidType => "INVALID_TYPE",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use skep_feel::Environment;

    use super::*;

    #[test]
    fn a_warning_shows_the_part_that_it_is_about() {
        let expression = Expression::parse("1 + missing").unwrap();
        let variables = BTreeMap::new();
        let evaluation = expression.evaluate(&variables, &Environment::at(0)).unwrap();
        let text = warnings(&expression, &evaluation.warnings);
        assert!(text.contains("[NO_VARIABLE_FOUND]"), "{text}");
        assert!(text.contains("(at 'missing')"), "{text}");
    }

    #[test]
    fn values_are_shown_and_shortened() {
        let expression = Expression::parse("long + short + none").unwrap();
        let variables = BTreeMap::from([
            ("long".to_owned(), Value::from("x".repeat(10_000).as_str())),
            ("short".to_owned(), Value::Boolean(true)),
            ("unread".to_owned(), Value::Null),
        ]);
        let long = "x".repeat(INCIDENT_VALUE_CHARS_MAX);
        let text = inputs([&expression], &variables);
        assert_eq!(text, format!("\nVariables: long = \"{long}...\", short = true"));
    }
}
