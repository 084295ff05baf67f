//! Holds an answer against its case.

use serde_json::{Value, json};

use super::probe::{Probe, Question, TEXT_VARIABLE, VALUE_VARIABLE};
use super::table::Case;

/// What a broker said to a probe.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// The expression was refused when it was deployed.
    Refused,
    /// An instance of the process ended with these variables.
    Variables(serde_json::Map<String, Value>),
    /// The unary tests hold, or do not.
    Hit(bool),
    /// The evaluation failed.
    Failed,
}

/// How an answer and its case go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The broker gives what the table says.
    Agrees,
    /// The broker gives what the table says that Camunda gives instead, or has not got it yet.
    Known(String),
    /// The broker gives this.
    Differs(String),
    /// The case was not asked, for this reason.
    Skipped(String),
}

/// Judges an answer.
pub(crate) fn judge(case: &Case, probe: &Probe, answer: &Answer) -> Verdict {
    let found = shown(answer);
    let expected = expected_of(case, &case.expected);
    if found == expected {
        return match wrong_variable(probe, answer) {
            Some(difference) => Verdict::Differs(difference),
            None => Verdict::Agrees,
        };
    }
    if case.elsewhere.as_ref().is_some_and(|elsewhere| found == expected_of(case, elsewhere)) {
        return Verdict::Known(found);
    }
    match &case.since {
        Some(version) => Verdict::Known(format!("{found} (Camunda has it since {version})")),
        None => Verdict::Differs(found),
    }
}

/// Whether another try, with more patience, may give another answer.
pub(crate) fn deserves_patience(case: &Case, answer: &Answer) -> bool {
    let found = shown(answer);
    found == "FAIL" && case.expected != "FAIL" && case.elsewhere.as_deref() != Some("FAIL")
}

/// A result of a table as a probe shows it: a decision table does not tell false from null, and
/// texts in a list are quoted, but not escaped.
fn expected_of(case: &Case, result: &str) -> String {
    if case.unary && result == "null" {
        return "false".to_owned();
    }
    match serde_json::from_str::<Value>(result) {
        Ok(Value::String(text)) => format!("\"{text}\""),
        _ => result.to_owned(),
    }
}

/// An answer as the tables show results.
fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Refused => "PARSE".to_owned(),
        Answer::Failed => "FAIL".to_owned(),
        Answer::Hit(hit) => hit.to_string(),
        Answer::Variables(variables) => match variables.get(TEXT_VARIABLE) {
            None => "FAIL".to_owned(),
            Some(Value::String(list)) => {
                let inside = list.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                inside.unwrap_or(list).to_owned()
            }
            Some(other) => format!("no text but {other}"),
        },
    }
}

/// What is wrong with the variable that holds the result, if anything is.
fn wrong_variable(probe: &Probe, answer: &Answer) -> Option<String> {
    let (Question::Expression { expected: Some(expected), .. }, Answer::Variables(variables)) =
        (&probe.question, answer)
    else {
        return None;
    };
    match variables.get(VALUE_VARIABLE) {
        Some(found) if same(found, expected) => None,
        Some(found) => Some(format!("the variable {found} instead of {expected}")),
        None => Some(format!("no variable instead of {expected}")),
    }
}

/// Equality of JSON as clients read it: 1 and 1.0 are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|it| same(value, it)))
        }
        (left, right) => left == right,
    }
}

/// A judged case for programs.
pub(crate) fn as_json(case: &Case, found: &str) -> Value {
    json!({
        "place": case.place,
        "expression": case.text,
        "variables": case.variables,
        "unaryTests": case.unary,
        "expected": case.expected,
        "found": found,
    })
}
