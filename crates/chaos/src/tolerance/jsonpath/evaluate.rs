//! Follows JSON paths.

use serde_json::Value;

use super::{Comparison, Condition, Function, Node, Operand, Step, Subscript};
use crate::python;

/// The values that a path leads to.
pub(super) fn node(path: &Node, root: &Value, current: &Value) -> Vec<Value> {
    let mut values = vec![if path.from_root { root.clone() } else { current.clone() }];
    for step in &path.steps {
        values = values.iter().flat_map(|value| take(step, root, value)).collect();
    }
    values
}

fn take(step: &Step, root: &Value, current: &Value) -> Vec<Value> {
    let mut taken: Vec<Value> =
        step.subscripts.iter().flat_map(|subscript| select(subscript, root, current)).collect();
    if step.descend {
        for child in children(current) {
            taken.extend(take(step, root, child));
        }
    }
    taken
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

fn select(subscript: &Subscript, root: &Value, current: &Value) -> Vec<Value> {
    match subscript {
        Subscript::Name(name) => {
            current.as_object().and_then(|map| map.get(name)).cloned().into_iter().collect()
        }
        Subscript::Index(index) => at(current, *index).into_iter().collect(),
        Subscript::Slice(start, end, step) => slice(current, *start, *end, *step),
        Subscript::Wildcard => children(current).into_iter().cloned().collect(),
        Subscript::Filter(condition) => {
            if holds(condition, root, current) {
                vec![current.clone()]
            } else {
                Vec::new()
            }
        }
        Subscript::Path(path) => node(path, root, current)
            .into_iter()
            .flat_map(|found| match &found {
                Value::String(name) => select(&Subscript::Name(name.clone()), root, current),
                Value::Number(number) => {
                    number.as_i64().and_then(|index| at(current, index)).into_iter().collect()
                }
                Value::Bool(truth) => at(current, i64::from(*truth)).into_iter().collect(),
                _ => Vec::new(),
            })
            .collect(),
        Subscript::Call(function, arguments) => call(*function, arguments, root, current),
    }
}

fn at(value: &Value, index: i64) -> Option<Value> {
    let items = value.as_array()?;
    let length = i64::try_from(items.len()).ok()?;
    let index = if index < 0 { index.checked_add(length)? } else { index };
    items.get(usize::try_from(index).ok()?).cloned()
}

/// A range as the original makes it, bounded by the list.
fn slice(value: &Value, start: Option<i64>, end: Option<i64>, step: Option<i64>) -> Vec<Value> {
    let Some(items) = value.as_array() else { return Vec::new() };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    let from = match start {
        None => 0,
        Some(start) if start >= 0 => start,
        Some(start) if start.saturating_abs() < length => start + length,
        Some(_) => 0,
    };
    let to = match end {
        None => length,
        Some(end) if end >= 0 => end,
        Some(end) => end.saturating_add(length),
    };
    let mut taken = Vec::new();
    let mut index = from;
    while (step > 0 && index < to.min(length)) || (step < 0 && index > to.max(-length - 1)) {
        taken.extend(at(value, index));
        index = index.saturating_add(step);
    }
    taken
}

fn operand(operand: &Operand, root: &Value, current: &Value) -> Vec<Value> {
    match operand {
        Operand::Path(path) => node(path, root, current),
        Operand::Value(value) => vec![value.clone()],
    }
}

fn holds(condition: &Condition, root: &Value, current: &Value) -> bool {
    match condition {
        Condition::All(all) => all.iter().all(|condition| holds(condition, root, current)),
        Condition::Any(any) => any.iter().any(|condition| holds(condition, root, current)),
        Condition::Not(condition) => !holds(condition, root, current),
        Condition::Some(Operand::Path(path)) => !node(path, root, current).is_empty(),
        Condition::Some(Operand::Value(value)) => python::truth(value),
        Condition::Compare(left, comparison, right) => {
            let right = operand(right, root, current);
            operand(left, root, current)
                .iter()
                .any(|left| right.iter().any(|right| compare(left, *comparison, right)))
        }
    }
}

fn compare(left: &Value, comparison: Comparison, right: &Value) -> bool {
    let is_number = |value: &Value| value.is_number() || value.is_boolean();
    let order = || {
        if is_number(left) && is_number(right) { python::order(left, right) } else { None }
    };
    match comparison {
        Comparison::Equal => python::equal(left, right),
        Comparison::NotEqual => !python::equal(left, right),
        Comparison::Less => order().is_some_and(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => order().is_some_and(std::cmp::Ordering::is_le),
        Comparison::Greater => order().is_some_and(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => order().is_some_and(std::cmp::Ordering::is_ge),
    }
}

fn call(function: Function, arguments: &[Operand], root: &Value, current: &Value) -> Vec<Value> {
    // Every combination of what the arguments lead to.
    let mut combinations: Vec<Vec<Value>> = vec![Vec::new()];
    for argument in arguments {
        let values = operand(argument, root, current);
        combinations = combinations
            .iter()
            .flat_map(|before| {
                values.iter().map(|value| {
                    let mut all = before.clone();
                    all.push(value.clone());
                    all
                })
            })
            .collect();
    }
    combinations.iter().filter_map(|arguments| apply(function, arguments, current)).collect()
}

fn apply(function: Function, arguments: &[Value], current: &Value) -> Option<Value> {
    let indexes: Option<Vec<i64>> = arguments.iter().map(Value::as_i64).collect();
    match (function, indexes?.as_slice(), current) {
        (Function::Length, [], Value::Array(items)) => Some(Value::from(items.len())),
        (Function::Length, [], Value::String(text)) => Some(Value::from(text.chars().count())),
        (Function::Keys, [], Value::Object(map)) => {
            Some(map.keys().cloned().map(Value::String).collect())
        }
        (Function::Keys, [], Value::Array(items)) => Some((0..items.len()).collect()),
        (Function::Values, [], Value::Object(map)) => Some(map.values().cloned().collect()),
        (Function::Values, [], Value::Array(_)) => Some(current.clone()),
        (Function::Entries, [], Value::Object(map)) => {
            let entry = |(name, value): (&String, &Value)| {
                Value::Array(vec![Value::String(name.clone()), value.clone()])
            };
            Some(map.iter().map(entry).collect())
        }
        (Function::Entries, [], Value::Array(items)) => {
            let entry = |(index, value): (usize, &Value)| {
                Value::Array(vec![Value::from(index), value.clone()])
            };
            Some(items.iter().enumerate().map(entry).collect())
        }
        (Function::CharAt, [index], Value::String(text)) => {
            let characters: Vec<Value> =
                text.chars().map(|c| Value::String(c.to_string())).collect();
            at(&Value::Array(characters), *index)
        }
        (Function::Substring, [start], Value::String(text)) => {
            Some(substring(text, *start, i64::MAX))
        }
        (Function::Substring, [start, end], Value::String(text)) => {
            Some(substring(text, *start, *end))
        }
        _ => None,
    }
}

fn substring(text: &str, start: i64, end: i64) -> Value {
    let characters: Vec<char> = text.chars().collect();
    let length = i64::try_from(characters.len()).unwrap_or(i64::MAX);
    let bound = |index: i64| {
        let index = if index < 0 { index.saturating_add(length) } else { index };
        usize::try_from(index.clamp(0, length)).unwrap_or(0)
    };
    let (start, end) = (bound(start), bound(end));
    Value::String(characters.get(start..end.max(start)).unwrap_or_default().iter().collect())
}
