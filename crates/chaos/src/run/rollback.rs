//! Rollbacks: whether they are played, and playing them.

use std::sync::Arc;

use super::activity::Place;
use super::background::Background;
use super::{Run, Stop};
use crate::journal::Status;
use crate::log::Level;
use crate::observer::{Event, Phase};
use crate::options::RollbackStrategy;
use crate::outcome::VerdictKind;
use crate::python;
use crate::signal::Signal;

impl Run {
    /// Plays the rollbacks, if the strategy says so.
    ///
    /// # Errors
    /// Where the original ends without a journal.
    pub(super) async fn roll_back(self: &Arc<Self>) -> Result<(), String> {
        if !self.are_rollbacks_wanted() {
            return Ok(());
        }
        self.info("Let's rollback...");
        self.phase_started(Phase::Rollbacks, self.list("rollbacks").len());
        let mut background = Background::default();
        let played = self.play_rollbacks(&mut background).await;
        let waited = self.unless_signalled(true, background.wait()).await;
        if waited.is_err() {
            background.end().await;
        }
        match played.and(waited) {
            Ok(()) => self.see(&Event::PhaseEnded { phase: Phase::Rollbacks }),
            Err(Stop::Signal(signal)) => {
                self.set_status(Status::Interrupted);
                if signal == Signal::Terminate {
                    self.say(Level::Critical, "SIGTERM signal received");
                } else {
                    // Without a space, as the original has it.
                    self.say(
                        Level::Warning,
                        "Received an exit signal.Terminating now without running the remaining \
                         rollbacks.",
                    );
                }
            }
            Err(Stop::Crash(message)) => return Err(message),
        }
        Ok(())
    }

    fn are_rollbacks_wanted(&self) -> bool {
        let (status, deviated) = {
            let journal = self.journal.lock();
            (journal.status, journal.deviated)
        };
        let (wanted, message) = match self.rollback_strategy {
            RollbackStrategy::Always => (true, "Rollbacks were explicitly requested to be played"),
            RollbackStrategy::Never => {
                (false, "Rollbacks were explicitly requested to not be played")
            }
            RollbackStrategy::Default => {
                return !matches!(status, Some(Status::Failed | Status::Interrupted));
            }
            RollbackStrategy::Deviated if deviated => {
                (true, "Rollbacks will be played only because the experiment deviated")
            }
            RollbackStrategy::Deviated => (
                false,
                "Rollbacks were explicitely requested to be played only if the experiment \
                 deviated. Since this is not the case, we will not play them.",
            ),
        };
        self.say(Level::Warning, message);
        wanted
    }

    async fn play_rollbacks(self: &Arc<Self>, background: &mut Background) -> Result<(), Stop> {
        let rollbacks = self.list("rollbacks");
        if rollbacks.is_empty() {
            self.info("No declared rollbacks, let's move on.");
        }
        for activity in rollbacks {
            let name = self.rollback_name(activity);
            self.info(&format!("Rollback: {name}"));
            if activity.get("background").is_some_and(python::truth) {
                background.start(self, activity, Phase::Rollbacks).await;
                continue;
            }
            match self.execute(activity, Place::foreground(Phase::Rollbacks)).await {
                Ok(_) => {}
                // Each rollback heals something: the others are needed all the more.
                Err(Stop::Crash(message)) if self.strict() => {
                    let message = format!("rollback '{name}' cannot be run: {message}");
                    self.convict(VerdictKind::Activity, &name, message, true);
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }
}
