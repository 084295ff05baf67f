//! Functions on lists. Positions are from 1, or from -1 backwards.

use smallvec::smallvec;

use super::{Call, Outcome, Overload, null};
use crate::evaluate::Failure;
use crate::value::{Function, same};
use crate::{Dialect, List, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("list contains", &["list", "element"], list_contains),
    Overload::new("sublist", &["list", "start position"], sublist),
    Overload::new("sublist", &["list", "start position", "length"], sublist),
    Overload::variadic("append", &["list", "items"], append),
    Overload::variadic("concatenate", &["lists"], concatenate),
    Overload::new("insert before", &["list", "position", "newItem"], insert_before),
    Overload::new("remove", &["list", "position"], remove),
    Overload::new("list replace", &["list", "position", "newItem"], list_replace)
        .only(Dialect::Dmn),
    Overload::new("list replace", &["list", "match", "newItem"], list_replace).only(Dialect::Dmn),
    Overload::new("reverse", &["list"], reverse),
    Overload::new("index of", &["list", "match"], index_of),
    Overload::variadic("union", &["lists"], union),
    Overload::new("distinct values", &["list"], distinct_values),
    Overload::new("duplicate values", &["list"], duplicate_values),
    Overload::new("flatten", &["list"], flatten),
    Overload::new("sort", &["list", "precedes"], sort),
    Overload::new("string join", &["list"], string_join),
    Overload::new("string join", &["list", "delimiter"], string_join),
    Overload::new("string join", &["list", "delimiter", "prefix", "suffix"], string_join),
    Overload::new("is empty", &["list"], is_empty),
    Overload::new("partition", &["list", "size"], partition),
];

