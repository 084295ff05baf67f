//! One direction between two nodes: how packets go there, and what becomes of one that is sent.

use std::net::SocketAddrV4;
use std::path::Path;
use std::time::Duration;

use skep_env::process::{ProcessState, Signal};

use super::probe::{self, Outcome, Probe};
use super::{FaultKind, WIRE_LOG, wait_until};
use crate::cluster::launch;
use crate::cluster::network::{ip, ip_json};
use crate::cluster::state::{ClusterState, Process};
use crate::cluster::wire::WireSettings;
use crate::failure::Failure;

/// How long a packet may be under way that nothing delays: loopback takes microseconds, a busy machine
/// its time.
const PROBE_PATIENCE: Duration = Duration::from_millis(1_500);

/// One direction between two nodes.
pub(super) struct Pair {
    from_namespace: String,
    from_address: String,
    to_namespace: String,
    to_address: String,
    to: SocketAddrV4,
}

impl Pair {
    pub(super) fn of(cluster: &ClusterState, from: &str, to: &str) -> Result<Self, Failure> {
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
            to: to.addresses.management,
        })
    }

    /// Starts the wire, and leads the packets over it.
    pub(super) fn lay_wire(
        &self,
        folder: &Path,
        cluster: &ClusterState,
        device: &str,
        settings: WireSettings,
        ttl: Duration,
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
            format!("--ttl={}ms", ttl.as_millis()),
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

    /// Leads the packets nowhere.
    pub(super) fn block(&self) -> Result<(), Failure> {
        let (namespace, to) = (&self.from_namespace, &self.to_address);
        ip(&["-n", namespace, "route", "replace", "unreachable", to]).map(|_| ())
    }

    /// Where the kernel would send a packet of this direction: none when it would refuse it.
    pub(super) fn device(&self) -> Result<Option<String>, Failure> {
        let asked = ip_json(&["-n", &self.from_namespace, "route", "get", &self.to_address]);
        match asked {
            Ok(route) => Ok(route[0]["dev"].as_str().map(ToOwned::to_owned)),
            Err(failure) if failure.is_about("unreachable") => Ok(None),
            Err(failure) if failure.is_about("No route to host") => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether packets of this direction meet the fault: as the kernel decides it.
    pub(super) fn is_routed_into(&self, kind: &FaultKind) -> Result<bool, Failure> {
        let way = self.device()?;
        Ok(match kind {
            FaultKind::Block => way.is_none(),
            FaultKind::Delay { device, .. } => way.as_deref() == Some(device),
        })
    }

    /// Whether a packet that is really sent meets the fault.
    pub(super) fn is_felt(
        &self,
        cluster: &ClusterState,
        kind: &FaultKind,
    ) -> Result<bool, Failure> {
        let limit = match kind {
            FaultKind::Block => PROBE_PATIENCE,
            FaultKind::Delay { delay_ms, .. } => Duration::from_millis(*delay_ms) + PROBE_PATIENCE,
        };
        let seen = self.probe(cluster, limit)?;
        Ok(match kind {
            FaultKind::Block => seen.outcome == Outcome::Unreachable,
            FaultKind::Delay { delay_ms, .. } => {
                seen.outcome == Outcome::Silence || seen.took >= Duration::from_millis(*delay_ms)
            }
        })
    }

    /// Whether a packet that is really sent arrives, and is answered when the way back is free.
    pub(super) fn is_free(
        &self,
        cluster: &ClusterState,
        way_back_is_free: bool,
    ) -> Result<bool, Failure> {
        let seen = self.probe(cluster, PROBE_PATIENCE)?;
        Ok(match seen.outcome {
            Outcome::Answered => true,
            Outcome::Silence => !way_back_is_free,
            Outcome::Unreachable => false,
        })
    }

    /// Connects from the one node to the other, in its namespace.
    fn probe(&self, cluster: &ClusterState, limit: Duration) -> Result<Probe, Failure> {
        let arguments = [
            "cluster".to_owned(),
            "probe".to_owned(),
            self.to.to_string(),
            format!("--limit={}ms", limit.as_millis()),
        ];
        probe::ask(launch::in_namespace(Some(&self.from_namespace), &cluster.binary, &arguments))
    }

    /// Takes the fault away.
    pub(super) fn heal(&self, kind: &FaultKind) -> Result<(), Failure> {
        if self.is_routed_into(kind)? {
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

pub(super) fn end(process: Process) -> Result<(), Failure> {
    let identity = process.identity();
    identity
        .signal(Signal::Kill)
        .map_err(|error| Failure::Local(format!("cannot end process {}: {error}", process.pid)))?;
    wait_until(&format!("process {} does not end", process.pid), || {
        Ok(identity.state() == ProcessState::Ended)
    })
}
