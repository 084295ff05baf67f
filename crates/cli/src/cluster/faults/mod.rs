//! Faults of a cluster, whichever way they are made.
//!
//! There are two back-ends. Network namespaces (`network`) stop or hold real packets between two nodes,
//! and need a cluster that was started with `--netns`. Fault points (`node`) are asked for on the
//! management port of a node that was started with `--chaos`, and know what a message is for. Here
//! both are one list: a fault has an id, ends by itself, and is in force when the call that made it
//! returns.

mod network;
pub(crate) mod node;
pub(crate) mod remote;
pub(crate) mod token;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use skep_env::fault::{FaultKind, FaultSpec, NODE_ANY, TTL_MS_MAX};

use super::admin::{self, Admin};
use super::layout::NodeKind;
use super::state::{ClusterState, Node, NodeState};
use crate::failure::Failure;
use node::NodePort;

/// How long a fault lasts when nobody says, as it is typed: long enough for an experiment, short
/// enough to be forgotten.
pub(crate) const TTL_DEFAULT: &str = "5m";

/// What makes a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Backend {
    /// Routes and wires of network namespaces.
    Network,
    /// Fault points of a node.
    Node,
}

/// A fault that is in force, or was until now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterFault {
    pub(crate) id: String,
    pub(crate) backend: Backend,
    /// The node that it was made at.
    pub(crate) node: String,
    /// `block`, `drop`, `crash` and so on.
    pub(crate) fault: String,
    /// What it is, for people.
    pub(crate) text: String,
    /// Milliseconds until it ends by itself; none for one of a release that had no such end.
    pub(crate) remaining_ms: Option<u64>,
    /// How often it has acted; packets are not counted.
    pub(crate) hits: Option<u64>,
    /// Everything else, as the back-end has it.
    pub(crate) details: serde_json::Value,
}

/// Which faults are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// One, or several nodes' of the same id.
    Id(String),
    /// Those of the network between two groups of nodes, in either direction.
    Between(Vec<String>, Vec<String>),
}

/// What `block` takes for this cluster: namespaces where there are some, else fault points.
///
/// # Errors
/// When the cluster has neither; the error names both.
pub(crate) fn backend(cluster: &ClusterState) -> Result<Backend, Failure> {
    if cluster.network.is_some() {
        return Ok(Backend::Network);
    }
    if cluster.chaos_token.is_some() {
        return Ok(Backend::Node);
    }
    Err(Failure::guided(
        5,
        "nothing can be broken in this cluster: its nodes share the network of the machine, and have no fault points"
            .to_owned(),
        "Start it with --netns (network namespaces; needs root) or with --chaos (fault points of the nodes).",
    ))
}

/// Lets nothing that `from` sends reach `to`; with `both` nothing in the other direction either.
/// Returns when no packet passes any more.
///
/// # Errors
/// When a node is on both sides or is not there, or the cluster has no back-end. Then what was made
/// until then is undone.
pub(crate) fn block(
    folder: &Path,
    from: &[String],
    to: &[String],
    both: bool,
    ttl: Duration,
) -> Result<Vec<ClusterFault>, Failure> {
    check_ttl(ttl)?;
    let cluster = admin::existing(&admin::full_path(folder)?)?;
    let pairs = pairs(&cluster, from, to, both)?;
    match backend(&cluster)? {
        Backend::Network => network::block(folder, &pairs, ttl),
        Backend::Node => {
            let mut made = Vec::new();
            for (from, to) in &pairs {
                let spec = cut(from, to, ttl);
                let added = add_to(&cluster, None, &spec).inspect_err(|_| undo(&cluster, &made))?;
                made.extend(added);
            }
            Ok(made)
        }
    }
}

/// Arms a fault point. Faults of messages go to the node that sends them, or to the gateway that
/// receives them; everything else to `node`. Returns when it is armed.
///
/// # Errors
/// When it could not hit anything, or the cluster was not started with `--chaos`.
pub(crate) fn add(
    folder: &Path,
    node: Option<&str>,
    spec: &FaultSpec,
) -> Result<Vec<ClusterFault>, Failure> {
    let cluster = admin::existing(&admin::full_path(folder)?)?;
    add_to(&cluster, node, spec)
}

