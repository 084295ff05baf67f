//! A runner of [Chaos Toolkit](https://chaostoolkit.org) experiments: the file format, the steady-state
//! hypothesis, the method and the rollbacks, with process and http providers, the log lines and the
//! journal of the original, and verdicts that are stricter than it when asked for.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use skep_chaos::{NoPrograms, PlainLog, RunOptions, Signals, load, run};
//!
//! let document = load("experiment.json".as_ref())?;
//! let options = RunOptions::default();
//! let report =
//!     run(document, options, Arc::new(NoPrograms), Arc::new(PlainLog), Signals::none()).await?;
//! println!("{}", report.outcome.exit_code());
//! # Ok(())
//! # }
//! ```
//!
//! The crate never writes to stdout, and to stderr only through an [`Observer`].
#![forbid(unsafe_code)]

mod clock;
mod configuration;
mod document;
mod explain;
mod journal;
mod limits;
mod log;
mod observer;
mod options;
mod outcome;
mod program;
mod provider;
mod python;
mod redact;
pub mod report;
mod run;
mod signal;
mod template;
mod tolerance;
mod variables;

pub use document::{Document, Finding, Language, LoadError, Position, load, read};
pub use explain::explain;
pub use journal::{ActivityStatus, Journal, RunEntry, State, Status, SteadyStates};
pub use log::{Level, PlainLog, line};
pub use observer::{Event, Observer, Phase, Quiet};
pub use options::{Dry, HypothesisStrategy, Judging, RollbackStrategy, RunOptions, Variables};
pub use outcome::{Outcome, RunError, RunReport, Verdict, VerdictKind};
pub use program::{NoPrograms, Program, Programs};
pub use provider::http::fetch;
pub use run::{run, validate};
pub use signal::{Signal, SignalSender, Signals};
pub use variables::parse_variable;
