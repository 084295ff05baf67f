//! Random values as variables hold them: in memory, in MessagePack, and in MessagePack that nobody
//! checked.

use std::collections::BTreeMap;

use skep_feel::{Context, Environment, Expression, NoVariables, Range, Value};

use super::choices::Choices;
use super::literals;

/// Levels of a generated value.
const DEPTH: u32 = 4;

/// Elements of a generated list or context.
const ELEMENTS: usize = 6;

/// Names of entries; the generated paths ask for the same.
pub const KEYS: [&str; 7] = ["a", "b", "c", "item", "x", "is it", "é"];

/// The values of these names. The same bytes give the same values, each time anew.
pub fn variables(choices: &mut Choices<'_>, names: &[&str]) -> BTreeMap<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), variable(choices, name))).collect()
}

fn variable(choices: &mut Choices<'_>, name: &str) -> Value {
    let kind = match (choices.below(6), name.chars().next()) {
        // As the name says, for the most part.
        (0..=3, Some(first)) => "nsbdtuvwlcr".find(first).unwrap_or(0),
        _ => choices.below(13),
    };
    let value = value(choices, kind, DEPTH);
    match choices.below(8) {
        0..=3 => value,
        4..=6 => Value::from_msgpack(&value.to_msgpack()).unwrap(),
        _ => {
            let bytes = choices.fork(40).take(40);
            Value::from_msgpack_trusted(bytes.to_vec().into())
        }
    }
}

/// A value of the kind, by its place in `nsbdtuvwlcr` (`u` date and time, `v` and `w` durations).
fn value(choices: &mut Choices<'_>, kind: usize, depth: u32) -> Value {
    match kind {
        0 => evaluated(&literals::number(choices)),
        1 => evaluated(&literals::text(choices)),
        2 => Value::from(choices.below(2) == 1),
        3 => evaluated(&literals::date(choices)),
        4 => evaluated(&literals::time(choices)),
        5 => evaluated(&literals::date_time(choices)),
        6 => evaluated(&literals::days(choices)),
        7 => evaluated(&literals::months(choices)),
        8 => Value::from(list(choices, depth)),
        9 => {
            let values = list(choices, depth);
            let entries = values.into_iter().map(|value| (choices.pick(&KEYS).into(), value));
            Value::Context(entries.collect::<Context>())
        }
        10 if depth > 0 => {
            let kind = choices.below(8);
            let start = value(choices, kind, depth - 1);
            let end = value(choices, kind, depth - 1);
            let (start_included, end_included) = (choices.below(2) == 0, choices.below(2) == 0);
            Value::Range(Range::new(start, start_included, end, end_included).into())
        }
        11 => evaluated("function(a, b) a < b"),
        _ => Value::Null,
    }
}

fn list(choices: &mut Choices<'_>, depth: u32) -> Vec<Value> {
    if depth == 0 || choices.is_exhausted() {
        return Vec::new();
    }
    let alike = choices.below(2) == 0;
    let kind = choices.below(13);
    (0..choices.below(ELEMENTS))
        .map(|_| {
            let kind = if alike { kind } else { choices.below(13) };
            value(choices, kind, depth - 1)
        })
        .collect()
}

fn evaluated(text: &str) -> Value {
    let Ok(expression) = Expression::parse(text) else { return Value::Null };
    match expression.evaluate(&NoVariables, &Environment::at(0)) {
        Ok(evaluation) => evaluation.value,
        Err(_) => Value::Null,
    }
}

/// The same value with everything read into memory.
pub fn rebuilt(value: &Value) -> Value {
    match value {
        Value::List(list) => {
            Value::from(list.iter().map(|value| rebuilt(&value)).collect::<Vec<_>>())
        }
        Value::Context(context) => {
            let entries = context.entries().iter();
            let entries = entries.map(|(key, value)| (key.clone(), rebuilt(value)));
            Value::Context(entries.collect::<Context>())
        }
        other => other.clone(),
    }
}
