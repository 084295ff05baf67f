//! `skep serve`: the server.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use skep_gateway::server::BoundAddresses;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::command::announce;
use crate::config::{LogFormat, ServerConfig, ServerOptions};
use crate::failure::Failure;
use crate::logging;
use crate::server::{self, Server};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    options: ServerOptions,

    /// YAML file with the same options; environment and flags win over it
    #[arg(long, env = "SKEP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Every option is also an environment variable (SKEP_REST_PORT) and a line of the file (rest-port: 8080).
The API is unprotected: keep it on loopback, or put something in front of it.

Examples:
  skep serve
  skep serve --data-dir /var/lib/skep --partitions 3 --memory 2GB
  skep serve --node-id 0 --peers 0=10.0.0.1:26502,1=10.0.0.2:26502,2=10.0.0.3:26502 --partitions 3 --replication-factor 3
  skep serve --in-memory --virtual-time --rest-port 0 --grpc-port 0 --management-port 0";

impl ServeArgs {
    /// Serves until it is told to stop.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let started = Instant::now();
        let environment = environment();
        let config = ServerConfig::resolve(&self.options, &environment, self.config.as_deref())?;
        let logs = logging::start(config.log_format, config.log_level)?;
        #[cfg(feature = "mutation")]
        if let Some(mistake) = environment.get("SKEP_MUTATION") {
            tracing::error!(mistake, "this build makes mistakes on purpose; never use it");
            skep_broker::mutation::make_everywhere(mistake.clone());
        }
        announce::warn_of_unknown(&config.unknown_variables);
        server::runtime()?.block_on(async {
            let mut stop = StopSignals::new()?;
            let server = Server::start(&config, logs).await?;
            announce(&config, &server.addresses, started)?;
            serve_until_stopped(server, &mut stop).await
        })
    }
}

/// Serves until a signal comes, or the cluster refuses this node.
pub(super) async fn serve_until_stopped(
    server: Server,
    stop: &mut StopSignals,
) -> Result<(), Failure> {
    let refused = tokio::select! {
        () = stop.first() => None,
        refused = server.failure() => Some(refused),
    };
    tracing::info!("stopping: no new requests, what is under way finishes");
    tokio::select! {
        () = server.stop() => {
            tracing::info!("stopped");
            refused.map_or(Ok(()), Err)
        }
        () = stop.first() => {
            Err(Failure::Local("stopped a second time, and so at once; nothing that was acknowledged is lost".to_owned()))
        }
    }
}

/// The environment, as far as it is text.
pub(super) fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// SIGTERM and ctrl-c.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(super) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::Local(format!("signals cannot be heard: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Resolves at the next signal.
    pub(super) async fn first(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn announce(
    config: &ServerConfig,
    addresses: &BoundAddresses,
    started: Instant,
) -> Result<(), Failure> {
    let took_ms = announce::took_ms(started);
    if config.log_format == LogFormat::Text {
        return announce::print(&banner(config, addresses, took_ms));
    }
    tracing::info!(
        took_ms,
        grpc = %addresses.grpc,
        rest = %addresses.rest,
        management = %addresses.management,
        partitions = config.partitions,
        node_id = config.node_id,
        "skep is serving"
    );
    Ok(())
}

fn full_path(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn banner(config: &ServerConfig, addresses: &BoundAddresses, took_ms: u64) -> String {
    let data = if config.in_memory {
        "in memory; all is gone when the server stops".to_owned()
    } else {
        full_path(&config.data_dir)
    };
    let clock = if config.virtual_time {
        "virtual: PUT /v2/clock, POST /actuator/clock/add"
    } else {
        "the machine's"
    };
    let cluster = config.cluster.as_ref().map_or_else(String::new, |cluster| {
        let others = cluster.peers.keys().filter(|id| **id != config.node_id).count();
        format!(
            "\n  cluster     {}: node {}, {others} other broker(s), replication factor {}",
            cluster.cluster_id, config.node_id, cluster.replication_factor
        )
    });
    let next =
        ["deploy FILE.bpmn", "create instance PROCESS_ID", "worker JOB_TYPE --handler 'cat'"];
    format!(
        "skep {} serves after {took_ms} ms\n\
         \n  data        {data}\
         \n  partitions  {}{cluster}{}\
         \n  clock       {clock}{}",
        env!("CARGO_PKG_VERSION"),
        config.partitions,
        announce::ports(addresses),
        announce::next(config.bind, addresses, &next, "server"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (ServerConfig, BoundAddresses) {
        let config =
            ServerConfig::resolve(&ServerOptions::default(), &BTreeMap::new(), None).unwrap();
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let addresses = BoundAddresses {
            grpc: address(26_500),
            rest: address(8080),
            management: address(9600),
        };
        (config, addresses)
    }

    #[test]
    fn the_banner_says_where_everything_is() {
        let (config, addresses) = example();
        let text = banner(&config, &addresses, 12);
        for part in [
            "skep-data",
            "127.0.0.1:26500",
            "http://127.0.0.1:8080/v2",
            "http://127.0.0.1:9600/health",
            "partitions  1",
            "the machine's",
            "after 12 ms",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !text.contains("--address")
                && !text.contains("unprotected")
                && !text.contains('\u{1b}')
        );
    }

    #[test]
    fn the_banner_warns_of_an_open_port_and_names_another_address() {
        let (mut config, mut addresses) = example();
        config.bind = [0, 0, 0, 0].into();
        config.in_memory = true;
        config.virtual_time = true;
        addresses.grpc = std::net::SocketAddr::from(([0, 0, 0, 0], 26_600));
        let text = banner(&config, &addresses, 12);
        for part in ["unprotected", "--address 127.0.0.1:26600", "in memory", "virtual"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
