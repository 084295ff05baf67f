//! `zbchaos stress`: load on the machine of a node, for a while. It ends by itself.

use std::time::Duration;

use clap::{ArgAction, Args, Subcommand};
use skep_env::process::ProcessState;

use super::context::Context;
use super::job_worker::own_binary;
use super::select::{Role, Wanted};
use crate::cluster::fault::wait_until;
use crate::cluster::launch;
use crate::cluster::layout::NodeKind;
use crate::failure::Failure;

/// Longest stress, seconds.
const SECONDS_MAX: u64 = 3_600;

/// Threads that use memory, as in the original.
const MEMORY_THREADS: u32 = 2;

/// Threads that write.
const IO_THREADS: u32 = 8;

/// Threads for each processor.
const THREADS_PER_PROCESSOR: usize = 4;

/// What the process prints, in the folder of the cluster.
const LOG: &str = "stress.log";

/// What is used up.
#[derive(Debug, Args)]
struct KindArgs {
    /// The processor
    #[arg(
        long,
        default_value_t = true,
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        action = ArgAction::Set
    )]
    cpu: bool,

    /// Memory
    #[arg(long)]
    memory: bool,

    /// The disk that the node stores on
    #[arg(long)]
    io: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum StressCommand {
    /// A broker
    Broker(BrokerArgs),
    /// The first gateway
    Gateway(GatewayArgs),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep zbchaos stress broker --cpu --role LEADER --partitionId 3\n  skep zbchaos stress broker --cpu=false --io --timeout 10"
)]
pub(super) struct BrokerArgs {
    #[command(flatten)]
    kind: KindArgs,

    /// How long, seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX)
    )]
    timeout: u64,

    /// The broker by its number
    #[arg(long = "nodeId", value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    node: i64,

    /// What the broker is to its partition
    #[arg(long, value_enum, ignore_case = true, default_value_t = Role::Leader)]
    role: Role,

    /// The partition
    #[arg(long = "partitionId", value_name = "N", default_value_t = 1, conflicts_with = "node")]
    partition: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos stress gateway --cpu")]
pub(super) struct GatewayArgs {
    #[command(flatten)]
    kind: KindArgs,
}

impl StressCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (node, kind, seconds) = match self {
            Self::Broker(args) => {
                let wanted = Wanted::new(args.node, args.role, args.partition);
                (wanted.node(context).await?, args.kind, args.timeout)
            }
            Self::Gateway(args) => {
                let cluster = context.target.cluster()?;
                let gateway = cluster.of_kind(NodeKind::Gateway).next();
                let node = gateway.or_else(|| cluster.of_kind(NodeKind::Broker).next());
                (node.map_or_else(String::new, |node| node.name.clone()), args.kind, 30)
            }
        };
        put(context, &node, &kind, seconds)
    }
}

/// Starts the load, and sees that it is there.
fn put(context: &Context, node: &str, kind: &KindArgs, seconds: u64) -> Result<(), Failure> {
    let cluster = context.target.cluster()?;
    let folder = context.target.folder()?;
    let own = cluster.node(node)?.data_dir.clone().unwrap_or_else(|| folder.to_path_buf());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = if kind.cpu { processors * THREADS_PER_PROCESSOR } else { 0 };
    let memory = if kind.memory { MEMORY_THREADS } else { 0 };
    let io = if kind.io { IO_THREADS } else { 0 };
    if cpu == 0 && memory == 0 && io == 0 {
        return Err(Failure::Usage("name something to use up: --cpu, --memory or --io".to_owned()));
    }
    let arguments = [
        "zbchaos".to_owned(),
        "burn".to_owned(),
        format!("--dir={}", folder.display()),
        format!("--cpu={cpu}"),
        format!("--memory={memory}"),
        format!("--io={io}"),
        format!("--folder={}", own.display()),
        format!("--seconds={seconds}"),
    ];
    let log_file = folder.join(LOG);
    let command = launch::in_namespace(None, &own_binary()?, &arguments);
    let process = launch::detached(command, &log_file)?;
    let threads = cpu + (memory + io) as usize;
    wait_until("the stress does not begin", || {
        if process.identity().state() == ProcessState::Ended {
            let text = std::fs::read_to_string(&log_file).unwrap_or_default();
            return Err(Failure::Local(format!("the stress has ended: {}", text.trim())));
        }
        let tasks = std::fs::read_dir(format!("/proc/{}/task", process.pid));
        Ok(tasks.is_ok_and(|tasks| tasks.count() > threads))
    })?;
    context.say.verbose(&format!(
        "{threads} threads for {:?}, process {}",
        Duration::from_secs(seconds),
        process.pid
    ))?;
    context.say.line(&format!("Put stress on {node}"))
}
