//! Experiments as files have them: read with the place of every value, so that whoever finds something wrong
//! can say where.

pub(crate) mod check;
mod json;
mod scalar;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::limits::DOCUMENT_BYTES_MAX;

/// A place in a text; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The place of every value, by the path to it (a JSON pointer without escapes).
pub(crate) type Positions = BTreeMap<String, Position>;

/// An experiment, read but not checked.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it comes from, as messages name it.
    pub name: String,
    /// What it says.
    pub value: Value,
    positions: Positions,
}

impl Document {
    /// The place of a value, or of the nearest one around it that is there.
    pub(crate) fn position(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(position) = self.positions.get(path) {
                return Some(*position);
            }
            path = path.rsplit_once('/')?.0;
        }
    }

    /// A finding about a value of this document.
    pub(crate) fn finding(&self, path: &str, message: impl Into<String>) -> Finding {
        Finding {
            file: self.name.clone(),
            position: self.position(path),
            message: message.into(),
            warning: false,
        }
    }
}

/// Something that is wrong with an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, as it was named.
    pub file: String,
    /// Where in it.
    pub position: Option<Position>,
    /// What is wrong; in the words of the Chaos Toolkit where it finds the same.
    pub message: String,
    /// Whether the experiment can be run nonetheless.
    pub warning: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{}:{position}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Why an experiment cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError(pub String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// The activity that a reference means: a later one of the same name wins, and the hypothesis over the method.
pub(crate) fn referenced<'a>(experiment: &'a Value, name: &str) -> Option<&'a Value> {
    let probes = experiment.get("steady-state-hypothesis").and_then(|h| h.get("probes"));
    let list = |value: Option<&'a Value>| value.and_then(Value::as_array).into_iter().flatten();
    list(experiment.get("method"))
        .chain(list(probes))
        .rfind(|activity| activity.get("name").and_then(Value::as_str) == Some(name))
}

/// Every activity with the path to it: of the hypothesis, the method, the rollbacks.
pub(crate) fn activities(experiment: &Value) -> impl Iterator<Item = (String, &Value)> {
    let probes = experiment.get("steady-state-hypothesis").and_then(|h| h.get("probes"));
    [
        ("/steady-state-hypothesis/probes", probes),
        ("/method", experiment.get("method")),
        ("/rollbacks", experiment.get("rollbacks")),
    ]
    .into_iter()
    .flat_map(|(path, list)| {
        let items = list.and_then(Value::as_array).into_iter().flatten().enumerate();
        items.map(move |(index, activity)| (format!("{path}/{index}"), activity))
    })
}

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// JSON.
    Json,
    /// YAML, read as the Chaos Toolkit does: version 1.1.
    Yaml,
}

impl Language {
    /// By the end of a file's name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// Reads a text.
///
/// # Errors
/// When it is not written in its language; the message has the place.
pub fn read(name: &str, text: &str, language: Language) -> Result<Document, LoadError> {
    let outcome = match language {
        Language::Json => json::read(text),
        Language::Yaml => yaml::read(text),
    };
    match outcome {
        Ok((value, positions)) => Ok(Document { name: name.to_owned(), value, positions }),
        Err((position, message)) => {
            let begin = match language {
                Language::Json => "",
                Language::Yaml => "Failed parsing YAML experiment: ",
            };
            Err(LoadError(format!("{begin}{name}:{position}: {message}")))
        }
    }
}

/// Reads a file.
///
/// # Errors
/// When it is not there, too large, or not written in what its name says.
pub fn load(path: &Path) -> Result<Document, LoadError> {
    let name = path.display().to_string();
    if !path.exists() {
        return Err(LoadError(format!("Path \"{name}\" does not exist.")));
    }
    let language = Language::of(path).ok_or_else(|| {
        LoadError("only files with json, yaml or yml extensions are supported".to_owned())
    })?;
    read(&name, &text_of(path)?, language)
}

/// The text of a file of bounded size.
pub(crate) fn text_of(path: &Path) -> Result<String, LoadError> {
    let failed =
        |error: std::io::Error| LoadError(format!("cannot read {}: {error}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let length = file.take(DOCUMENT_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if length as u64 > DOCUMENT_BYTES_MAX {
        return Err(LoadError(format!(
            "{} has more than {DOCUMENT_BYTES_MAX} bytes",
            path.display()
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named_as_the_original_does() {
        let error = load("no-such.json".as_ref()).expect_err("missing");
        assert_eq!(error.to_string(), "Path \"no-such.json\" does not exist.");
    }

    #[test]
    fn the_name_decides_the_language() {
        let file = tempfile::Builder::new().suffix(".txt").tempfile().expect("a file");
        let error = load(file.path()).expect_err("not a language");
        assert!(error.to_string().starts_with("only files with json"), "{error}");
    }

    #[test]
    fn a_missing_value_is_where_its_parent_is() {
        let document = read("x.json", "{\n  \"a\": {}\n}", Language::Json).expect("JSON");
        let at = document.position("/a/b/c").map(|position| position.to_string());
        assert_eq!(at.as_deref(), Some("2:8"));
        assert_eq!(document.position("").map(|position| position.line), Some(1));
    }
}
