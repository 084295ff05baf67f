//! Values from and to texts, and from their parts.

use super::{Call, Outcome, Overload, null};
use crate::evaluate::{Failure, shown};
use crate::temporal::{DateTime, Time, Zone};
use crate::value::{parse_json, write_json};
use crate::{Context, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("string", &["from"], string),
    Overload::new("number", &["from"], number),
    Overload::new("number", &["from", "grouping separator"], number),
    Overload::new("number", &["from", "grouping separator", "decimal separator"], number),
    Overload::new("context", &["entries"], context),
    Overload::new("to json", &["value"], to_json),
    Overload::new("from json", &["value"], from_json),
];

fn string(call: &mut Call<'_, '_>) -> Outcome {
    let value = call.argument(0);
    match value {
        Value::Null | Value::String(_) => Ok(value.clone()),
        _ => {
            call.walk(value)?;
            call.evaluator.bytes(value.extent().bytes)?;
            let text = value.shown_in(call.dialect()).to_string();
            call.text_value(text)
        }
    }
}

fn number(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.scanned_text(0)?;
    let mut digits = text.to_string();
    let same = !call.argument(1).is_null() && call.argument(1) == call.argument(2);
    call.in_domain(!same, "A decimal separator that is the grouping separator")?;
    if let Some(grouping) = separator(call, 1, &[" ", ",", "."])? {
        digits = digits.replace(grouping, "");
    }
    if let Some(decimal) = separator(call, 2, &[",", "."])? {
        digits = digits.replace(decimal, ".");
    }
    match digits.parse() {
        Ok(number) => Ok(Value::Number(number)),
        Err(_) => null(format!("Can't parse '{}' as a number", plain(call.argument(0)))),
    }
}

/// The separator at this argument; none if it is missing or null.
fn separator<'c>(
    call: &Call<'c, '_>,
    index: usize,
    allowed: &[&str],
) -> Result<Option<&'c str>, Failure> {
    if call.argument(index).is_null() {
        return Ok(None);
    }
    let separator = call.text(index)?;
    if allowed.contains(&separator) {
        return Ok(Some(separator));
    }
    null(format!("Illegal separator '{separator}', expected one of '{}'", allowed.join("', '")))
}

/// A text for a message, without quotes.
fn plain(value: &Value) -> String {
    shown(value).to_string().trim_matches('"').to_string()
}

/// A context from a list of contexts with `key` and `value`.
fn context(call: &mut Call<'_, '_>) -> Outcome {
    let mut entries = Vec::new();
    for element in &call.list(0)? {
        let Value::Context(entry) = element else { return Ok(Value::Null) };
        match (entry.get("key"), entry.get("value")) {
            (Some(Value::String(key)), Some(value)) => entries.push((key, value)),
            _ => return Ok(Value::Null),
        }
    }
    let count = entries.len();
    let context = Context::from(entries);
    if call.dialect().is_dmn() && context.len() < count {
        return null("A key is there twice");
    }
    call.context_value(context)
}

fn to_json(call: &mut Call<'_, '_>) -> Outcome {
    let value = call.argument(0);
    call.walk(value)?;
    call.evaluator.bytes(value.extent().bytes)?;
    let mut text = String::new();
    write_json(value, json_text, &mut text);
    call.text_value(text)
}

/// How `to json` shows what JSON has no kind for, where variables hold it otherwise: times always
/// with seconds, the offset of a zone in front of its name, functions and ranges as `string` does.
fn json_text(value: &Value) -> Option<String> {
    let offset = |seconds: Option<i32>| seconds.map(|seconds| Zone::Offset(seconds).to_string());
    match value {
        Value::Time(value) => {
            let offset = offset(value.offset_seconds()).unwrap_or_default();
            Some(format!("{}{offset}", Time::local(value.local)))
        }
        Value::DateTime(value) => {
            let offset = offset(value.offset_seconds()).unwrap_or_default();
            let name = value.zone.as_ref().and_then(Zone::name);
            let name = name.map(|name| format!("[{name}]")).unwrap_or_default();
            Some(format!("{}{offset}{name}", DateTime::local(value.date, value.time)))
        }
        Value::Function(_) | Value::Range(_) => Some(value.to_string()),
        _ => None,
    }
}

fn from_json(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.evaluator.steps(text.len() as u64 / 8)?;
    match parse_json(text) {
        Some(value) => {
            call.evaluator.bytes(value.extent().bytes)?;
            Ok(value)
        }
        None => null(format!("Failed to parse JSON from {}", shown(call.argument(0)))),
    }
}
