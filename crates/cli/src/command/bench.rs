//! `skep bench`: loads a cluster and tells what it can do.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::bench::{
    Api, Delivery, Pace, Payload, Probes, Report, RunOptions, Workload, probe_table, run,
    run_on_null_server, svg,
};
use crate::connection::ConnectionArgs;
use crate::duration;
use crate::failure::Failure;
use crate::output::{Format, print_line};

/// Connections of a REST run unless said otherwise: each carries one request at a time.
const REST_CONNECTIONS: usize = 64;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct BenchArgs {
    /// The process to run
    #[arg(long, value_enum, default_value_t = Workload::OneTask)]
    workload: Workload,

    /// Variables of each start and each job result
    #[arg(long, value_enum, default_value_t = Payload::Typical)]
    payload: Payload,

    /// Closed loop: keep so many instances in flight
    #[arg(long, value_name = "N", default_value_t = 128, conflicts_with = "rate",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    in_flight: u32,

    /// Open loop: start so many instances a second, whatever the cluster does; latency counts from
    /// when each was due
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    rate: Option<f64>,

    /// Load before anything is measured
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse)]
    warm_up: Duration,

    /// How long to measure
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration::parse)]
    duration: Duration,

    /// Start exactly so many instances instead of measuring for a time; without warm-up
    #[arg(long, value_name = "N", conflicts_with_all = ["duration", "warm_up"],
        value_parser = clap::value_parser!(u64).range(1..))]
    instances: Option<u64>,

    /// Protocol of the load; deployment always uses gRPC
    #[arg(long, value_enum, default_value_t = Api::Grpc)]
    api: Api,

    /// Where the REST API is, with --api rest
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    rest_address: String,

    /// How jobs arrive [default: push; poll with --api rest, which has no streams]
    #[arg(long, value_enum)]
    delivery: Option<Delivery>,

    /// Connections of the load [default: 1, or 64 with --api rest]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: Option<u16>,

    /// How long the worker takes for each job
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    work_time: Duration,

    /// Process id of the server, for its CPU and memory; several for a cluster
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pid: Vec<u32>,

    /// Metrics of the server, for its log bytes and fsyncs
    #[arg(long, value_name = "URL")]
    management: Option<String>,

    /// Folder for the disk probe: one on the server's disk
    #[arg(long, value_name = "DIR", default_value = ".")]
    probe_dir: PathBuf,

    /// Do not probe the machine first
    #[arg(long)]
    no_probes: bool,

    /// Load a built-in server that only answers, to see what the load itself costs
    #[arg(long, conflicts_with_all = ["workload", "api", "delivery", "pid", "management"])]
    null_server: bool,

    /// Draw throughput and latency over time into this file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
An instance counts as completed when the completion of its last job was answered, or when its result came
(simple_process, timer_process). Throughput and the figures per instance are those of the measured time.
\"job available to worker\" runs from the answer that made the job available to its arrival; 0 if it came first.

Examples:
  skep bench --pid 4711 --management http://127.0.0.1:9600/metrics
  skep bench --in-flight 1 --duration 10s --no-probes
  skep bench --rate 1000 --payload big --plot run.svg
  skep bench --api rest --rest-address 127.0.0.1:8080
  skep bench --workload create_only --instances 1000000
  skep bench --null-server
  skep --output json bench --workload ten_tasks --delivery poll | jq .instancesPerS";

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1_000_000.0 => Ok(rate),
        _ => Err(format!("{text:?} is no rate: write a number of instances a second")),
    }
}

impl BenchArgs {
    /// Runs the benchmark. Must be called on a current-thread runtime.
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        tokio::task::LocalSet::new().run_until(self.run_locally(connection, format)).await
    }

    async fn run_locally(self, connection: &ConnectionArgs, format: Format) -> Result<(), Failure> {
        let options = self.options(connection)?;
        // A wrong address shall be found out before the probes take their time.
        let client = match self.null_server {
            true => None,
            false => Some(connection.connect().await?),
        };
        let probes = match self.no_probes {
            true => None,
            false => Some(Probes::run(&self.probe_dir).await?),
        };
        if let Some(probes) = &probes {
            eprintln!("{}", probe_table(probes));
        }
        let report = match &client {
            None => run_on_null_server(options).await?,
            Some(client) => run(client, &options).await?,
        };
        let report = Report { probes, ..report };
        if let Some(path) = &self.plot {
            let title = format!("{} {}, {}", report.workload, report.payload, report.pace);
            std::fs::write(path, svg(&title, &report.seconds))
                .map_err(|error| Failure::file("write", path, error))?;
        }
        match format {
            Format::Table => print_line(&report.table()),
            Format::Json => {
                let json = serde_json::to_value(&report)
                    .map_err(|error| Failure::Local(format!("cannot print: {error}")))?;
                format.record(&json)
            }
        }
    }

    fn options(&self, connection: &ConnectionArgs) -> Result<RunOptions, Failure> {
        let delivery = match (self.api, self.delivery) {
            (Api::Rest, Some(Delivery::Push)) => {
                let message = "REST cannot push jobs: use --delivery poll, or --api grpc";
                return Err(Failure::Usage(message.into()));
            }
            (Api::Rest, None) => Delivery::Poll,
            (_, delivery) => delivery.unwrap_or(Delivery::Push),
        };
        let connections = match (self.connections, self.api) {
            (Some(connections), _) => usize::from(connections),
            (None, Api::Grpc) => 1,
            (None, Api::Rest) => REST_CONNECTIONS,
        };
        Ok(RunOptions {
            workload: self.workload,
            payload: self.payload,
            api: self.api,
            delivery,
            pace: match self.rate {
                Some(rate) => Pace::Open { rate },
                None => Pace::Closed { in_flight: self.in_flight as usize },
            },
            work_time: self.work_time,
            warm_up: self.warm_up,
            duration: self.duration,
            instances: self.instances,
            connections,
            address: connection.address(),
            rest_address: self.rest_address.clone(),
            management: self.management.clone(),
            token: connection.options().bearer_token,
            pids: self.pid.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Harness {
        #[command(flatten)]
        connection: ConnectionArgs,
        #[command(flatten)]
        args: BenchArgs,
    }

    fn options(arguments: &[&str]) -> Result<RunOptions, String> {
        let parsed = Harness::try_parse_from(["bench"].iter().chain(arguments))
            .map_err(|error| error.to_string())?;
        parsed.args.options(&parsed.connection).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn the_default_is_the_published_base_load() {
        let options = options(&[]).expect("the defaults");
        assert_eq!(options.pace, Pace::Closed { in_flight: 128 });
        assert_eq!((options.workload, options.payload), (Workload::OneTask, Payload::Typical));
        assert_eq!((options.delivery, options.connections), (Delivery::Push, 1));
    }

    #[test]
    fn rest_polls_over_many_connections() {
        let rest = options(&["--api", "rest"]).expect("rest");
        assert_eq!((rest.delivery, rest.connections), (Delivery::Poll, REST_CONNECTIONS));
        assert!(
            options(&["--api", "rest", "--delivery", "push"]).is_err_and(|e| e.contains("poll"))
        );
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(options(&["--rate", "10", "--in-flight", "5"]).is_err());
        assert!(options(&["--instances", "10", "--duration", "5s"]).is_err());
        assert!(options(&["--rate", "0"]).is_err());
        assert_eq!(options(&["--rate", "2.5"]).expect("a rate").pace, Pace::Open { rate: 2.5 });
    }
}
