//! Strict verdicts: what the Chaos Toolkit overlooks, counts here.

use serde_json::Value;

use super::Run;
use crate::journal::{ActivityStatus, Journal, RunEntry, Status};
use crate::log::Level;
use crate::observer::{Event, Phase};
use crate::outcome::{Outcome, Verdict, VerdictKind};
use crate::provider::{self, Failure};
use crate::python;
use crate::tolerance::{self, Judgement};

impl Run {
    /// Writes a verdict down; the log says it, too, unless it has already.
    pub(super) fn convict(&self, kind: VerdictKind, activity: &str, message: String, aloud: bool) {
        if !self.strict() {
            return;
        }
        let message = self.redactor.text(&message);
        if aloud {
            self.say(Level::Error, &format!("Verdict: {message}"));
        }
        let verdict = Verdict { kind, activity: activity.to_owned(), message };
        self.see(&Event::Judged(&verdict));
        let mut journal = self.journal.lock();
        // A hypothesis that fails again and again while the method runs is one verdict.
        if !journal.verdicts.contains(&verdict) {
            journal.verdicts.push(verdict);
        }
    }

    /// Judges an activity of the method or the rollbacks.
    pub(super) async fn judge_activity(
        &self,
        activity: &Value,
        entry: &mut RunEntry,
        phase: Phase,
    ) {
        if !matches!(phase, Phase::Method | Phase::Rollbacks) {
            return;
        }
        let kind = if entry.kind() == "probe" { "probe" } else { "action" };
        let name = entry.name().to_owned();
        let convict = |reason: &str| {
            let message = format!("{kind} '{name}' {reason}");
            self.convict(VerdictKind::Activity, &name, message, true);
        };
        if entry.status == Some(ActivityStatus::Failed) {
            if activity.get("tolerance").is_some() {
                entry.tolerance_met = Some(false);
            }
            return convict("failed");
        }
        if let Some(tolerance) = activity.get("tolerance") {
            let met = self.within(tolerance, &entry.output).await;
            entry.tolerance_met = Some(matches!(met, Ok(true)));
            match met {
                Ok(true) => {}
                Ok(false) => convict("is not in the given tolerance"),
                Err(message) => {
                    convict(&format!("has a tolerance that cannot be checked: {message}"))
                }
            }
            return;
        }
        if kind == "action"
            && let Some(reason) = failure_of(activity, &entry.output)
        {
            convict(&format!("failed: {reason}"));
        }
    }

    /// Whether a result is within a tolerance.
    pub(super) async fn within(&self, tolerance: &Value, output: &Value) -> Result<bool, String> {
        let mut probe = match tolerance::judge(tolerance, output, &self.names) {
            Judgement::Met(met) => return Ok(met),
            Judgement::Crash(message) => return Err(message),
            Judgement::Ask(probe) => probe,
        };
        match probe.get_mut("provider").and_then(|provider| provider.get_mut("arguments")) {
            Some(Value::Object(arguments)) => {
                arguments.insert("value".to_owned(), output.clone());
            }
            _ => return Err("the tolerance's probe has no map of arguments".to_owned()),
        }
        match provider::run(&probe, self.surroundings()).await {
            Ok(answer) => {
                if let Some(warning) = answer.warning {
                    self.say(Level::Warning, warning);
                }
                // The result of a process or a call is a map with something in it, which is true for the original.
                Ok(if self.strict() {
                    failure_of(&probe, &answer.output).is_none()
                } else {
                    python::truth(&answer.output)
                })
            }
            Err(Failure::Failed(_)) => Ok(false),
            Err(Failure::Crash(message)) => Err(message),
        }
    }
}

/// Why a result says that its activity did not do what it should.
fn failure_of(activity: &Value, output: &Value) -> Option<String> {
    let status = output.get("status")?.as_i64()?;
    match activity.get("provider")?.get("type")?.as_str()? {
        "process" if status < 0 => Some(format!("signal {} ended it", -status)),
        "process" if status != 0 => Some(format!("its exit code is {status}")),
        "http" if status > 399 => Some(format!("the answer has the status {status}")),
        _ => None,
    }
}

/// The status that the verdicts make of the one of the original.
pub(super) fn settle(journal: &mut Journal, outcome: Outcome) {
    match outcome {
        Outcome::Deviated => journal.deviated = true,
        Outcome::GateFailed | Outcome::ActivityFailed
            if journal.status == Some(Status::Completed) =>
        {
            journal.status = Some(Status::Failed);
        }
        _ => {}
    }
    journal.outcome = Some(outcome);
}
