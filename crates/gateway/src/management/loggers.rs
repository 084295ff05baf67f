//! Log levels, readable and changeable while the server runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use parking_lot::Mutex;
use serde::Deserialize;

use super::Management;
use crate::rest::{Json, OptionalBody, Problem};

/// A log level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What needs somebody.
    Error,
    /// What may need somebody.
    Warn,
    /// What happened.
    Info,
    /// How it happened.
    Debug,
    /// Everything.
    Trace,
}

const LEVELS: &[(LogLevel, &str)] = &[
    (LogLevel::Off, "OFF"),
    (LogLevel::Error, "ERROR"),
    (LogLevel::Warn, "WARN"),
    (LogLevel::Info, "INFO"),
    (LogLevel::Debug, "DEBUG"),
    (LogLevel::Trace, "TRACE"),
];

impl LogLevel {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        LEVELS.iter().find(|(level, _)| *level == self).map_or("OFF", |(_, name)| name)
    }
}

impl std::str::FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = LEVELS.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        found.map(|(level, _)| *level).ok_or_else(|| {
            format!(
                "Expected a level of off, error, warn, info, debug or trace, but found '{text}'"
            )
        })
    }
}

/// The logger that all others inherit from.
const ROOT: &str = "ROOT";

/// Loggers with a level of their own; each takes a comparison per log line that is written.
const LOGGERS_MAX: usize = 100;

type Apply = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Holds the levels and hands them to whoever filters.
#[derive(Clone)]
pub struct LogControl {
    inner: Arc<Inner>,
}

struct Inner {
    levels: Mutex<BTreeMap<String, LogLevel>>,
    apply: Apply,
}

impl LogControl {
    /// Starts with `root` for everything. `apply` gets the directives of every change, in the
    /// syntax of `tracing_subscriber::EnvFilter`.
    pub fn new(
        root: LogLevel,
        apply: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let levels = Mutex::new(BTreeMap::from([(ROOT.to_owned(), root)]));
        Self { inner: Arc::new(Inner { levels, apply: Box::new(apply) }) }
    }

    /// Directives of the levels.
    #[must_use]
    pub fn directives(&self) -> String {
        directives(&self.inner.levels.lock())
    }

    /// Gives a logger a level, or takes it away.
    ///
    /// # Errors
    /// When the name is none, or the filter refuses.
    pub fn set(&self, name: &str, level: Option<LogLevel>) -> Result<(), String> {
        let valid = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte));
        if !valid {
            return Err(format!(
                "Expected a logger name such as ROOT or skep_broker::partition, but found '{name}'"
            ));
        }
        let mut levels = self.inner.levels.lock();
        let mut changed = levels.clone();
        match level {
            Some(level) => {
                changed.insert(name.to_owned(), level);
            }
            None if name == ROOT => return Err("Expected a level for ROOT".to_owned()),
            None => {
                changed.remove(name);
            }
        }
        if changed.len() > LOGGERS_MAX {
            return Err(format!(
                "Expected at most {LOGGERS_MAX} loggers with a level of their own"
            ));
        }
        (self.inner.apply)(&directives(&changed))?;
        *levels = changed;
        Ok(())
    }

    /// The level set for a logger, and the one in force.
    #[must_use]
    pub fn get(&self, name: &str) -> (Option<LogLevel>, LogLevel) {
        let levels = self.inner.levels.lock();
        let configured = levels.get(name).copied();
        let mut prefix = name;
        loop {
            if let Some(level) = levels.get(prefix) {
                return (configured, *level);
            }
            match prefix.rfind("::") {
                Some(at) => prefix = prefix.get(..at).unwrap_or_default(),
                None => return (configured, levels.get(ROOT).copied().unwrap_or(LogLevel::Info)),
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.inner.levels.lock().keys().cloned().collect()
    }
}

fn directives(levels: &BTreeMap<String, LogLevel>) -> String {
    let mut parts = Vec::new();
    for (name, level) in levels {
        let level = level.name().to_ascii_lowercase();
        if name == ROOT {
            parts.insert(0, level);
        } else {
            parts.push(format!("{name}={level}"));
        }
    }
    parts.join(",")
}

fn logger_json(logs: &LogControl, name: &str) -> String {
    let (configured, effective) = logs.get(name);
    let mut json = Json::object();
    if let Some(configured) = configured {
        json.string("configuredLevel", configured.name());
    }
    json.string("effectiveLevel", effective.name());
    json.end()
}

pub(super) async fn all(State(management): State<Management>) -> Response {
    let logs = &management.inner.logs;
    let mut loggers = Json::object();
    for name in logs.names() {
        loggers.raw(&name, &logger_json(logs, &name));
    }
    let names: Vec<String> = LEVELS.iter().map(|(_, name)| (*name).to_owned()).collect();
    let mut json = Json::object();
    json.strings("levels", &names);
    json.raw("loggers", &loggers.end());
    json.answer()
}

pub(super) async fn one(
    State(management): State<Management>,
    Path(name): Path<String>,
) -> Response {
    let text = logger_json(&management.inner.logs, &name);
    ([(http::header::CONTENT_TYPE, "application/json")], text).into_response()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Change {
    configured_level: Option<String>,
}

pub(super) async fn set(
    State(management): State<Management>,
    Path(name): Path<String>,
    OptionalBody(change): OptionalBody<Change>,
) -> Result<StatusCode, Problem> {
    let level = change.configured_level.as_deref().map(str::parse).transpose();
    let level = level.map_err(Problem::bad_request)?;
    management.inner.logs.set(&name, level).map_err(Problem::bad_request)?;
    Ok(StatusCode::NO_CONTENT)
}
