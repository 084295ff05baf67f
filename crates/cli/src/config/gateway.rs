//! How a standalone gateway is configured.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use clap::Args;
use serde::Deserialize;
use skep_broker::CLUSTER_ID_DEFAULT;
use skep_gateway::management::LogLevel;

use super::{Address, Addresses, Level, LogFormat, file_options, parse, unknown_variables};
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

    /// Form of the log on stderr: text, or json with Stackdriver's fields [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Least important level that is logged: off, error, warn, info, debug, trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<Level>,
}

/// Environment variable and option it sets. Later rows win.
const ENVIRONMENT: &[(&str, &str)] = &[
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
    ("SKEP_LOG_FORMAT", "log-format"),
    ("SKEP_LOG_LEVEL", "log-level"),
];

/// What a gateway runs with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GatewaySettings {
    pub(crate) brokers: Vec<String>,
    pub(crate) cluster_id: String,
    pub(crate) bind: IpAddr,
    pub(crate) rest_port: u16,
    pub(crate) grpc_port: u16,
    pub(crate) management_port: u16,
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
        let from_environment = environment_options(environment)?;
        let from_file = match file {
            Some(path) => file_options(path)?,
            None => GatewayOptions::default(),
        };
        let layers = [flags, &from_environment, &from_file];
        macro_rules! pick {
            ($field:ident, $default:expr) => {
                layers.iter().find_map(|layer| layer.$field.clone()).unwrap_or($default)
            };
        }
        let settings = Self {
            brokers: pick!(brokers, Addresses::default()).0,
            cluster_id: pick!(cluster_id, CLUSTER_ID_DEFAULT.to_owned()),
            bind: pick!(bind, Address(IpAddr::V4(Ipv4Addr::LOCALHOST))).0,
            rest_port: pick!(rest_port, 8080),
            grpc_port: pick!(grpc_port, 26_500),
            management_port: pick!(management_port, 9600),
            log_format: pick!(log_format, LogFormat::Text),
            log_level: pick!(log_level, Level(LogLevel::Info)).0,
            unknown_variables: unknown_variables(environment),
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

fn environment_options(environment: &BTreeMap<String, String>) -> Result<GatewayOptions, Failure> {
    let mut options = GatewayOptions::default();
    for (variable, option) in ENVIRONMENT {
        let Some(text) = environment.get(*variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        set(&mut options, option, text)
            .map_err(|error| Failure::Usage(format!("environment variable {variable}: {error}")))?;
    }
    Ok(options)
}

fn set(options: &mut GatewayOptions, option: &str, text: &str) -> Result<(), String> {
    match option {
        "brokers" => options.brokers = parse(text)?,
        "cluster-id" => options.cluster_id = parse(text)?,
        "bind" => options.bind = parse(text)?,
        "rest-port" => options.rest_port = parse(text)?,
        "grpc-port" => options.grpc_port = parse(text)?,
        "management-port" => options.management_port = parse(text)?,
        "log-format" => options.log_format = parse(text)?,
        "log-level" => options.log_level = parse(text)?,
        other => return Err(format!("{other} is not an option")),
    }
    Ok(())
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
    fn a_gateway_without_brokers_is_refused() {
        let refused = GatewaySettings::resolve(&GatewayOptions::default(), &BTreeMap::new(), None);
        assert!(format!("{:?}", refused.unwrap_err()).contains("--brokers"));
    }
}
