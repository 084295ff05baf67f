//! How the server is configured: flags, environment, file, defaults, in this order.
//!
//! Every option has one name in three spellings: `--rest-port`, `SKEP_REST_PORT`, and `rest-port`
//! in the YAML file. Names that deployments of Zeebe set in their environment are understood where
//! they mean the same; `SKEP_` wins over them.

mod chaos;
mod gateway;
mod layers;
mod values;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use skep_broker::{CLUSTER_ID_DEFAULT, ClusterSettings};
use skep_gateway::management::LogLevel;

use crate::failure::Failure;
use crate::limits::{MEMORY_BYTES_MIN, PARTITIONS_MAX};
pub(crate) use chaos::Secret;
pub(crate) use gateway::{GatewayOptions, GatewaySettings};
use layers::{Layers, Options, parse};
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

    /// Folder for everything that this broker commits, for `skep chaos soak` to check; it only grows [default: none]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) evidence: Option<PathBuf>,

    /// Form of the log on stderr: text, or json with Stackdriver's fields [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Least important level that is logged: off, error, warn, info, debug, trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<Level>,
}

impl Options for ServerOptions {
    const ENVIRONMENT: &'static [(&'static str, &'static str)] = &[
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
        ("SKEP_CHAOS", "chaos"),
        ("SKEP_CHAOS_TOKEN_FILE", "chaos-token-file"),
        ("SKEP_CHAOS_TOKEN", "chaos-token"),
        ("SKEP_EVIDENCE", "evidence"),
        ("SKEP_LOG_FORMAT", "log-format"),
        ("SKEP_LOG_LEVEL", "log-level"),
    ];

    fn set(&mut self, option: &str, text: &str) -> Result<(), String> {
        match option {
            "data-dir" => self.data_dir = Some(PathBuf::from(text)),
            "bind" => self.bind = parse(text)?,
            "memory" => self.memory = parse(text)?,
            "rest-port" => self.rest_port = parse(text)?,
            "grpc-port" => self.grpc_port = parse(text)?,
            "management-port" => self.management_port = parse(text)?,
            "partitions" => self.partitions = parse(text)?,
            "node-id" => self.node_id = parse(text)?,
            "peers" => self.peers = parse(text)?,
            "replication-factor" => self.replication_factor = parse(text)?,
            "cluster-id" => self.cluster_id = parse(text)?,
            "cluster-bind" => self.cluster_bind = parse(text)?,
            "cluster-advertise" => self.cluster_advertise = parse(text)?,
            "join" => self.join = parse(text)?,
            "backup-dir" => self.backup_dir = Some(PathBuf::from(text)),
            "virtual-time" => self.virtual_time = parse(text)?,
            "in-memory" => self.in_memory = parse(text)?,
            "chaos" => self.chaos = parse(text)?,
            "chaos-token-file" => self.chaos_token_file = Some(PathBuf::from(text)),
            "chaos-token" => self.chaos_token = Some(Secret(text.to_owned())),
            "evidence" => self.evidence = Some(PathBuf::from(text)),
            "log-format" => self.log_format = parse(text)?,
            "log-level" => self.log_level = parse(text)?,
            other => return Err(format!("{other} is not an option")),
        }
        Ok(())
    }
}

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
    /// What fault points ask for, when the node has any.
    pub(crate) chaos_token: Option<Secret>,
    /// Where what is committed is written down, if anywhere.
    pub(crate) evidence: Option<PathBuf>,
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
        let layers = Layers::read(flags, environment, file)?;
        let settings = ClusterSettings {
            cluster_id: layers
                .get(|it| &it.cluster_id)
                .unwrap_or_else(|| CLUSTER_ID_DEFAULT.to_owned()),
            peers: layers.get(|it| &it.peers).unwrap_or_default().0,
            replication_factor: layers.get(|it| &it.replication_factor).unwrap_or(1),
            bind: layers.get(|it| &it.cluster_bind),
            advertise: layers.get(|it| &it.cluster_advertise),
            join: layers.get(|it| &it.join).unwrap_or(false),
        };
        let is_alone = settings == ClusterSettings::default();
        let config = Self {
            data_dir: layers.get(|it| &it.data_dir).unwrap_or_else(|| PathBuf::from("skep-data")),
            bind: layers.get(|it| &it.bind).unwrap_or(Address(IpAddr::V4(Ipv4Addr::LOCALHOST))).0,
            memory_bytes: layers.get(|it| &it.memory).unwrap_or(ByteSize(1 << 30)).0,
            rest_port: layers.get(|it| &it.rest_port).unwrap_or(8080),
            grpc_port: layers.get(|it| &it.grpc_port).unwrap_or(26_500),
            management_port: layers.get(|it| &it.management_port).unwrap_or(9600),
            partitions: layers.get(|it| &it.partitions).unwrap_or(1),
            node_id: layers.get(|it| &it.node_id).unwrap_or(0),
            cluster: (!is_alone).then_some(settings),
            backup_dir: layers.get(|it| &it.backup_dir),
            virtual_time: layers.get(|it| &it.virtual_time).unwrap_or(false),
            in_memory: layers.get(|it| &it.in_memory).unwrap_or(false),
            chaos_token: chaos::token(
                layers.get(|it| &it.chaos),
                layers.get(|it| &it.chaos_token_file),
                layers.get(|it| &it.chaos_token),
            )?,
            evidence: layers.get(|it| &it.evidence),
            log_format: layers.get(|it| &it.log_format).unwrap_or(LogFormat::Text),
            log_level: layers.get(|it| &it.log_level).unwrap_or(Level(LogLevel::Info)).0,
            unknown_variables: ServerOptions::unknown_variables(environment),
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

#[cfg(test)]
mod tests;