/// Whether one of the values equals; counted against the budget.
fn holds(call: &mut Call<'_, '_>, values: &[Value], value: &Value) -> Result<bool, Failure> {
    let depth = value.extent().bytes / 24;
    call.evaluator.steps(values.len() as u64 / 4 + depth)?;
    let mut cost = 0;
    for candidate in values {
        if depth > 0 {
            cost = candidate.extent().bytes.min(value.extent().bytes) / 24;
        }
        call.evaluator.steps(cost)?;
        if same(candidate, value, call.dialect()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn list_contains(call: &mut Call<'_, '_>) -> Outcome {
    let (list, element) = (call.list(0)?, call.argument(1));
    Ok(Value::Boolean(holds(call, list.as_slice(), element)?))
}

/// The place from 0 that a position means; none for 0.
fn place(position: i64, length: usize) -> Option<i64> {
    match position {
        0 => None,
        1.. => Some(position - 1),
        _ => Some(position.saturating_add(length as i64)),
    }
}

fn sublist(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let Some(start) = place(call.integer(1)?, list.len()) else {
        return null("start position must be a non-zero number");
    };
    let length = match call.arguments.len() {
        2 => i64::MAX,
        _ => call.integer(2)?.max(0),
    };
    call.in_domain((0..list.len() as i64).contains(&start), "The start position")?;
    if call.arguments.len() > 2 {
        let longest = list.len() as i64 - start;
        call.in_domain((1..=longest).contains(&length), "The length")?;
    }
    let end = start.saturating_add(length).clamp(0, list.len() as i64);
    let start = start.clamp(0, end);
    let values = list.as_slice().get(start as usize..end as usize).unwrap_or(&[]).to_vec();
    call.list_value(values)
}

fn append(call: &mut Call<'_, '_>) -> Outcome {
    let mut values: Vec<Value> = call.list(0)?.iter().collect();
    values.extend(call.arguments.iter().skip(1).cloned());
    call.list_value(values)
}

/// The elements of all arguments; an argument that is no list is its own only element. In Camunda's
/// dialect a list that is the only argument holds the arguments.
fn all_elements(call: &mut Call<'_, '_>) -> Result<Vec<Value>, Failure> {
    let arguments = call.arguments;
    let mut values = Vec::new();
    match arguments {
        [Value::List(list)] if !call.dialect().is_dmn() => {
            call.evaluator.steps(list.len() as u64)?;
            for argument in list {
                add_elements(call, &argument, &mut values)?;
            }
        }
        arguments => {
            for argument in arguments {
                add_elements(call, argument, &mut values)?;
            }
        }
    }
    Ok(values)
}

fn add_elements(
    call: &mut Call<'_, '_>,
    argument: &Value,
    values: &mut Vec<Value>,
) -> Result<(), Failure> {
    match argument {
        Value::List(list) => {
            call.evaluator.steps(list.len() as u64)?;
            call.evaluator.bytes(24 * list.len() as u64)?;
            values.extend(list);
        }
        Value::Null if call.dialect().is_dmn() => return Err(Failure::Arguments),
        other => {
            call.evaluator.bytes(24)?;
            values.push(other.clone());
        }
    }
    Ok(())
}

fn concatenate(call: &mut Call<'_, '_>) -> Outcome {
    // The standard wants lists, and null is none.
    if call.dialect().is_dmn() && call.arguments.iter().any(Value::is_null) {
        return Err(Failure::Arguments);
    }
    let values = all_elements(call)?;
    call.list_value(values)
}

fn insert_before(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let Some(at) = place(call.integer(1)?, list.len()) else {
        return null("position must be a non-zero number");
    };
    call.in_domain((0..list.len() as i64).contains(&at), "The position")?;
    let mut values: Vec<Value> = list.iter().collect();
    // There may be fewer than the list says, in MessagePack that nobody checked.
    let at = (at as usize).min(values.len());
    values.insert(at, call.argument(2).clone());
    call.list_value(values)
}

fn remove(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let Some(at) = place(call.integer(1)?, list.len()) else {
        return null("position must be a non-zero number");
    };
    call.in_domain((0..list.len() as i64).contains(&at), "The position")?;
    let others = list.iter().enumerate().filter(|(index, _)| *index as i64 != at);
    let values = others.map(|(_, value)| value).collect();
    call.list_value(values)
}

/// The list with another item at a position, or wherever a function of item and new item says so.
fn list_replace(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let new_item = call.argument(2);
    let mut values: Vec<Value> = list.iter().collect();
    let Value::Function(decides) = call.argument(1) else {
        let at = place(call.integer(1)?, list.len());
        let item = at.and_then(|at| values.get_mut(usize::try_from(at).ok()?));
        let Some(item) = item else { return null("The position is out of range") };
        *item = new_item.clone();
        return call.list_value(values);
    };
    if decides.parameters().len() != 2 {
        return null("expected a function with two parameters");
    }
    for item in &mut values {
        let arguments = smallvec![item.clone(), new_item.clone()];
        match call.evaluator.call_function(decides, arguments)? {
            Value::Boolean(true) => *item = new_item.clone(),
            Value::Boolean(false) => {}
            _ => return null("expected a function that gives a boolean"),
        }
    }
    call.list_value(values)
}

fn reverse(call: &mut Call<'_, '_>) -> Outcome {
    let mut values: Vec<Value> = call.list(0)?.iter().collect();
    values.reverse();
    call.list_value(values)
}

fn index_of(call: &mut Call<'_, '_>) -> Outcome {
    let (list, wanted) = (call.list(0)?, call.argument(1));
    call.evaluator.steps(list.len() as u64)?;
    call.walk(call.argument(0))?;
    let indexes = list.iter().zip(1usize..);
    let indexes = indexes.filter(|(element, _)| same(element, wanted, call.dialect()));
    let indexes: Vec<Value> = indexes.map(|(_, index)| index.into()).collect();
    call.list_value(indexes)
}

fn distinct(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Vec<Value>, Failure> {
    let mut distinct = Vec::new();
    for value in values {
        if !holds(call, &distinct, value)? {
            distinct.push(value.clone());
        }
    }
    Ok(distinct)
}

fn union(call: &mut Call<'_, '_>) -> Outcome {
    let values = all_elements(call)?;
    let values = distinct(call, &values)?;
    call.list_value(values)
}

fn distinct_values(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let values = distinct(call, list.as_slice())?;
    call.list_value(values)
}

fn duplicate_values(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let (mut seen, mut duplicates) = (Vec::new(), Vec::new());
    for value in &list {
        if !holds(call, &seen, &value)? {
            seen.push(value);
        } else if !holds(call, &duplicates, &value)? {
            duplicates.push(value);
        }
    }
    // In the order of first appearance.
    let mut ordered = Vec::with_capacity(duplicates.len());
    for value in seen {
        if holds(call, &duplicates, &value)? {
            ordered.push(value);
        }
    }
    call.list_value(ordered)
}

fn flatten(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    call.walk(call.argument(0))?;
    let mut values = Vec::new();
    flatten_into(&list, &mut values);
    call.list_value(values)
}

/// Recurses no deeper than values may nest.
fn flatten_into(list: &List, values: &mut Vec<Value>) {
    for element in list {
        match element {
            Value::List(inner) => flatten_into(&inner, values),
            other => values.push(other),
        }
    }
}

fn sort(call: &mut Call<'_, '_>) -> Outcome {
    let (list, precedes) = (call.list(0)?, call.function(1)?);
    if precedes.parameters().len() != 2 {
        return null("expected a function with two parameters");
    }
    let values = list.iter().collect();
    let sorted = merge_sort(call, values, precedes)?;
    call.list_value(sorted)
}

/// A stable sort by a function that may fail, from runs of one element to one run.
fn merge_sort(
    call: &mut Call<'_, '_>,
    mut values: Vec<Value>,
    precedes: &Function,
) -> Result<Vec<Value>, Failure> {
    let mut run = 1;
    while run < values.len() {
        let mut merged = Vec::with_capacity(values.len());
        for pair in values.chunks(run * 2) {
            let (mut left, mut right) = pair.split_at(run.min(pair.len()));
            while let (Some((first_left, rest_left)), Some((first_right, rest_right))) =
                (left.split_first(), right.split_first())
            {
                let arguments = smallvec![first_right.clone(), first_left.clone()];
                let right_first = call.evaluator.call_function(precedes, arguments)?;
                if right_first.as_bool() == Some(true) {
                    merged.push(first_right.clone());
                    right = rest_right;
                } else {
                    merged.push(first_left.clone());
                    left = rest_left;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        values = merged;
        run *= 2;
    }
    Ok(values)
}

fn string_join(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let optional = |index| match call.argument(index) {
        Value::Null => Ok(""),
        _ => call.text(index),
    };
    let (delimiter, prefix, suffix) = (optional(1)?, optional(2)?, optional(3)?);
    let mut text = String::from(prefix);
    let mut first = true;
    for element in &list {
        let element = match &element {
            Value::Null => continue,
            Value::String(element) => element,
            _ => return null("expected a list of strings"),
        };
        // Counted as it grows: the same string may be in the list many times.
        call.evaluator.bytes((element.len() + delimiter.len()) as u64)?;
        if !first {
            text.push_str(delimiter);
        }
        first = false;
        text.push_str(element);
    }
    text.push_str(suffix);
    call.text_value(text)
}

fn is_empty(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::Boolean(call.list(0)?.is_empty()))
}

fn partition(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let size = call.integer(1)?;
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        return null("size must be a positive number");
    };
    let mut parts = Vec::new();
    for part in list.as_slice().chunks(size) {
        parts.push(call.list_value(part.to_vec())?);
    }
    call.list_value(parts)
}
