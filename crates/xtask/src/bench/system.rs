//! What is measured: Skep, a real Zeebe, or something that serves already.

use super::load::Load;
use crate::server::{Ports, Server};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a killed server may take until it creates again.
const FIRST_CREATE_MAX: Duration = Duration::from_secs(300);

/// The system under test.
pub(super) enum System {
    Skep { binary: PathBuf },
    Zeebe { folder: PathBuf },
    Running { grpc: String, rest: Option<String>, process_id: Option<u32> },
}

/// A server of it.
pub(super) struct Instance {
    kind: Kind,
}

enum Kind {
    Own { server: Server, settings: Settings },
    Foreign { grpc: String, rest: Option<String>, process_id: Option<u32> },
}

/// What a server was started with, to start it again on the same data.
#[derive(Clone)]
struct Settings {
    data: PathBuf,
    log: PathBuf,
    ports: Ports,
    partitions: u32,
}

impl System {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Skep { .. } => "Skep",
            Self::Zeebe { .. } => "Zeebe",
            Self::Running { .. } => "measured",
        }
    }

    /// A server with an empty data folder; one that serves already is taken as it is.
    pub(super) fn start(&self, folder: &Path, partitions: u32) -> Result<Instance, String> {
        if let Self::Running { grpc, rest, process_id } = self {
            let kind =
                Kind::Foreign { grpc: grpc.clone(), rest: rest.clone(), process_id: *process_id };
            return Ok(Instance { kind });
        }
        let data = folder.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data)
                .map_err(|error| format!("cannot empty {}: {error}", data.display()))?;
        }
        let settings =
            Settings { data, log: folder.join("server.log"), ports: Ports::free()?, partitions };
        self.start_with(settings)
    }

    /// The same server on the same data, after it was stopped.
    pub(super) fn start_again(&self, stopped: Instance) -> Result<Instance, String> {
        self.start_with(stopped.settings()?)
    }

    /// Starts a killed server and creates until that succeeds: the time from the start of the process.
    pub(super) fn time_to_first_create(
        &self,
        killed: Instance,
        load: &Load,
    ) -> Result<Duration, String> {
        let settings = killed.settings()?;
        let address = format!("127.0.0.1:{}", settings.ports.grpc);
        let started = Instant::now();
        std::thread::scope(|scope| {
            let server = scope.spawn(|| self.start_with(settings));
            while !load.can_create(&address) {
                if started.elapsed() > FIRST_CREATE_MAX {
                    return Err(format!(
                        "no instance could be created within {FIRST_CREATE_MAX:?}"
                    ));
                }
            }
            let time = started.elapsed();
            server.join().map_err(|_| "starting the server panicked".to_owned())??;
            Ok(time)
        })
    }

    fn start_with(&self, settings: Settings) -> Result<Instance, String> {
        let partitions = settings.partitions.to_string();
        let server = match self {
            Self::Skep { binary } => Server::start(
                binary,
                &settings.data,
                &settings.log,
                settings.ports,
                &["--partitions", &partitions],
            )?,
            Self::Zeebe { folder } => {
                let inner = Ports::free()?;
                let mut command = Command::new(folder.join("bin/broker"));
                command
                    .env("ZEEBE_BROKER_DATA_DIRECTORY", &settings.data)
                    .env("ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT", &partitions)
                    .env("ZEEBE_BROKER_NETWORK_HOST", "127.0.0.1")
                    .env("ZEEBE_BROKER_NETWORK_COMMANDAPI_PORT", inner.rest.to_string())
                    .env("ZEEBE_BROKER_NETWORK_INTERNALAPI_PORT", inner.grpc.to_string())
                    .env("ZEEBE_BROKER_GATEWAY_NETWORK_HOST", "127.0.0.1")
                    .env("ZEEBE_BROKER_GATEWAY_NETWORK_PORT", settings.ports.grpc.to_string())
                    .env("SERVER_ADDRESS", "127.0.0.1")
                    .env("SERVER_PORT", settings.ports.rest.to_string())
                    .env("MANAGEMENT_SERVER_PORT", settings.ports.management.to_string());
                Server::launch(
                    command,
                    &settings.log,
                    settings.ports,
                    "/actuator/health/readiness",
                )?
            }
            Self::Running { .. } => return Err("is not started or killed from here".to_owned()),
        };
        Ok(Instance { kind: Kind::Own { server, settings } })
    }
}

impl Instance {
    fn own(&self) -> Result<(&Server, &Settings), String> {
        match &self.kind {
            Kind::Own { server, settings } => Ok((server, settings)),
            Kind::Foreign { .. } => Err("is not started or killed from here".to_owned()),
        }
    }

    fn settings(&self) -> Result<Settings, String> {
        Ok(self.own()?.1.clone())
    }

    pub(super) fn grpc_address(&self) -> String {
        match &self.kind {
            Kind::Own { server, .. } => server.grpc_address(),
            Kind::Foreign { grpc, .. } => grpc.clone(),
        }
    }

    pub(super) fn rest_address(&self) -> Result<String, String> {
        match &self.kind {
            Kind::Own { server, .. } => Ok(server.rest_address()),
            Kind::Foreign { rest, .. } => rest.clone().ok_or("give --against-rest".to_owned()),
        }
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        match &self.kind {
            Kind::Own { server, .. } => Some(server.process_id()),
            Kind::Foreign { process_id, .. } => *process_id,
        }
    }

    /// Where its counters are.
    pub(super) fn metrics_url(&self) -> Option<String> {
        let (_, settings) = self.own().ok()?;
        Some(format!("http://127.0.0.1:{}/metrics", settings.ports.management))
    }

    /// From the start of the process until it was ready.
    pub(super) fn start_time(&self) -> Result<Duration, String> {
        Ok(self.own()?.0.start_time())
    }

    /// Resident memory of the process, in megabytes.
    pub(super) fn memory_mb(&self) -> Result<u64, String> {
        let process_id = self.process_id().ok_or("give --against-pid")?;
        let path = format!("/proc/{process_id}/status");
        let status = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {path}: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kilobytes.ok_or_else(|| format!("{path} has no VmRSS"))? / 1_024)
    }

    /// Asks it to end, and waits.
    pub(super) fn stop(&mut self) -> Result<(), String> {
        match &mut self.kind {
            Kind::Own { server, .. } => server.stop(),
            Kind::Foreign { .. } => Err("is not started or killed from here".to_owned()),
        }
    }

    /// Ends it with SIGKILL.
    pub(super) fn kill(&mut self) -> Result<(), String> {
        match &mut self.kind {
            Kind::Own { server, .. } => {
                server.kill();
                Ok(())
            }
            Kind::Foreign { .. } => Err("is not started or killed from here".to_owned()),
        }
    }
}
