//! What can be done to one node: `restart`, `kill`, `pause`, `resume`, `wipe`.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use skep_env::process::{ProcessState, Signal};

use super::{FolderArgs, wait};
use crate::cluster::admin::Admin;
use crate::cluster::fault::wait_until;
use crate::cluster::state::NodeState;
use crate::duration;
use crate::failure::Failure;
use crate::output::Format;

/// One node of one cluster.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// Name of the node, as in `skep cluster status`
    #[arg(value_name = "NODE")]
    node: String,

    #[command(flatten)]
    folder: FolderArgs,
}

impl NodeArgs {
    fn open(&self) -> Result<Admin, Failure> {
        let admin = Admin::open(&self.folder.dir)?;
        admin.state.node(&self.node)?;
        Ok(admin)
    }

    fn done(&self, format: Format, did: bool, sentence: &str) -> Result<(), Failure> {
        format.done(
            &format!("{} {sentence}.", self.node),
            &json!({"node": self.node, "changed": did, "message": sentence}),
        )
    }
}

/// How long to wait until everything serves again.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// How long to wait until the cluster serves again, seconds; 0 does not wait
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

impl WaitArgs {
    /// Lets go of the cluster and waits.
    fn after(&self, admin: Admin) -> Result<String, Failure> {
        let (folder, _) = admin.release();
        if self.wait == 0 {
            return Ok(String::new());
        }
        let took = wait::until_it_serves(&folder, Duration::from_secs(self.wait))?;
        Ok(format!("; the cluster serves after {} ms", took.as_millis()))
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep cluster restart broker-0\n  skep cluster restart gateway-1 --kill --wait 0"
)]
pub(crate) struct RestartArgs {
    #[command(flatten)]
    node: NodeArgs,

    /// How long it may take to finish what is under way, before it is killed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    grace: Duration,

    /// Kill it at once
    #[arg(long, conflicts_with = "grace")]
    kill: bool,

    #[command(flatten)]
    wait: WaitArgs,
}

impl RestartArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let mut admin = self.node.open()?;
        let grace = if self.kill { Duration::ZERO } else { self.grace };
        let killed = admin.stop_nodes(std::slice::from_ref(&self.node.node), grace)?;
        admin.start_node(&self.node.node)?;
        let how = if killed.is_empty() { "was stopped" } else { "was killed" };
        let waited = self.wait.after(admin)?;
        self.node.done(format, true, &format!("{how} and started again{waited}"))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster kill broker-2")]
pub(crate) struct KillArgs {
    #[command(flatten)]
    node: NodeArgs,
}

impl KillArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let admin = self.node.open()?;
        let did = admin.kill_node(&self.node.node)?;
        let sentence = if did {
            "is killed; `skep cluster restart` starts it again"
        } else {
            "was down already"
        };
        self.node.done(format, did, sentence)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster pause broker-0")]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    node: NodeArgs,
}

impl PauseArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let admin = self.node.open()?;
        let did = admin.state.node(&self.node.node)?.state() == NodeState::Running;
        send(&admin, &self.node.node, Signal::Pause, ProcessState::Paused)?;
        let sentence = if did {
            "is paused; `skep cluster resume` lets it go on"
        } else {
            "was paused already"
        };
        self.node.done(format, did, sentence)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster resume broker-0")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    node: NodeArgs,
}

impl ResumeArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let admin = self.node.open()?;
        let did = admin.state.node(&self.node.node)?.state() == NodeState::Paused;
        send(&admin, &self.node.node, Signal::Resume, ProcessState::Running)?;
        self.node.done(format, did, if did { "goes on" } else { "was not paused" })
    }
}

/// Sends a signal and waits until it has its effect.
fn send(admin: &Admin, node: &str, signal: Signal, effect: ProcessState) -> Result<(), Failure> {
    let process = admin.state.node(node)?.process;
    let sent = admin.signal(node, signal)?;
    let Some(process) = process.filter(|_| sent) else {
        return Err(Failure::guided(
            5,
            format!("{node} is down"),
            "Start it with `skep cluster restart`.",
        ));
    };
    wait_until(&format!("{node} does not react to the signal"), || {
        match process.identity().state() {
            ProcessState::Ended => Err(Failure::Local(format!("{node} has ended"))),
            state => Ok(state == effect),
        }
    })
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster wipe broker-1")]
pub(crate) struct WipeArgs {
    #[command(flatten)]
    node: NodeArgs,

    #[command(flatten)]
    wait: WaitArgs,
}

impl WipeArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let mut admin = self.node.open()?;
        if admin.state.node(&self.node.node)?.data_dir.is_none() {
            return Err(Failure::guided(
                2,
                format!("{} has no data", self.node.node),
                "Gateways store nothing; name a broker.",
            ));
        }
        admin.kill_node(&self.node.node)?;
        admin.delete_data(&self.node.node)?;
        admin.start_node(&self.node.node)?;
        let waited = self.wait.after(admin)?;
        self.node.done(format, true, &format!("has lost its data and was started again{waited}"))
    }
}
