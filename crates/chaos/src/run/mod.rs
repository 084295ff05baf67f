//! Runs an experiment: hypothesis, method, hypothesis, rollbacks.

mod activity;
mod background;
mod configure;
mod during;
mod hypothesis;
mod method;
mod rollback;
mod strict;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::Value;

use crate::clock::Moment;
use crate::document::{Document, check};
use crate::journal::{self, Journal, Status};
use crate::log::Level;
use crate::observer::{Event, Observer, Phase};
use crate::options::{HypothesisStrategy, Judging, RollbackStrategy, RunOptions};
use crate::outcome::{Outcome, RunError, RunReport};
use crate::program::Programs;
use crate::provider::Surroundings;
use crate::redact::Redactor;
use crate::signal::{Signal, Signals};
use crate::template::Names;

/// What ends a part of the run early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A signal.
    Signal(Signal),
    /// Something that the Chaos Toolkit has an exception for which it does not expect.
    Crash(String),
}

/// A run under way; shared with what runs in the background.
pub(crate) struct Run {
    experiment: Value,
    names: Names,
    options: RunOptions,
    hypothesis_strategy: HypothesisStrategy,
    rollback_strategy: RollbackStrategy,
    programs: Arc<dyn Programs>,
    observer: Arc<dyn Observer>,
    signals: Signals,
    redactor: Redactor,
    journal: Mutex<Journal>,
    next_id: AtomicU64,
}

/// Looks at an experiment without running it: findings and their lines of the log. `Ok` has the warnings.
///
/// # Errors
/// When it is not valid: all findings.
pub fn validate(
    document: &Document,
    options: &RunOptions,
    programs: &dyn Programs,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let say = |level, message: &str| observer.see(&Event::Said { level, message });
    say(Level::Info, "Validating the experiment's syntax");
    let findings = check::check(document, options.judging, programs, &options.variables);
    let strict = options.judging == Judging::Strict;
    let is_valid = findings.iter().all(|finding| finding.warning);
    for finding in &findings {
        let text = if strict { finding.to_string() } else { finding.message.clone() };
        if !finding.warning {
            say(Level::Error, &text);
            if !strict {
                break;
            }
        } else if is_valid || strict {
            say(Level::Warning, &text);
        }
    }
    if !is_valid {
        return Err(RunError::Invalid(findings));
    }
    say(Level::Info, "Experiment looks valid");
    Ok(())
}

/// Runs an experiment to its end.
///
/// # Errors
/// When it is not valid, or, with [`Judging::Compat`], where the Chaos Toolkit ends without a journal.
pub async fn run(
    document: Document,
    options: RunOptions,
    programs: Arc<dyn Programs>,
    observer: Arc<dyn Observer>,
    signals: Signals,
) -> Result<RunReport, RunError> {
    if options.validate {
        validate(&document, &options, programs.as_ref(), observer.as_ref())?;
    }
    let began = Moment::now();
    let run = Run::configure(document, options, programs, observer, signals).await?;
    Arc::new(run).play(began).await
}

impl Run {
    pub(crate) fn strict(&self) -> bool {
        self.options.judging == Judging::Strict
    }

    /// Says a line of the log, without secrets.
    pub(crate) fn say(&self, level: Level, message: &str) {
        let message = &self.redactor.text(message);
        self.see(&Event::Said { level, message });
    }

    pub(crate) fn info(&self, message: &str) {
        self.say(Level::Info, message);
    }

    pub(crate) fn see(&self, event: &Event<'_>) {
        self.observer.see(event);
    }

    pub(crate) fn status(&self) -> Option<Status> {
        self.journal.lock().status
    }

    pub(crate) fn set_status(&self, status: Status) {
        self.journal.lock().status = Some(status);
    }

