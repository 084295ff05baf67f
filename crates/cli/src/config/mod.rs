//! How the server is configured: flags, environment, file, defaults, in this order.
//!
//! Every option has one name in three spellings: `--rest-port`, `SKEP_REST_PORT`, and `rest-port`
//! in the YAML file. Names that deployments of Zeebe set in their environment are understood where
//! they mean the same; `SKEP_` wins over them.

mod gateway;
mod values;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use figment::Figment;
use figment::providers::{Format as _, Yaml};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use skep_broker::{CLUSTER_ID_DEFAULT, ClusterSettings};
use skep_gateway::management::LogLevel;

use crate::failure::Failure;
use crate::limits::{MEMORY_BYTES_MIN, PARTITIONS_MAX};
pub(crate) use gateway::{GatewayOptions, GatewaySettings};
pub(crate) use values::{Address, Addresses, ByteSize, Level, LogFormat, Peers};

/// Options of the server, each of them optional: flags, environment and file have the same.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct ServerOptions {
    /// Folder of log and state; made if it is not there [default: ./skep-data]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Address to listen on; 0.0.0.0 for all [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<Address>,

    /// Memory for the state of all partitions, for example 512MB [default: 1GB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteSize>,

    /// Port of the REST API; 0 takes a free one [default: 8080]
    #[arg(long, value_name = "PORT")]
    pub(crate) rest_port: Option<u16>,

    /// Port of the gRPC service; 0 takes a free one [default: 26500]
    #[arg(long, value_name = "PORT")]
    pub(crate) grpc_port: Option<u16>,

    /// Port for operators: health, metrics, log levels; 0 takes a free one [default: 9600]
    #[arg(long, value_name = "PORT")]
    pub(crate) management_port: Option<u16>,

    /// Number of partitions; fixed when the data folder is made [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) partitions: Option<u32>,

    /// Number of this broker in its cluster, from 0; it belongs to the data folder [default: 0]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) node_id: Option<u32>,

    /// All brokers of the cluster, this one among them: 0=HOST:PORT,1=HOST:PORT,... [default: this one alone]
    #[arg(long, value_name = "BROKERS")]
    pub(crate) peers: Option<Peers>,

    /// Copies of each partition, each on another broker [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) replication_factor: Option<u32>,

    /// Name of the cluster; nodes of another one are refused [default: skep-cluster]
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster_id: Option<String>,

    /// Address for the other nodes, which may do everything: keep it in a network that you trust [default: where --peers says that this broker is]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) cluster_bind: Option<String>,

    /// Address that the other nodes are told to dial [default: where --peers says that this broker is]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) cluster_advertise: Option<String>,

    /// The cluster of --peers exists without this broker: wait until it is added
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) join: Option<bool>,

    /// Folder for backups; brokers of a cluster need the same one, on a share [default: no backups]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) backup_dir: Option<PathBuf>,

    /// Run by a clock that can be pinned and moved, for tests
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) virtual_time: Option<bool>,

    /// Keep everything in memory: all is gone when the server stops
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) in_memory: Option<bool>,

    /// Form of the log on stderr: text, or json with Stackdriver's fields [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Least important level that is logged: off, error, warn, info, debug, trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<Level>,
}

