//! Whether a tolerance is one, in the words of the Chaos Toolkit.

use serde_json::Value;

use super::{jsonpath, pattern};
use crate::python;

/// What is wrong with a tolerance, if anything: the path below it and the message. Probes are checked as activities
/// by the caller.
pub(crate) fn check(tolerance: &Value) -> Option<(&'static str, String)> {
    match tolerance {
        Value::Object(map) => match map.get("type").and_then(Value::as_str) {
            Some("probe") => None,
            Some("regex") => check_pattern(tolerance),
            Some("jsonpath") => check_path(tolerance),
            Some("range") => check_range(tolerance),
            other => {
                let text = python::text(map.get("type").unwrap_or(&Value::Null));
                let text = other.unwrap_or(&text);
                Some(("/type", format!("hypothesis probe tolerance type '{text}' is unsupported")))
            }
        },
        Value::Number(number) if number.is_f64() => Some(("", UNKNOWN.to_owned())),
        Value::Null => Some(("", UNKNOWN.to_owned())),
        _ => None,
    }
}

const UNKNOWN: &str = "hypothesis probe tolerance must either be an integer, a string, a boolean or a \
                       pair of values for boundaries. It can also be a dictionary which is a probe \
                       activity definition that takes an argument called `value` with the value of \
                       the probe itself to be validated";

fn check_pattern(tolerance: &Value) -> Option<(&'static str, String)> {
    match tolerance.get("pattern") {
        None => Some(("", "hypothesis regex probe tolerance must have a `pattern` key".to_owned())),
        Some(Value::String(text)) => pattern::compile(text).err().map(|error| {
            let message =
                format!("hypothesis probe tolerance pattern {text} seems invalid: {error}");
            ("/pattern", message)
        }),
        Some(other) => Some((
            "/pattern",
            format!(
                "hypothesis probe tolerance pattern {} has an invalid type",
                python::text(other)
            ),
        )),
    }
}

fn check_path(tolerance: &Value) -> Option<(&'static str, String)> {
    let at = "/path";
    match tolerance.get("path") {
        None => Some(("", "hypothesis jsonpath probe tolerance must have a `path` key".to_owned())),
        Some(Value::String(text)) if text.trim().is_empty() => {
            Some((at, "hypothesis probe tolerance JSON path cannot be empty".to_owned()))
        }
        Some(Value::String(text)) => jsonpath::Path::parse(text).err().map(|_| {
            (at, format!("hypothesis probe tolerance JSON path {} is invalid", text.trim()))
        }),
        Some(other) => Some((
            at,
            format!(
                "hypothesis probe tolerance JSON path {} has an invalid type",
                python::text(other)
            ),
        )),
    }
}

fn check_range(tolerance: &Value) -> Option<(&'static str, String)> {
    let message = match tolerance.get("range") {
        None => {
            return Some((
                "",
                "hypothesis range probe tolerance must have a `range` key".to_owned(),
            ));
        }
        Some(Value::Array(bounds)) => match bounds.as_slice() {
            [low, _] if !is_number(low) => "hypothesis range lower boundary must be a number",
            [_, high] if !is_number(high) => "hypothesis range upper boundary must be a number",
            [_, _] => return None,
            _ => "hypothesis range sequence must be made of two values",
        },
        Some(_) => "hypothesis range must be a sequence",
    };
    Some(("/range", message.to_owned()))
}

fn is_number(value: &Value) -> bool {
    value.is_number() || value.is_boolean()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn good_ones_pass() {
        for tolerance in [
            json!(0),
            json!(true),
            json!("x"),
            json!([1, 2]),
            json!({"type": "regex", "pattern": "a+"}),
            json!({"type": "jsonpath", "path": "$.a"}),
            json!({"type": "range", "range": [0, 1.5]}),
            json!({"type": "probe"}),
        ] {
            assert_eq!(check(&tolerance), None, "{tolerance}");
        }
    }

    #[test]
    fn bad_ones_are_named() {
        for (tolerance, part) in [
            (json!(1.5), "must either be an integer"),
            (json!(null), "must either be an integer"),
            (json!({"type": "what"}), "type 'what' is unsupported"),
            (json!({}), "type 'None' is unsupported"),
            (json!({"type": "regex"}), "must have a `pattern` key"),
            (json!({"type": "regex", "pattern": "("}), "pattern ( seems invalid"),
            (json!({"type": "regex", "pattern": 1}), "pattern 1 has an invalid type"),
            (json!({"type": "jsonpath"}), "must have a `path` key"),
            (json!({"type": "jsonpath", "path": " "}), "cannot be empty"),
            (json!({"type": "jsonpath", "path": "a"}), "JSON path a is invalid"),
            (json!({"type": "range"}), "must have a `range` key"),
            (json!({"type": "range", "range": 1}), "must be a sequence"),
            (json!({"type": "range", "range": [1]}), "made of two values"),
            (json!({"type": "range", "range": ["a", 1]}), "lower boundary"),
            (json!({"type": "range", "range": [1, "a"]}), "upper boundary"),
        ] {
            let (_, message) = check(&tolerance).expect("a finding");
            assert!(message.contains(part), "{tolerance}: {message}");
        }
    }
}
