//! Faults of the network between two nodes, one direction each.
//!
//! A blocked direction is a route of the sending node that leads nowhere: nothing that it sends to the
//! other arrives, answers to what the other asks included. A slow direction is a route through a
//! [wire](super::wire). Each fault is looked at after it was made and after it was undone: a fault
//! that is not there would make whoever looks for its effects believe in a cluster that does not
//! exist.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skep_env::process::{ProcessState, Signal};

use super::launch;
use super::layout::{NetworkPlace, NodeKind};
use super::network::{INTERFACE, ip, ip_json};
use super::state::{ClusterState, Node, Process};
use super::wire::WireSettings;
use crate::failure::Failure;

/// How long a fault may take until it is there or gone, a signal until it has its effect: long,
/// because a machine that is busy with something else takes seconds to end a process.
const EFFECT_MAX: Duration = Duration::from_secs(30);

/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// What the processes of slow wires print, in the folder of the cluster.
pub(super) const WIRE_LOG: &str = "wires.log";

/// A fault, as the folder has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fault {
    pub(crate) from: String,
    pub(crate) to: String,
    #[serde(flatten)]
    pub(crate) kind: FaultKind,
}

/// What is wrong with a direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum FaultKind {
    /// Nothing arrives.
    Block,
    /// Everything arrives later, and some of it never.
    Delay {
        /// Later by this, milliseconds.
        delay_ms: u64,
        /// Lost packets out of a thousand.
        loss_per_mille: u16,
        /// The process that holds the packets.
        process: Option<Process>,
        /// Its device in both namespaces.
        device: String,
    },
}

impl Fault {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let (from, to) = (&self.from, &self.to);
        match &self.kind {
            FaultKind::Block => format!("nothing from {from} reaches {to}"),
            FaultKind::Delay { delay_ms, loss_per_mille, .. } => {
                let loss = match loss_per_mille {
                    0 => String::new(),
                    lost => format!(", {:.1} % are lost", f64::from(*lost) / 10.0),
                };
                format!("packets from {from} reach {to} {delay_ms} ms later{loss}")
            }
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|_| json!({}))
    }
}

/// Makes a fault; what was wrong with this direction before is undone.
pub(crate) fn make(
    folder: &Path,
    cluster: &mut ClusterState,
    from: &str,
    to: &str,
    kind: FaultKind,
) -> Result<Fault, Failure> {
    let pair = Pair::of(cluster, from, to)?;
    undo(folder, cluster, from, to)?;
    let mut fault = Fault { from: from.to_owned(), to: to.to_owned(), kind };
    cluster.faults.push(fault.clone());
    cluster.save(folder)?;
    match &mut fault.kind {
        FaultKind::Block => {
            ip(&["-n", &pair.from_namespace, "route", "replace", "unreachable", &pair.to_address])?;
        }
        FaultKind::Delay { delay_ms, loss_per_mille, process, device } => {
            let settings = WireSettings {
                delay: Duration::from_millis(*delay_ms),
                loss: f64::from(*loss_per_mille) / 1_000.0,
                seed: 1,
            };
            let wire = pair.lay_wire(folder, cluster, device, settings)?;
            *process = Some(wire);
        }
    }
    if let Some(last) = cluster.faults.last_mut() {
        *last = fault.clone();
    }
    cluster.save(folder)?;
    let is_there = || pair.is_faulty(&fault.kind);
    wait_until(&format!("{} (it does not take effect)", fault.text()), is_there)?;
    Ok(fault)
}

/// Undoes what is wrong with a direction. `None` when nothing was.
pub(crate) fn undo(
    folder: &Path,
    cluster: &mut ClusterState,
    from: &str,
    to: &str,
) -> Result<Option<Fault>, Failure> {
    let pair = Pair::of(cluster, from, to)?;
    let is_it = |fault: &Fault| fault.from == from && fault.to == to;
    let Some(fault) = cluster.faults.iter().find(|fault| is_it(fault)).cloned() else {
        return Ok(None);
    };
    pair.heal(&fault.kind)?;
    wait_until(&format!("{} (it cannot be undone)", fault.text()), || {
        Ok(!pair.is_faulty(&fault.kind)?)
    })?;
    cluster.faults.retain(|fault| !is_it(fault));
    cluster.save(folder)?;
    Ok(Some(fault))
}

/// Ends the processes of slow wires, when the namespaces are about to go; those too whose launcher
/// died before it wrote them down.
pub(super) fn end_wires(network: &NetworkPlace) -> Result<(), Failure> {
    launch::wires(network).into_iter().try_for_each(end)
}

/// The device of the wire from one node to another: at most 15 letters.
pub(crate) fn wire_device(cluster: &ClusterState, from: &str, to: &str) -> Result<String, Failure> {
    let code = |node: &Node| {
        let letter = if node.kind == NodeKind::Broker { 'b' } else { 'g' };
        format!("{letter}{}", node.id)
    };
    Ok(format!("w-{}-{}", code(cluster.node(from)?), code(cluster.node(to)?)))
}

/// One direction between two nodes.
struct Pair {
    from_namespace: String,
    from_address: String,
    to_namespace: String,
    to_address: String,
}

