//! The method: its activities, one after the other.

use std::sync::Arc;

use serde_json::Value;

use super::activity::Place;
use super::background::Background;
use super::{Run, Stop};
use crate::journal::Status;
use crate::log::Level;
use crate::observer::{Event, Phase};
use crate::outcome::VerdictKind;
use crate::python;
use crate::signal::Signal;

impl Run {
    /// Plays the method; `false` when something unexpected ended it.
    pub(super) async fn play_method(self: &Arc<Self>) -> Result<bool, Stop> {
        self.info("Playing your experiment's method now...");
        self.phase_started(Phase::Method, self.list("method").len());
        let mut background = Background::default();
        let played = self.play_activities(&mut background).await;
        let waited = if matches!(played, Err(Stop::Signal(Signal::LeaveNow))) {
            background.end().await;
            Ok(())
        } else {
            let waited = self.unless_signalled(true, background.wait()).await;
            if waited.is_err() {
                background.end().await;
            }
            waited
        };
        match played.and(waited) {
            Ok(()) => {
                self.see(&Event::PhaseEnded { phase: Phase::Method });
                Ok(true)
            }
            Err(Stop::Crash(message)) => {
                self.set_status(Status::Aborted);
                self.say(
                    Level::Critical,
                    &format!(
                        "Experiment ran into an un expected fatal error, aborting now.\n{message}"
                    ),
                );
                let message = format!("the method was aborted: {message}");
                self.convict(VerdictKind::Activity, "", message, false);
                self.see(&Event::PhaseEnded { phase: Phase::Method });
                Ok(false)
            }
            Err(signal) => Err(signal),
        }
    }

    async fn play_activities(self: &Arc<Self>, background: &mut Background) -> Result<(), Stop> {
        let method = self.list("method");
        if method.is_empty() {
            self.info("No declared activities, let's move on.");
        }
        for activity in method {
            if activity.get("background").is_some_and(python::truth) {
                background.start(self, activity, Phase::Method).await;
            } else {
                self.execute(activity, Place::foreground(Phase::Method)).await?;
            }
            if self.is_ending() {
                break;
            }
        }
        Ok(())
    }

    /// The name that is shown for a rollback.
    pub(super) fn rollback_name(&self, activity: &Value) -> String {
        let name = activity.get("name").unwrap_or(&Value::Null);
        match activity.get("ref").filter(|_| self.strict()) {
            Some(reference) => python::text(reference),
            // The original does not look at what is referred to.
            None => python::text(name),
        }
    }
}
