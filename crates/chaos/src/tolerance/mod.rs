//! Tolerances: what a probe may answer.

pub(crate) mod check;
mod decimal;
pub(crate) mod jsonpath;
pub(crate) mod pattern;

use serde_json::Value;

use crate::python;
use crate::template::Names;
use decimal::Decimal;

/// What a tolerance says about a result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Judgement {
    /// Whether the result is within it.
    Met(bool),
    /// This probe decides.
    Ask(Value),
    /// The Chaos Toolkit ends with an exception here.
    Crash(String),
}

/// Judges a result. `output` is what the probe answered.
pub(crate) fn judge(tolerance: &Value, output: &Value, names: &Names) -> Judgement {
    match tolerance {
        Value::String(_) => {
            // A text may turn into anything.
            match names.substitute(tolerance) {
                Value::String(text) => Judgement::Met(python::equal(&Value::String(text), output)),
                other => judge_value(&other, output, names),
            }
        }
        other => judge_value(other, output, names),
    }
}

fn judge_value(tolerance: &Value, output: &Value, names: &Names) -> Judgement {
    match tolerance {
        Value::Number(number) if number.is_f64() => Judgement::Met(false),
        Value::Number(_) => {
            Judgement::Met(python::equal(output.get("status").unwrap_or(output), tolerance))
        }
        Value::Array(list) => within_list(list, output),
        Value::Object(map) => match map.get("type").and_then(Value::as_str) {
            Some("probe") => Judgement::Ask(tolerance.clone()),
            Some("regex") => within_regex(tolerance, output, names),
            Some("jsonpath") => within_path(tolerance, output, names),
            Some("range") => within_range(tolerance, output),
            _ => Judgement::Met(false),
        },
        Value::Null => Judgement::Met(false),
        other => Judgement::Met(python::equal(output, other)),
    }
}

fn within_list(list: &[Value], output: &Value) -> Judgement {
    let member = |value: &Value| list.iter().any(|item| python::equal(item, value));
    if let Some(status) = output.get("status") {
        return Judgement::Met(member(status));
    }
    let [low, high] = list else { return Judgement::Met(member(output)) };
    match (python::order(low, output), python::order(output, high)) {
        (Some(first), _) if first.is_gt() => Judgement::Met(false),
        (Some(_), Some(second)) => Judgement::Met(second.is_le()),
        _ => Judgement::Crash(format!(
            "'<=' not supported between instances of '{}' and '{}'",
            python::type_name(low),
            python::type_name(output)
        )),
    }
}

/// The part of the result that is looked at. Without `target` all of it; when there is no such part, all of it, too.
fn target<'a>(tolerance: &Value, output: &'a Value) -> Result<&'a Value, String> {
    let Some(target) = tolerance.get("target").and_then(Value::as_str).filter(|t| !t.is_empty())
    else {
        return Ok(output);
    };
    match output {
        Value::Object(map) => Ok(map.get(target).unwrap_or(output)),
        other => Err(format!("'{}' object has no attribute 'get'", python::type_name(other))),
    }
}

fn within_regex(tolerance: &Value, output: &Value, names: &Names) -> Judgement {
    let pattern = names.substitute(tolerance.get("pattern").unwrap_or(&Value::Null));
    let value = match target(tolerance, output) {
        Ok(value) => value,
        Err(message) => return Judgement::Crash(message),
    };
    let (Value::String(pattern), Value::String(text)) = (&pattern, value) else {
        return Judgement::Crash(format!(
            "expected string or bytes-like object, got '{}'",
            python::type_name(value)
        ));
    };
    match pattern::search(pattern, text) {
        Ok(found) => Judgement::Met(found),
        Err(message) => Judgement::Crash(message),
    }
}

fn within_path(tolerance: &Value, output: &Value, names: &Names) -> Judgement {
    let path = names.substitute(tolerance.get("path").unwrap_or(&Value::Null));
    let path = match jsonpath::Path::parse(path.as_str().unwrap_or("")) {
        Ok(path) => path,
        Err(message) => return Judgement::Crash(message),
    };
    let value = match target(tolerance, output) {
        Ok(value) => value.clone(),
        Err(message) => return Judgement::Crash(message),
    };
    // A text is read as JSON when it is some.
    let value = match &value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    };
    let found = Value::Array(path.values(&value));
    let count = found.as_array().map_or(0, Vec::len);
    let mut met = count > 0;
    if let Some(wanted) = tolerance.get("count").filter(|wanted| !wanted.is_null()) {
        met = python::equal(&Value::from(count), wanted);
    }
    if let Some(expect) = tolerance.get("expect") {
        let expect = names.substitute(expect);
        let expect = if expect.is_array() { expect } else { Value::Array(vec![expect]) };
        met = python::equal(&found, &expect);
    }
    Judgement::Met(met)
}

