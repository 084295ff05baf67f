//! `zbchaos verify unchanged`: nobody else leads than when `capture` looked.

use clap::Args;

use crate::command::zbchaos::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify unchanged")]
pub(crate) struct UnchangedArgs {}

impl UnchangedArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let before = context.memory()?.read().captured.ok_or_else(|| {
            Failure::Usage("nothing was captured: call `skep zbchaos capture` first".to_owned())
        })?;
        let now = context.topology().await?.leaders();
        if now != before.leaders {
            return Err(Failure::guided(
                8,
                format!("partitions were led by {:?}, and now by {now:?}", before.leaders),
                "A leader has changed since.",
            ));
        }
        context.say.line("Every partition is led by the broker that led it before.")
    }
}
