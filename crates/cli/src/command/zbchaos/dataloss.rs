//! `zbchaos dataloss`: a broker loses its disk.

use std::time::Duration;

use clap::{ArgAction, Args, Subcommand};

use super::context::Context;
use super::select::broker_name;
use super::verify::readiness;
use crate::failure::Failure;

/// How long a broker may take until it has everything again, as in the original.
const RECOVERY_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Subcommand)]
pub(super) enum DatalossCommand {
    /// From now on a broker whose data is deleted stays down until `recover`
    Prepare(PrepareArgs),
    /// Kill a broker and delete its data
    Delete(DeleteArgs),
    /// Start a broker again, and wait until it has everything
    Recover(RecoverArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos dataloss prepare")]
pub(super) struct PrepareArgs {}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos dataloss delete --nodeId 1")]
pub(super) struct DeleteArgs {
    /// The broker by its number
    #[arg(long = "nodeId", value_name = "N", default_value_t = 1)]
    node: u32,

    /// It stays down until `recover`, also without `prepare`
    #[arg(long = "stayDown")]
    stay_down: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos dataloss recover --nodeId 1")]
pub(super) struct RecoverArgs {
    /// The broker by its number
    #[arg(long = "nodeId", value_name = "N", default_value_t = 1)]
    node: u32,

    /// Wait until the cluster is ready again
    #[arg(
        long = "awaitReadiness",
        default_value_t = true,
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        action = ArgAction::Set
    )]
    await_readiness: bool,
}

impl DatalossCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Prepare(_) => {
                context.target.cluster()?;
                context.memory()?.share(|shared| shared.dataloss_prepared = true)?;
                context.say.line("Prepared: a broker whose data is deleted stays down.")
            }
            Self::Delete(args) => delete(context, args.node, args.stay_down),
            Self::Recover(args) => {
                let name = broker_name(args.node);
                context.target.admin()?.start_node(&name)?;
                if args.await_readiness {
                    readiness::wait(context, RECOVERY_MAX).await?;
                }
                context.say.line(&format!("Recovered {name}"))
            }
        }
    }
}

fn delete(context: &Context, node: u32, stay_down: bool) -> Result<(), Failure> {
    let name = broker_name(node);
    let stays_down = stay_down || context.memory()?.shared().dataloss_prepared;
    let mut admin = context.target.admin()?;
    let folder = admin.state.node(&name)?.data_dir.clone();
    admin.kill_node(&name)?;
    admin.delete_data(&name)?;
    let left = folder.and_then(|folder| std::fs::read_dir(folder).ok()?.next());
    if left.is_some() {
        return Err(Failure::Local(format!("there is still data of {name}")));
    }
    if !stays_down {
        // What watches over it would start it again.
        admin.start_node(&name)?;
    }
    context.say.line(&format!("Deleted the data of {name}"))
}
