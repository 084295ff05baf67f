//! The journal: what was done, when, and what came of it, in the shape of the original's.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outcome::{Outcome, Verdict};

/// The journal's name of the library that wrote it.
pub(crate) const LIBRARY_VERSION: &str = concat!("skep-", env!("CARGO_PKG_VERSION"));

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// To its end.
    Completed,
    /// A probe of the hypothesis could not be run, or failing fast ended it.
    Failed,
    /// Something unexpected ended it.
    Aborted,
    /// A signal ended it.
    Interrupted,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Interrupted => "interrupted",
        })
    }
}

/// How one activity went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivityStatus {
    /// It gave a result, whatever that says.
    Succeeded,
    /// It gave none.
    Failed,
}

/// One execution of an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEntry {
    /// The activity.
    #[serde(default)]
    pub activity: Value,
    /// Its result.
    #[serde(default)]
    pub output: Value,
    /// When it began, ISO 8601.
    #[serde(default)]
    pub start: String,
    /// How it went; absent when it was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ActivityStatus>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exception: Vec<String>,
    /// When it ended, ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Seconds, without pauses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Whether the result is within the tolerance; for probes of the hypothesis, and for those of the method when
    /// judging strictly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance_met: Option<bool>,
}

impl RunEntry {
    /// The activity's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.activity.get("name").and_then(Value::as_str).unwrap_or("")
    }

    /// `probe` or `action`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.activity.get("type").and_then(Value::as_str).unwrap_or("")
    }
}

/// One check of the hypothesis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Whether it was met; nothing when it was interrupted.
    pub steady_state_met: Option<bool>,
    /// The probes that were run.
    #[serde(default)]
    pub probes: Vec<RunEntry>,
}

/// All checks of the hypothesis.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SteadyStates {
    /// Before the method.
    pub before: Option<State>,
    /// After the method.
    pub after: Option<State>,
    /// While it ran.
    #[serde(default)]
    pub during: Vec<State>,
}

/// What was done, when, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Journal {
    /// What wrote it.
    #[serde(rename = "chaoslib-version", default)]
    pub chaoslib_version: String,
    /// The operating system.
    #[serde(default)]
    pub platform: String,
    /// The machine.
    #[serde(default)]
    pub node: String,
    /// The experiment.
    #[serde(default)]
    pub experiment: Value,
    /// When the run began.
    #[serde(default)]
    pub start: String,
    /// How it ended.
    pub status: Option<Status>,
    /// Whether the hypothesis was not met after the method.
    #[serde(default)]
    pub deviated: bool,
    /// The checks of the hypothesis.
    #[serde(default)]
    pub steady_states: SteadyStates,
    /// The activities of the method.
    #[serde(default)]
    pub run: Vec<RunEntry>,
    /// The activities of the rollbacks.
    #[serde(default)]
    pub rollbacks: Vec<RunEntry>,
    /// When the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// How it is judged; only when judging strictly, the original has no such key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What was judged to be wrong; only when judging strictly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

impl Journal {
    /// The experiment's title.
    #[must_use]
    pub fn title(&self) -> &str {
        self.experiment.get("title").and_then(Value::as_str).unwrap_or("")
    }

    /// As the file has it: two spaces of indentation.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A journal is made of strings, numbers and maps with strings as keys: it can be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads a journal, also one that the Chaos Toolkit wrote.
    ///
    /// # Errors
    /// When it is no journal.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("this is no journal: {error}"))
    }
}