impl Pair {
    fn of(cluster: &ClusterState, from: &str, to: &str) -> Result<Self, Failure> {
        let (from, to) = (cluster.node(from)?, cluster.node(to)?);
        if from.name == to.name {
            return Err(Failure::guided(
                2,
                format!("{} is both ends: a node is not cut from itself", from.name),
                "Name two nodes. If two leaders are on one node, move one of them first.",
            ));
        }
        let (Some(from_namespace), Some(to_namespace)) =
            (from.namespace.clone(), to.namespace.clone())
        else {
            return Err(Failure::guided(
                5,
                "the nodes of this cluster share the network of the machine".to_owned(),
                "Faults of the network need a cluster that was started with --netns.",
            ));
        };
        Ok(Self {
            from_namespace,
            from_address: from.addresses.grpc.ip().to_string(),
            to_namespace,
            to_address: to.addresses.grpc.ip().to_string(),
        })
    }

    /// Starts the wire, and leads the packets over it.
    fn lay_wire(
        &self,
        folder: &Path,
        cluster: &ClusterState,
        device: &str,
        settings: WireSettings,
    ) -> Result<Process, Failure> {
        let arguments = [
            "cluster".to_owned(),
            "wire".to_owned(),
            self.from_namespace.clone(),
            self.to_namespace.clone(),
            format!("--device={device}"),
            format!("--delay={}ms", settings.delay.as_millis()),
            format!("--loss={}", settings.loss),
            format!("--seed={}", settings.seed),
        ];
        let log_file = folder.join(WIRE_LOG);
        let command = launch::in_namespace(None, &cluster.binary, &arguments);
        let process = launch::detached(command, &log_file)?;
        let is_up = || {
            if process.identity().state() == ProcessState::Ended {
                let text = std::fs::read_to_string(&log_file).unwrap_or_default();
                return Err(Failure::Local(format!("the slow wire ended: {}", text.trim())));
            }
            Ok(device_is_up(&self.from_namespace, device)
                && device_is_up(&self.to_namespace, device))
        };
        wait_until("the slow wire does not come up", is_up)
            .and_then(|()| {
                let (namespace, to) = (&self.from_namespace, &self.to_address);
                ip(&[
                    "-n",
                    namespace,
                    "route",
                    "replace",
                    to,
                    "dev",
                    device,
                    "src",
                    &self.from_address,
                ])
            })
            .inspect_err(|_| {
                // The first error is the one to tell.
                let _ = end(process);
            })?;
        Ok(process)
    }

    /// Whether packets of this direction meet the fault.
    fn is_faulty(&self, kind: &FaultKind) -> Result<bool, Failure> {
        let route = ip_json(&["-n", &self.from_namespace, "route", "show", &self.to_address])?;
        let route = &route[0];
        Ok(match kind {
            FaultKind::Block => route["type"] == "unreachable",
            FaultKind::Delay { device, .. } => route["dev"] == device.as_str(),
        })
    }

    fn heal(&self, kind: &FaultKind) -> Result<(), Failure> {
        if self.is_faulty(kind)? {
            // Without it the packets take the way over the cable again.
            ip(&["-n", &self.from_namespace, "route", "del", &self.to_address])?;
        }
        match kind {
            FaultKind::Delay { process: Some(process), .. } => end(*process),
            _ => Ok(()),
        }
    }
}

fn device_is_up(namespace: &str, device: &str) -> bool {
    let Ok(links) = ip_json(&["-n", namespace, "link", "show", device]) else { return false };
    let flags = links[0]["flags"].as_array();
    flags.is_some_and(|flags| flags.iter().any(|flag| flag == "UP"))
}

fn end(process: Process) -> Result<(), Failure> {
    let identity = process.identity();
    identity
        .signal(Signal::Kill)
        .map_err(|error| Failure::Local(format!("cannot end process {}: {error}", process.pid)))?;
    wait_until(&format!("process {} does not end", process.pid), || {
        Ok(identity.state() == ProcessState::Ended)
    })
}

/// Waits for something that takes a moment; `otherwise` says what it means when it takes longer.
pub(crate) fn wait_until(
    otherwise: &str,
    mut is_done: impl FnMut() -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let began = Instant::now();
    while !is_done()? {
        if began.elapsed() > EFFECT_MAX {
            return Err(Failure::Local(otherwise.to_owned()));
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    Ok(())
}

/// Whether the kernel has faults that the folder does not know: routes somebody made by hand.
pub(crate) fn unknown_routes(cluster: &ClusterState) -> Result<Vec<String>, Failure> {
    let mut unknown = Vec::new();
    for node in &cluster.nodes {
        let Some(namespace) = &node.namespace else { continue };
        let routes = ip_json(&["-n", namespace, "route", "show"])?;
        for route in routes.as_array().into_iter().flatten() {
            let destination = route["dst"].as_str().unwrap_or_default();
            let usual = route["dev"] == INTERFACE;
            let known = cluster.faults.iter().any(|fault| {
                let to = cluster.node(&fault.to).map(|node| node.addresses.grpc.ip().to_string());
                fault.from == node.name && to.is_ok_and(|to| to == destination)
            });
            if !usual && !known {
                unknown.push(format!("{}: route to {destination}", node.name));
            }
        }
    }
    Ok(unknown)
}
