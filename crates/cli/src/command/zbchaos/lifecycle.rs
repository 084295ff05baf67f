//! `zbchaos restart` and `terminate`: nodes and workers that end, with or without warning, and come
//! back at once, as something that watches over them would let them.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::context::Context;
use super::job_worker;
use super::select::{Role, Wanted};
use crate::cluster::layout::NodeKind;
use crate::failure::Failure;

/// How long a node may take to finish what is under way.
const GRACE: Duration = Duration::from_secs(30);

/// With warning or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Restart,
    Terminate,
}

impl How {
    fn grace(self) -> Duration {
        if self == Self::Restart { GRACE } else { Duration::ZERO }
    }

    /// What is said of one node.
    fn past(self) -> &'static str {
        if self == Self::Restart { "Restarted" } else { "Terminated" }
    }

    /// What is said of each of all nodes.
    fn verb(self) -> &'static str {
        if self == Self::Restart { "restart" } else { "terminate" }
    }
}

#[derive(Debug, Args)]
pub(super) struct BrokerArgs {
    /// What the broker is to its partition
    #[arg(long, value_enum, ignore_case = true, default_value_t = Role::Leader, conflicts_with = "all")]
    role: Role,

    /// The partition
    #[arg(
        long = "partitionId",
        value_name = "N",
        default_value_t = 1,
        conflicts_with_all = ["node", "all"]
    )]
    partition: u32,

    /// The broker by its number
    #[arg(
        long = "nodeId",
        value_name = "N",
        default_value_t = -1,
        allow_negative_numbers = true,
        conflicts_with = "all"
    )]
    node: i64,

    /// Every broker
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct AllArgs {
    /// Every one, not only the first
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum RestartCommand {
    /// A broker, by what it is to a partition or by its number
    #[command(
        after_help = "Example:\n  skep zbchaos restart broker --role FOLLOWER --partitionId 1"
    )]
    Broker(BrokerArgs),
    /// A gateway
    #[command(after_help = "Example:\n  skep zbchaos restart gateway --all")]
    Gateway(AllArgs),
    /// A worker that `deploy worker` started
    #[command(after_help = "Example:\n  skep zbchaos restart worker")]
    Worker(AllArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum TerminateCommand {
    /// A broker, by what it is to a partition or by its number
    #[command(
        after_help = "Example:\n  skep zbchaos terminate broker --role LEADER --partitionId 2"
    )]
    Broker(BrokerArgs),
    /// A gateway
    #[command(after_help = "Example:\n  skep zbchaos terminate gateway")]
    Gateway(AllArgs),
    /// A worker that `deploy worker` started
    #[command(after_help = "Example:\n  skep zbchaos terminate worker --all")]
    Worker(AllArgs),
}

impl RestartCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Broker(args) => args.run(context, How::Restart).await,
            Self::Gateway(args) => gateways(context, How::Restart, args.all),
            Self::Worker(args) => workers(context, How::Restart, args.all).await,
        }
    }
}

impl TerminateCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Broker(args) => args.run(context, How::Terminate).await,
            Self::Gateway(args) => gateways(context, How::Terminate, args.all),
            Self::Worker(args) => workers(context, How::Terminate, args.all).await,
        }
    }
}

impl BrokerArgs {
    async fn run(self, context: &Context, how: How) -> Result<(), Failure> {
        let names = if self.all {
            context.target.admin()?.names(NodeKind::Broker)
        } else {
            vec![Wanted::new(self.node, self.role, self.partition).node(context).await?]
        };
        again(context, how, &names, self.all, how.past())
    }
}

fn gateways(context: &Context, how: How, all: bool) -> Result<(), Failure> {
    let admin = context.target.admin()?;
    let mut names = admin.names(NodeKind::Gateway);
    drop(admin);
    if names.is_empty() {
        // Without standalone gateways the brokers have their own.
        names = context.target.admin()?.names(NodeKind::Broker);
    }
    if !all {
        names.truncate(1);
    }
    // The original says so of one gateway in both cases.
    again(context, how, &names, all, How::Restart.past())
}

/// Ends the nodes and starts them again.
fn again(
    context: &Context,
    how: How,
    names: &[String],
    all: bool,
    past: &str,
) -> Result<(), Failure> {
    let mut admin = context.target.admin()?;
    let before: Vec<_> =
        names.iter().map(|name| admin.state.node(name).map(|n| n.process)).collect();
    let killed = admin.stop_nodes(names, how.grace())?;
    if how == How::Restart && !killed.is_empty() {
        context.say.verbose(&format!("Not done in time, and so killed: {}", killed.join(", ")))?;
    }
    for (name, before) in names.iter().zip(before) {
        admin.start_node(name)?;
        if admin.state.node(name)?.process == before? {
            return Err(Failure::Local(format!("{name} has the process that it had before")));
        }
    }
    for name in names {
        let said = if all { how.verb() } else { past };
        context.say.line(&format!("{said} {name}"))?;
    }
    Ok(())
}

async fn workers(context: &Context, how: How, all: bool) -> Result<(), Failure> {
    let names = job_worker::replace(context, how.grace(), all).await?;
    for name in names {
        let said = if all { how.verb() } else { how.past() };
        context.say.line(&format!("{said} {name}"))?;
    }
    Ok(())
}
