//! Providers: how an activity is carried out.

pub(crate) mod http;
pub(crate) mod process;

use serde_json::Value;

use crate::options::RunOptions;
use crate::program::Programs;
use crate::template::Names;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The activity failed.
    Failed(String),
    /// The Chaos Toolkit ends the experiment with an exception here.
    Crash(String),
}

/// A result, and what the log should say about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) output: Value,
    pub(crate) warning: Option<&'static str>,
}

/// What all providers need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) names: &'a Names,
    pub(crate) options: &'a RunOptions,
    pub(crate) programs: &'a dyn Programs,
}

/// Carries an activity out.
pub(crate) async fn run(
    activity: &Value,
    surroundings: Surroundings<'_>,
) -> Result<Answer, Failure> {
    let Some(provider) = activity.get("provider") else {
        return Err(Failure::Crash("the activity has no provider".to_owned()));
    };
    let judged = activity.get("tolerance").is_some();
    match provider.get("type").and_then(Value::as_str) {
        Some("process") => process::run(provider, judged, surroundings).await,
        Some("http") => http::run(provider, judged, surroundings).await,
        Some("python") => Err(Failure::Crash("python providers are not supported".to_owned())),
        // An unknown provider does nothing, and its result is nothing.
        _ => Ok(Answer { output: Value::Null, warning: None }),
    }
}
