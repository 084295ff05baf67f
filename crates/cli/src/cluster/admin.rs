//! One command's hold on a cluster: its folder, locked, and what can be done to its nodes.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use skep_env::process::{ProcessState, Signal};

use super::fault::{WIRE_LOG, end_wires, guard, wait_until};
use super::faults::token;
use super::layout::{NodeKind, free_ports};
use super::state::{ClusterState, Node, NodeState, Phase};
use super::{fault, launch, network};
use crate::failure::Failure;
use crate::lock_file;

/// The file whose lock says that a command is at work.
const LOCK: &str = "cluster.lock";

/// What chaos commands remember of a cluster; it goes with it.
pub(crate) const MEMORY: &str = "zbchaos.json";

/// Locked while [`MEMORY`] changes.
pub(crate) const MEMORY_LOCK: &str = "zbchaos.lock";

/// Locked while an experiment runs.
pub(crate) const CHAOS_LOCK: &str = "chaos.lock";

/// What brokers committed, life by life.
pub(crate) const EVIDENCE: &str = "evidence";

/// How long another command may be at work before this one gives up: stopping takes its grace.
const LOCK_MAX: Duration = Duration::from_secs(60);

/// Pause between two looks at something that takes a moment.
pub(crate) const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// A cluster in the hands of one command.
pub(crate) struct Admin {
    pub(crate) folder: PathBuf,
    pub(crate) state: ClusterState,
    /// Held until the command is done.
    lock: File,
}

/// The folder as everything that is started from it has to see it.
pub(crate) fn full_path(folder: &Path) -> Result<PathBuf, Failure> {
    let path = std::path::absolute(folder).map_err(|error| Failure::file("find", folder, error))?;
    // The same folder by another name has the same processes and the same network.
    Ok(path.canonicalize().unwrap_or(path))
}

/// Waits until no other command is at work in the folder, which has to be there.
pub(crate) fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join(LOCK);
    let failed = |error| Failure::file("lock", &path, error);
    let file = lock_file::open(&path).map_err(failed)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if began.elapsed() > LOCK_MAX => {
                return Err(Failure::guided(
                    5,
                    format!("another skep is at work on the cluster in {}", folder.display()),
                    "Wait for it, or end it; what it has done so far is written down.",
                ));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_PAUSE),
        }
    }
}

/// The cluster of a folder, or an error that says how to make one.
pub(crate) fn existing(folder: &Path) -> Result<ClusterState, Failure> {
    ClusterState::load(folder)?.ok_or_else(|| {
        Failure::guided(
            4,
            format!("there is no cluster in {}", folder.display()),
            "Start one with `skep cluster start`, or name its folder with --dir.",
        )
    })
}

