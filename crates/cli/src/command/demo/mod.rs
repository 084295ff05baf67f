//! `skep demo`: a server, a real process and load on it, in one command.
//!
//! Orders go through a graph of decisions, gateways, timers, messages, a called process and its
//! errors; workers do every job. At the end every order that was started has to have finished, or the demo fails.

mod orders;
mod progress;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use skep_client::proto::DeployResourceRequest;
use skep_client::{Client, Options};

use crate::command::serve::StopSignals;
use crate::config::{ServerConfig, ServerOptions};
use crate::failure::Failure;
use crate::limits::DEMO_FINISH_MAX;
use crate::logging;
use crate::server::{self, Server, reachable};

use orders::{Counters, Load};
use progress::Progress;

const ORDER_PROCESS: &str = include_str!("../../../../../models/order/order-process.bpmn");
const ORDER_DECISIONS: &str = include_str!("../../../../../models/order/order-decisions.dmn");
const PAYMENT_PROCESS: &str = include_str!("../../../../../models/order/payment.bpmn");

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DemoArgs {
    /// How long new orders come in, seconds
    #[arg(long, default_value_t = 8, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,

    /// Orders under way at a time
    #[arg(long, default_value_t = 1_000, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders: u32,

    /// Leave the server up afterwards, on its usual ports
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    options: ServerOptions,
}

const AFTER_HELP: &str = "\
Without --data-dir the data goes to a new folder that is deleted at the end; without --keep the
server takes free ports, so that a demo runs beside a server.

Examples:
  skep demo
  skep demo --seconds 30 --partitions 3 --keep";

impl DemoArgs {
    /// Runs the demo to its end.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        if !self.keep {
            self.options.rest_port.get_or_insert(0);
            self.options.grpc_port.get_or_insert(0);
            self.options.management_port.get_or_insert(0);
        }
        let folder = match self.options.data_dir {
            Some(_) => None,
            None => {
                Some(tempfile::Builder::new().prefix("skep-demo-").tempdir().map_err(|error| {
                    Failure::Local(format!(
                        "no folder for the demo's data: {error}; name one with --data-dir"
                    ))
                })?)
            }
        };
        if let Some(folder) = &folder {
            self.options.data_dir = Some(folder.path().to_owned());
        }
        self.options
            .log_level
            .get_or_insert(crate::config::Level(skep_gateway::management::LogLevel::Warn));
        let config = ServerConfig::resolve(&self.options, &environment, None)?;
        let outcome = server::runtime()?.block_on(self.demonstrate(&config));
        drop(folder);
        outcome
    }

    async fn demonstrate(&self, config: &ServerConfig) -> Result<(), Failure> {
        let begin = Instant::now();
        let logs = logging::start(config.log_format, config.log_level)?;
        let mut stop = StopSignals::new()?;
        let server = Server::start(config, logs).await?;
        progress::started(&server.addresses, config, begin.elapsed())?;
        let outcome = tokio::select! {
            outcome = self.load(&server) => outcome,
            () = stop.first() => Err(Failure::Local("stopped before the end".to_owned())),
        };
        if self.keep && outcome.is_ok() {
            progress::kept(&server.addresses)?;
            stop.first().await;
        }
        server.stop().await;
        outcome
    }

    async fn load(&self, server: &Server) -> Result<(), Failure> {
        let address = reachable(server.addresses.grpc).to_string();
        let client = Client::connect(&address, Options::default()).await?;
        let deployment = DeployResourceRequest::default()
            .with_resource("payment.bpmn", PAYMENT_PROCESS)
            .with_resource("order-decisions.dmn", ORDER_DECISIONS)
            .with_resource("order-process.bpmn", ORDER_PROCESS);
        client.deploy_resource(deployment).await?;

        let counters = Arc::new(Counters::default());
        let load = Load::start(&address, counters.clone(), self.orders).await?;
        let begin = Instant::now();
        let mut progress = Progress::new(server.metrics.clone(), counters.clone());
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.tick().await;
        while begin.elapsed() < Duration::from_secs(self.seconds) {
            ticks.tick().await;
            progress.tick(begin.elapsed())?;
        }
        load.stop_starting();
        let last_order = Instant::now();
        while counters.open() > 0 && last_order.elapsed() < DEMO_FINISH_MAX {
            ticks.tick().await;
            progress.tick(begin.elapsed())?;
        }
        load.stop().await;
        progress.summary(begin.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_type_of_the_models_has_a_worker() {
        for model in [ORDER_PROCESS, PAYMENT_PROCESS] {
            for part in model.split("taskDefinition type=\"").skip(1) {
                let job_type = part.split('"').next().unwrap();
                assert!(orders::JOB_TYPES.contains(&job_type), "{job_type}");
            }
        }
    }
}
