//! Functions on contexts.

use std::sync::Arc;

use super::{Call, Outcome, Overload, null};
use crate::evaluate::Failure;
use crate::limits::VALUE_DEPTH_MAX;
use crate::{Context, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("get value", &["context", "key"], get_value),
    Overload::new("get value", &["m", "key"], get_value),
    Overload::new("get value", &["context", "keys"], get_value),
    Overload::new("get entries", &["context"], get_entries),
    Overload::new("get entries", &["m"], get_entries),
    Overload::new("context put", &["context", "keys", "value"], put),
    Overload::new("context put", &["context", "key", "value"], put_key),
    Overload::new("put", &["context", "key", "value"], put),
    Overload::variadic("context merge", &["contexts"], merge),
    Overload::variadic("put all", &["contexts"], merge),
];

/// The keys of a path: one string or a list of strings; none if it is something else.
fn keys(value: &Value) -> Option<Vec<Arc<str>>> {
    let key = |value: Value| match value {
        Value::String(key) => Some(key),
        _ => None,
    };
    match value {
        Value::List(list) if list.len() <= VALUE_DEPTH_MAX as usize => {
            list.iter().map(key).collect()
        }
        other => Some(vec![key(other.clone())?]),
    }
}

fn get_value(call: &mut Call<'_, '_>) -> Outcome {
    let context = call.context(0)?;
    let Some(keys) = keys(call.argument(1)) else { return Err(Failure::Arguments) };
    let Some((first, rest)) = keys.split_first() else { return Ok(Value::Null) };
    let mut value = context.get(first);
    for key in rest {
        value = match value {
            Some(Value::Context(inner)) => inner.get(key),
            _ => None,
        };
    }
    Ok(value.into())
}

fn get_entries(call: &mut Call<'_, '_>) -> Outcome {
    let context = call.context(0)?;
    let (key_name, value_name): (Arc<str>, Arc<str>) = ("key".into(), "value".into());
    let mut entries = Vec::with_capacity(context.len());
    for (key, value) in context.entries() {
        let entry = Context::from(vec![
            (Arc::clone(&key_name), Value::String(Arc::clone(key))),
            (Arc::clone(&value_name), value.clone()),
        ]);
        entries.push(call.context_value(entry)?);
    }
    call.list_value(entries)
}

fn put_key(call: &mut Call<'_, '_>) -> Outcome {
    if call.dialect().is_dmn() {
        call.text(1)?;
    }
    put(call)
}

fn put(call: &mut Call<'_, '_>) -> Outcome {
    let context = call.context(0)?;
    let Some(keys) = keys(call.argument(1)) else { return Err(Failure::Arguments) };
    let Some((last, path)) = keys.split_last() else { return Ok(Value::Null) };
    // The contexts along the path, outermost first; in Camunda's dialect what is no context is
    // replaced by one.
    let mut contexts = vec![context.clone()];
    let mut inner = context.clone();
    for key in path {
        inner = match inner.get(key) {
            Some(Value::Context(context)) => context,
            _ if call.dialect().is_dmn() => return null(format!("There is no context at '{key}'")),
            _ => Context::empty(),
        };
        contexts.push(inner.clone());
    }
    let mut value = call.argument(2).clone();
    for (context, key) in
        contexts.iter().zip(path.iter().chain([last])).collect::<Vec<_>>().into_iter().rev()
    {
        value = call.context_value(context.with(key, value))?;
    }
    Ok(value)
}

/// One context of all entries; later ones replace earlier ones of the same key.
fn merge(call: &mut Call<'_, '_>) -> Outcome {
    let contexts = call.elements()?;
    let mut entries = Vec::new();
    for context in &contexts {
        let Value::Context(context) = context else { return Ok(Value::Null) };
        call.evaluator.bytes(48 * context.len() as u64)?;
        entries.extend_from_slice(context.entries());
    }
    call.context_value(Context::from(entries))
}
