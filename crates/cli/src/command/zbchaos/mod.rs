//! `skep zbchaos`: the verbs of the chaos tool that operators of the field know, against a Skep cluster.
//!
//! Names, flags and output lines are those of the original. Three things are different on purpose: a
//! verb answers when its effect was seen, not when it was asked for; what would have no effect is an
//! error; and a check looks at the cluster, not at processes.

mod backup;
mod burn;
mod capture;
mod cluster;
mod context;
mod dataloss;
mod deploy;
mod exporting;
mod faults;
mod job_worker;
mod lifecycle;
mod lose;
mod memory;
mod models;
mod network;
mod publish;
mod run;
mod say;
mod script;
mod select;
mod stress;
mod target;
mod topology;
mod verify;
mod worker;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use context::Context;

pub(crate) use publish::partition_of;
pub(crate) use run::RUN_VARIABLE;
pub(crate) use script::NAMES as SCRIPTS;
pub(crate) use target::states_of;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ZbchaosArgs {
    #[command(flatten)]
    globals: Globals,

    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
The target is a cluster that `skep cluster start` made (--dir), or any cluster by --address and --management;
what starts or stops nodes needs the first. Behind addresses disconnect, connect and lose work through the
fault points of nodes that were started with --chaos; name all their ports and the token (--chaos-token-file,
SKEP_CHAOS_TOKEN). SKEP_CHAOS_RUN=NAME keeps a run apart from others: the
ids, job types, decisions and messages of the built-in models get that suffix.
What begins with --namespace, --kubeconfig, --dockerImageTag, --audience, --authServer, --clientId or
--clientSecret belongs to Kubernetes: it is accepted, and does nothing here.

Examples:
  skep zbchaos topology
  skep zbchaos disconnect brokers --broker1PartitionId 1 --broker2PartitionId 3 --one-direction
  skep zbchaos connect brokers
  skep zbchaos verify readiness";

/// Options of every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target and output")]
pub(crate) struct Globals {
    /// Folder of the cluster
    #[arg(
        long,
        global = true,
        env = "SKEP_CLUSTER_DIR",
        value_name = "FOLDER",
        default_value = "skep-cluster"
    )]
    dir: PathBuf,

    /// Management ports of a cluster without a folder (host:port, more of them with commas)
    #[arg(
        long,
        global = true,
        env = "SKEP_MANAGEMENT",
        value_name = "ADDRESSES",
        value_delimiter = ','
    )]
    management: Vec<String>,

    /// File with the token that nodes without a folder were started with (--chaos), to cut them off
    #[arg(
        long = "chaos-token-file",
        global = true,
        env = "SKEP_CHAOS_TOKEN_FILE",
        value_name = "FILE"
    )]
    chaos_token_file: Option<PathBuf>,

    #[arg(
        long = "chaos-token",
        global = true,
        env = "SKEP_CHAOS_TOKEN",
        value_name = "TOKEN",
        hide = true,
        hide_env_values = true
    )]
    chaos_token: Option<String>,

    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,

    /// Print each line as a JSON object
    #[arg(long = "jsonLogging", global = true)]
    json_logging: bool,

    #[command(flatten)]
    foreign: Foreign,
}

/// Options that mean something to Kubernetes, and nothing here.
#[derive(Debug, Clone, Args)]
struct Foreign {
    #[arg(long, global = true, hide = true)]
    kubeconfig: Option<String>,

    #[arg(short, long, global = true, hide = true)]
    namespace: Option<String>,

    #[arg(long = "dockerImageTag", global = true, hide = true)]
    docker_image_tag: Option<String>,

    #[arg(long, global = true, hide = true)]
    audience: Option<String>,

    #[arg(long = "authServer", global = true, hide = true)]
    auth_server: Option<String>,

    #[arg(long = "clientId", global = true, hide = true)]
    client_id: Option<String>,

    #[arg(long = "clientSecret", global = true, hide = true)]
    client_secret: Option<String>,
}

