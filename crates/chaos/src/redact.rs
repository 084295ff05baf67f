//! Keeps secrets out of the log and the journal.

use serde_json::{Map, Value};

use crate::limits::SECRET_LENGTH_MIN;
use crate::python;

const INSTEAD: &str = "********";

/// Knows the secrets of an experiment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Every value among the secrets.
    pub(crate) fn of(secrets: &Map<String, Value>) -> Self {
        let mut found = Vec::new();
        for value in secrets.values() {
            collect(value, &mut found);
        }
        found.retain(|secret| secret.chars().count() >= SECRET_LENGTH_MIN);
        // A secret within another one has to come after it.
        found.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        found.dedup();
        Self { secrets: found }
    }

    /// The text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret) {
                text = text.replace(secret, INSTEAD);
            }
        }
        text
    }

    /// The value without secrets, in names of maps, too.
    pub(crate) fn value(&self, value: &Value) -> Value {
        if self.secrets.is_empty() {
            return value.clone();
        }
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => Value::Object(
                map.iter().map(|(name, value)| (self.text(name), self.value(value))).collect(),
            ),
            Value::Number(number) if self.secrets.contains(&python::number_text(number)) => {
                Value::String(INSTEAD.to_owned())
            }
            other => other.clone(),
        }
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(map) => map.values().for_each(|value| collect(value, into)),
        Value::String(text) => {
            into.push(text.clone());
            // As it looks within a text that is JSON.
            let escaped = Value::String(text.clone()).to_string();
            into.push(escaped.trim_matches('"').to_owned());
            into.push(text.trim().to_owned());
        }
        Value::Number(number) => into.push(python::number_text(number)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_nowhere() {
        let secrets = json!({"g": {"a": "hunter2", "b": 123_456, "c": "x", "d": "hunter2hunter2", "e": "q\"q\"q"}});
        let redactor = Redactor::of(secrets.as_object().expect("a map"));
        let value = json!({"hunter2": ["<hunter2>", 123_456, "123456", "x", "hunter2hunter2", "{\"a\":\"q\\\"q\\\"q\"}"]});
        let expected = json!({INSTEAD: [format!("<{INSTEAD}>"), INSTEAD, INSTEAD, "x", INSTEAD, format!("{{\"a\":\"{INSTEAD}\"}}")]});
        assert_eq!(redactor.value(&value), expected);
    }
}