/// Environment variable and option it sets. Later rows win.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("ZEEBE_BROKER_NETWORK_HOST", "bind"),
    ("ZEEBE_BROKER_GATEWAY_NETWORK_HOST", "bind"),
    ("ZEEBE_BROKER_GATEWAY_NETWORK_PORT", "grpc-port"),
    ("ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT", "partitions"),
    ("CAMUNDA_CLUSTER_PARTITIONCOUNT", "partitions"),
    ("ZEEBE_BROKER_CLUSTER_NODEID", "node-id"),
    ("ZEEBE_BROKER_CLUSTER_REPLICATIONFACTOR", "replication-factor"),
    ("ZEEBE_BROKER_CLUSTER_CLUSTERNAME", "cluster-id"),
    ("ZEEBE_BROKER_DATA_DIRECTORY", "data-dir"),
    ("ZEEBE_BROKER_DATA_BACKUP_FILESYSTEM_BASEPATH", "backup-dir"),
    ("ZEEBE_CLOCK_CONTROLLED", "virtual-time"),
    ("CAMUNDA_SYSTEM_CLOCK_CONTROLLED", "virtual-time"),
    ("ZEEBE_LOG_LEVEL", "log-level"),
    ("ZEEBE_LOG_APPENDER", "log-format"),
    ("SERVER_PORT", "rest-port"),
    ("MANAGEMENT_SERVER_PORT", "management-port"),
    ("SKEP_DATA_DIR", "data-dir"),
    ("SKEP_BIND", "bind"),
    ("SKEP_MEMORY", "memory"),
    ("SKEP_REST_PORT", "rest-port"),
    ("SKEP_GRPC_PORT", "grpc-port"),
    ("SKEP_MANAGEMENT_PORT", "management-port"),
    ("SKEP_PARTITIONS", "partitions"),
    ("SKEP_NODE_ID", "node-id"),
    ("SKEP_PEERS", "peers"),
    ("SKEP_REPLICATION_FACTOR", "replication-factor"),
    ("SKEP_CLUSTER_ID", "cluster-id"),
    ("SKEP_CLUSTER_BIND", "cluster-bind"),
    ("SKEP_CLUSTER_ADVERTISE", "cluster-advertise"),
    ("SKEP_JOIN", "join"),
    ("SKEP_BACKUP_DIR", "backup-dir"),
    ("SKEP_VIRTUAL_TIME", "virtual-time"),
    ("SKEP_IN_MEMORY", "in-memory"),
    ("SKEP_LOG_FORMAT", "log-format"),
    ("SKEP_LOG_LEVEL", "log-level"),
];

/// Variables with our prefix that belong to other commands, or name the file.
const OTHER_VARIABLES: &[&str] =
    &["SKEP_ADDRESS", "SKEP_TOKEN", "SKEP_CONFIG", "SKEP_CLUSTER_DIR", "SKEP_MANAGEMENT"];

/// What the server runs with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServerConfig {
    pub(crate) data_dir: PathBuf,
    pub(crate) bind: IpAddr,
    pub(crate) memory_bytes: usize,
    pub(crate) rest_port: u16,
    pub(crate) grpc_port: u16,
    pub(crate) management_port: u16,
    pub(crate) partitions: u32,
    pub(crate) node_id: u32,
    /// The cluster, unless this broker is alone.
    pub(crate) cluster: Option<ClusterSettings>,
    /// Where backups go, if anywhere.
    pub(crate) backup_dir: Option<PathBuf>,
    pub(crate) virtual_time: bool,
    pub(crate) in_memory: bool,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
    /// Variables that look like options and are none.
    pub(crate) unknown_variables: Vec<String>,
}