impl Foreign {
    /// The names of those that were given.
    fn given(&self) -> Vec<&'static str> {
        [
            ("--kubeconfig", &self.kubeconfig),
            ("--namespace", &self.namespace),
            ("--dockerImageTag", &self.docker_image_tag),
            ("--audience", &self.audience),
            ("--authServer", &self.auth_server),
            ("--clientId", &self.client_id),
            ("--clientSecret", &self.client_secret),
        ]
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| name)
        .collect()
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the names of the brokers
    Brokers(topology::BrokersArgs),
    /// Print who leads and who follows, and how they are
    Topology(topology::TopologyArgs),
    /// Cut the network between nodes
    #[command(subcommand)]
    Disconnect(network::DisconnectCommand),
    /// Heal what was cut
    #[command(subcommand)]
    Connect(network::ConnectCommand),
    /// Lose or delay messages of one kind between two leaders
    Lose(lose::LoseArgs),
    /// Stop a node and start it again
    #[command(subcommand)]
    Restart(lifecycle::RestartCommand),
    /// Kill a node and start it again
    #[command(subcommand)]
    Terminate(lifecycle::TerminateCommand),
    /// Put load on the machine of a node
    #[command(subcommand)]
    Stress(stress::StressCommand),
    /// Take the data of a broker away
    #[command(subcommand)]
    Dataloss(dataloss::DatalossCommand),
    /// Let exporters stand still, and go on
    #[command(subcommand)]
    Exporting(exporting::ExportingCommand),
    /// Check the cluster
    #[command(subcommand)]
    Verify(verify::VerifyCommand),
    /// Deploy models, or start workers
    #[command(subcommand)]
    Deploy(deploy::DeployCommand),
    /// Publish a message to a partition
    Publish(publish::PublishArgs),
    /// Take backups and restore them
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Show and change what the cluster consists of
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Remember how the cluster is now, for `verify unchanged` and `verify duplicates`
    Capture(capture::CaptureArgs),
    /// Work on the jobs of chaos processes
    Worker(worker::WorkerArgs),
    /// Run what a script of the older tool did
    Script(script::ScriptArgs),
    /// Print the version
    Version(topology::VersionArgs),
    /// Complete jobs until it is ended; `deploy worker` starts this
    #[command(hide = true)]
    Work(job_worker::WorkArgs),
    /// Use the processor, memory or disk up; `stress` starts this
    #[command(hide = true)]
    Burn(burn::BurnArgs),
}

impl ZbchaosArgs {
    pub(crate) async fn run(self, connection: &ConnectionArgs) -> Result<(), Failure> {
        let context = Context::new(self.globals, connection.clone())?;
        let foreign = context.globals.foreign.given();
        if !foreign.is_empty() {
            context.say.verbose(&format!("{} mean nothing here.", foreign.join(", ")))?;
        }
        if !matches!(self.verb, Verb::Version(_) | Verb::Burn(_)) && context.has_folder() {
            // Whatever waits for a cluster would wait in vain for one that is not there.
            context.target.cluster()?;
        }
        Box::pin(self.verb.run(&context)).await
    }
}

impl Verb {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Brokers(args) => args.run(context).await,
            Self::Topology(args) => args.run(context).await,
            Self::Disconnect(command) => command.run(context).await,
            Self::Connect(command) => command.run(context),
            Self::Lose(args) => args.run(context).await,
            Self::Restart(command) => command.run(context).await,
            Self::Terminate(command) => command.run(context).await,
            Self::Stress(command) => command.run(context).await,
            Self::Dataloss(command) => command.run(context).await,
            Self::Exporting(command) => command.run(context).await,
            Self::Verify(command) => command.run(context).await,
            Self::Deploy(command) => command.run(context).await,
            Self::Publish(args) => args.run(context).await,
            Self::Backup(command) => command.run(context).await,
            Self::Cluster(command) => command.run(context).await,
            Self::Capture(args) => args.run(context).await,
            Self::Worker(args) => args.run(context).await,
            Self::Script(args) => args.run(context).await,
            Self::Version(args) => args.run(context),
            Self::Work(args) => args.run(context).await,
            Self::Burn(args) => args.run(),
        }
    }
}