    /// Whether the run is to come to its end.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.status(), Some(Status::Failed | Status::Interrupted | Status::Aborted))
    }

    pub(crate) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            names: &self.names,
            options: &self.options,
            programs: self.programs.as_ref(),
        }
    }

    /// Waits for something, or for a signal; what runs in the background gets none.
    pub(crate) async fn unless_signalled<T>(
        &self,
        foreground: bool,
        future: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        if !foreground {
            return Ok(future.await);
        }
        let signal = tokio::select! {
            biased;
            signal = self.signals.next() => signal,
            value = future => return Ok(value),
        };
        if signal == Signal::Terminate {
            self.say(Level::Warning, "Caught SIGTERM signal, interrupting experiment now");
        }
        Err(Stop::Signal(signal))
    }

    fn phase_started(&self, phase: Phase, activities: usize) {
        self.see(&Event::PhaseStarted { phase, activities });
    }

    fn probes(&self) -> &[Value] {
        let hypothesis = self.experiment.get("steady-state-hypothesis");
        hypothesis
            .and_then(|hypothesis| hypothesis.get("probes"))
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn list(&self, name: &str) -> &[Value] {
        self.experiment.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    async fn play(self: Arc<Self>, began: Moment) -> Result<RunReport, RunError> {
        self.begin();
        let with_hypothesis = self.announce_strategies();
        let flow = self.flow(with_hypothesis).await;
        let with_rollbacks = match flow {
            Ok(()) => true,
            Err(Stop::Signal(signal)) => self.interrupted(signal),
            Err(Stop::Crash(message)) => return Err(RunError::Crashed(message)),
        };
        if with_rollbacks {
            self.roll_back().await.map_err(RunError::Crashed)?;
        }
        Ok(self.end(began))
    }

    fn begin(&self) {
        let (title, experiment) = {
            let journal = self.journal.lock();
            (journal.title().to_owned(), journal.experiment.clone())
        };
        self.info(&format!("Running experiment: {title}"));
        self.see(&Event::RunStarted { title: &title, experiment: &experiment });
        if let Some(dry) = self.options.dry {
            self.say(Level::Warning, &format!("Running experiment with dry {dry}"));
        }
    }

    /// Whether there is a hypothesis to check.
    fn announce_strategies(&self) -> bool {
        self.info(&format!("Steady-state strategy: {}", self.hypothesis_strategy));
        self.info(&format!("Rollbacks strategy: {}", self.rollback_strategy));
        if self.hypothesis_strategy == HypothesisStrategy::Skip {
            self.info("Skipping Steady-State Hypothesis as requested");
            return false;
        }
        if self.probes().is_empty() {
            self.info("No steady state hypothesis defined. That's ok, just exploring.");
            return false;
        }
        true
    }

    /// Everything but the rollbacks.
    async fn flow(self: &Arc<Self>, with_hypothesis: bool) -> Result<(), Stop> {
        let strategy = self.hypothesis_strategy;
        if with_hypothesis && strategy.before() && !self.check_gate().await? {
            return Ok(());
        }
        let during = (with_hypothesis && strategy.during()).then(|| self.start_during());
        let played = self.play_method().await;
        if let Err(Stop::Signal(_)) = played {
            self.set_status(Status::Interrupted);
        }
        if let Some(during) = during {
            during.finish().await;
        }
        let may_check = !matches!(self.status(), Some(Status::Interrupted | Status::Aborted));
        if played? && may_check && with_hypothesis && strategy.after() {
            self.check_deviation().await?;
        }
        Ok(())
    }

    /// Says which signal it was; whether rollbacks may be played.
    fn interrupted(&self, signal: Signal) -> bool {
        self.set_status(Status::Interrupted);
        match signal {
            Signal::Terminate => self.say(Level::Critical, "SIGTERM signal received"),
            Signal::Interrupt => {
                self.say(Level::Warning, "Received a termination signal (Ctrl-C)...");
            }
            Signal::Leave => self.say(Level::Warning, "Received the exit signal: 20"),
            Signal::LeaveNow => {
                self.say(Level::Warning, "Received the exit signal: 30");
                self.say(Level::Warning, "Ignoring rollbacks as per signal");
                return false;
            }
        }
        true
    }

    fn end(&self, began: Moment) -> RunReport {
        let now = Moment::now();
        let (journal, outcome) = {
            let mut journal = self.journal.lock();
            journal.end = Some(now.iso());
            journal.duration = Some(now.seconds_since(began));
            journal.status.get_or_insert(Status::Completed);
            let outcome = Outcome::of(self.options.judging, &journal);
            if self.strict() {
                strict::settle(&mut journal, outcome);
            }
            (journal.clone(), outcome)
        };
        let (status, deviated) = (journal.status.unwrap_or(Status::Completed), journal.deviated);
        let shown = if deviated { "deviated".to_owned() } else { status.to_string() };
        self.info(&format!("Experiment ended with status: {shown}"));
        if deviated {
            self.info("The steady-state has deviated, a weakness may have been discovered");
        }
        if self.strict() && outcome != Outcome::Passed {
            let code = outcome.exit_code();
            self.say(Level::Error, &format!("Outcome: {outcome} (exit code {code})"));
        }
        self.see(&Event::Ended { status, deviated });
        RunReport { journal, outcome }
    }
}

/// An empty journal.
fn new_journal(experiment: Value, start: Moment) -> Journal {
    let machine = |name: &str| {
        let path = format!("/proc/sys/kernel/{name}");
        std::fs::read_to_string(path).map_or_else(|_| String::new(), |text| text.trim().to_owned())
    };
    Journal {
        chaoslib_version: journal::LIBRARY_VERSION.to_owned(),
        platform: format!(
            "{}-{}-{}",
            machine("ostype"),
            machine("osrelease"),
            std::env::consts::ARCH
        ),
        node: machine("hostname"),
        experiment,
        start: start.iso(),
        status: None,
        deviated: false,
        steady_states: journal::SteadyStates::default(),
        run: Vec::new(),
        rollbacks: Vec::new(),
        end: None,
        duration: None,
        outcome: None,
        verdicts: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
