//! The steady-state hypothesis: before, during and after the method.

use serde_json::Value;

use super::activity::Place;
use super::{Run, Stop};
use crate::journal::{ActivityStatus, State, Status};
use crate::log::Level;
use crate::observer::{Event, Phase};
use crate::options::Dry;
use crate::outcome::VerdictKind;
use crate::python;

impl Run {
    /// Runs the probes, one after the other, until one is not met.
    pub(super) async fn check_hypothesis(
        &self,
        phase: Phase,
        foreground: bool,
    ) -> Result<State, Stop> {
        let title = self.experiment.get("steady-state-hypothesis").and_then(|h| h.get("title"));
        let title = python::text(title.unwrap_or(&Value::Null));
        self.info(&format!("Steady state hypothesis: {title}"));
        self.phase_started(phase, self.probes().len());
        let mut state = State { steady_state_met: None, probes: Vec::new() };
        for probe in self.probes() {
            let met = self.check_probe(probe, phase, foreground, &mut state).await?;
            if !met {
                state.steady_state_met = Some(false);
                break;
            }
        }
        if state.steady_state_met.is_none() {
            state.steady_state_met = Some(true);
            self.info("Steady state hypothesis is met!");
        }
        self.see(&Event::HypothesisChecked { phase, state: &state });
        self.see(&Event::PhaseEnded { phase });
        Ok(state)
    }

    async fn check_probe(
        &self,
        probe: &Value,
        phase: Phase,
        foreground: bool,
        state: &mut State,
    ) -> Result<bool, Stop> {
        let place = Place { phase, foreground, started: None };
        let mut entry = self.execute(probe, place).await?;
        let mut met = true;
        if entry.status == Some(ActivityStatus::Failed) {
            met = false;
            self.say(
                Level::Warning,
                "Probe terminated unexpectedly, so its tolerance could not be validated",
            );
        } else if !matches!(self.options.dry, Some(Dry::Probes | Dry::Activities)) {
            let tolerance = probe.get("tolerance").unwrap_or(&Value::Null);
            let judged =
                self.unless_signalled(foreground, self.within(tolerance, &entry.output)).await?;
            met = match judged {
                Ok(met) => met,
                Err(message) if self.strict() => {
                    let message = format!("  => the tolerance cannot be checked: {message}");
                    self.say(Level::Error, &message);
                    false
                }
                Err(message) => return Err(Stop::Crash(message)),
            };
        }
        entry.tolerance_met = Some(met);
        state.probes.push(entry);
        Ok(met)
    }

    /// Checks before the method; whether it may be played.
    pub(super) async fn check_gate(&self) -> Result<bool, Stop> {
        let state = self.check_hypothesis(Phase::Before, true).await?;
        let met = state.steady_state_met == Some(true);
        self.journal.lock().steady_states.before = Some(state.clone());
        if !met {
            self.set_status(status_of(&state));
            self.not_met(&state, VerdictKind::Gate, "before the method");
        }
        Ok(met)
    }

    /// Checks after the method.
    pub(super) async fn check_deviation(&self) -> Result<(), Stop> {
        let state = self.check_hypothesis(Phase::After, true).await?;
        self.journal.lock().steady_states.after = Some(state.clone());
        if state.steady_state_met == Some(false) {
            self.journal.lock().deviated = true;
            self.set_status(status_of(&state));
            self.not_met(&state, VerdictKind::Deviation, "after the method");
        }
        Ok(())
    }

    fn not_met(&self, state: &State, kind: VerdictKind, when: &str) {
        let name = last_probe(state);
        self.say(
            Level::Critical,
            &format!(
                "Steady state probe '{name}' is not in the given tolerance so failing this experiment"
            ),
        );
        let message = format!("probe '{name}' is not in the given tolerance {when}");
        self.convict(kind, &name, message, false);
    }
}

/// The name of the probe that ended a check.
pub(super) fn last_probe(state: &State) -> String {
    state.probes.last().map_or(String::new(), |entry| entry.name().to_owned())
}

/// A probe that could not be run fails the experiment, one that is not met does not.
fn status_of(state: &State) -> Status {
    let failed = state.probes.iter().any(|probe| probe.status != Some(ActivityStatus::Succeeded));
    if failed { Status::Failed } else { Status::Completed }
}
