//! How a case is asked: which expressions a probe evaluates, with which variables, and what a
//! variable with the result has to be.

use std::collections::BTreeMap;

use skep_feel::{Environment, Expression, NoVariables, Value};

use super::table::Case;

/// The result as text: what `string` makes of a list of it.
pub(crate) const TEXT_VARIABLE: &str = "skepText";
/// The result itself, as the broker stores it.
pub(crate) const VALUE_VARIABLE: &str = "skepValue";
/// How long a probe may stand still before it gives up, an ISO 8601 duration.
pub(crate) const PATIENCE_VARIABLE: &str = "skepPatience";
/// The input of unary tests.
const INPUT_VARIABLE: &str = "skepInput";

/// A case, ready to be deployed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probe {
    /// Which of the cases this is.
    pub(crate) case: usize,
    /// What is evaluated.
    pub(crate) question: Question,
    /// The variables that the probe starts with.
    pub(crate) variables: serde_json::Map<String, serde_json::Value>,
}

/// What a probe evaluates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Question {
    /// A process evaluates expressions.
    Expression {
        /// Gives the result as text.
        text: String,
        /// Gives the result itself; none if it cannot be a variable (a function, a range).
        value: Option<String>,
        /// What that variable has to be; none if Skep itself does not give what the table says.
        expected: Option<serde_json::Value>,
    },
    /// A decision table holds unary tests against an input.
    UnaryTests {
        /// Gives the input.
        input: String,
        /// The tests.
        tests: String,
    },
}

/// Makes the probe of a case, or says why no broker can be asked.
pub(crate) fn probe(number: usize, case: &Case) -> Result<Probe, String> {
    if ["now(", "today("].iter().any(|clock| case.text.contains(clock)) {
        return Err("the result depends on the clock".to_owned());
    }
    let values =
        values_of(&case.variables).ok_or_else(|| "the variables are no FEEL context".to_owned())?;
    let json = as_json(&values);
    if case.unary && json.is_none() && values.len() > 1 {
        return Err("unary tests with variables that are no JSON".to_owned());
    }
    let question = if case.unary {
        Question::UnaryTests {
            input: match (&json, values.contains_key("?")) {
                (Some(_), _) | (None, false) => INPUT_VARIABLE.to_owned(),
                (None, true) => format!("get value({}, \"?\")", case.variables),
            },
            tests: case.text.clone(),
        }
    } else {
        let inner = match json {
            Some(_) => case.text.clone(),
            None => within(&values, case),
        };
        let expected = variable_of(case, &values);
        // Alone, a text that is no expression cannot be saved by the brackets around it.
        let alone = expected.is_some() || Expression::parse(&case.text).is_err();
        Question::Expression {
            // The line break ends a comment at the end of the case.
            text: format!("string([({inner}\n)])"),
            value: alone.then_some(inner),
            expected,
        }
    };
    let mut variables = json.unwrap_or_default();
    if let Some(input) = variables.remove("?") {
        variables.insert(INPUT_VARIABLE.to_owned(), input);
    }
    Ok(Probe { case: number, question, variables })
}

/// The variables of a case; none if they are no context.
fn values_of(text: &str) -> Option<BTreeMap<String, Value>> {
    let expression = Expression::parse(if text.is_empty() { "{}" } else { text }).ok()?;
    let value = expression.evaluate(&NoVariables, &Environment::at(0)).ok()?.value;
    let entries = value.as_context()?.entries().iter();
    Some(entries.map(|(key, value)| (key.to_string(), value.clone())).collect())
}

/// The variables as JSON; none if that cannot hold one of them (a date, a range).
fn as_json(values: &BTreeMap<String, Value>) -> Option<serde_json::Map<String, serde_json::Value>> {
    values
        .iter()
        .map(|(name, value)| {
            let json = stored(value).filter(|_| !holds_more_than_json(value))?;
            Some((name.clone(), json))
        })
        .collect()
}

/// A value as JSON, on the way through the store's format.
fn stored(value: &Value) -> Option<serde_json::Value> {
    let stored = Value::from_msgpack(&value.to_msgpack()).ok()?;
    serde_json::from_str(&stored.to_json()).ok()
}

/// Whether JSON turns the value into something else.
fn holds_more_than_json(value: &Value) -> bool {
    Value::from_msgpack(&value.to_msgpack()).ok().as_ref() != Some(value)
}

/// The case's expression inside a context that defines its variables by FEEL.
fn within(values: &BTreeMap<String, Value>, case: &Case) -> String {
    let mut context = String::from("{");
    for name in values.keys() {
        let key = serde_json::Value::from(name.as_str());
        context.push_str(&format!("{key}: get value({}, {key}), ", case.variables));
    }
    format!("{context}skepResult: {}\n}}.skepResult", case.text)
}

/// What a variable has to be that holds the result, by Skep's own evaluation.
fn variable_of(case: &Case, values: &BTreeMap<String, Value>) -> Option<serde_json::Value> {
    let expression = Expression::parse(&case.text).ok()?;
    let value = expression.evaluate(values, &Environment::at(0)).ok()?.value;
    let shown = shown(&value);
    (shown == case.expected && !holds_code(&value)).then(|| stored(&value)).flatten()
}

/// A value as the tables show it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(_) => value.to_json(),
        value => value.to_string(),
    }
}

/// Whether a function or a range is in the value, which no variable holds.
fn holds_code(value: &Value) -> bool {
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        match &value {
            Value::Function(_) | Value::Range(_) => return true,
            Value::List(list) => open.extend(list.iter()),
            Value::Context(context) => {
                open.extend(context.entries().iter().map(|(_, value)| value.clone()));
            }
            _ => {}
        }
    }
    false
}
