//! How an experiment is run.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// When the hypothesis is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HypothesisStrategy {
    /// Before and after the method.
    #[default]
    Default,
    /// Before it only.
    BeforeMethodOnly,
    /// After it only.
    AfterMethodOnly,
    /// Again and again while it runs, and only then.
    DuringMethodOnly,
    /// Before, while and after it runs.
    Continuously,
    /// Never.
    Skip,
}

impl HypothesisStrategy {
    /// Whether it is checked before the method.
    #[must_use]
    pub fn before(self) -> bool {
        matches!(self, Self::Default | Self::BeforeMethodOnly | Self::Continuously)
    }

    /// Whether it is checked while the method runs.
    #[must_use]
    pub fn during(self) -> bool {
        matches!(self, Self::DuringMethodOnly | Self::Continuously)
    }

    /// Whether it is checked after the method.
    #[must_use]
    pub fn after(self) -> bool {
        matches!(self, Self::Default | Self::AfterMethodOnly | Self::Continuously)
    }
}

/// As the log shows it.
impl fmt::Display for HypothesisStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::BeforeMethodOnly => "before-method-only",
            Self::AfterMethodOnly => "after-method-only",
            Self::DuringMethodOnly => "during-method-only",
            Self::Continuously => "continuous",
            Self::Skip => "skip",
        })
    }
}

impl FromStr for HypothesisStrategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "default" => Self::Default,
            "before-method-only" => Self::BeforeMethodOnly,
            "after-method-only" => Self::AfterMethodOnly,
            "during-method-only" => Self::DuringMethodOnly,
            // The original's own misspelling, which it still takes.
            "continuously" | "continously" => Self::Continuously,
            "skip" => Self::Skip,
            other => return Err(format!("unknown strategy of the hypothesis: '{other}'")),
        })
    }
}

/// When the rollbacks are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RollbackStrategy {
    /// Unless the experiment failed or was interrupted.
    #[default]
    Default,
    /// In any case.
    Always,
    /// In no case.
    Never,
    /// Only when the hypothesis was not met after the method.
    Deviated,
}

impl fmt::Display for RollbackStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Always => "always",
            Self::Never => "never",
            Self::Deviated => "deviated",
        })
    }
}

impl FromStr for RollbackStrategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "default" => Self::Default,
            "always" => Self::Always,
            "never" => Self::Never,
            "deviated" => Self::Deviated,
            other => return Err(format!("unknown strategy of the rollbacks: '{other}'")),
        })
    }
}

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dry {
    /// Probes are not run.
    Probes,
    /// Actions are not run.
    Actions,
    /// Nothing is run.
    Activities,
    /// Pauses are not waited for.
    Pause,
}

impl fmt::Display for Dry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probes => "probes",
            Self::Actions => "actions",
            Self::Activities => "activities",
            Self::Pause => "pause",
        })
    }
}

/// How the outcome is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Judging {
    /// Whatever went wrong counts: tolerances of probes in the method, actions that say they failed,
    /// a hypothesis that was not met at any time.
    #[default]
    Strict,
    /// As the Chaos Toolkit does, with all that it overlooks.
    Compat,
}

/// Values from outside of the experiment, which win over its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables {
    /// For `configuration`.
    pub configuration: Map<String, Value>,
    /// For `secrets`.
    pub secrets: Map<String, Value>,
    /// Variables of the environment, for entries of type `env` and the processes that are run.
    pub environment: Vec<(String, String)>,
}

/// How an experiment is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How the outcome is judged.
    pub judging: Judging,
    /// Whether the experiment is looked at before it is run.
    pub validate: bool,
    /// When the hypothesis is checked; what the experiment says, when absent.
    pub hypothesis_strategy: Option<HypothesisStrategy>,
    /// When the rollbacks are played; what the experiment says, when absent.
    pub rollback_strategy: Option<RollbackStrategy>,
    /// Pause between two checks while the method runs, seconds.
    pub hypothesis_frequency: f64,
    /// Whether the first check that is not met while the method runs ends the experiment.
    pub fail_fast: bool,
    /// What is left out.
    pub dry: Option<Dry>,
    /// Values from outside.
    pub variables: Variables,
    /// Whether certificates of https servers are looked at, unless a provider says otherwise.
    pub verify_tls: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            judging: Judging::default(),
            validate: true,
            hypothesis_strategy: None,
            rollback_strategy: None,
            hypothesis_frequency: 1.0,
            fail_fast: false,
            dry: None,
            variables: Variables::default(),
            verify_tls: true,
        }
    }
}
