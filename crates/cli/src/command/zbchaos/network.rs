//! `zbchaos disconnect` and `connect`: cuts between leaders, brokers and gateways, and their end.
//!
//! A cut is there when the verb answers, and gone when `connect` answers; it also goes by itself after
//! its time. Between a node and itself there is nothing to cut: that is an error.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::context::{Context, LOOK_PAUSE};
use super::faults::Faults;
use super::select::{Role, Wanted};
use super::verify;
use crate::cluster::faults::Backend;
use crate::duration;
use crate::failure::Failure;

/// How long leadership may take to move away.
const SEPARATE_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Subcommand)]
pub(super) enum DisconnectCommand {
    /// Cut two brokers apart
    Brokers(DisconnectBrokers),
    /// Cut a gateway from one broker or all
    Gateway(DisconnectGateway),
}

#[derive(Debug, Subcommand)]
pub(super) enum ConnectCommand {
    /// Heal every cut between brokers
    Brokers(ConnectBrokers),
    /// Heal every cut between gateways and brokers
    Gateway(ConnectGateway),
}

/// How a cut is made.
#[derive(Debug, Args)]
struct CutArgs {
    /// Only what the first sends to the second is lost
    #[arg(long = "one-direction")]
    one_direction: bool,

    /// How long the cut lasts when nobody heals it
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    ttl: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep zbchaos disconnect brokers --broker1PartitionId 1 --broker2PartitionId 3 --one-direction --separate
  skep zbchaos disconnect brokers --broker1NodeId 0 --broker2NodeId 2")]
pub(super) struct DisconnectBrokers {
    /// What the first is to its partition
    #[arg(long = "broker1Role", value_enum, ignore_case = true, default_value_t = Role::Leader)]
    broker1_role: Role,

    /// The partition of the first
    #[arg(long = "broker1PartitionId", value_name = "N", default_value_t = 1)]
    broker1_partition: u32,

    /// The first by its number
    #[arg(
        long = "broker1NodeId",
        value_name = "N",
        default_value_t = -1,
        allow_negative_numbers = true,
        conflicts_with = "broker1_partition"
    )]
    broker1_node: i64,

    /// What the second is to its partition
    #[arg(long = "broker2Role", value_enum, ignore_case = true, default_value_t = Role::Leader)]
    broker2_role: Role,

    /// The partition of the second
    #[arg(long = "broker2PartitionId", value_name = "N", default_value_t = 2)]
    broker2_partition: u32,

    /// The second by its number
    #[arg(
        long = "broker2NodeId",
        value_name = "N",
        default_value_t = -1,
        allow_negative_numbers = true,
        conflicts_with = "broker2_partition"
    )]
    broker2_node: i64,

    /// If one broker is both, first let leadership go where its priorities want it
    #[arg(long)]
    separate: bool,

    #[command(flatten)]
    cut: CutArgs,
}

impl DisconnectBrokers {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let first = Wanted::new(self.broker1_node, self.broker1_role, self.broker1_partition);
        let second = Wanted::new(self.broker2_node, self.broker2_role, self.broker2_partition);
        let (one, other) = different(context, first, second, self.separate).await?;
        cut(context, &one, &other, &self.cut)
    }
}