/// The faults that are in force, of both back-ends.
///
/// # Errors
/// When the cluster cannot be read. A node that does not answer has no faults.
pub(crate) fn list(folder: &Path) -> Result<Vec<ClusterFault>, Failure> {
    let cluster = admin::existing(&admin::full_path(folder)?)?;
    let mut faults = network::list(&cluster);
    for port in ports(&cluster)? {
        match node::list(&port) {
            Ok(found) => faults.extend(found),
            // It is starting or ending: nothing is armed there.
            Err(Failure::Unreachable(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(faults)
}

/// Ends faults of both back-ends. Returns when they are over, with those that were.
///
/// # Errors
/// When one of them cannot be undone.
pub(crate) fn clear(folder: &Path, which: &Which) -> Result<Vec<ClusterFault>, Failure> {
    let cluster = admin::existing(&admin::full_path(folder)?)?;
    let mut ended = network::clear(folder, &cluster, which)?;
    ended.extend(at_each(&ports(&cluster)?, |port| clear_at(port, which))?);
    Ok(ended)
}

/// Ends faults at each of these nodes: what one of them does not do is no reason to leave the faults of the
/// others.
fn at_each(
    ports: &[NodePort],
    clear: impl Fn(&NodePort) -> Result<Vec<ClusterFault>, Failure>,
) -> Result<Vec<ClusterFault>, Failure> {
    let (mut ended, mut silent) = (Vec::new(), Ok(()));
    for port in ports {
        match clear(port) {
            Ok(cleared) => ended.extend(cleared),
            Err(failure) => silent = silent.and(Err(failure)),
        }
    }
    silent.map(|()| ended)
}

fn clear_at(port: &NodePort, which: &Which) -> Result<Vec<ClusterFault>, Failure> {
    let mut ended = Vec::new();
    for fault in node::list_when_it_answers(port)?.iter().filter(|fault| is_meant(fault, which)) {
        ended.extend(node::clear(port, &fault.id)?);
    }
    Ok(ended)
}

/// The management ports of the nodes that have fault points and run.
///
/// # Errors
/// When the token cannot be read.
pub(crate) fn ports(cluster: &ClusterState) -> Result<Vec<NodePort>, Failure> {
    let Some(path) = &cluster.chaos_token else { return Ok(Vec::new()) };
    let token = token::read(path)?;
    let running = cluster.nodes.iter().filter(|node| node.state() == NodeState::Running);
    Ok(running.map(|node| port(node, &token)).collect())
}

fn port(node: &Node, token: &str) -> NodePort {
    NodePort {
        name: node.name.clone(),
        address: node.addresses.management.into(),
        token: token.to_owned(),
        process: node.process,
    }
}

fn add_to(
    cluster: &ClusterState,
    node: Option<&str>,
    spec: &FaultSpec,
) -> Result<Vec<ClusterFault>, Failure> {
    let (node, spec) = place(cluster, node, spec)?;
    let Some(path) = &cluster.chaos_token else {
        return Err(Failure::guided(
            5,
            "the nodes of this cluster have no fault points".to_owned(),
            "Start it with `skep cluster start --chaos`. The network alone can be broken with `skep cluster net` when it \
             was started with --netns.",
        ));
    };
    let token = token::read(path)?;
    Ok(vec![node::add(&port(cluster.node(&node)?, &token), &spec)?])
}

/// The node that a fault is armed at, and the fault as that node understands it: gateways do not know
/// their names.
fn place(
    cluster: &ClusterState,
    node: Option<&str>,
    spec: &FaultSpec,
) -> Result<(String, FaultSpec), Failure> {
    let mut spec = spec.clone();
    if !spec.fault.is_of_messages() {
        let node = node.ok_or_else(|| {
            Failure::Usage(format!(
                "{} is a fault of one node: name it with --node",
                spec.fault.name()
            ))
        })?;
        cluster.node(node)?;
        return Ok((node.to_owned(), spec));
    }
    let (Some(from), Some(to)) = (spec.from.clone(), spec.to.clone()) else {
        return Err(Failure::Usage("a fault of messages needs --from and --to".to_owned()));
    };
    if from == to {
        return Err(same_node(&from));
    }
    for end in [&from, &to].into_iter().filter(|end| *end != NODE_ANY) {
        cluster.node(end)?;
    }
    let kind = |name: &str| cluster.node(name).ok().map(|node| node.kind);
    let gateways = [kind(&from), kind(&to)].map(|kind| kind == Some(NodeKind::Gateway));
    let at = match (node, gateways) {
        (_, [true, true]) => {
            return Err(Failure::guided(
                2,
                format!("{from} and {to} are gateways: they tell each other nothing"),
                "Name a broker on one side.",
            ));
        }
        (Some(node), _) => node.to_owned(),
        (None, [false, true]) => to.clone(),
        (None, _) if from == NODE_ANY => to.clone(),
        (None, _) => from.clone(),
    };
    let as_known = |name: String| {
        if kind(&name) == Some(NodeKind::Gateway) { "gateway".to_owned() } else { name }
    };
    (spec.from, spec.to) = (Some(as_known(from)), Some(as_known(to)));
    Ok((at, spec))
}

fn pairs(
    cluster: &ClusterState,
    from: &[String],
    to: &[String],
    both: bool,
) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs = Vec::new();
    for from in from {
        for to in to {
            cluster.node(from)?;
            cluster.node(to)?;
            if from == to {
                return Err(same_node(from));
            }
            for pair in directions(from, to, both) {
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
    }
    if pairs.is_empty() {
        return Err(Failure::Usage("no node is named: nothing would be cut".to_owned()));
    }
    Ok(pairs)
}

/// From one to the other, and back when both are meant.
fn directions(from: &str, to: &str, both: bool) -> impl Iterator<Item = (String, String)> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let pairs = [(from.clone(), to.clone()), (to, from)];
    pairs.into_iter().take(if both { 2 } else { 1 })
}

/// Nothing that one sends reaches the other.
fn cut(from: &str, to: &str, ttl: Duration) -> FaultSpec {
    FaultSpec {
        from: Some(from.to_owned()),
        to: Some(to.to_owned()),
        ..FaultSpec::new(FaultKind::Drop, millis(ttl))
    }
}

fn same_node(name: &str) -> Failure {
    Failure::guided(
        2,
        format!("{name} is both ends: a node is not cut from itself"),
        "Name two nodes. If two leaders are on one node, let another lead one of the partitions first (skep cluster \
         rebalance).",
    )
}

fn is_meant(fault: &ClusterFault, which: &Which) -> bool {
    match which {
        Which::All => true,
        Which::Id(id) => fault.id == *id,
        Which::Between(ones, others) => {
            let end = |side: &str| fault.details[side].as_str().unwrap_or_default().to_owned();
            let (from, to) = (end("from"), end("to"));
            let has = |names: &[String], end: &str| names.iter().any(|name| is_called(name, end));
            fault.fault == "drop"
                && ((has(ones, &from) && has(others, &to))
                    || (has(others, &from) && has(ones, &to)))
        }
    }
}

/// Whether a node is what an end of a fault names.
fn is_called(name: &str, end: &str) -> bool {
    name == end || (end == "gateway" && name.starts_with("gateway-"))
}

fn undo(cluster: &ClusterState, made: &[ClusterFault]) {
    // The first error is the one to tell.
    for port in ports(cluster).unwrap_or_default() {
        for fault in made.iter().filter(|fault| fault.node == port.name) {
            let _ = node::clear(&port, &fault.id);
        }
    }
}

/// Refuses what lasts for ever.
pub(crate) fn check_ttl(ttl: Duration) -> Result<(), Failure> {
    if ttl.is_zero() || millis(ttl) > TTL_MS_MAX {
        return Err(Failure::Usage(
            "a fault lasts at least a millisecond and at most an hour".to_owned(),
        ));
    }
    Ok(())
}

/// Nodes separated by commas.
pub(crate) fn names(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Takes the cluster into hand.
fn open(folder: &Path) -> Result<Admin, Failure> {
    Admin::open(folder)
}
