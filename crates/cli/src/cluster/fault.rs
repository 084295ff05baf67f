//! Faults of the network between two nodes, one direction each.
//!
//! A blocked direction is a route of the sending node that leads nowhere: nothing that it sends to the
//! other arrives, answers to what the other asks included. A slow direction is a route through a
//! [wire](super::wire). Each fault is looked at after it was made and after it was undone: a fault
//! that is not there would make whoever looks for its effects believe in a cluster that does not
//! exist. And each ends by itself: a [guard] lives while there are faults and undoes those whose
//! time is over, whoever was killed in the meantime.

pub(crate) mod guard;
mod pair;
pub(crate) mod probe;

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::millis;
use super::launch;
use super::layout::{NetworkPlace, NodeKind};
use super::network::{INTERFACE, ip_json};
use super::state::{ClusterState, Node, Process};
use super::wire::WireSettings;
use crate::failure::Failure;
use pair::Pair;

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
    /// When it ends by itself, in milliseconds since the machine was started.
    #[serde(default)]
    pub(crate) expires_up_ms: Option<u64>,
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
    /// How it is called: one direction has one fault at a time.
    pub(crate) fn id(&self) -> String {
        format!("net-{}-{}", self.from, self.to)
    }

    /// What kind it is.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            FaultKind::Block => "block",
            FaultKind::Delay { .. } => "delay",
        }
    }

    /// How long it still lasts.
    pub(crate) fn remaining_ms(&self) -> Option<u64> {
        self.expires_up_ms.map(|expires| expires.saturating_sub(guard::up_ms()))
    }

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

/// Makes a fault that lasts so long; what was wrong with this direction before is undone. Returns when
/// a packet that was sent has met it.
pub(crate) fn make(
    folder: &Path,
    cluster: &mut ClusterState,
    from: &str,
    to: &str,
    kind: FaultKind,
    ttl: Duration,
) -> Result<Fault, Failure> {
    let pair = Pair::of(cluster, from, to)?;
    undo(folder, cluster, from, to)?;
    // The guard is there before anything that it may have to undo.
    guard::wake(folder, cluster)?;
    let expires_up_ms = guard::up_ms().saturating_add(millis(ttl));
    let (from, to) = (from.to_owned(), to.to_owned());
    let mut fault = Fault { from, to, expires_up_ms: Some(expires_up_ms), kind };
    cluster.faults.push(fault.clone());
    cluster.save(folder)?;
    match &mut fault.kind {
        FaultKind::Block => pair.block()?,
        FaultKind::Delay { delay_ms, loss_per_mille, process, device } => {
            let settings = WireSettings {
                delay: Duration::from_millis(*delay_ms),
                loss: f64::from(*loss_per_mille) / 1_000.0,
                seed: 1,
            };
            *process = Some(pair.lay_wire(folder, cluster, device, settings, ttl)?);
        }
    }
    if let Some(last) = cluster.faults.last_mut() {
        *last = fault.clone();
    }
    cluster.save(folder)?;
    let is_in_force =
        || Ok(pair.is_routed_into(&fault.kind)? && pair.is_felt(cluster, &fault.kind)?);
    let verified = wait_until(&format!("{} (it does not take effect)", fault.text()), is_in_force);
    verified.inspect_err(|_| {
        // A fault that is not felt is none; the first error is the one to tell.
        let (from, to) = (fault.from.clone(), fault.to.clone());
        let _ = undo(folder, cluster, &from, &to);
    })?;
    Ok(fault)
}

/// Undoes what is wrong with a direction. `None` when nothing was.
pub(crate) fn undo(
    folder: &Path,
    cluster: &mut ClusterState,
    from: &str,
    to: &str,
) -> Result<Option<Fault>, Failure> {
    Pair::of(cluster, from, to)?;
    let found = cluster.faults.iter().find(|fault| fault.from == from && fault.to == to).cloned();
    let Some(fault) = found else { return Ok(None) };
    Ok(undo_all(folder, cluster, &[fault])?.into_iter().next())
}

/// Undoes these faults: all routes first, then it is seen to that packets pass again.
pub(crate) fn undo_all(
    folder: &Path,
    cluster: &mut ClusterState,
    faults: &[Fault],
) -> Result<Vec<Fault>, Failure> {
    let mut healed = Vec::new();
    for fault in faults {
        let pair = Pair::of(cluster, &fault.from, &fault.to)?;
        pair.heal(&fault.kind)?;
        healed.push((pair, fault));
    }
    for (pair, fault) in &healed {
        let is_way_back = |other: &&Fault| other.from == fault.to && other.to == fault.from;
        let stays = |other: &Fault| !faults.contains(other);
        let way_back_is_free = !cluster.faults.iter().filter(is_way_back).any(stays);
        wait_until(&format!("{} (it cannot be undone)", fault.text()), || {
            let is_routed = pair.is_routed_into(&fault.kind)?;
            Ok(!is_routed && pair.is_free(cluster, way_back_is_free)?)
        })?;
    }
    cluster.faults.retain(|fault| !faults.contains(fault));
    cluster.save(folder)?;
    Ok(faults.to_vec())
}

/// Ends the processes of slow wires, when the namespaces are about to go; those too whose launcher
/// died before it wrote them down.
pub(super) fn end_wires(network: &NetworkPlace) -> Result<(), Failure> {
    launch::wires(network).into_iter().try_for_each(pair::end)
}

/// Ends a process that was started for the cluster and is none of its nodes.
pub(super) fn end_process(process: Process) -> Result<(), Failure> {
    pair::end(process)
}

/// The device of the wire from one node to another: at most 15 letters.
pub(crate) fn wire_device(cluster: &ClusterState, from: &str, to: &str) -> Result<String, Failure> {
    let code = |node: &Node| {
        let letter = if node.kind == NodeKind::Broker { 'b' } else { 'g' };
        format!("{letter}{}", node.id)
    };
    Ok(format!("w-{}-{}", code(cluster.node(from)?), code(cluster.node(to)?)))
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
