//! How the server is configured: flags, environment, file, defaults, in this order.
//!
//! Every option has one name in three spellings: `--rest-port`, `SKEP_REST_PORT`, and `rest-port`
//! in the YAML file. Names that deployments of Zeebe set in their environment are understood where
//! they mean the same; `SKEP_` wins over them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use figment::Figment;
use figment::providers::{Format as _, Yaml};
use serde::{Deserialize, Deserializer};
use skep_gateway::management::LogLevel;

use crate::failure::Failure;
use crate::limits::{MEMORY_BYTES_MIN, PARTITIONS_MAX};

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

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) IpAddr);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("localhost") {
            return Ok(Self(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        }
        let address = text.parse().map_err(|_| {
            format!("'{text}' is not an IP address such as 127.0.0.1, 0.0.0.0 or ::1")
        })?;
        Ok(Self(address))
    }
}

/// A number of bytes: `512MB`, `2GiB`, `1000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) usize);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor: usize = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            _ => return Err(format!("'{text}' is not a size such as 512MB or 2GB")),
        };
        number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| format!("'{text}' is not a size such as 512MB or 2GB"))
    }
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, with the fields of Stackdriver.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "text" | "console" => Ok(Self::Text),
            "json" | "stackdriver" => Ok(Self::Json),
            _ => Err(format!("'{text}' is not a log format: text or json")),
        }
    }
}

/// A log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) LogLevel);

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

macro_rules! deserialize_from_text {
    ($($name:ident,)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged)]
                enum Scalar { Text(String), Number(u64), Truth(bool) }
                // YAML reads 1048576 as a number and off as a truth.
                let text = match Scalar::deserialize(deserializer)? {
                    Scalar::Text(text) => text,
                    Scalar::Number(number) => number.to_string(),
                    Scalar::Truth(truth) => (if truth { "on" } else { "off" }).to_owned(),
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

deserialize_from_text! { Address, ByteSize, LogFormat, Level, }

/// Environment variable and option it sets. Later rows win.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("ZEEBE_BROKER_NETWORK_HOST", "bind"),
    ("ZEEBE_BROKER_GATEWAY_NETWORK_HOST", "bind"),
    ("ZEEBE_BROKER_GATEWAY_NETWORK_PORT", "grpc-port"),
    ("ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT", "partitions"),
    ("CAMUNDA_CLUSTER_PARTITIONCOUNT", "partitions"),
    ("ZEEBE_BROKER_DATA_DIRECTORY", "data-dir"),
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
    ("SKEP_VIRTUAL_TIME", "virtual-time"),
    ("SKEP_IN_MEMORY", "in-memory"),
    ("SKEP_LOG_FORMAT", "log-format"),
    ("SKEP_LOG_LEVEL", "log-level"),
];

