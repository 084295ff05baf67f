//! `skep cluster add` and `remove`: nodes that come to a cluster that works, and leave it.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::FolderArgs;
use crate::cluster::admin::Admin;
use crate::cluster::health::{self, Health};
use crate::cluster::layout::NodeKind;
use crate::duration;
use crate::failure::Failure;
use crate::output::Format;

/// How long a new node may take until it answers.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Pause between two questions whether it does.
const ASK_PAUSE: Duration = Duration::from_millis(20);

/// What can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Holds nothing until the cluster gives it replicas
    Broker,
    /// Finds the brokers by itself
    Gateway,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep cluster add && skep cluster scale --brokers 4\n  skep cluster add gateway"
)]
pub(crate) struct AddArgs {
    /// What to add
    #[arg(value_enum, default_value_t = Kind::Broker)]
    kind: Kind,

    #[command(flatten)]
    folder: FolderArgs,
}

impl AddArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let mut admin = Admin::open(&self.folder.dir)?;
        let kind = match self.kind {
            Kind::Broker => NodeKind::Broker,
            Kind::Gateway => NodeKind::Gateway,
        };
        if kind == NodeKind::Broker && admin.state.nodes.len() == 1 {
            return Err(Failure::guided(
                5,
                "the only broker of this cluster listens to no other".to_owned(),
                "Start with --plan production-s, or with a plan of your own by hand.",
            ));
        }
        let name = admin.add_node(kind)?;
        let (_, state) = admin.release();
        let node = state.node(&name)?;
        let began = std::time::Instant::now();
        // One that joins is not ready before it has something to do; it answers.
        while health::health(node) == Health::Silent {
            if began.elapsed() > ANSWER_MAX {
                return Err(Failure::guided(
                    7,
                    format!("{name} does not answer"),
                    &format!(
                        "See `skep cluster logs {name}`; `skep cluster remove` takes it away."
                    ),
                ));
            }
            std::thread::sleep(ASK_PAUSE);
        }
        let count = state.of_kind(kind).count();
        let next = match kind {
            NodeKind::Broker => format!(
                " It holds nothing yet: `skep cluster scale --brokers {count}` gives it its share."
            ),
            NodeKind::Gateway => String::new(),
        };
        format.done(&format!("{name} is up.{next}"), &json!({"node": node}))
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep cluster scale --brokers 3 && skep cluster remove broker-3\n  skep cluster remove gateway-1"
)]
pub(crate) struct RemoveArgs {
    /// Name of the node, as in `skep cluster status`
    #[arg(value_name = "NODE")]
    node: String,

    #[command(flatten)]
    folder: FolderArgs,

    /// How long it may take to finish what is under way, before it is killed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    grace: Duration,
}

impl RemoveArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let mut admin = Admin::open(&self.folder.dir)?;
        let node = admin.state.node(&self.node)?;
        if node.kind == NodeKind::Broker {
            if !node.joins {
                return Err(Failure::guided(
                    2,
                    format!(
                        "{} is one of the brokers that the others were told to dial",
                        node.name
                    ),
                    "Only nodes that were added can be removed; `skep cluster stop --wipe` ends \
                     all.",
                ));
            }
            let topology = health::any_topology(&admin.state).unwrap_or_default();
            if topology.has_replicas(u64::from(node.id)) {
                return Err(Failure::guided(
                    5,
                    format!("{} holds partitions", node.name),
                    "First let the others have them: `skep cluster scale --brokers N`.",
                ));
            }
        }
        admin.remove_node(&self.node, self.grace)?;
        format.done(&format!("{} is gone.", self.node), &json!({"node": self.node}))
    }
}
