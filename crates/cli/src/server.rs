//! A running server: broker, gateway and ports, wired together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use skep_broker::{Broker, BrokerConfig, BrokerError, DataLocation, Environment};
use skep_env::SystemClock;
use skep_gateway::management::{LogControl, Management, MetricsHandle, install_metrics};
use skep_gateway::server::{BoundAddresses, ListenAddresses, Listeners, RunningServers};
use skep_gateway::{Address, Gateway};
use tokio::task::JoinHandle;

use crate::config::ServerConfig;
use crate::failure::Failure;
use crate::limits::SERVER_THREADS_MAX;

/// Pause between two foldings of metric samples; nobody needs them fresher than scrapers come.
const METRICS_UPKEEP: Duration = Duration::from_secs(1);

/// A server that answers.
pub(crate) struct Server {
    broker: Broker,
    running: RunningServers,
    upkeep: JoinHandle<()>,
    pub(crate) addresses: BoundAddresses,
    pub(crate) metrics: MetricsHandle,
}

impl Server {
    /// Opens ports and data, in this order: a taken port must not cost a recovery.
    ///
    /// # Errors
    /// When a port or the data cannot be used; the error says what to do.
    pub(crate) async fn start(config: &ServerConfig, logs: LogControl) -> Result<Self, Failure> {
        let metrics = install_metrics().map_err(Failure::Local)?;
        let listeners = Listeners::bind(&listen_addresses(config))
            .await
            .map_err(|error| Failure::Start(error.to_string()))?;
        let addresses = listeners
            .addresses()
            .map_err(|error| Failure::Local(format!("the ports cannot be read: {error}")))?;
        let environment =
            if config.virtual_time { Environment::virtual_time() } else { Environment::system() };
        let broker =
            Broker::start(broker_config(config), environment).await.map_err(start_failure)?;
        let address =
            Address { host: addresses.grpc.ip().to_string(), port: addresses.grpc.port() };
        // Durations of requests are real time, also when the engine's clock is moved by hand.
        let gateway = Gateway::new(Arc::new(broker.clone()), Arc::new(SystemClock), address);
        let management = Management::new(gateway.clone(), metrics.clone(), logs);
        let running = listeners.serve(&gateway, management);
        let upkeep = tokio::spawn(keep_up(broker.clone(), metrics.clone()));
        Ok(Self { broker, running, upkeep, addresses, metrics })
    }

    /// Finishes what is under way and closes everything.
    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
        self.broker.shutdown().await;
        self.upkeep.abort();
    }
}

fn listen_addresses(config: &ServerConfig) -> ListenAddresses {
    ListenAddresses {
        bind: config.bind,
        rest_port: config.rest_port,
        grpc_port: config.grpc_port,
        management_port: config.management_port,
    }
}

fn broker_config(config: &ServerConfig) -> BrokerConfig {
    let data = if config.in_memory {
        DataLocation::Memory
    } else {
        DataLocation::Folder(config.data_dir.clone())
    };
    BrokerConfig {
        data,
        partitions: config.partitions,
        memory_bytes: config.memory_bytes,
        ..BrokerConfig::default()
    }
}

async fn keep_up(broker: Broker, metrics: MetricsHandle) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        broker.publish_metrics();
        metrics.upkeep();
    }
}

fn start_failure(error: BrokerError) -> Failure {
    Failure::Start(error.to_string())
}

/// The runtime of a server: connections only, so that a few threads do.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(1, SERVER_THREADS_MAX))
        .thread_name("skep-net")
        .enable_all()
        .build()
        .map_err(|error| Failure::Local(format!("cannot start the runtime: {error}")))
}

/// Address to connect to: what listens on all addresses is reached on this machine.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let ip = match address.ip() {
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
