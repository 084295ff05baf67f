//! `skep gateway`: a server without data in front of a cluster.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use skep_gateway::server::BoundAddresses;

use crate::command::announce;
use crate::command::serve::{StopSignals, environment, serve_until_stopped};
use crate::config::{GatewayOptions, GatewaySettings, LogFormat};
use crate::failure::Failure;
use crate::logging;
use crate::server::{self, Server};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    options: GatewayOptions,

    /// YAML file with the same options; environment and flags win over it
    #[arg(long, env = "SKEP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Takes the requests of clients and brings each to the broker that leads its partition. It keeps nothing:
any number of gateways may run, and any of them may be stopped.
Every option is also an environment variable (SKEP_BROKERS) and a line of the file (brokers: ...).

Examples:
  skep gateway --brokers 10.0.0.1:26502,10.0.0.2:26502
  skep gateway --brokers 127.0.0.1:26502 --rest-port 0 --grpc-port 0 --management-port 0";

impl GatewayArgs {
    /// Serves until it is told to stop.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let started = Instant::now();
        let settings =
            GatewaySettings::resolve(&self.options, &environment(), self.config.as_deref())?;
        let logs = logging::start(settings.log_format, settings.log_level)?;
        announce::warn_of_unknown(&settings.unknown_variables);
        server::runtime()?.block_on(async {
            let mut stop = StopSignals::new()?;
            let server = Server::start_gateway(&settings, logs).await?;
            announce(&settings, &server.addresses, started)?;
            serve_until_stopped(server, &mut stop).await
        })
    }
}

fn announce(
    settings: &GatewaySettings,
    addresses: &BoundAddresses,
    started: Instant,
) -> Result<(), Failure> {
    let took_ms = announce::took_ms(started);
    if settings.log_format == LogFormat::Text {
        return announce::print(&banner(settings, addresses, took_ms));
    }
    tracing::info!(
        took_ms,
        grpc = %addresses.grpc,
        rest = %addresses.rest,
        management = %addresses.management,
        "skep gateway is serving"
    );
    Ok(())
}

fn banner(settings: &GatewaySettings, addresses: &BoundAddresses, took_ms: u64) -> String {
    let next = ["status", "deploy FILE.bpmn"];
    format!(
        "skep {} serves as a gateway after {took_ms} ms\n\
         \n  cluster     {}, first asked at {}{}{}",
        env!("CARGO_PKG_VERSION"),
        settings.cluster_id,
        settings.brokers.join(", "),
        announce::ports(addresses),
        announce::next(settings.bind, addresses, &next, "gateway"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Addresses;

    #[test]
    fn the_banner_says_where_everything_is() {
        let options = GatewayOptions {
            brokers: Some(Addresses(vec!["10.0.0.1:26502".to_owned()])),
            ..GatewayOptions::default()
        };
        let settings = GatewaySettings::resolve(&options, &BTreeMap::new(), None).unwrap();
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let addresses = BoundAddresses {
            grpc: address(26_600),
            rest: address(8080),
            management: address(9600),
        };
        let text = banner(&settings, &addresses, 12);
        for part in [
            "gateway after 12 ms",
            "skep-cluster",
            "10.0.0.1:26502",
            "http://127.0.0.1:8080/v2",
            "http://127.0.0.1:9600/health",
            "--address 127.0.0.1:26600",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("unprotected"));
    }
}
