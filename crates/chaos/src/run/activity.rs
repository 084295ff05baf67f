//! One activity: pause, result, journal entry, pause.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::{Run, Stop};
use crate::clock::Moment;
use crate::document;
use crate::journal::{ActivityStatus, RunEntry};
use crate::limits::TIMEOUT_SECONDS_MAX;
use crate::log::Level;
use crate::observer::{Event, Phase};
use crate::options::Dry;
use crate::provider::{self, Failure};
use crate::python;

/// Where an activity belongs, and how it is run.
pub(super) struct Place {
    pub(super) phase: Phase,
    /// Whether signals interrupt it.
    pub(super) foreground: bool,
    /// Told when it has said its first line.
    pub(super) started: Option<oneshot::Sender<()>>,
}

impl Place {
    pub(super) fn foreground(phase: Phase) -> Self {
        Self { phase, foreground: true, started: None }
    }
}

/// What is not done of an activity.
#[derive(Clone, Copy)]
struct Skipped {
    activity: bool,
    pauses: bool,
}

impl Run {
    /// Runs an activity, or the one that is referred to.
    pub(super) async fn execute(&self, activity: &Value, place: Place) -> Result<RunEntry, Stop> {
        let Place { phase, foreground, mut started } = place;
        let reference = activity.get("ref").and_then(Value::as_str).filter(|name| !name.is_empty());
        let activity = match reference {
            None => activity,
            Some(name) => document::referenced(&self.experiment, name).ok_or_else(|| {
                Stop::Crash(format!("could not find referenced activity '{name}'"))
            })?,
        };
        let skipped = self.skipped(activity);
        let pauses = activity.get("pauses").map(|pauses| self.names.substitute(pauses));
        let pause = |when: &str| {
            pauses.as_ref().and_then(|pauses| pauses.get(when)).filter(|value| python::truth(value))
        };
        if let Some(pause) = pause("before") {
            self.info(&format!("Pausing before next activity for {}s...", python::text(pause)));
            drop(started.take());
            self.pause(phase, pause, true, skipped, foreground).await?;
        }
        self.announce(activity);
        drop(started.take());
        let (mut entry, index, began) = self.begin_entry(activity, phase);
        let id = self.new_id();
        let background = !foreground && phase != Phase::During;
        self.see(&Event::ActivityStarted { phase, id, activity: &entry.activity, background });
        let outcome = self.carry_out(activity, &mut entry, skipped, foreground).await;
        let now = Moment::now();
        entry.end = Some(now.iso());
        entry.duration = Some(now.seconds_since(began));
        if outcome.is_ok() && self.strict() && !skipped.activity {
            self.judge_activity(activity, &mut entry, phase).await;
        }
        self.put_entry(phase, index, &entry);
        self.see(&Event::ActivityEnded { phase, id, entry: &entry });
        // The original pauses also when it was interrupted.
        if let Some(pause) = pause("after").filter(|_| outcome.is_ok() || !self.strict()) {
            self.info(&format!("Pausing after activity for {}s...", python::text(pause)));
            self.pause(phase, pause, false, skipped, foreground).await?;
        }
        outcome.map(|()| entry)
    }

    fn skipped(&self, activity: &Value) -> Skipped {
        // A text in the file is compared with an enumeration by the original: then nothing is left out.
        let dry = if activity.get("dry").is_some() { None } else { self.options.dry };
        let is = |kind: &str| activity.get("type").and_then(Value::as_str) == Some(kind);
        let skipped = match dry {
            Some(Dry::Actions) => is("action"),
            Some(Dry::Probes) => is("probe"),
            Some(Dry::Activities) => true,
            Some(Dry::Pause) | None => false,
        };
        Skipped { activity: skipped, pauses: skipped || dry == Some(Dry::Pause) }
    }

