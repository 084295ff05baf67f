//! What happens in a run, for whoever watches: the plain log, a live view, a test.

use std::fmt;

use serde_json::Value;

use crate::journal::{RunEntry, State, Status};
use crate::log::Level;
use crate::outcome::Verdict;

/// The part of an experiment that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The hypothesis before the method: the gate.
    Before,
    /// The hypothesis while the method runs.
    During,
    /// The method.
    Method,
    /// The hypothesis after the method.
    After,
    /// The rollbacks.
    Rollbacks,
}

/// Something that has just happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A line of the log.
    Said {
        /// How much it matters.
        level: Level,
        /// The message, without time and level; never with a secret in it.
        message: &'a str,
    },
    /// The run begins. The experiment is as the journal has it.
    RunStarted {
        /// The experiment's title, substituted.
        title: &'a str,
        /// The whole experiment.
        experiment: &'a Value,
    },
    /// A phase begins.
    PhaseStarted {
        /// Which.
        phase: Phase,
        /// How many activities it has.
        activities: usize,
    },
    /// A phase has ended. Does not come when a signal interrupts it.
    PhaseEnded {
        /// Which.
        phase: Phase,
    },
    /// The hypothesis was checked.
    HypothesisChecked {
        /// Before, during or after the method.
        phase: Phase,
        /// How it went.
        state: &'a State,
    },
    /// An activity begins.
    ActivityStarted {
        /// Where it belongs.
        phase: Phase,
        /// Names this execution among all of the run.
        id: u64,
        /// The activity.
        activity: &'a Value,
        /// Whether it runs beside the others.
        background: bool,
    },
    /// An activity has ended.
    ActivityEnded {
        /// Where it belongs.
        phase: Phase,
        /// The execution's number.
        id: u64,
        /// What the journal says of it.
        entry: &'a RunEntry,
    },
    /// A pause begins.
    Pausing {
        /// Where its activity belongs.
        phase: Phase,
        /// How long, seconds; 0 in a dry run.
        seconds: f64,
        /// Whether it comes before its activity, or after it.
        before: bool,
    },
    /// Something was judged, only when judging strictly.
    Judged(&'a Verdict),
    /// The run has ended.
    Ended {
        /// How.
        status: Status,
        /// Whether the hypothesis was not met after the method.
        deviated: bool,
    },
}

/// Sees everything that happens in a run, in order, on whichever thread it happens.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Called for each event; must not block for long, the run waits for it.
    fn see(&self, event: &Event<'_>);
}

/// Looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn see(&self, _event: &Event<'_>) {}
}
