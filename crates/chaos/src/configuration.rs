//! The configuration and the secrets of an experiment: plain values, and those that the environment or a
//! probe gives.

use serde_json::{Map, Value};

use crate::document::{Document, Finding};
use crate::options::{Judging, Variables};
use crate::python;
use crate::template::Names;
use crate::variables::converted;

/// What names stand for, before probes were asked, or what is wrong.
pub(crate) fn load(document: &Document, variables: &Variables) -> (Names, Vec<Finding>) {
    let mut findings = Vec::new();
    let empty = Map::new();
    let map = |name: &str| document.value.get(name).and_then(Value::as_object);
    let mut configuration = Map::new();
    for (key, value) in map("configuration").unwrap_or(&empty) {
        let value = variables.configuration.get(key).unwrap_or(value);
        let path = format!("/configuration/{key}");
        match configuration_value(value, variables) {
            Ok(value) => {
                configuration.insert(key.clone(), value);
            }
            Err(message) => findings.push(document.finding(&path, message)),
        }
    }
    let outside = &variables.secrets;
    let mut load = Secrets { document, variables, findings: &mut findings };
    let secrets = load.group(map("secrets").unwrap_or(&empty), Some(outside), "/secrets");
    (Names { configuration, secrets }, findings)
}

fn configuration_value(value: &Value, variables: &Variables) -> Result<Value, String> {
    if value.get("type").and_then(Value::as_str) != Some("env") {
        return Ok(value.clone());
    }
    let key = value.get("key").and_then(Value::as_str).unwrap_or("");
    let kind = value.get("env_var_type").and_then(Value::as_str);
    match (variables.environment(key), value.get("default")) {
        (Some(text), _) => converted(kind, &text),
        // The default goes the same way as the variable, and is usually of the right type already.
        (None, Some(Value::String(text))) => converted(kind, text),
        (None, Some(Value::Number(number))) if matches!(kind, Some("int" | "integer")) => {
            converted(kind, &python::number_text(number).replace(".0", ""))
        }
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(format!(
            "Configuration makes reference to an environment key that does not exist: {key}"
        )),
    }
}

struct Secrets<'a> {
    document: &'a Document,
    variables: &'a Variables,
    findings: &'a mut Vec<Finding>,
}

impl Secrets<'_> {
    fn group(
        &mut self,
        group: &Map<String, Value>,
        outside: Option<&Map<String, Value>>,
        path: &str,
    ) -> Map<String, Value> {
        let mut secrets = Map::new();
        for (key, value) in group {
            let path = format!("{path}/{key}");
            let given = outside.and_then(|map| map.get(key)).filter(|value| !value.is_null());
            if let Some(value) = self.secret(value, given, &path) {
                secrets.insert(key.clone(), value);
            }
        }
        secrets
    }

    fn secret(&mut self, value: &Value, given: Option<&Value>, path: &str) -> Option<Value> {
        let Value::Object(map) = value else { return Some(value.clone()) };
        match (given, map.get("type").and_then(Value::as_str)) {
            // A whole group may be given, or only some of it.
            (Some(Value::Object(given)), None) => {
                let mut group = self.group(map, Some(given), path);
                for (name, value) in given {
                    group.insert(name.clone(), value.clone());
                }
                Some(Value::Object(group))
            }
            (Some(given), _) => Some(given.clone()),
            (None, Some("env")) => {
                let key = map.get("key").and_then(Value::as_str).unwrap_or("");
                let value = self.variables.environment(key).map(Value::String);
                if value.is_none() {
                    let message = format!(
                        "Secrets make reference to an environment key that does not exist: {key}"
                    );
                    self.findings.push(self.document.finding(path, message));
                }
                value
            }
            (None, Some("vault")) => {
                let message = "secrets from Vault are not supported; put the value into the \
                               environment and use {\"type\": \"env\", \"key\": \"NAME\"}";
                self.findings.push(self.document.finding(path, message));
                None
            }
            (None, _) => Some(Value::Object(self.group(map, None, path))),
        }
    }
}

/// Entries whose value a probe gives.
pub(crate) fn dynamic(configuration: &Map<String, Value>) -> Vec<(String, Value)> {
    let is_probe = |value: &Value| value.get("type").and_then(Value::as_str) == Some("probe");
    configuration
        .iter()
        .filter(|(_, value)| is_probe(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The findings of loading without values from outside, as the original validates; strictly, values from
/// outside count.
pub(crate) fn check(document: &Document, judging: Judging, variables: &Variables) -> Vec<Finding> {
    let without = Variables { environment: variables.environment.clone(), ..Variables::default() };
    load(document, if judging == Judging::Strict { variables } else { &without }).1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::read;

    fn loaded(text: &str, variables: &Variables) -> (Names, Vec<String>) {
        let document = read("x.json", text, crate::Language::Json).expect("JSON");
        let (names, findings) = load(&document, variables);
        (names, findings.iter().map(ToString::to_string).collect())
    }

    fn variables() -> Variables {
        Variables {
            configuration: json!({"given": 2}).as_object().cloned().expect("a map"),
            secrets: json!({"g": {"given": "s2"}}).as_object().cloned().expect("a map"),
            environment: vec![("SKEP_T".to_owned(), "7".to_owned())],
        }
    }

    #[test]
    fn values_come_from_everywhere() {
        let text = r#"{"configuration": {"a": 1, "b": {"type": "env", "key": "SKEP_T"},
            "c": {"type": "env", "key": "SKEP_T", "env_var_type": "int"},
            "d": {"type": "env", "key": "SKEP_NONE", "default": "x"},
            "e": {"type": "env", "key": "SKEP_NONE", "default": 4, "env_var_type": "int"},
            "f": {"any": "map"}, "given": 1},
            "secrets": {"g": {"plain": "p", "env": {"type": "env", "key": "SKEP_T"}, "given": "s1"}}}"#;
        let (names, findings) = loaded(text, &variables());
        assert_eq!(findings, [""; 0]);
        assert_eq!(
            Value::Object(names.configuration),
            json!({"a": 1, "b": "7", "c": 7, "d": "x", "e": 4, "f": {"any": "map"}, "given": 2})
        );
        assert_eq!(
            Value::Object(names.secrets),
            json!({"g": {"plain": "p", "env": "7", "given": "s2"}})
        );
    }

    #[test]
    fn what_is_missing_is_found_where_it_is_asked_for() {
        let text = "{\"configuration\": {\n\"a\": {\"type\": \"env\", \"key\": \"SKEP_NONE\"}},\n\
                    \"secrets\": {\"g\": {\n\"b\": {\"type\": \"env\", \"key\": \"SKEP_NONE\"},\n\
                    \"c\": {\"type\": \"vault\", \"path\": \"x\"}}}}";
        let (_, findings) = loaded(text, &Variables::default());
        assert_eq!(findings.len(), 3);
        assert!(
            findings[0].starts_with("x.json:2:6: Configuration makes reference"),
            "{findings:?}"
        );
        assert!(findings[1].starts_with("x.json:4:6: Secrets make reference"), "{findings:?}");
        assert!(findings[2].starts_with("x.json:5:6: secrets from Vault"), "{findings:?}");
    }
}
