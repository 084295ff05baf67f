//! What the live view knows of the run: the events so far, without time of its own.

use std::time::{Duration, Instant};

use serde_json::Value;
use skep_chaos::{ActivityStatus, Event, Phase, Status};

/// An execution of an activity.
#[derive(Debug)]
pub(super) struct Step {
    id: u64,
    pub(super) phase: Phase,
    /// `Action` or `Probe`, and its name.
    pub(super) title: String,
    /// After so long it is given up.
    pub(super) limit: Option<Duration>,
    pub(super) began: Instant,
    pub(super) ended: Option<Ended>,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) took: Duration,
    pub(super) good: bool,
}

/// The run so far.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) title: String,
    pub(super) began: Instant,
    pub(super) phase: Option<Phase>,
    pub(super) steps: Vec<Step>,
    /// Activities of the phases so far that have not begun.
    pub(super) to_come: usize,
    pub(super) paused_until: Option<Instant>,
    pub(super) verdicts: Vec<String>,
    pub(super) end: Option<(Status, bool)>,
}

impl Model {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            title: String::new(),
            began: now,
            phase: None,
            steps: Vec::new(),
            to_come: 0,
            paused_until: None,
            verdicts: Vec::new(),
            end: None,
        }
    }

    pub(super) fn see(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::RunStarted { title, .. } => {
                self.title = (*title).to_owned();
                self.began = now;
            }
            Event::PhaseStarted { phase, activities } => {
                self.phase = Some(*phase);
                self.to_come = *activities;
                self.paused_until = None;
            }
            Event::ActivityStarted { phase, id, activity, .. } => {
                self.to_come = self.to_come.saturating_sub(1);
                self.paused_until = None;
                self.steps.push(step(*phase, *id, activity, now));
            }
            Event::ActivityEnded { id, entry, .. } => {
                let good = entry.status == Some(ActivityStatus::Succeeded)
                    && entry.tolerance_met != Some(false);
                if let Some(step) = self.steps.iter_mut().rfind(|step| step.id == *id) {
                    step.ended = Some(Ended { took: now - step.began, good });
                }
            }
            Event::Pausing { seconds, .. } => {
                let pause = Duration::try_from_secs_f64(*seconds).unwrap_or_default();
                self.paused_until = now.checked_add(pause);
            }
            Event::Judged(verdict) => {
                self.verdicts.push(format!("{}: {}", verdict.activity, verdict.message));
            }
            Event::Ended { status, deviated } => {
                self.end = Some((*status, *deviated));
                self.paused_until = None;
            }
            _ => {}
        }
    }
}

fn step(phase: Phase, id: u64, activity: &Value, now: Instant) -> Step {
    let text = |name: &str| activity[name].as_str().unwrap_or_default();
    let kind = if text("type") == "probe" { "Probe" } else { "Action" };
    let limit = activity["provider"]["timeout"].as_f64();
    Step {
        id,
        phase,
        title: format!("{kind}: {}", text("name")),
        limit: limit.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        began: now,
        ended: None,
    }
}
