//! Values from outside: `--var key[:type]=value` and files of variables.

use std::path::Path;

use serde_json::{Map, Value};

use crate::document::{self, Language};
use crate::options::Variables;

/// Reads `key[:type]=value`; without a type the value is a text.
///
/// # Errors
/// When there is no `=`, the type is unknown, or the value is none of it.
pub fn parse_variable(text: &str) -> Result<(String, Value), String> {
    let wrong = || "var needs to be in the format name[:type]=value".to_owned();
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    let (key, kind) = match key.rsplit_once(':') {
        Some((key, kind)) => (key, Some(kind)),
        None => (key, None),
    };
    Ok((key.to_owned(), converted(kind, value)?))
}

/// A text as a value of the type that is named.
pub(crate) fn converted(kind: Option<&str>, text: &str) -> Result<Value, String> {
    let wrong = |kind: &str| format!("'{text}' cannot be converted to {kind}");
    match kind {
        None | Some("str" | "string" | "bytes") => Ok(Value::String(text.to_owned())),
        Some(kind @ ("int" | "integer")) => {
            let digits = text.trim().replace('_', "");
            let number: i64 = digits.parse().map_err(|_| wrong(kind))?;
            Ok(Value::from(number))
        }
        Some(kind @ ("float" | "number")) => {
            let number: f64 = text.trim().parse().map_err(|_| wrong(kind))?;
            serde_json::Number::from_f64(number).map(Value::Number).ok_or_else(|| wrong(kind))
        }
        Some("bool") => {
            let lower = text.to_lowercase();
            Ok(Value::Bool(!matches!(lower.as_str(), "false" | "0" | "no")))
        }
        Some("json") if text.is_empty() => Ok(Value::String(String::new())),
        Some("json") => serde_json::from_str(text).map_err(|error| error.to_string()),
        Some(_) => {
            Err("variable type can only be: bool, str, int, float, bytes or json".to_owned())
        }
    }
}

impl Variables {
    /// Adds a file: JSON or YAML with `configuration` and `secrets`, anything else is lines of
    /// `NAME=value` for the environment. Later files win over earlier ones.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_file(&mut self, path: &Path) -> Result<(), String> {
        let name = path.display().to_string();
        let text = document::text_of(path).map_err(|error| error.to_string())?;
        let Some(language) = Language::of(path) else { return self.add_lines(&name, &text) };
        let read = document::read(&name, &text, language).map_err(|error| error.to_string())?;
        for (part, into) in
            [("configuration", &mut self.configuration), ("secrets", &mut self.secrets)]
        {
            match read.value.get(part) {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => merge(into, map),
                Some(_) => {
                    return Err(read
                        .finding(&format!("/{part}"), format!("`{part}` has to be a map"))
                        .to_string());
                }
            }
        }
        Ok(())
    }

    fn add_lines(&mut self, name: &str, text: &str) -> Result<(), String> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| format!("{name}:{}:1: expected NAME=value", index + 1))?;
            self.environment.push((key.to_owned(), value.to_owned()));
        }
        Ok(())
    }

    /// A variable of the environment: from the files, or of the process.
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        let own = self.environment.iter().rev().find(|(key, _)| key == name);
        own.map(|(_, value)| value.clone()).or_else(|| process_environment(name))
    }
}

/// Experiments name the variables they want; which ones that will be nobody can know before.
fn process_environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        into.insert(name.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_have_types() {
        for (text, name, value) in [
            ("a=1", "a", json!("1")),
            ("a:int=1", "a", json!(1)),
            ("a:float=1", "a", json!(1.0)),
            ("a:bool=No", "a", json!(false)),
            ("a:json={\"b\": [1]}", "a", json!({"b": [1]})),
            ("a:b:str=x=y", "a:b", json!("x=y")),
            ("a:bytes=x", "a", json!("x")),
        ] {
            assert_eq!(parse_variable(text), Ok((name.to_owned(), value)), "{text}");
        }
        for text in ["a", "a:int=x", "a:float=nan", "a:what=1", "a:json={"] {
            assert!(parse_variable(text).is_err(), "{text}");
        }
    }

    #[test]
    fn files_of_three_kinds_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let mut variables = Variables::default();
        let json = file("a.json", r#"{"configuration": {"a": 1, "b": 1}}"#);
        variables.add_file(&json).expect("JSON");
        let yaml = file("b.yaml", "configuration: {b: 2}\nsecrets: {g: {t: s}}\n");
        variables.add_file(&yaml).expect("YAML");
        let lines = file("c.env", "# x\n\nA=b=c\n");
        variables.add_file(&lines).expect("lines");
        assert_eq!(Value::Object(variables.configuration.clone()), json!({"a": 1, "b": 2}));
        assert_eq!(Value::Object(variables.secrets.clone()), json!({"g": {"t": "s"}}));
        assert_eq!(variables.environment("A").as_deref(), Some("b=c"));
        assert!(variables.add_file(&file("d.env", "nonsense")).is_err());
        assert!(variables.add_file(&file("e.json", r#"{"secrets": 1}"#)).is_err());
    }
}
