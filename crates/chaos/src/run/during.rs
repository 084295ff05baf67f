//! The hypothesis while the method runs: checked again and again, beside it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::hypothesis::last_probe;
use super::{Run, Stop};
use crate::journal::Status;
use crate::limits::TIMEOUT_SECONDS_MAX;
use crate::log::Level;
use crate::observer::Phase;
use crate::outcome::VerdictKind;
use crate::python;

/// The checks that go on until they are told to finish.
pub(super) struct During {
    finish: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl During {
    /// Ends the checks, and waits for the one that is under way.
    pub(super) async fn finish(self) {
        // Nobody listens when it has ended by itself.
        let _ = self.finish.send(true);
        let _ = self.task.await;
    }
}

impl Run {
    pub(super) fn start_during(self: &Arc<Self>) -> During {
        let (finish, finished) = watch::channel(false);
        let run = self.clone();
        let task = skep_env::task::spawn(async move {
            if let Err(Stop::Crash(message)) = run.check_again_and_again(finished).await {
                run.set_status(Status::Aborted);
                run.say(Level::Critical, &message);
            }
            run.info("Continuous steady state hypothesis terminated");
        });
        During { finish, task }
    }

    async fn check_again_and_again(&self, mut finished: watch::Receiver<bool>) -> Result<(), Stop> {
        let frequency = self.options.hypothesis_frequency;
        self.info(&format!(
            "Executing the steady-state hypothesis continuously every {} seconds",
            python::float_text(frequency)
        ));
        let pause = Duration::from_secs_f64(frequency.clamp(0.0, TIMEOUT_SECONDS_MAX));
        let (mut iterations, mut failed) = (0_u32, 0_u32);
        while !*finished.borrow() && !self.is_ending() {
            let state = self.check_hypothesis(Phase::During, false).await?;
            iterations = iterations.saturating_add(1);
            let met = state.steady_state_met == Some(true);
            self.journal.lock().steady_states.during.push(state.clone());
            if !met {
                failed = failed.saturating_add(1);
                let name = last_probe(&state);
                let message =
                    format!("Continuous steady state probe '{name}' is not in the given tolerance");
                self.say(Level::Warning, &message);
                let message =
                    format!("probe '{name}' is not in the given tolerance while the method runs");
                self.convict(VerdictKind::Deviation, &name, message, false);
                if self.options.fail_fast {
                    let ratio = f64::from(failed) * 100.0 / f64::from(iterations);
                    self.info(&format!(
                        "Terminating immediately the experiment after {ratio:.1}% hypothesis deviated"
                    ));
                    self.set_status(Status::Failed);
                    return Ok(());
                }
            }
            // Told to finish, or the time is over: both go on with the loop.
            let _ = tokio::time::timeout(pause, finished.changed()).await;
        }
        Ok(())
    }
}
