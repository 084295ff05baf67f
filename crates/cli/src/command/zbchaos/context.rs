//! What every verb has at hand: the target, a client, the topology, and a place for messages.

use std::time::{Duration, Instant};

use skep_client::{Client, Options};

use super::Globals;
use super::memory::Memory;
use super::run::Run;
use super::say::Say;
use super::select::Topology;
use super::target::Target;
use crate::cluster::admin;
use crate::cluster::state::{ClusterState, NodeState};
use crate::connection::ConnectionArgs;
use crate::failure::Failure;

/// How long opening a connection may take: there may be another entrance.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long a call may take before it is given up: most are repeated.
const CALL_MAX: Duration = Duration::from_secs(15);

/// Pause between two looks.
pub(super) const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// See the module.
pub(super) struct Context {
    pub(super) globals: Globals,
    pub(super) connection: ConnectionArgs,
    pub(super) target: Target,
    pub(super) say: Say,
    pub(super) run: Run,
}

impl Context {
    pub(super) fn new(globals: Globals, connection: ConnectionArgs) -> Result<Self, Failure> {
        let target = if globals.management.is_empty() {
            Target::Folder(admin::full_path(&globals.dir)?)
        } else {
            Target::Addresses(globals.management.clone())
        };
        let say = Say { verbose: globals.verbose, json: globals.json_logging };
        Ok(Self { globals, connection, target, say, run: Run::of_environment() })
    }

    /// The gRPC addresses that clients may use, those of running nodes.
    pub(super) fn entrances(&self) -> Result<Vec<String>, Failure> {
        if let (Target::Addresses(_), _) | (_, true) = (&self.target, self.connection.is_given()) {
            return Ok(vec![self.connection.address()]);
        }
        let cluster: ClusterState = self.target.cluster()?;
        let nodes = cluster.entrances();
        let running = nodes.iter().filter(|node| node.state() == NodeState::Running);
        Ok(running.map(|node| node.addresses.grpc.to_string()).collect())
    }

    /// A connection to whichever gateway answers.
    pub(super) async fn client(&self) -> Result<Client, Failure> {
        let options = Options {
            connect_timeout: CONNECT_MAX,
            request_timeout: CALL_MAX,
            ..self.connection.options()
        };
        let mut refused = None;
        for address in self.entrances()? {
            match Client::connect(&address, options.clone()).await {
                Ok(client) => return Ok(client),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.map_or_else(
            || Failure::Unreachable("no gateway of the cluster is running".to_owned()),
            Failure::from,
        ))
    }

    /// Who leads and follows what, as a gateway knows it.
    pub(super) async fn topology(&self) -> Result<Topology, Failure> {
        Ok(Topology::of(&self.client().await?.topology().await?))
    }

    /// The client as soon as a gateway answers, for as long as `patience`.
    pub(super) async fn patient_client(&self, patience: Duration) -> Result<Client, Failure> {
        let began = Instant::now();
        loop {
            match self.client().await {
                Ok(client) => return Ok(client),
                Err(error) if began.elapsed() > patience => return Err(error),
                Err(_) => tokio::time::sleep(LOOK_PAUSE).await,
            }
        }
    }

    /// The topology as soon as a gateway answers, for as long as `patience`.
    pub(super) async fn patient_topology(&self, patience: Duration) -> Result<Topology, Failure> {
        let began = Instant::now();
        loop {
            match self.topology().await {
                Ok(topology) if topology.partitions > 0 => return Ok(topology),
                Err(error) if began.elapsed() > patience => return Err(error),
                Ok(_) if began.elapsed() > patience => {
                    return Err(Failure::Unreachable("the gateway knows no partition".to_owned()));
                }
                _ => tokio::time::sleep(LOOK_PAUSE).await,
            }
        }
    }

    /// The options of this command for another that it stands for.
    pub(super) fn own_globals(&self) -> Vec<std::ffi::OsString> {
        let mut words = vec!["--dir".into(), self.globals.dir.clone().into()];
        if !self.globals.management.is_empty() {
            words.extend(["--management".into(), self.globals.management.join(",").into()]);
        }
        words.extend(self.globals.verbose.then(|| "--verbose".into()));
        words.extend(self.globals.json_logging.then(|| "--jsonLogging".into()));
        words
    }

    /// Whether the target is a cluster of this machine.
    pub(super) fn has_folder(&self) -> bool {
        matches!(self.target, Target::Folder(_))
    }

    /// Whether `capture` was called in this run.
    pub(super) fn has_capture(&self) -> Result<bool, Failure> {
        Ok(self.memory()?.read().captured.is_some())
    }

    /// What this run has done so far.
    pub(super) fn memory(&self) -> Result<Memory, Failure> {
        Memory::load(&self.target, &self.run)
    }
}