    fn announce(&self, activity: &Value) {
        let kind = match activity.get("type").and_then(Value::as_str) {
            Some("probe") => "Probe",
            _ => "Action",
        };
        let name = python::text(activity.get("name").unwrap_or(&Value::Null));
        let suffix = if activity.get("background").is_some_and(python::truth) {
            " [in background]"
        } else {
            ""
        };
        self.info(&format!("{kind}: {name}{suffix}"));
    }

    async fn pause(
        &self,
        phase: Phase,
        pause: &Value,
        before: bool,
        skipped: Skipped,
        foreground: bool,
    ) -> Result<(), Stop> {
        let seconds = if skipped.pauses { 0.0 } else { self.pause_seconds(pause)? };
        self.see(&Event::Pausing { phase, seconds, before });
        if skipped.pauses {
            return Ok(());
        }
        let duration = Duration::from_secs_f64(seconds.min(TIMEOUT_SECONDS_MAX));
        self.unless_signalled(foreground, tokio::time::sleep(duration)).await
    }

    fn pause_seconds(&self, pause: &Value) -> Result<f64, Stop> {
        let seconds = match pause {
            Value::Number(number) => number.as_f64(),
            Value::Bool(_) => Some(1.0),
            Value::String(text) if self.strict() => text.trim().parse().ok(),
            _ => None,
        };
        match seconds {
            Some(seconds) if seconds >= 0.0 => Ok(seconds),
            Some(_) => Err(Stop::Crash("sleep length must be non-negative".to_owned())),
            None => Err(Stop::Crash(format!(
                "'{}' object cannot be interpreted as an integer",
                python::type_name(pause)
            ))),
        }
    }

    /// The entry, and its place in the journal.
    fn begin_entry(&self, activity: &Value, phase: Phase) -> (RunEntry, usize, Moment) {
        let began = Moment::now();
        let entry = RunEntry {
            activity: self.redactor.value(activity),
            output: Value::Null,
            start: began.iso(),
            status: None,
            exception: Vec::new(),
            end: None,
            duration: None,
            tolerance_met: None,
        };
        let mut journal = self.journal.lock();
        let index = match phase {
            Phase::Method => {
                journal.run.push(entry.clone());
                journal.run.len() - 1
            }
            Phase::Rollbacks => {
                journal.rollbacks.push(entry.clone());
                journal.rollbacks.len() - 1
            }
            Phase::Before | Phase::During | Phase::After => 0,
        };
        (entry, index, began)
    }

    fn put_entry(&self, phase: Phase, index: usize, entry: &RunEntry) {
        let mut journal = self.journal.lock();
        let list = match phase {
            Phase::Method => &mut journal.run,
            Phase::Rollbacks => &mut journal.rollbacks,
            // Their entries are in the state of the hypothesis.
            Phase::Before | Phase::During | Phase::After => return,
        };
        if let Some(place) = list.get_mut(index) {
            *place = entry.clone();
        }
    }

    async fn carry_out(
        &self,
        activity: &Value,
        entry: &mut RunEntry,
        skipped: Skipped,
        foreground: bool,
    ) -> Result<(), Stop> {
        if skipped.activity {
            entry.status = Some(ActivityStatus::Succeeded);
            return Ok(());
        }
        let carried_out = provider::run(activity, self.surroundings());
        let message = match self.unless_signalled(foreground, carried_out).await? {
            Ok(answer) => {
                if let Some(warning) = answer.warning {
                    self.say(Level::Warning, warning);
                }
                entry.output = self.redactor.value(&answer.output);
                entry.status = Some(ActivityStatus::Succeeded);
                return Ok(());
            }
            Err(Failure::Crash(message)) if !self.strict() => return Err(Stop::Crash(message)),
            Err(Failure::Crash(message) | Failure::Failed(message)) => self.redactor.text(&message),
        };
        entry.status = Some(ActivityStatus::Failed);
        entry.exception = vec![format!("chaoslib.exceptions.ActivityFailed: {message}\n")];
        self.say(Level::Error, &format!("  => failed: {message}"));
        Ok(())
    }
}
