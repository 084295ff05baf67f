//! Whoever sees to it that faults of the network end in time.
//!
//! A fault is made by a command that may be killed at any moment, so its end cannot be that command's
//! business. A guard is one process for a cluster, `skep cluster guard`: it is started before the first
//! fault is made, undoes each when its time is over, and ends when there is none. Should the guard
//! itself be killed, the next command at the cluster undoes what is overdue.

use std::fs;
use std::path::Path;
use std::time::Duration;

use skep_env::process::{ProcessIdentity, ProcessState};

use super::{Fault, pair, undo_all};
use crate::cluster::admin::Admin;
use crate::cluster::launch;
use crate::cluster::state::ClusterState;
use crate::failure::Failure;

/// What the guard prints, in the folder of the cluster.
pub(crate) const GUARD_LOG: &str = "guard.log";

/// Pause between two looks at the folder: how late a fault may end.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// How late a fault is when nobody guards it, milliseconds: a guard on a busy machine is not late yet.
const OVERDUE_MS: u64 = 5_000;

/// Milliseconds since the machine was started, sleep included: no clock that somebody sets.
pub(crate) fn up_ms() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    seconds.map_or(0, |seconds| (seconds * 1_000.0) as u64)
}

/// Starts the guard, unless it is there. The cluster is locked by the caller.
pub(super) fn wake(folder: &Path, cluster: &mut ClusterState) -> Result<(), Failure> {
    if is_there(cluster) {
        return Ok(());
    }
    let dir = format!("--dir={}", folder.display());
    let arguments = ["cluster".to_owned(), "guard".to_owned(), dir];
    let command = launch::in_namespace(None, &cluster.binary, &arguments);
    cluster.guard = Some(launch::detached(command, &folder.join(GUARD_LOG))?);
    Ok(())
}

fn is_there(cluster: &ClusterState) -> bool {
    cluster.guard.is_some_and(|guard| guard.identity().state() != ProcessState::Ended)
}

/// Ends the guard, when everything is ended that it guards.
pub(crate) fn end(cluster: &mut ClusterState) -> Result<(), Failure> {
    match cluster.guard.take() {
        Some(guard) => pair::end(guard),
        None => Ok(()),
    }
}

/// Undoes what is overdue because nobody guards it any more, as far as that is possible.
pub(crate) fn catch_up(folder: &Path, cluster: &mut ClusterState) {
    let overdue = overdue(cluster, OVERDUE_MS);
    if let Err(failure) = undo_all(folder, cluster, &overdue) {
        // The command that found it, a stop above all, goes on all the same.
        eprintln!("a fault is overdue and cannot be undone: {failure:?}");
    }
}

fn overdue(cluster: &ClusterState, by_ms: u64) -> Vec<Fault> {
    let now = up_ms();
    let is_overdue =
        |fault: &&Fault| fault.expires_up_ms.is_some_and(|at| at.saturating_add(by_ms) <= now);
    cluster.faults.iter().filter(is_overdue).cloned().collect()
}

/// The guard: undoes faults when their time is over, until there is none.
pub(crate) fn run(folder: &Path) -> Result<(), Failure> {
    loop {
        let Some(cluster) = ClusterState::load(folder)? else { return Ok(()) };
        let is_due = !overdue(&cluster, 0).is_empty();
        if (is_due || !has_ends(&cluster)) && see_to(folder)? == Watch::Over {
            return Ok(());
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

fn has_ends(cluster: &ClusterState) -> bool {
    cluster.faults.iter().any(|fault| fault.expires_up_ms.is_some())
}

#[derive(PartialEq, Eq)]
enum Watch {
    GoesOn,
    Over,
}

/// Undoes what is due; over when nothing is left, or another guards.
fn see_to(folder: &Path) -> Result<Watch, Failure> {
    let mut admin = match Admin::open(folder) {
        Ok(admin) => admin,
        // Another command is at work for long, or the cluster is gone: the next look tells.
        Err(_) => return Ok(Watch::GoesOn),
    };
    for fault in overdue(&admin.state, 0) {
        match undo_all(&admin.folder, &mut admin.state, std::slice::from_ref(&fault)) {
            Ok(_) => eprintln!("fault expired: {}", fault.text()),
            Err(failure) => eprintln!("a fault cannot be undone, tried again: {failure:?}"),
        }
    }
    let own = ProcessIdentity::of(std::process::id());
    let is_own = admin.state.guard.map(|guard| guard.identity()) == own;
    if has_ends(&admin.state) && (is_own || !is_there(&admin.state)) {
        admin.state.guard = own.map(Into::into);
        admin.save()?;
        return Ok(Watch::GoesOn);
    }
    if is_own {
        admin.state.guard = None;
        admin.save()?;
    }
    Ok(Watch::Over)
}
