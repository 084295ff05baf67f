//! `skep chaos`: break a cluster on purpose.

mod faults;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Format;

/// What can be broken, and how.
#[derive(Debug, Subcommand)]
pub(crate) enum ChaosCommand {
    /// Faults that are in force: make, show and end them
    #[command(subcommand)]
    Faults(faults::FaultsCommand),
}

impl ChaosCommand {
    /// Runs the command to its end.
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        match self {
            Self::Faults(command) => command.run(format),
        }
    }
}