impl Admin {
    /// Takes the cluster of a folder into hand.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let folder = full_path(folder)?;
        // Without this the lock would make a file where no cluster is.
        existing(&folder)?;
        let lock = lock(&folder)?;
        let state = existing(&folder)?;
        let mut admin = Self::with(folder, state, lock)?;
        guard::catch_up(&admin.folder, &mut admin.state);
        Ok(admin)
    }

    /// Takes a cluster into hand whose folder is locked, and finds the processes that a launcher
    /// started and did not live to write down.
    pub(crate) fn with(
        folder: PathBuf,
        mut state: ClusterState,
        lock: File,
    ) -> Result<Self, Failure> {
        let lost: Vec<_> = state
            .nodes
            .iter()
            .filter(|node| node.starting)
            .map(|node| (node.name.clone(), launch::find(&state, node)))
            .collect();
        for (name, process) in lost {
            let node = state.node_mut(&name)?;
            (node.process, node.starting) = (process, false);
        }
        Ok(Self { folder, state, lock })
    }

    /// Lets other commands at the cluster.
    pub(crate) fn release(self) -> (PathBuf, ClusterState) {
        drop(self.lock);
        (self.folder, self.state)
    }

    pub(crate) fn save(&self) -> Result<(), Failure> {
        self.state.save(&self.folder)
    }

    /// Starts the process of a node. One that runs is left alone: `false`.
    pub(crate) fn start_node(&mut self, name: &str) -> Result<bool, Failure> {
        if self.state.node(name)?.state() != NodeState::Down {
            return Ok(false);
        }
        let node = self.state.node_mut(name)?;
        (node.process, node.starting) = (None, true);
        self.save()?;
        let process = launch::spawn(&self.state, self.state.node(name)?)?;
        let node = self.state.node_mut(name)?;
        (node.process, node.starting) = (Some(process), false);
        self.save()?;
        Ok(true)
    }

    /// Sends a signal to a node. `false` when it has no process.
    pub(crate) fn signal(&self, name: &str, signal: Signal) -> Result<bool, Failure> {
        let Some(process) = self.state.node(name)?.process else { return Ok(false) };
        process.identity().signal(signal).map_err(|error| {
            Failure::guided(
                1,
                format!("{name} (process {}) cannot be sent a signal: {error}", process.pid),
                "Only the user who started the cluster, or root, may do that.",
            )
        })
    }

    /// Ends these nodes: asks, and after `grace` does not ask any more. Answers the nodes that had to
    /// be killed.
    pub(crate) fn stop_nodes(
        &mut self,
        names: &[String],
        grace: Duration,
    ) -> Result<Vec<String>, Failure> {
        for name in names {
            if !grace.is_zero() {
                self.signal(name, Signal::Terminate)?;
            }
            // A paused process hears nothing before it goes on.
            self.signal(name, Signal::Resume)?;
        }
        let began = Instant::now();
        while !grace.is_zero() && self.running(names)?.next().is_some() && began.elapsed() < grace {
            std::thread::sleep(LOOK_PAUSE);
        }
        let stubborn: Vec<String> = self.running(names)?.collect();
        for name in &stubborn {
            self.kill_node(name)?;
        }
        Ok(stubborn)
    }

    /// Ends a node at once. `false` when it has no process.
    pub(crate) fn kill_node(&self, name: &str) -> Result<bool, Failure> {
        let was_there = self.signal(name, Signal::Kill)?;
        let process = self.state.node(name)?.process;
        wait_until(&format!("{name} does not end, even when killed"), || {
            Ok(process.is_none_or(|process| process.identity().state() == ProcessState::Ended))
        })?;
        Ok(was_there)
    }

    fn running(&self, names: &[String]) -> Result<impl Iterator<Item = String>, Failure> {
        let mut running = Vec::new();
        for name in names {
            if self.state.node(name)?.state() != NodeState::Down {
                running.push(name.clone());
            }
        }
        Ok(running.into_iter())
    }

    /// Names of the nodes of a kind.
    pub(crate) fn names(&self, kind: NodeKind) -> Vec<String> {
        self.state.of_kind(kind).map(|node| node.name.clone()).collect()
    }

    /// Ends every process and removes the network. Gateways go first, so that no client is told of
    /// brokers that are leaving. Answers the nodes that had to be killed.
    pub(crate) fn stop_everything(&mut self, grace: Duration) -> Result<Vec<String>, Failure> {
        let mut killed = self.stop_nodes(&self.names(NodeKind::Gateway), grace)?;
        killed.extend(self.stop_nodes(&self.names(NodeKind::Broker), grace)?);
        guard::end(&mut self.state)?;
        launch::helpers(&self.folder).into_iter().try_for_each(fault::end_process)?;
        if let Some(place) = &self.state.network {
            end_wires(place)?;
            network::remove(place)?;
        }
        self.state.faults.clear();
        for node in &mut self.state.nodes {
            node.process = None;
        }
        self.state.phase = Phase::Stopped;
        self.save()?;
        Ok(killed)
    }

    /// Makes the network anew, if the cluster has one.
    pub(crate) fn make_network(&mut self) -> Result<(), Failure> {
        let Some(place) = &self.state.network else { return Ok(()) };
        let seats: Vec<_> = self.state.nodes.iter().map(Node::seat).collect();
        network::make(place, &seats)
    }

    /// Gives the cluster a further node, with a process, and answers its name. What a broker is to
    /// do is decided by the cluster itself.
    pub(crate) fn add_node(&mut self, kind: NodeKind) -> Result<String, Failure> {
        let seat = self.state.next_seat(kind);
        let addresses = match &self.state.network {
            Some(place) => place.addresses(seat),
            None => free_ports(1).map_err(Failure::Local)?.remove(0),
        };
        let place = self.state.network.clone();
        let node = Node::new(&self.folder, seat, addresses, place.as_ref());
        // A gateway finds the brokers by itself, whenever it comes.
        let node = Node { joins: kind == NodeKind::Broker, ..node };
        let name = node.name.clone();
        if let Some(place) = &place {
            network::add(place, seat)?;
        }
        self.state.nodes.push(node);
        self.start_node(&name)?;
        Ok(name)
    }

    /// Ends a node for good, with its data, its log and its network.
    pub(crate) fn remove_node(&mut self, name: &str, grace: Duration) -> Result<(), Failure> {
        self.stop_nodes(&[name.to_owned()], grace)?;
        let node = self.state.node(name)?.clone();
        for (from, to) in self.state.faults_of(name) {
            fault::undo(&self.folder, &mut self.state, &from, &to)?;
        }
        if let Some(place) = &self.state.network {
            network::remove_node(place, node.seat())?;
        }
        delete_files(&node)?;
        self.state.nodes.retain(|other| other.name != name);
        self.save()
    }

    /// Deletes what a node has stored. The folder itself stays: it may be a mount.
    pub(crate) fn delete_data(&self, name: &str) -> Result<(), Failure> {
        match &self.state.node(name)?.data_dir {
            Some(folder) => empty(folder),
            None => Ok(()),
        }
    }

    /// Deletes everything of the cluster but what others put into its folder.
    pub(crate) fn delete_everything(self) -> Result<(), Failure> {
        for node in &self.state.nodes {
            delete_files(node)?;
        }
        let _ = fs::remove_file(self.folder.join(WIRE_LOG));
        let _ = fs::remove_dir_all(self.folder.join(EVIDENCE));
        for extra in [MEMORY, MEMORY_LOCK, CHAOS_LOCK, "workers.log", "stress.log"] {
            let _ = fs::remove_file(self.folder.join(extra));
        }
        let _ = fs::remove_file(self.folder.join(guard::GUARD_LOG));
        token::remove(&self.folder);
        ClusterState::remove(&self.folder)?;
        let _ = fs::remove_file(self.folder.join(LOCK));
        // Something else may be in it, which is not ours.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

/// Deletes the data and the log of a node.
fn delete_files(node: &Node) -> Result<(), Failure> {
    if let Some(data) = &node.data_dir {
        empty(data)?;
        // A mount stays, empty.
        let _ = fs::remove_dir(data);
    }
    let _ = fs::remove_file(&node.log_file);
    Ok(())
}

/// Deletes what is in a folder; one that is not there is empty.
fn empty(folder: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::file("delete", folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        } else {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}
