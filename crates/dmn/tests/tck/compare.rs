//! Whether a value is the expected one.

use skep_feel::{Number, Value};

use super::case::ResultNode;

/// An error that says what is different.
pub fn judge(result: &ResultNode, actual: Result<Value, String>) -> Result<(), String> {
    let expected = &result.expected;
    match actual {
        Err(_) if result.is_error => Ok(()),
        Ok(value) if result.is_error && value.is_null() => Ok(()),
        Ok(value) if is_same(expected, &value) => Ok(()),
        Ok(value) => Err(format!("expected {expected}, got {value}")),
        Err(reason) => Err(format!("expected {expected}: {reason}")),
    }
}

/// Numbers are compared with the tolerance that runners of the TCK have, as its expected values are
/// rounded; everything else exactly.
fn is_same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(expected), Value::Number(actual)) => is_close(*expected, *actual),
        (Value::List(expected), Value::List(actual)) => {
            expected.len() == actual.len()
                && expected.iter().zip(actual).all(|(expected, actual)| is_same(&expected, &actual))
        }
        (Value::Context(expected), Value::Context(actual)) => {
            expected.len() == actual.len()
                && expected.entries().iter().all(|(key, expected)| {
                    actual.get(key).is_some_and(|actual| is_same(expected, &actual))
                })
        }
        (expected, actual) => expected.type_name() == actual.type_name() && expected == actual,
    }
}

fn is_close(expected: Number, actual: Number) -> bool {
    let (expected, actual) = (float(expected), float(actual));
    (expected - actual).abs() <= 1e-8 * expected.abs().max(1.0)
}

fn float(number: Number) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}
