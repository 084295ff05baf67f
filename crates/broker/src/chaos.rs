//! Fault points of a node: the machine that it runs on, with faults in front of it.

use std::sync::Arc;

use skep_env::fault::{ChaosClock, ChaosDisk, CrashPoint, FaultParts, FaultPoints, Targets};

use crate::cluster::{BETWEEN_PARTITIONS, NodeName, name_of};
use crate::config::{Environment, NodeClock};

/// The places of this crate at which a crash can be armed.
const CRASH_POINTS: [CrashPoint; 7] = [
    CrashPoint {
        name: "partition.committed",
        place: "a round of commands is committed; nothing of it was answered or sent",
    },
    CrashPoint {
        name: "partition.answered",
        place: "the answers of a committed round are out, its other effects too",
    },
    CrashPoint {
        name: "distribution.before-send",
        place: "a distributed command is committed and about to leave for another partition",
    },
    CrashPoint {
        name: "distribution.before-acknowledge",
        place: "a distributed command was taken and committed; its acknowledgement is about to leave",
    },
    CrashPoint { name: "checkpoint.begin", place: "a checkpoint is about to be written" },
    CrashPoint {
        name: "checkpoint.written",
        place: "a checkpoint is durable; the log before it is still there",
    },
    CrashPoint {
        name: "snapshot.received",
        place: "a snapshot of the leader has arrived and is about to be installed",
    },
];

/// The places at which a crash can be armed in a broker.
#[must_use]
pub fn crash_points() -> Vec<CrashPoint> {
    skep_storage::CRASH_POINTS.into_iter().chain(CRASH_POINTS).collect()
}

/// The machine with faults in front of its disk and clock, and with fault points for the links and the
/// places of a node. `node` is none for a gateway; `has_disk` whether what the node keeps is on the
/// disk of this machine.
#[must_use]
pub fn with_faults(
    machine: Environment,
    node: Option<u32>,
    has_disk: bool,
    end: Box<dyn Fn(&str) + Send + Sync>,
) -> Environment {
    let base = machine.clock.clock();
    let clock = match &machine.clock {
        NodeClock::Free(clock) => Some(Arc::new(ChaosClock::new(clock.clone()))),
        // It is moved by hand already.
        NodeClock::Controlled(_) => None,
    };
    let own = node.map_or_else(|| "gateway".to_owned(), |id| name_of(NodeName::Broker(id)));
    let points = FaultPoints::new(FaultParts {
        own,
        clock: clock.clone(),
        time: base,
        has_disk,
        crash_points: if node.is_some() { crash_points() } else { Vec::new() },
        commands: BETWEEN_PARTITIONS.iter().map(|command| command.name).collect(),
        end,
    });
    Environment {
        clock: clock.map_or(machine.clock, |clock| NodeClock::Free(clock)),
        disk: Arc::new(ChaosDisk::new(machine.disk, points.clone())),
        faults: Some(points),
        ..machine
    }
}

/// What faults of messages may name in a cluster of these brokers: gateways as one.
#[must_use]
pub fn targets(
    own: Option<u32>,
    brokers: impl IntoIterator<Item = u32>,
    partitions: u32,
) -> Targets {
    let others = brokers.into_iter().filter(|id| own != Some(*id)).map(NodeName::Broker);
    let mut nodes: Vec<String> = others.map(name_of).collect();
    if own.is_some() && !nodes.is_empty() {
        nodes.push("gateway".to_owned());
    }
    Targets { nodes, partitions }
}