/// Variables with our prefix that belong to other commands, or name the file.
const OTHER_VARIABLES: &[&str] = &["SKEP_ADDRESS", "SKEP_TOKEN", "SKEP_CONFIG", "SKEP_CLUSTER_DIR"];

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
        let config = Self {
            data_dir: pick!(data_dir, PathBuf::from("skep-data")),
            bind: pick!(bind, Address(IpAddr::V4(Ipv4Addr::LOCALHOST))).0,
            memory_bytes: pick!(memory, ByteSize(1 << 30)).0,
            rest_port: pick!(rest_port, 8080),
            grpc_port: pick!(grpc_port, 26_500),
            management_port: pick!(management_port, 9600),
            partitions: pick!(partitions, 1),
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

fn set(options: &mut ServerOptions, option: &str, text: &str) -> Result<(), String> {
    fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, String> {
        text.parse().map(Some).map_err(|error| format!("'{text}': {error}"))
    }
    match option {
        "data-dir" => options.data_dir = Some(PathBuf::from(text)),
        "bind" => options.bind = parse(text)?,
        "memory" => options.memory = parse(text)?,
        "rest-port" => options.rest_port = parse(text)?,
        "grpc-port" => options.grpc_port = parse(text)?,
        "management-port" => options.management_port = parse(text)?,
        "partitions" => options.partitions = parse(text)?,
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

fn file_options(path: &Path) -> Result<ServerOptions, Failure> {
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
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let config =
            ServerConfig::resolve(&ServerOptions::default(), &environment(&[]), None).unwrap();
        assert_eq!(config.data_dir, PathBuf::from("skep-data"));
        assert_eq!(
            (config.rest_port, config.grpc_port, config.management_port),
            (8080, 26_500, 9600)
        );
        assert!(config.bind.is_loopback());
        assert_eq!((config.partitions, config.memory_bytes), (1, 1 << 30));
        assert!(!config.virtual_time && !config.in_memory);
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let file = file("rest-port: 1\ngrpc-port: 1\nmanagement-port: 1\nmemory: 2GB\n");
        let environment = environment(&[("SKEP_REST_PORT", "2"), ("SKEP_GRPC_PORT", "2")]);
        let flags = ServerOptions { rest_port: Some(3), ..ServerOptions::default() };
        let config = ServerConfig::resolve(&flags, &environment, Some(file.path())).unwrap();
        assert_eq!((config.rest_port, config.grpc_port, config.management_port), (3, 2, 1));
        assert_eq!(config.memory_bytes, 2 << 30);
    }

    #[test]
    fn the_file_knows_every_option() {
        let file = file(
            "data-dir: /tmp/x\nbind: 0.0.0.0\nmemory: 134217728\npartitions: 3\nvirtual-time: true\n\
             in-memory: false\nlog-format: json\nlog-level: off\n",
        );
        let config =
            ServerConfig::resolve(&ServerOptions::default(), &environment(&[]), Some(file.path()))
                .unwrap();
        assert_eq!(config.data_dir, PathBuf::from("/tmp/x"));
        assert_eq!((config.partitions, config.virtual_time), (3, true));
        assert_eq!((config.log_format, config.log_level), (LogFormat::Json, LogLevel::Off));
        assert_eq!(config.memory_bytes, 128 << 20);
    }

    #[test]
    fn names_of_zeebe_deployments_are_understood() {
        let config = ServerConfig::resolve(
            &ServerOptions::default(),
            &environment(&[
                ("ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT", "4"),
                ("ZEEBE_BROKER_DATA_DIRECTORY", "/data"),
                ("ZEEBE_BROKER_NETWORK_HOST", "0.0.0.0"),
                ("ZEEBE_BROKER_GATEWAY_NETWORK_PORT", "26600"),
                ("ZEEBE_CLOCK_CONTROLLED", "true"),
                ("ZEEBE_LOG_APPENDER", "Stackdriver"),
                ("SKEP_PARTITIONS", "2"),
            ]),
            None,
        )
        .unwrap();
        assert_eq!((config.partitions, config.grpc_port), (2, 26_600));
        assert_eq!(config.data_dir, PathBuf::from("/data"));
        assert!(config.virtual_time && !config.bind.is_loopback());
        assert_eq!(config.log_format, LogFormat::Json);
    }

    #[test]
    fn mistakes_name_their_place() {
        let error = |environment: &[(&str, &str)], text: &str| {
            let file = file(text);
            let failure = ServerConfig::resolve(
                &ServerOptions::default(),
                &self::environment(environment),
                Some(file.path()),
            );
            format!("{:?}", failure.unwrap_err())
        };
        assert!(error(&[("SKEP_REST_PORT", "many")], "").contains("SKEP_REST_PORT"));
        assert!(error(&[], "rest-prot: 1\n").contains("rest-prot"));
        assert!(error(&[], "memory: much\n").contains("512MB"));
        assert!(error(&[("SKEP_PARTITIONS", "0")], "").contains("partitions"));
        assert!(error(&[("SKEP_MEMORY", "1KB")], "").contains("at least 64MB"));
        let missing = ServerConfig::resolve(
            &ServerOptions::default(),
            &environment_of_nothing(),
            Some(Path::new("/nowhere/skep.yaml")),
        );
        assert!(format!("{:?}", missing.unwrap_err()).contains("/nowhere/skep.yaml"));
    }

    fn environment_of_nothing() -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    #[test]
    fn misspelt_variables_are_found() {
        let config = ServerConfig::resolve(
            &ServerOptions::default(),
            &environment(&[("SKEP_PORTITIONS", "3"), ("SKEP_ADDRESS", "x"), ("HOME", "/")]),
            None,
        )
        .unwrap();
        assert_eq!(config.unknown_variables, ["SKEP_PORTITIONS"]);
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in
            [("1", 1), ("2k", 2048), ("512MB", 512 << 20), ("1 GiB", 1 << 30), ("7b", 7)]
        {
            assert_eq!(text.parse::<ByteSize>().unwrap().0, bytes, "{text}");
        }
        for text in ["", "x", "1.5GB", "-1", "9999999999999999GB", "5 parsecs"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
