//! `zbchaos backup`: into a folder beside the cluster, and back.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use skep_env::{Clock, SystemClock};

use super::context::Context;
use super::verify::readiness;
use crate::cluster::layout::NodeKind;
use crate::cluster::state::ClusterState;
use crate::failure::Failure;

/// How long a backup is waited for.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// How long brokers may take to finish what is under way.
const GRACE: Duration = Duration::from_secs(30);

/// The folder of the backups, in that of the cluster.
const FOLDER: &str = "backups";

#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Give the brokers a folder for backups; they are restarted one after the other
    Setup(SetupArgs),
    /// Take one
    Take(TakeArgs),
    /// Wait until one is complete
    Wait(WaitArgs),
    /// Go back to one: the brokers lose what they have
    Restore(RestoreArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos backup setup")]
pub(super) struct SetupArgs {}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos backup take --backupId 42")]
pub(super) struct TakeArgs {
    #[command(flatten)]
    id: IdArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos backup wait --backupId 42")]
pub(super) struct WaitArgs {
    #[command(flatten)]
    id: IdArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos backup restore --backupId 42")]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    id: IdArgs,
}

#[derive(Debug, Args)]
struct IdArgs {
    /// Number of the backup [default: milliseconds since 1970]
    #[arg(long = "backupId", value_name = "ID")]
    id: Option<u64>,
}

impl IdArgs {
    fn id(&self) -> u64 {
        self.id.unwrap_or_else(|| u64::try_from(SystemClock.now_ms()).unwrap_or(1))
    }
}

impl BackupCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Setup(_) => setup(context).await,
            Self::Take(args) => {
                readiness::wait(context, readiness::PATIENCE).await?;
                let id = args.id.id();
                context.target.ask("POST", &format!("/actuator/backup-runtime/{id}"), None)?;
                context.say.line(&format!("Triggered backup {id}"))
            }
            Self::Wait(args) => wait(context, args.id.id()).await,
            Self::Restore(args) => restore(context, args.id.id()).await,
        }
    }
}

async fn setup(context: &Context) -> Result<(), Failure> {
    let mut admin = context.target.admin()?;
    let folder = admin.folder.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file("make", &folder, error))?;
    let is_set = admin.state.broker_options.iter().any(|option| option.starts_with("--backup-dir"));
    if !is_set {
        admin.state.broker_options.push(format!("--backup-dir={}", folder.display()));
        admin.save()?;
    }
    // Written down when all of them have it, so that a set-up that was ended goes on.
    if !is_set || context.memory()?.shared().backups.is_none() {
        let brokers = admin.names(NodeKind::Broker);
        drop(admin);
        for name in brokers {
            let mut admin = context.target.admin()?;
            admin.stop_nodes(std::slice::from_ref(&name), GRACE)?;
            admin.start_node(&name)?;
            drop(admin);
            readiness::wait(context, readiness::PATIENCE).await?;
        }
    }
    context.memory()?.share(|shared| shared.backups = Some(folder.clone()))?;
    context.say.line(&format!("Backups go to {}", folder.display()))
}

async fn wait(context: &Context, id: u64) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let seen = context.target.ask("GET", &format!("/actuator/backup-runtime/{id}"), None);
        let state = seen.as_ref().ok().and_then(|seen| seen["state"].as_str()).unwrap_or("unknown");
        match state {
            "COMPLETED" => return context.say.line(&format!("Backup {id} is COMPLETED")),
            "FAILED" | "DOES_NOT_EXIST" => {
                return Err(Failure::guided(5, format!("backup {id} is {state}"), "Take another."));
            }
            _ if seen.as_ref().is_err_and(|failure| failure.exit_code() == 4) => {
                seen?;
            }
            _ if began.elapsed() > WAIT_MAX => {
                return Err(Failure::guided(
                    7,
                    format!("backup {id} is {state} after {WAIT_MAX:?}"),
                    "It goes on. See `skep backup show`.",
                ));
            }
            _ => tokio::time::sleep(LOOK_PAUSE).await,
        }
    }
}

async fn restore(context: &Context, id: u64) -> Result<(), Failure> {
    let folder = context.memory()?.shared().backups.clone().ok_or_else(|| {
        Failure::Usage("this cluster has no backups: `skep zbchaos backup setup`".to_owned())
    })?;
    let mut admin = context.target.admin()?;
    let brokers = admin.names(NodeKind::Broker);
    check(&admin.state, &folder, id)?;
    admin.stop_nodes(&brokers, GRACE)?;
    for name in &brokers {
        admin.delete_data(name)?;
        run_restore(&admin.state, &folder, id, name)?;
    }
    for name in &brokers {
        admin.start_node(name)?;
    }
    drop(admin);
    readiness::wait(context, readiness::PATIENCE).await?;
    context.say.line(&format!("Restored backup {id}"))
}

/// Whether the backup can be restored at all, before anything is deleted.
fn check(cluster: &ClusterState, folder: &PathBuf, id: u64) -> Result<(), Failure> {
    run(Command::new(&cluster.binary).arg("restore").arg("--backup-dir").arg(folder).args([
        "--backup-id",
        &id.to_string(),
        "--check",
    ]))
}

fn run_restore(
    cluster: &ClusterState,
    folder: &PathBuf,
    id: u64,
    name: &str,
) -> Result<(), Failure> {
    let node = cluster.node(name)?;
    let Some(data) = &node.data_dir else { return Ok(()) };
    let peers: Vec<String> = cluster
        .of_kind(NodeKind::Broker)
        .map(|node| format!("{}={}", node.id, node.addresses.cluster))
        .collect();
    let mut command = Command::new(&cluster.binary);
    command.arg("restore").arg("--backup-dir").arg(folder).arg("--data-dir").arg(data).args([
        "--backup-id",
        &id.to_string(),
        "--node-id",
        &node.id.to_string(),
    ]);
    if peers.len() > 1 {
        command.args(["--peers", &peers.join(",")]).args([
            "--replication-factor",
            &cluster.replication_factor.to_string(),
            "--cluster-id",
            &cluster.cluster_id,
        ]);
    }
    run(&mut command)
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Local(format!("cannot start the restore: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::guided(1, format!("the restore failed: {reason}"), "See `skep backup list`."))
}