impl ServerConfig {
    /// Puts flags over environment over file over defaults.
    ///
    /// # Errors
    /// When a value does not fit its option; the error names where it came from.
    pub(crate) fn resolve(
        flags: &ServerOptions,
        environment: &BTreeMap<String, String>,
        file: Option<&Path>,
    ) -> Result<Self, Failure> {
        let from_environment = environment_options(environment)?;
        let from_file = match file {
            Some(path) => file_options(path)?,
            None => ServerOptions::default(),
        };
        let layers = [flags, &from_environment, &from_file];
        macro_rules! pick {
            ($field:ident, $default:expr) => {
                layers.iter().find_map(|layer| layer.$field.clone()).unwrap_or($default)
            };
        }
        let settings = ClusterSettings {
            cluster_id: pick!(cluster_id, CLUSTER_ID_DEFAULT.to_owned()),
            peers: pick!(peers, Peers::default()).0,
            replication_factor: pick!(replication_factor, 1),
            bind: layers.iter().find_map(|layer| layer.cluster_bind.clone()),
            advertise: layers.iter().find_map(|layer| layer.cluster_advertise.clone()),
            join: pick!(join, false),
        };
        let is_alone = settings == ClusterSettings::default();
        let config = Self {
            data_dir: pick!(data_dir, PathBuf::from("skep-data")),
            bind: pick!(bind, Address(IpAddr::V4(Ipv4Addr::LOCALHOST))).0,
            memory_bytes: pick!(memory, ByteSize(1 << 30)).0,
            rest_port: pick!(rest_port, 8080),
            grpc_port: pick!(grpc_port, 26_500),
            management_port: pick!(management_port, 9600),
            partitions: pick!(partitions, 1),
            node_id: pick!(node_id, 0),
            cluster: (!is_alone).then_some(settings),
            backup_dir: layers.iter().find_map(|layer| layer.backup_dir.clone()),
            virtual_time: pick!(virtual_time, false),
            in_memory: pick!(in_memory, false),
            log_format: pick!(log_format, LogFormat::Text),
            log_level: pick!(log_level, Level(LogLevel::Info)).0,
            unknown_variables: unknown_variables(environment),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Failure> {
        if self.partitions == 0 || self.partitions > PARTITIONS_MAX {
            return Err(Failure::Usage(format!(
                "partitions must be 1 to {}, but it is {}",
                PARTITIONS_MAX, self.partitions
            )));
        }
        if self.memory_bytes < MEMORY_BYTES_MIN {
            return Err(Failure::Usage(format!(
                "memory must be at least 64MB, but it is {} bytes",
                self.memory_bytes
            )));
        }
        if self.in_memory && self.backup_dir.is_some() {
            return Err(Failure::Usage(
                "what is kept in memory cannot be backed up; leave --in-memory or --backup-dir out"
                    .to_owned(),
            ));
        }
        let Some(cluster) = &self.cluster else { return Ok(()) };
        cluster.check(self.node_id).map_err(Failure::Usage)?;
        if cluster.peers.len() > 1 && self.virtual_time {
            return Err(Failure::Usage(
                "--virtual-time moves the clock of one process; a cluster of several has one each"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

fn environment_options(environment: &BTreeMap<String, String>) -> Result<ServerOptions, Failure> {
    let mut options = ServerOptions::default();
    for (variable, option) in ENVIRONMENT {
        let Some(text) = environment.get(*variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        set(&mut options, option, text)
            .map_err(|error| Failure::Usage(format!("environment variable {variable}: {error}")))?;
    }
    Ok(options)
}

fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, String> {
    text.parse().map(Some).map_err(|error| format!("'{text}': {error}"))
}

fn set(options: &mut ServerOptions, option: &str, text: &str) -> Result<(), String> {
    match option {
        "data-dir" => options.data_dir = Some(PathBuf::from(text)),
        "bind" => options.bind = parse(text)?,
        "memory" => options.memory = parse(text)?,
        "rest-port" => options.rest_port = parse(text)?,
        "grpc-port" => options.grpc_port = parse(text)?,
        "management-port" => options.management_port = parse(text)?,
        "partitions" => options.partitions = parse(text)?,
        "node-id" => options.node_id = parse(text)?,
        "peers" => options.peers = parse(text)?,
        "replication-factor" => options.replication_factor = parse(text)?,
        "cluster-id" => options.cluster_id = parse(text)?,
        "cluster-bind" => options.cluster_bind = parse(text)?,
        "cluster-advertise" => options.cluster_advertise = parse(text)?,
        "join" => options.join = parse(text)?,
        "backup-dir" => options.backup_dir = Some(PathBuf::from(text)),
        "virtual-time" => options.virtual_time = parse(text)?,
        "in-memory" => options.in_memory = parse(text)?,
        "log-format" => options.log_format = parse(text)?,
        "log-level" => options.log_level = parse(text)?,
        other => return Err(format!("{other} is not an option")),
    }
    Ok(())
}

fn unknown_variables(environment: &BTreeMap<String, String>) -> Vec<String> {
    let known = |name: &str| {
        OTHER_VARIABLES.contains(&name) || ENVIRONMENT.iter().any(|(variable, _)| *variable == name)
    };
    environment.keys().filter(|name| name.starts_with("SKEP_") && !known(name)).cloned().collect()
}

fn file_options<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    if !path.is_file() {
        return Err(Failure::Usage(format!(
            "the configuration file {} is not there",
            path.display()
        )));
    }
    Figment::new()
        .merge(Yaml::file_exact(path))
        .extract()
        .map_err(|error| Failure::Usage(format!("configuration file {}: {error}", path.display())))
}

#[cfg(test)]
mod tests;
