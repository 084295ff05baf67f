//! `cluster.json`: what a cluster consists of, and which process each node is.
//!
//! Written before and after everything that changes it, each time as a whole under another name and
//! then renamed, so that a launcher may be killed at any moment. A node is written down as starting
//! before its process exists; if the launcher dies before it has written the process id, the process
//! is found again by its command line.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skep_env::process::{ProcessIdentity, ProcessState};

use super::fault::Fault;
use super::layout::{Addresses, NetworkPlace, NodeKind, Seat};
use super::plan::PlanName;
use crate::failure::Failure;

/// Version of the file. Fields are only added; another version is refused.
pub(crate) const VERSION: u32 = 1;

/// The name of the file.
const FILE: &str = "cluster.json";

/// A cluster, as its folder has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterState {
    pub(crate) version: u32,
    pub(crate) cluster_id: String,
    pub(crate) plan: PlanName,
    pub(crate) partitions: u32,
    pub(crate) replication_factor: u16,
    pub(crate) phase: Phase,
    /// The binary that every node is a process of.
    pub(crate) binary: PathBuf,
    /// The boot of the machine that the processes belong to: after another one none is left.
    pub(crate) boot: String,
    /// Present when each node has a network namespace of its own.
    pub(crate) network: Option<NetworkPlace>,
    /// Options of `skep serve` for every broker, beyond those that this makes.
    pub(crate) broker_options: Vec<String>,
    /// File with the token of the nodes' fault points; present when they have any.
    #[serde(default)]
    pub(crate) chaos_token: Option<PathBuf>,
    /// Folder that brokers write down what they commit in, for a soak to check; present when they do.
    #[serde(default)]
    pub(crate) evidence: Option<PathBuf>,
    pub(crate) nodes: Vec<Node>,
    /// Faults of the network that were made and not yet undone.
    #[serde(default)]
    pub(crate) faults: Vec<Fault>,
    /// The process that ends faults of the network when their time is over.
    #[serde(default)]
    pub(crate) guard: Option<Process>,
}

/// How far the cluster as a whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// Being started; when no launcher is at it any more, it was killed.
    Starting,
    /// Started.
    Started,
    /// Stopped; the data is there.
    Stopped,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) kind: NodeKind,
    pub(crate) id: u16,
    /// The process, when there is one that is known.
    pub(crate) process: Option<Process>,
    /// It is about to get a process.
    pub(crate) starting: bool,
    /// It came when the cluster was there: it is a part of it once the cluster says so.
    #[serde(default)]
    pub(crate) joins: bool,
    #[serde(flatten)]
    pub(crate) addresses: Addresses,
    pub(crate) namespace: Option<String>,
    /// Gateways have none.
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) log_file: PathBuf,
}

/// A process, told from a later one with the same id by when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) start_ticks: u64,
}

impl Process {
    pub(crate) fn identity(self) -> ProcessIdentity {
        ProcessIdentity { id: self.pid, start_ticks: self.start_ticks }
    }
}

impl From<ProcessIdentity> for Process {
    fn from(identity: ProcessIdentity) -> Self {
        Self { pid: identity.id, start_ticks: identity.start_ticks }
    }
}

/// What a node is doing, as far as the machine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeState {
    /// Its process is there.
    Running,
    /// Its process was paused.
    Paused,
    /// It has no process.
    Down,
}

impl NodeState {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Down => "down",
        }
    }
}

impl Node {
    /// A node of a new cluster, with places in its folder and its network.
    pub(crate) fn new(
        folder: &Path,
        seat: Seat,
        addresses: Addresses,
        network: Option<&NetworkPlace>,
    ) -> Self {
        let name = seat.name();
        Self {
            kind: seat.kind,
            id: seat.id,
            process: None,
            starting: false,
            joins: false,
            addresses,
            namespace: network.map(|place| place.namespace(seat)),
            data_dir: (seat.kind == NodeKind::Broker).then(|| folder.join(&name)),
            log_file: folder.join(format!("{name}.log")),
            name,
        }
    }

    pub(crate) fn seat(&self) -> Seat {
        Seat { kind: self.kind, id: self.id }
    }

    pub(crate) fn state(&self) -> NodeState {
        match self.process.map(|process| process.identity().state()) {
            None | Some(ProcessState::Ended) => NodeState::Down,
            Some(ProcessState::Paused) => NodeState::Paused,
            Some(ProcessState::Running) => NodeState::Running,
        }
    }
}

impl ClusterState {
    /// The cluster of a folder; none when there is none.
    pub(crate) fn load(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file("read", &path, error)),
        };
        let mut state = Self::parse(&text).map_err(|error| {
            Failure::guided(
                2,
                format!("{} is no cluster that this skep knows: {error}", path.display()),
                "Use the skep that made it, or another folder (--dir).",
            )
        })?;
        if state.boot != boot() {
            state.after_reboot();
        }
        Ok(Some(state))
    }

    /// Reads the text of a file.
    fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if head.version != VERSION {
            return Err(format!("it has version {}, this reads {VERSION}", head.version));
        }
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Writes the file: all of it or nothing.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join(FILE);
        let failed = |error: std::io::Error| Failure::file("write", &path, error);
        let mut text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        text.push('\n');
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_data().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Takes the file away: the cluster is no more.
    pub(crate) fn remove(folder: &Path) -> Result<(), Failure> {
        let path = folder.join(FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::file("delete", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// The node with this name.
    pub(crate) fn node(&self, name: &str) -> Result<&Node, Failure> {
        let found = self.nodes.iter().find(|node| node.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            Failure::guided(
                2,
                format!("there is no node {name} in this cluster"),
                &format!("It has {}.", names.join(", ")),
            )
        })
    }

    /// The node with this name, to be changed.
    pub(crate) fn node_mut(&mut self, name: &str) -> Result<&mut Node, Failure> {
        self.node(name)?;
        let found = self.nodes.iter_mut().find(|node| node.name == name);
        found.ok_or_else(|| Failure::Local(format!("the node {name} has vanished")))
    }

    /// The nodes of a kind.
    pub(crate) fn of_kind(&self, kind: NodeKind) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.kind == kind)
    }

    /// The directions with a fault that a node is an end of.
    pub(crate) fn faults_of(&self, name: &str) -> Vec<(String, String)> {
        let its = self.faults.iter().filter(|fault| fault.from == name || fault.to == name);
        its.map(|fault| (fault.from.clone(), fault.to.clone())).collect()
    }

    /// The next node of a kind.
    pub(crate) fn next_seat(&self, kind: NodeKind) -> Seat {
        let last = self.of_kind(kind).map(|node| node.id).max();
        Seat { kind, id: last.map_or(0, |id| id + 1) }
    }

    /// The nodes that clients talk to: the gateways, or the brokers where there are none.
    pub(crate) fn entrances(&self) -> Vec<&Node> {
        let gateways: Vec<&Node> = self.of_kind(NodeKind::Gateway).collect();
        if gateways.is_empty() { self.of_kind(NodeKind::Broker).collect() } else { gateways }
    }

    /// No process, namespace or device survives a restart of the machine.
    fn after_reboot(&mut self) {
        for node in &mut self.nodes {
            (node.process, node.starting) = (None, false);
        }
        self.faults.clear();
        self.guard = None;
        self.phase = Phase::Stopped;
        self.boot = boot();
    }
}

/// Which boot of the machine this is.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}
