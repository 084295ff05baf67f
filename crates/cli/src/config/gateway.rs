//! How a standalone gateway is configured.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use skep_broker::CLUSTER_ID_DEFAULT;
use skep_gateway::management::LogLevel;

use super::layers::{Layers, Options, parse};
use super::{Address, Addresses, Level, LogFormat, Secret, chaos};
use crate::failure::Failure;

/// Options of a gateway, each of them optional: flags, environment and file have the same.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct GatewayOptions {
    /// Brokers to begin with, as other nodes dial them: HOST:PORT,HOST:PORT,...; the rest is learned
    #[arg(long, value_name = "BROKERS")]
    pub(crate) brokers: Option<Addresses>,

    /// Name of the cluster [default: skep-cluster]
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster_id: Option<String>,

    /// Address to listen on; 0.0.0.0 for all [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<Address>,

    /// Port of the REST API; 0 takes a free one [default: 8080]
    #[arg(long, value_name = "PORT")]
    pub(crate) rest_port: Option<u16>,

    /// Port of the gRPC service; 0 takes a free one [default: 26500]
    #[arg(long, value_name = "PORT")]
    pub(crate) grpc_port: Option<u16>,

    /// Port for operators: health, metrics, log levels; 0 takes a free one [default: 9600]
    #[arg(long, value_name = "PORT")]
    pub(crate) management_port: Option<u16>,

    /// Let operators break this node on purpose: fault points on the management port; needs a token
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) chaos: Option<bool>,

    /// File with the token that fault points ask for; without it SKEP_CHAOS_TOKEN is the token
    #[arg(long, value_name = "FILE")]
    pub(crate) chaos_token_file: Option<PathBuf>,

    /// The token itself: from the environment only, where no list of processes shows it
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) chaos_token: Option<Secret>,

    /// Form of the log on stderr: text, or json with Stackdriver's fields [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Least important level that is logged: off, error, warn, info, debug, trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<Level>,
}

impl Options for GatewayOptions {
    const ENVIRONMENT: &'static [(&'static str, &'static str)] = &[
        ("ZEEBE_GATEWAY_NETWORK_HOST", "bind"),
        ("ZEEBE_GATEWAY_NETWORK_PORT", "grpc-port"),
        ("ZEEBE_GATEWAY_CLUSTER_INITIALCONTACTPOINTS", "brokers"),
        ("ZEEBE_GATEWAY_CLUSTER_CLUSTERNAME", "cluster-id"),
        ("ZEEBE_LOG_LEVEL", "log-level"),
        ("ZEEBE_LOG_APPENDER", "log-format"),
        ("SERVER_PORT", "rest-port"),
        ("MANAGEMENT_SERVER_PORT", "management-port"),
        ("SKEP_BROKERS", "brokers"),
        ("SKEP_CLUSTER_ID", "cluster-id"),
        ("SKEP_BIND", "bind"),
        ("SKEP_REST_PORT", "rest-port"),
        ("SKEP_GRPC_PORT", "grpc-port"),
        ("SKEP_MANAGEMENT_PORT", "management-port"),
        ("SKEP_CHAOS", "chaos"),
        ("SKEP_CHAOS_TOKEN_FILE", "chaos-token-file"),
        ("SKEP_CHAOS_TOKEN", "chaos-token"),
        ("SKEP_LOG_FORMAT", "log-format"),
        ("SKEP_LOG_LEVEL", "log-level"),
    ];

    fn set(&mut self, option: &str, text: &str) -> Result<(), String> {
        match option {
            "brokers" => self.brokers = parse(text)?,
            "cluster-id" => self.cluster_id = parse(text)?,
            "bind" => self.bind = parse(text)?,
            "rest-port" => self.rest_port = parse(text)?,
            "grpc-port" => self.grpc_port = parse(text)?,
            "management-port" => self.management_port = parse(text)?,
            "chaos" => self.chaos = parse(text)?,
            "chaos-token-file" => self.chaos_token_file = Some(PathBuf::from(text)),
            "chaos-token" => self.chaos_token = Some(Secret(text.to_owned())),
            "log-format" => self.log_format = parse(text)?,
            "log-level" => self.log_level = parse(text)?,
            other => return Err(format!("{other} is not an option")),
        }
        Ok(())
    }
}

