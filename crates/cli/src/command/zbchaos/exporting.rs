//! `zbchaos exporting pause` and `resume`.

use clap::{Args, Subcommand};

use super::context::Context;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum ExportingCommand {
    /// Let every exporter stand still
    Pause(PauseArgs),
    /// Let them go on
    Resume(ResumeArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos exporting pause")]
pub(super) struct PauseArgs {}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos exporting resume")]
pub(super) struct ResumeArgs {}

impl ExportingCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (path, wanted) = match self {
            Self::Pause(_) => ("/actuator/exporting/pause", "PAUSED"),
            Self::Resume(_) => ("/actuator/exporting/resume", "EXPORTING"),
        };
        context.target.ask("POST", path, None)?;
        let answer = context.target.ask("GET", "/actuator/exporting", None)?;
        let state = answer["state"].as_str().unwrap_or("unknown");
        if state != wanted {
            return Err(Failure::guided(
                5,
                format!("exporting is {state}, not {wanted}"),
                "Somebody else may have changed it meanwhile.",
            ));
        }
        context.say.line(&format!("Exporting is {state}."))
    }
}
