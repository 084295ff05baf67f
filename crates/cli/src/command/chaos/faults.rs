//! `skep chaos faults`: faults of both back-ends as one list.

mod spec;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cluster::admin;
use crate::cluster::faults::node::NodePort;
use crate::cluster::faults::{self, ClusterFault, Which, node};
use crate::cluster::http::management;
use crate::failure::Failure;
use crate::output::Format;
use spec::SpecArgs;

/// What can be done with faults.
#[derive(Debug, Subcommand)]
pub(crate) enum FaultsCommand {
    /// Show the faults that are in force
    List(ListArgs),
    /// Make a fault; returns when it is in force
    Add(Box<AddArgs>),
    /// End faults; returns when they are over
    Clear(ClearArgs),
    /// Show where a crash can be armed, and which commands a fault can name
    Points(PointsArgs),
}

impl FaultsCommand {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        match self {
            Self::List(args) => args.run(format),
            Self::Add(args) => args.run(format),
            Self::Clear(args) => args.run(format),
            Self::Points(args) => args.run(format),
        }
    }
}

/// Where the faults are: a cluster on this machine, or one node anywhere.
#[derive(Debug, Args)]
struct WhereArgs {
    /// Folder of the cluster
    #[arg(long, env = "SKEP_CLUSTER_DIR", value_name = "FOLDER", default_value = "skep-cluster")]
    dir: PathBuf,

    /// Management port of one node that was started with --chaos, in place of a folder; its token is
    /// SKEP_CHAOS_TOKEN
    #[arg(long, value_name = "ADDRESS")]
    management: Option<String>,

    #[arg(
        long,
        env = "SKEP_CHAOS_TOKEN",
        value_name = "TOKEN",
        hide = true,
        hide_env_values = true
    )]
    chaos_token: Option<String>,
}

impl WhereArgs {
    /// The one node that is meant, unless it is a folder.
    fn port(&self) -> Result<Option<NodePort>, Failure> {
        let Some(text) = &self.management else { return Ok(None) };
        let address: SocketAddr = management(text)?
            .into_iter()
            .next()
            .ok_or_else(|| Failure::Usage(format!("{text:?} is no address like 127.0.0.1:9600")))?;
        let token = self.chaos_token.clone().ok_or_else(|| {
            Failure::Usage(
                "set SKEP_CHAOS_TOKEN to the token that the node was started with".to_owned(),
            )
        })?;
        Ok(Some(NodePort { name: address.to_string(), address, token, process: None }))
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep chaos faults list\n  skep --output json chaos faults list"
)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    place: WhereArgs,
}

impl ListArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let faults = match self.place.port()? {
            Some(port) => node::list(&port)?,
            None => faults::list(&self.place.dir)?,
        };
        if faults.is_empty() && format == Format::Table {
            return format.done("No fault is in force.", &Value::Null);
        }
        show(format, &faults)
    }
}

fn show(format: Format, faults: &[ClusterFault]) -> Result<(), Failure> {
    let rows: Vec<Value> = faults.iter().map(|fault| json!(fault)).collect();
    format.list(&["id", "backend", "node", "text", "remainingMs", "hits"], &rows)
}

#[derive(Debug, Args)]
#[command(after_help = ADD_HELP)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    spec: SpecArgs,

    #[command(flatten)]
    place: WhereArgs,
}

const ADD_HELP: &str = "\
block cuts one node off from another: with network namespaces where the cluster has them (start --netns),
else with fault points. All other faults are fault points, and need a cluster that was started with --chaos.

Examples:
  skep chaos faults add block --from broker-0 --to broker-2
  skep chaos faults add drop --from broker-2 --to broker-0 --message acknowledgement --count 2
  skep chaos faults add delay --from broker-0 --to any --message append --delay 200ms --jitter 50ms
  skep chaos faults add duplicate --from broker-0 --to broker-1 --name DEPLOYMENT.DISTRIBUTE
  skep chaos faults add reorder --from broker-0 --to broker-1 --probability 0.1 --seed 7
  skep chaos faults add corrupt --from broker-1 --to broker-2 --count 1
  skep chaos faults add disk-full --node broker-0 --room-bytes 65536 --ttl 30s
  skep chaos faults add slow-fsync --node broker-0 --delay 100ms
  skep chaos faults add disk-error --node broker-0 --operation sync
  skep chaos faults add clock --node broker-0 --offset-ms -60000
  skep chaos faults add pause --node broker-0 --ttl 5s
  skep chaos faults add crash --node broker-0 --point journal.appended --skip 10";