fn within_range(tolerance: &Value, output: &Value) -> Judgement {
    let value = match target(tolerance, output) {
        Ok(value) => value,
        Err(message) => return Judgement::Crash(message),
    };
    if matches!(value, Value::Object(_) | Value::Array(_) | Value::Null) {
        let kind = python::type_name(value);
        return Judgement::Crash(format!("conversion from {kind} to Decimal is not supported"));
    }
    let bound = |index: usize| tolerance.get("range")?.get(index).and_then(Decimal::of);
    let (Some(value), Some(low), Some(high)) = (Decimal::of(value), bound(0), bound(1)) else {
        return Judgement::Met(false);
    };
    Judgement::Met(low <= value && value <= high)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(tolerance: Value, output: Value) -> Judgement {
        let configuration = json!({"n": 0, "word": "ready", "path": "$.a"});
        let names = Names {
            configuration: configuration.as_object().cloned().expect("a map"),
            ..Names::default()
        };
        judge(&tolerance, &output, &names)
    }

    fn process(status: i64, stdout: &str) -> Value {
        json!({"status": status, "stdout": stdout, "stderr": ""})
    }

    #[test]
    fn scalars() {
        for (tolerance, output, met) in [
            (json!(0), process(0, ""), true),
            (json!(0), process(1, ""), false),
            (json!(0), json!(0), true),
            (json!(1), json!(true), true),
            (json!(true), json!(1), true),
            (json!(true), process(1, ""), false),
            (json!("ready"), json!("ready"), true),
            (json!("${word}"), json!("ready"), true),
            (json!("${n}"), process(0, ""), true),
            (json!("ready"), process(0, "ready"), false),
            (json!(null), json!(null), false),
            (json!([0, 3]), process(3, ""), true),
            (json!([0, 3]), process(1, ""), false),
            (json!([1, 5]), json!(3.5), true),
            (json!([1, 5]), json!(6), false),
            (json!(["a", "c"]), json!("b"), true),
            (json!([1, 2, 3]), json!(2), true),
            (json!([1, 2, 3]), json!(5), false),
        ] {
            assert_eq!(judged(tolerance.clone(), output), Judgement::Met(met), "{tolerance}");
        }
        assert!(matches!(judged(json!([1, 5]), json!("x")), Judgement::Crash(_)));
    }

    #[test]
    fn patterns() {
        for (tolerance, met) in [
            (json!({"type": "regex", "pattern": "^${word}", "target": "stdout"}), true),
            (json!({"type": "regex", "pattern": "^eady", "target": "stdout"}), false),
            (json!({"type": "regex", "pattern": "x", "target": "stderr"}), false),
        ] {
            let output = process(0, "ready\n");
            assert_eq!(judged(tolerance.clone(), output), Judgement::Met(met), "{tolerance}");
        }
        let without_target = json!({"type": "regex", "pattern": "x"});
        assert!(matches!(judged(without_target.clone(), process(0, "x")), Judgement::Crash(_)));
        assert_eq!(judged(without_target, json!("x")), Judgement::Met(true));
    }

    #[test]
    fn paths() {
        let output = process(0, r#"{"a": [1, 2]}"#);
        for (tolerance, met) in [
            (json!({"path": "$.a[*]"}), true),
            (json!({"path": "$.b"}), false),
            (json!({"path": "$.a[*]", "count": 2}), true),
            (json!({"path": "$.a[*]", "count": 1}), false),
            (json!({"path": "$.b", "count": 0}), true),
            (json!({"path": "$.a[*]", "expect": [1, 2]}), true),
            (json!({"path": "$.a[0]", "expect": 1}), true),
            (json!({"path": "$.a[0]", "expect": 2, "count": 1}), false),
            (json!({"path": "${path}", "expect": [[1, 2]]}), true),
        ] {
            let mut full = tolerance.clone();
            full["type"] = json!("jsonpath");
            full["target"] = json!("stdout");
            assert_eq!(judged(full, output.clone()), Judgement::Met(met), "{tolerance}");
        }
        let whole = json!({"type": "jsonpath", "path": "$.status"});
        assert_eq!(judged(whole, output), Judgement::Met(true));
    }

    #[test]
    fn ranges() {
        let range = json!({"type": "range", "range": [1, 5.5], "target": "stdout"});
        assert_eq!(judged(range.clone(), process(0, "5.5\n")), Judgement::Met(true));
        assert_eq!(judged(range.clone(), process(0, "5.6")), Judgement::Met(false));
        assert_eq!(judged(range.clone(), process(0, "many")), Judgement::Met(false));
        let whole = json!({"type": "range", "range": [1, 5]});
        assert!(matches!(judged(whole, process(0, "")), Judgement::Crash(_)));
    }

    #[test]
    fn a_probe_is_asked() {
        let probe = json!({"type": "probe", "name": "x"});
        assert_eq!(judged(probe.clone(), json!(1)), Judgement::Ask(probe));
    }
}
