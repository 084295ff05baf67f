//! `skep cluster`: a whole cluster on this machine.

mod change;
mod logs;
mod member;
mod net;
mod node;
mod start;
mod status;
mod stop;
mod wait;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output::Format;

/// What can be done to a cluster on this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Start a cluster: processes of this binary, with data, logs and ports of their own
    Start(start::StartArgs),
    /// Show the nodes, how they are, and who leads what
    Status(status::StatusArgs),
    /// Stop every node; the data stays, and the next start goes on with it
    Stop(stop::StopArgs),
    /// Print the log of a node
    Logs(logs::LogsArgs),
    /// Stop a node and start it again
    Restart(node::RestartArgs),
    /// Kill a node: it gets no chance to say goodbye
    Kill(node::KillArgs),
    /// Stop a node in the middle of whatever it does, without ending it
    Pause(node::PauseArgs),
    /// Let a paused node go on
    Resume(node::ResumeArgs),
    /// Kill a node, delete its data and start it again
    Wipe(node::WipeArgs),
    /// Start a further broker or gateway
    Add(member::AddArgs),
    /// Stop a node for good and delete what it has
    Remove(member::RemoveArgs),
    /// Cut or slow down the network between two nodes
    #[command(subcommand)]
    Net(net::NetCommand),
    /// Change the number of brokers, partitions or replicas while the cluster works
    Scale(change::ScaleArgs),
    /// Let every partition be led where its priorities want it
    Rebalance(change::RebalanceArgs),
    /// Show the change that is under way, or cancel it
    Changes(change::ChangesArgs),
    /// Carry packets slowly from one network namespace to another; `net delay` starts this
    #[command(hide = true)]
    Wire(net::WireArgs),
    /// End faults of the network when their time is over; faults start this
    #[command(hide = true)]
    Guard(net::GuardArgs),
    /// Try one connection and print what became of it; faults are verified with this
    #[command(hide = true)]
    Probe(net::ProbeArgs),
}

/// Where the cluster is.
#[derive(Debug, Clone, Args)]
pub(crate) struct FolderArgs {
    /// Folder of the cluster
    #[arg(long, env = "SKEP_CLUSTER_DIR", value_name = "FOLDER", default_value = "skep-cluster")]
    pub(crate) dir: PathBuf,
}

impl ClusterCommand {
    /// Runs the command to its end.
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        match self {
            Self::Start(args) => args.run(format),
            Self::Status(args) => args.run(format),
            Self::Stop(args) => args.run(format),
            Self::Logs(args) => args.run(),
            Self::Restart(args) => args.run(format),
            Self::Kill(args) => args.run(format),
            Self::Pause(args) => args.run(format),
            Self::Resume(args) => args.run(format),
            Self::Wipe(args) => args.run(format),
            Self::Add(args) => args.run(format),
            Self::Remove(args) => args.run(format),
            Self::Net(command) => command.run(format),
            Self::Scale(args) => args.run(format),
            Self::Rebalance(args) => args.run(format),
            Self::Changes(args) => args.run(format),
            Self::Wire(args) => args.run(),
            Self::Guard(args) => args.run(),
            Self::Probe(args) => args.run(),
        }
    }
}
