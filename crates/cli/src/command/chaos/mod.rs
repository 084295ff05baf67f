//! `skep chaos`: break a cluster on purpose, and see whether it bears that.

mod discover;
mod faults;
mod init;
mod lock;
mod log;
mod programs;
mod report;
mod run;
mod validate;
mod watch;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Format;

/// What can be done with experiments.
#[derive(Debug, Subcommand)]
pub(crate) enum ChaosCommand {
    /// Run an experiment: hypothesis, method, hypothesis, rollbacks
    Run(Box<run::RunArgs>),
    /// Look at an experiment without running it
    Validate(validate::ValidateArgs),
    /// Faults that are in force: make, show and end them
    #[command(subcommand)]
    Faults(faults::FaultsCommand),
    /// Write down which actions and probes are built in
    Discover(discover::DiscoverArgs),
    /// Write a first experiment
    Init(init::InitArgs),
    /// Run every experiment of a plan
    Suite(Box<crate::suite::SuiteArgs>),
    /// Run experiments made by chance until the time is over
    Soak(crate::soak::SoakArgs),
    /// Make a report of a journal
    Report(report::ReportArgs),
}

impl ChaosCommand {
    /// Runs the command to its end.
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        match self {
            Self::Run(args) => args.run(format),
            Self::Validate(args) => args.run(format),
            Self::Faults(command) => command.run(format),
            Self::Discover(args) => args.run(format),
            Self::Init(args) => args.run(format),
            Self::Suite(args) => args.run(format),
            Self::Soak(args) => args.run(format),
            Self::Report(args) => args.run(format),
        }
    }
}
