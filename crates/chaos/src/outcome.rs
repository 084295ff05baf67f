//! How a run is judged, and what its exit code is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::Finding;
use crate::journal::{Journal, Status};
use crate::options::Judging;

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All good.
    Passed,
    /// Not good, as the Chaos Toolkit sees it: not completed, or deviated.
    Failed,
    /// The hypothesis was not met before the method, which was not run.
    GateFailed,
    /// The hypothesis was not met after the method, or while it ran.
    Deviated,
    /// An activity of the method or the rollbacks failed.
    ActivityFailed,
    /// A signal ended it.
    Interrupted,
}

impl Outcome {
    /// The exit code for it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::GateFailed => 10,
            Self::Deviated => 11,
            Self::ActivityFailed => 12,
            Self::Interrupted => 13,
        }
    }

    /// As the Chaos Toolkit sees it, or by the strict verdicts.
    pub(crate) fn of(judging: Judging, journal: &Journal) -> Self {
        let status = journal.status.unwrap_or(Status::Completed);
        if judging == Judging::Compat {
            let good = status == Status::Completed && !journal.deviated;
            return if good { Self::Passed } else { Self::Failed };
        }
        if status == Status::Interrupted {
            return Self::Interrupted;
        }
        let has = |kind| journal.verdicts.iter().any(|verdict| verdict.kind == kind);
        if has(VerdictKind::Gate) {
            Self::GateFailed
        } else if has(VerdictKind::Deviation) {
            Self::Deviated
        } else if has(VerdictKind::Activity) || status != Status::Completed {
            Self::ActivityFailed
        } else {
            Self::Passed
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::GateFailed => "gate failed",
            Self::Deviated => "deviated",
            Self::ActivityFailed => "activity failed",
            Self::Interrupted => "interrupted",
        })
    }
}

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// The hypothesis before the method.
    Gate,
    /// The hypothesis while or after the method.
    Deviation,
    /// An activity of the method or the rollbacks.
    Activity,
}

/// Something that was judged to be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What it is about.
    pub kind: VerdictKind,
    /// The activity.
    pub activity: String,
    /// What is wrong, a sentence.
    pub message: String,
}

/// What a run leaves behind.
#[derive(Debug)]
pub struct RunReport {
    /// What was done.
    pub journal: Journal,
    /// What it comes to.
    pub outcome: Outcome,
}

/// Why there is no journal.
#[derive(Debug)]
pub enum RunError {
    /// The experiment is not valid. The lines of the log have said so.
    Invalid(Vec<Finding>),
    /// What the Chaos Toolkit would end with a stack trace for.
    Crashed(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(findings) => match findings.as_slice() {
                [one] => write!(f, "{one}"),
                many => write!(f, "the experiment has {} errors", many.len()),
            },
            Self::Crashed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for RunError {}