/// What a gateway runs with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GatewaySettings {
    pub(crate) brokers: Vec<String>,
    pub(crate) cluster_id: String,
    pub(crate) bind: IpAddr,
    pub(crate) rest_port: u16,
    pub(crate) grpc_port: u16,
    pub(crate) management_port: u16,
    /// What fault points ask for, when the node has any.
    pub(crate) chaos_token: Option<Secret>,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
    /// Variables that look like options and are none.
    pub(crate) unknown_variables: Vec<String>,
}

impl GatewaySettings {
    /// Puts flags over environment over file over defaults.
    ///
    /// # Errors
    /// When a value does not fit its option; the error names where it came from.
    pub(crate) fn resolve(
        flags: &GatewayOptions,
        environment: &BTreeMap<String, String>,
        file: Option<&Path>,
    ) -> Result<Self, Failure> {
        let layers = Layers::read(flags, environment, file)?;
        let settings = Self {
            brokers: layers.get(|it| &it.brokers).unwrap_or_default().0,
            cluster_id: layers
                .get(|it| &it.cluster_id)
                .unwrap_or_else(|| CLUSTER_ID_DEFAULT.to_owned()),
            bind: layers.get(|it| &it.bind).unwrap_or(Address(IpAddr::V4(Ipv4Addr::LOCALHOST))).0,
            rest_port: layers.get(|it| &it.rest_port).unwrap_or(8080),
            grpc_port: layers.get(|it| &it.grpc_port).unwrap_or(26_500),
            management_port: layers.get(|it| &it.management_port).unwrap_or(9600),
            chaos_token: chaos::token(
                layers.get(|it| &it.chaos),
                layers.get(|it| &it.chaos_token_file),
                layers.get(|it| &it.chaos_token),
            )?,
            log_format: layers.get(|it| &it.log_format).unwrap_or(LogFormat::Text),
            log_level: layers.get(|it| &it.log_level).unwrap_or(Level(LogLevel::Info)).0,
            unknown_variables: GatewayOptions::unknown_variables(environment),
        };
        if settings.brokers.is_empty() {
            return Err(Failure::Usage(
                "a gateway needs a broker to begin with: --brokers HOST:PORT, as the other brokers dial it"
                    .to_owned(),
            ));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_environment_over_defaults() {
        let environment = BTreeMap::from([
            ("ZEEBE_GATEWAY_CLUSTER_INITIALCONTACTPOINTS".to_owned(), "a:1,b:1".to_owned()),
            ("SKEP_REST_PORT".to_owned(), "2".to_owned()),
            ("SKEP_GRPC_PORT".to_owned(), "2".to_owned()),
        ]);
        let flags = GatewayOptions { grpc_port: Some(3), ..GatewayOptions::default() };
        let settings = GatewaySettings::resolve(&flags, &environment, None).unwrap();
        assert_eq!(settings.brokers, ["a:1", "b:1"]);
        assert_eq!((settings.rest_port, settings.grpc_port), (2, 3));
        assert_eq!(settings.cluster_id, CLUSTER_ID_DEFAULT);
    }

    #[test]
    fn its_own_variables_are_known_and_those_of_a_broker_are_not() {
        let environment = ["SKEP_BROKERS", "SKEP_PARTITIONS"];
        let environment = environment.map(|name| (name.to_owned(), "1".to_owned())).into();
        let settings = GatewaySettings::resolve(&GatewayOptions::default(), &environment, None);
        assert_eq!(settings.unwrap().unknown_variables, ["SKEP_PARTITIONS"]);
    }

    #[test]
    fn a_gateway_without_brokers_is_refused() {
        let refused = GatewaySettings::resolve(&GatewayOptions::default(), &BTreeMap::new(), None);
        assert!(format!("{:?}", refused.unwrap_err()).contains("--brokers"));
    }
}
