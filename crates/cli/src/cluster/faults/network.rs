//! Faults of network namespaces, as part of the list of all faults.

use std::path::Path;
use std::time::Duration;

use super::{Backend, ClusterFault, Which, is_meant, open};
use crate::cluster::fault::{self, Fault, FaultKind};
use crate::cluster::state::ClusterState;
use crate::failure::Failure;

pub(super) fn block(
    folder: &Path,
    pairs: &[(String, String)],
    ttl: Duration,
) -> Result<Vec<ClusterFault>, Failure> {
    let mut admin = open(folder)?;
    let mut made = Vec::new();
    for (from, to) in pairs {
        let fault = fault::make(&admin.folder, &mut admin.state, from, to, FaultKind::Block, ttl);
        match fault {
            Ok(fault) => made.push(of(&fault)),
            Err(failure) => {
                // The first error is the one to tell.
                for (from, to) in pairs {
                    let _ = fault::undo(&admin.folder, &mut admin.state, from, to);
                }
                return Err(failure);
            }
        }
    }
    Ok(made)
}

pub(super) fn list(cluster: &ClusterState) -> Vec<ClusterFault> {
    cluster.faults.iter().map(of).collect()
}

pub(super) fn clear(
    folder: &Path,
    cluster: &ClusterState,
    which: &Which,
) -> Result<Vec<ClusterFault>, Failure> {
    if !cluster.faults.iter().any(|fault| is_meant_here(fault, which)) {
        return Ok(Vec::new());
    }
    let mut admin = open(folder)?;
    let meant: Vec<Fault> =
        admin.state.faults.iter().filter(|fault| is_meant_here(fault, which)).cloned().collect();
    let ended = fault::undo_all(&admin.folder, &mut admin.state, &meant)?;
    Ok(ended.iter().map(of).collect())
}

fn is_meant_here(fault: &Fault, which: &Which) -> bool {
    match which {
        Which::Between(ones, others) => {
            let has = |names: &[String], name: &String| names.contains(name);
            (has(ones, &fault.from) && has(others, &fault.to))
                || (has(others, &fault.from) && has(ones, &fault.to))
        }
        other => is_meant(&of(fault), other),
    }
}

fn of(fault: &Fault) -> ClusterFault {
    ClusterFault {
        id: fault.id(),
        backend: Backend::Network,
        node: fault.from.clone(),
        fault: fault.name().to_owned(),
        text: fault.text(),
        remaining_ms: fault.remaining_ms(),
        hits: None,
        details: fault.json(),
    }
}