/// The two nodes, which have to be two.
pub(super) async fn different(
    context: &Context,
    first: Wanted,
    second: Wanted,
    separate: bool,
) -> Result<(String, String), Failure> {
    let pair = (first.node(context).await?, second.node(context).await?);
    if pair.0 != pair.1 {
        return Ok(pair);
    }
    if !separate {
        return Err(Failure::guided(
            2,
            format!(
                "Expected to disconnect two DIFFERENT brokers {} and {}, but they are the same.",
                pair.0, pair.1
            ),
            "Nothing was cut. With --separate leadership moves first; `skep cluster rebalance` does \
             that too.",
        ));
    }
    context.say.verbose(&format!("{} leads both: leadership moves first.", pair.0))?;
    context.target.ask("POST", "/actuator/rebalance", None)?;
    let began = Instant::now();
    loop {
        let pair = (first.node(context).await?, second.node(context).await?);
        if pair.0 != pair.1 {
            return Ok(pair);
        }
        if began.elapsed() > SEPARATE_MAX {
            return Err(Failure::guided(
                5,
                format!("{} is both, also where priorities want leadership to be", pair.0),
                "Nothing was cut. Name other partitions, or nodes by --broker1NodeId and \
                 --broker2NodeId.",
            ));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// Cuts, and says what was cut.
fn cut(context: &Context, from: &str, to: &str, how: &CutArgs) -> Result<(), Failure> {
    let made = Faults::of(context)?.block(from, to, !how.one_direction, how.ttl)?;
    for fault in &made {
        let end = |side: &str| fault.details[side].as_str().unwrap_or("?").to_owned();
        context.say.line(&format!("Disconnect {} from {}", end("from"), end("to")))?;
    }
    Ok(())
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep zbchaos disconnect gateway --all
  skep zbchaos disconnect gateway --role LEADER --partitionId 2 --one-direction")]
pub(super) struct DisconnectGateway {
    /// The broker by its number
    #[arg(
        long = "nodeId",
        value_name = "N",
        default_value_t = -1,
        allow_negative_numbers = true,
        conflicts_with_all = ["partition", "all"]
    )]
    node: i64,

    /// What the broker is to its partition
    #[arg(long, value_enum, ignore_case = true, default_value_t = Role::Leader)]
    role: Role,

    /// The partition of the broker
    #[arg(long = "partitionId", value_name = "N", default_value_t = 1, conflicts_with = "all")]
    partition: u32,

    /// From every broker
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    cut: CutArgs,
}

impl DisconnectGateway {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        verify::readiness::wait(context, verify::readiness::PATIENCE).await?;
        let faults = Faults::of(context)?;
        let gateway = faults.gateway()?;
        let brokers = if self.all {
            faults.brokers()?
        } else {
            vec![Wanted::new(self.node, self.role, self.partition).node(context).await?]
        };
        brokers.iter().try_for_each(|broker| cut(context, &gateway, broker, &self.cut))
    }
}

/// Whether the network of this cluster can be cut.
pub(super) fn check(context: &Context) -> Result<(), Failure> {
    let how = match Faults::of(context)?.backend()? {
        Backend::Network => "network namespaces",
        Backend::Node => "fault points of the nodes",
    };
    context.say.line(&format!("The network between the nodes can be cut, by {how}."))
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos connect brokers")]
pub(super) struct ConnectBrokers {}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos connect gateway")]
pub(super) struct ConnectGateway {}

impl DisconnectCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Brokers(args) => args.run(context).await,
            Self::Gateway(args) => args.run(context).await,
        }
    }
}

impl ConnectCommand {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Brokers(_) => {
                heal(context, true)?;
                Faults::of(context)?.brokers()?.iter().try_for_each(|name| {
                    context
                        .say
                        .line(&format!("Connected {name} again, removed unreachable routes."))
                })
            }
            Self::Gateway(_) => heal(context, false)?.iter().try_for_each(|(one, other)| {
                context.say.line(&format!(
                    "Connected {one} again with {other}, removed unreachable routes."
                ))
            }),
        }
    }
}

/// Heals the cuts between brokers, or those that have a gateway on a side; answers them.
fn heal(context: &Context, between_brokers: bool) -> Result<Vec<(String, String)>, Failure> {
    let ended = Faults::of(context)?.heal(between_brokers)?;
    for fault in &ended {
        context.say.verbose(&format!("No more: {}", fault.text))?;
    }
    let end = |details: &Value, side: &str| details[side].as_str().unwrap_or("?").to_owned();
    Ok(ended.iter().map(|one| (end(&one.details, "from"), end(&one.details, "to"))).collect())
}
