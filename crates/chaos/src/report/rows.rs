//! A journal as rows: every execution of an activity, in the order in which they began.

use jiff::Timestamp;
use serde_json::Value;

use crate::journal::{ActivityStatus, Journal, RunEntry, State};
use crate::python;

/// One execution.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) phase: &'static str,
    pub(super) kind: String,
    pub(super) name: String,
    /// Seconds since the run began.
    pub(super) start: f64,
    pub(super) duration: f64,
    pub(super) good: bool,
    /// What came of it, a few words.
    pub(super) result: String,
    /// What it printed, or why it failed.
    pub(super) detail: String,
}

/// Rows of all phases.
pub(super) fn rows(journal: &Journal) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut state = |phase, state: Option<&State>| {
        for entry in state.into_iter().flat_map(|state| &state.probes) {
            rows.push(row(journal, phase, entry));
        }
    };
    state("before", journal.steady_states.before.as_ref());
    for during in &journal.steady_states.during {
        state("during", Some(during));
    }
    state("after", journal.steady_states.after.as_ref());
    rows.extend(journal.run.iter().map(|entry| row(journal, "method", entry)));
    rows.extend(journal.rollbacks.iter().map(|entry| row(journal, "rollbacks", entry)));
    rows.sort_by(|a, b| a.start.total_cmp(&b.start));
    rows
}

fn row(journal: &Journal, phase: &'static str, entry: &RunEntry) -> Row {
    let status = entry.output.get("status").and_then(Value::as_i64);
    let convicted = |entry: &RunEntry| {
        journal.verdicts.iter().any(|verdict| verdict.activity == entry.name())
            && matches!(phase, "method" | "rollbacks")
    };
    let tolerated = entry.tolerance_met != Some(false);
    let (good, mut result) = match entry.status {
        None => (false, "interrupted".to_owned()),
        Some(ActivityStatus::Failed) => (false, "failed".to_owned()),
        Some(ActivityStatus::Succeeded) if !tolerated => (false, "not in tolerance".to_owned()),
        Some(ActivityStatus::Succeeded) if convicted(entry) => (false, "failed".to_owned()),
        Some(ActivityStatus::Succeeded) => (true, "done".to_owned()),
    };
    if let Some(status) = status {
        result.push_str(&format!(", status {status}"));
    }
    Row {
        phase,
        kind: entry.kind().to_owned(),
        name: entry.name().to_owned(),
        start: since(&journal.start, &entry.start),
        duration: entry.duration.unwrap_or(0.0),
        good,
        result,
        detail: detail(entry),
    }
}

fn detail(entry: &RunEntry) -> String {
    if !entry.exception.is_empty() {
        return entry.exception.concat().trim().to_owned();
    }
    let part = |key: &str| {
        let value = entry.output.get(key).filter(|value| python::truth(value))?;
        Some(format!("{key}: {}", python::text(value).trim()))
    };
    let parts: Vec<String> = ["stdout", "stderr", "body"].into_iter().filter_map(part).collect();
    parts.join("\n")
}

/// Seconds between two moments of a journal.
fn since(start: &str, at: &str) -> f64 {
    let (Ok(start), Ok(at)) = (start.parse::<Timestamp>(), at.parse::<Timestamp>()) else {
        return 0.0;
    };
    let microseconds = at.as_microsecond() - start.as_microsecond();
    #[expect(clippy::cast_precision_loss, reason = "centuries of microseconds fit")]
    let seconds = microseconds.max(0) as f64 / 1e6;
    seconds
}
