//! `skep cluster start`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::{FolderArgs, wait};
use crate::cluster::admin::{self, Admin};
use crate::cluster::faults::token;
use crate::cluster::layout::{self, NetworkPlace, NodeKind};
use crate::cluster::network;
use crate::cluster::plan::{Plan, PlanName};
use crate::cluster::state::{self, ClusterState, Node, NodeState, Phase};
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct StartArgs {
    /// What the cluster consists of [default: what it was, or production-s]
    #[arg(long, value_enum, value_name = "PLAN")]
    plan: Option<PlanName>,

    #[command(flatten)]
    folder: FolderArgs,

    /// Give each node a network namespace, so that its network can be cut and slowed down; needs
    /// root, or CAP_NET_ADMIN and CAP_SYS_ADMIN
    #[arg(long)]
    netns: bool,

    /// Give every node fault points: messages, disk, clock and process can be broken on purpose
    #[arg(long)]
    chaos: bool,

    /// Let every broker write down what it commits, for `skep chaos soak` to check; the files only grow
    #[arg(long)]
    evidence: bool,

    /// First port; each node takes the next ten from there, gateways first [default: free ports]
    #[arg(long, value_name = "PORT", conflicts_with = "netns")]
    base_port: Option<u16>,

    /// How long to wait until the cluster serves, seconds; 0 does not wait
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,

    /// Options of `skep serve` for every broker
    #[arg(last = true, value_name = "OPTION", allow_hyphen_values = true)]
    broker_options: Vec<String>,
}

const AFTER_HELP: &str = "\
Plans: development (1 broker, 1 partition), production-s (3 brokers, 3 partitions, 2 gateways),
production-m (3 brokers, 6 partitions, 2 gateways), production-l (6 brokers, 12 partitions,
3 gateways); three replicas of each partition but in development.

Examples:
  skep cluster start --plan production-s
  skep cluster start --plan production-s --base-port 26500
  skep cluster start --chaos --evidence
  skep cluster start --netns --dir /tmp/trouble -- --memory 256MB --log-level debug";

impl StartArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let began = Instant::now();
        let dir = &self.folder.dir;
        fs::create_dir_all(dir).map_err(|error| Failure::file("make", dir, error))?;
        let folder = admin::full_path(dir)?;
        let lock = admin::lock(&folder)?;
        let mut admin = match ClusterState::load(&folder)? {
            Some(state) => self.again(folder, state, lock)?,
            None => {
                let state = self.anew(&folder)?;
                state.save(&folder)?;
                Admin::with(folder, state, lock)?
            }
        };
        if self.chaos && admin.state.chaos_token.is_none() {
            admin.state.chaos_token = Some(token::make(&admin.folder)?);
        }
        if self.evidence {
            admin.state.evidence = Some(admin.folder.join(admin::EVIDENCE));
        }
        admin.state.phase = Phase::Starting;
        admin.save()?;
        admin.make_network()?;
        let names: Vec<String> = admin.state.nodes.iter().map(|node| node.name.clone()).collect();
        for name in &names {
            admin.start_node(name)?;
        }
        admin.state.phase = Phase::Started;
        admin.save()?;
        // From here on other commands may see to the nodes, also while this one waits.
        let (folder, state) = admin.release();
        if self.wait > 0 {
            wait::until_it_serves(&folder, Duration::from_secs(self.wait))?;
        }
        let took = began.elapsed();
        let json = json!({
            "tookMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "cluster": &state,
        });
        format.done(&summary(&folder, &state, took, self.wait > 0), &json)
    }

    /// A cluster that was stopped, with what it has.
    fn again(&self, folder: PathBuf, state: ClusterState, lock: File) -> Result<Admin, Failure> {
        let mut admin = Admin::with(folder, state, lock)?;
        let state = &admin.state;
        if state.nodes.iter().any(|node| node.state() != NodeState::Down) {
            let unfinished = if state.phase == Phase::Starting {
                ", of a start that did not finish"
            } else {
                ""
            };
            return Err(Failure::guided(
                5,
                format!("there are running nodes in {}{unfinished}", admin.folder.display()),
                "See `skep cluster status`; end them with `skep cluster stop`, or use another \
                 --dir.",
            ));
        }
        let other = |what: &str| {
            Failure::guided(
                5,
                format!("the cluster in {} {what}", admin.folder.display()),
                "It keeps what it was made with. `skep cluster stop --wipe` deletes it and its \
                 data; or use another --dir.",
            )
        };
        if self.evidence && state.evidence.is_none() {
            return Err(other("was started without --evidence: what it has done is not known"));
        }
        if self.plan.is_some_and(|plan| plan != state.plan) {
            return Err(other(&format!("has the plan {}", state.plan.text())));
        }
        if self.netns && state.network.is_none() {
            return Err(other("has no network namespaces"));
        }
        if self.base_port.is_some() {
            return Err(other("has its ports already"));
        }
        if !self.broker_options.is_empty() {
            admin.state.broker_options.clone_from(&self.broker_options);
        }
        admin.state.binary = own_binary()?;
        Ok(admin)
    }

    /// A cluster that is not there yet.
    fn anew(&self, folder: &Path) -> Result<ClusterState, Failure> {
        let plan = self.plan.unwrap_or(PlanName::ProductionS).plan();
        let seats = layout::seats(plan);
        let network = if self.netns { Some(network::find_place(folder)?) } else { None };
        let addresses = match (&network, self.base_port) {
            (Some(place), _) => Ok(seats.iter().map(|seat| place.addresses(*seat)).collect()),
            (None, Some(base)) => layout::counted_ports(&seats, base),
            (None, None) => layout::free_ports(seats.len()),
        }
        .map_err(Failure::Usage)?;
        let nodes = seats
            .iter()
            .zip(addresses)
            .map(|(seat, addresses)| Node::new(folder, *seat, addresses, network.as_ref()))
            .collect();
        Ok(cluster(plan, folder, network, nodes, &self.broker_options, own_binary()?))
    }
}