impl AddArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let port = self.place.port()?;
        if self.spec.is_block() {
            if port.is_some() {
                return Err(Failure::Usage(
                    "block is a fault of a cluster: name its folder with --dir, or drop all messages of one node"
                        .to_owned(),
                ));
            }
            let (from, to) = self.spec.ends()?;
            let made = faults::block(&self.place.dir, &from, &to, self.spec.both, self.spec.ttl)?;
            return show(format, &made);
        }
        let spec = self.spec.read()?;
        let made = match port {
            Some(port) => vec![node::add(&port, &spec)?],
            None => faults::add(&self.place.dir, self.spec.node.as_deref(), &spec)?,
        };
        show(format, &made)
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep chaos faults clear drop-1\n  skep chaos faults clear --from broker-0 --to broker-2\n  skep chaos faults clear --all"
)]
pub(crate) struct ClearArgs {
    /// Which one, as `list` shows it
    #[arg(value_name = "ID", required_unless_present_any = ["all", "from"])]
    id: Option<String>,

    /// All of them
    #[arg(long, conflicts_with = "id")]
    all: bool,

    /// Those that cut these nodes off ...
    #[arg(long, value_name = "NODES", requires = "to", conflicts_with_all = ["id", "all"])]
    from: Option<String>,

    /// ... from these, in either direction
    #[arg(long, value_name = "NODES", requires = "from")]
    to: Option<String>,

    #[command(flatten)]
    place: WhereArgs,
}

impl ClearArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let which = match (&self.id, &self.from, &self.to) {
            (Some(id), ..) => Which::Id(id.clone()),
            (None, Some(from), Some(to)) => Which::Between(faults::names(from), faults::names(to)),
            _ => Which::All,
        };
        let ended = match self.place.port()? {
            Some(port) => clear_at(&port, &which)?,
            None => faults::clear(&self.place.dir, &which)?,
        };
        let json: Vec<Value> = ended.iter().map(|fault| json!(fault)).collect();
        let lines = ended.iter().map(|fault| match fault.hits {
            Some(hits) => format!("No more: {} ({}, {hits} hits)", fault.text, fault.node),
            None => format!("No more: {}", fault.text),
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let text = if text.is_empty() { "There was no such fault.".to_owned() } else { text };
        format.done(&text, &json!({"ended": json}))
    }
}

fn clear_at(port: &NodePort, which: &Which) -> Result<Vec<ClusterFault>, Failure> {
    let mut ended = Vec::new();
    for fault in node::list(port)? {
        if *which == Which::All || *which == Which::Id(fault.id.clone()) {
            ended.extend(node::clear(port, &fault.id)?);
        }
    }
    Ok(ended)
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep chaos faults points")]
pub(crate) struct PointsArgs {
    #[command(flatten)]
    place: WhereArgs,
}

impl PointsArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let port = match self.place.port()? {
            Some(port) => Some(port),
            None => {
                let cluster = admin::existing(&admin::full_path(&self.place.dir)?)?;
                // Brokers have all of them.
                faults::ports(&cluster)?.into_iter().next()
            }
        };
        let Some(port) = port else {
            return Err(Failure::guided(
                5,
                "no node with fault points runs in this cluster".to_owned(),
                "Start it with `skep cluster start --chaos`.",
            ));
        };
        let all = node::points(&port)?;
        if format == Format::Json {
            return format.done("", &all);
        }
        let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
        format.list(&["name", "place"], &rows(&all["points"]))?;
        let commands = rows(&all["commands"]);
        let commands: Vec<&str> = commands.iter().filter_map(Value::as_str).collect();
        format.done(&format!("\nCommands for --name:\n  {}", commands.join("\n  ")), &Value::Null)
    }
}