/// A cluster of this plan, with nothing running.
fn cluster(
    plan: Plan,
    folder: &Path,
    network: Option<NetworkPlace>,
    nodes: Vec<Node>,
    broker_options: &[String],
    binary: PathBuf,
) -> ClusterState {
    ClusterState {
        version: state::VERSION,
        // Two clusters on one machine never have the same, however ports are reused.
        cluster_id: format!("{}-{}", plan.name.text(), NetworkPlace::of(folder, 0).prefix),
        plan: plan.name,
        partitions: plan.partitions,
        replication_factor: plan.replication_factor,
        phase: Phase::Starting,
        binary,
        boot: state::boot(),
        network,
        broker_options: broker_options.to_vec(),
        nodes,
        chaos_token: None,
        evidence: None,
        faults: Vec::new(),
        guard: None,
    }
}

fn own_binary() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::Local(format!("this program cannot find itself: {error}")))
}

fn summary(folder: &Path, state: &ClusterState, took: Duration, waited: bool) -> String {
    let done = if waited { "serves" } else { "is starting" };
    let mut text = format!(
        "The cluster {} {done} after {} ms: {} brokers, {} partitions, {} gateways, in {}\n",
        state.cluster_id,
        took.as_millis(),
        state.of_kind(NodeKind::Broker).count(),
        state.partitions,
        state.of_kind(NodeKind::Gateway).count(),
        folder.display(),
    );
    for node in &state.nodes {
        let addresses = &node.addresses;
        text.push_str(&format!(
            "\n  {:<10}  gRPC {}  REST http://{}/v2  management http://{}",
            node.name, addresses.grpc, addresses.rest, addresses.management
        ));
    }
    let dir = if folder.ends_with("skep-cluster") && is_here(folder) {
        String::new()
    } else {
        format!(" --dir {}", folder.display())
    };
    let entrance = state.entrances().first().map_or(String::new(), |node| {
        format!("  skep deploy FILE.bpmn --address {}\n", node.addresses.grpc)
    });
    let leader = &state.nodes.first().map_or("broker-0", |node| node.name.as_str());
    text.push_str(&format!(
        "\n\nNext:\n{entrance}  skep cluster status{dir}\n  skep cluster kill {leader}{dir}\n  \
         skep cluster stop{dir}"
    ));
    text
}

/// Whether the folder is the one that commands take without `--dir`.
fn is_here(folder: &Path) -> bool {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.is_ok_and(|here| folder.parent() == Some(&here))
}
