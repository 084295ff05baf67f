//! A running server: broker, gateway and ports, wired together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use skep_broker::chaos;
use skep_broker::{
    Broker, BrokerConfig, BrokerError, DataLocation, Environment, GatewayConfig, Observed,
};
use skep_env::SystemClock;
use skep_env::fault::crash::end_this_process;
use skep_gateway::management::{Chaos, LogControl, Management, MetricsHandle, install_metrics};
use skep_gateway::server::{BoundAddresses, ListenAddresses, Listeners, RunningServers};
use skep_gateway::{Address, Gateway};
use tokio::task::JoinHandle;

use crate::config::{GatewaySettings, Secret, ServerConfig};
use crate::evidence::Writer;
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
        let opened = Opened::open(&listen_addresses(config)).await?;
        let environment =
            if config.virtual_time { Environment::virtual_time() } else { Environment::system() };
        let has_disk = !config.in_memory;
        let (environment, chaos) =
            with_chaos(environment, config.chaos_token.as_ref(), Some(config.node_id), has_disk);
        let broker = Broker::start(broker_config(config, &opened.addresses)?, environment)
            .await
            .map_err(start_failure)?;
        Ok(opened.serve(broker, logs, chaos))
    }

    /// A gateway without data.
    ///
    /// # Errors
    /// When a port cannot be used; the error says what to do.
    pub(crate) async fn start_gateway(
        settings: &GatewaySettings,
        logs: LogControl,
    ) -> Result<Self, Failure> {
        let opened = Opened::open(&ListenAddresses {
            bind: settings.bind,
            rest_port: settings.rest_port,
            grpc_port: settings.grpc_port,
            management_port: settings.management_port,
        })
        .await?;
        let config = GatewayConfig {
            cluster_id: settings.cluster_id.clone(),
            brokers: settings.brokers.clone(),
            client_address: reachable(opened.addresses.grpc).to_string(),
        };
        let token = settings.chaos_token.as_ref();
        let (environment, chaos) = with_chaos(Environment::system(), token, None, false);
        let broker = Broker::start_gateway(config, environment).await.map_err(start_failure)?;
        Ok(opened.serve(broker, logs, chaos))
    }

    /// Resolves when this node cannot go on and somebody has to act.
    pub(crate) async fn failure(&self) -> Failure {
        Failure::Start(self.broker.failure().await)
    }

    /// Finishes what is under way and closes everything.
    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
        self.broker.shutdown().await;
        self.upkeep.abort();
    }
}

/// Open ports that nobody answers yet.
struct Opened {
    listeners: Listeners,
    addresses: BoundAddresses,
    metrics: MetricsHandle,
}

impl Opened {
    async fn open(addresses: &ListenAddresses) -> Result<Self, Failure> {
        let metrics = install_metrics().map_err(Failure::Local)?;
        let listeners =
            Listeners::bind(addresses).await.map_err(|error| Failure::Start(error.to_string()))?;
        let addresses = listeners
            .addresses()
            .map_err(|error| Failure::Local(format!("the ports cannot be read: {error}")))?;
        Ok(Self { listeners, addresses, metrics })
    }

    fn serve(self, broker: Broker, logs: LogControl, chaos: Option<Chaos>) -> Server {
        let Self { listeners, addresses, metrics } = self;
        let address =
            Address { host: addresses.grpc.ip().to_string(), port: addresses.grpc.port() };
        // Durations of requests are real time, also when the engine's clock is moved by hand.
        let gateway = Gateway::new(Arc::new(broker.clone()), Arc::new(SystemClock), address);
        let management = Management::new(gateway.clone(), metrics.clone(), logs);
        let management = match chaos {
            Some(chaos) => management.with_chaos(chaos),
            None => management,
        };
        let running = listeners.serve(&gateway, management);
        let upkeep = tokio::spawn(keep_up(broker.clone(), metrics.clone()));
        Server { broker, running, upkeep, addresses, metrics }
    }
}

/// Puts faults in front of the machine, when there is a token for them.
fn with_chaos(
    machine: Environment,
    token: Option<&Secret>,
    node: Option<u32>,
    has_disk: bool,
) -> (Environment, Option<Chaos>) {
    let Some(Secret(token)) = token else { return (machine, None) };
    let machine = chaos::with_faults(machine, node, has_disk, Box::new(|_| end_this_process()));
    let chaos = machine.faults.clone().map(|points| Chaos { points, token: token.clone() });
    tracing::warn!("started for chaos: who has the token may break this node");
    (machine, chaos)
}

fn listen_addresses(config: &ServerConfig) -> ListenAddresses {
    ListenAddresses {
        bind: config.bind,
        rest_port: config.rest_port,
        grpc_port: config.grpc_port,
        management_port: config.management_port,
    }
}

fn broker_config(
    config: &ServerConfig,
    addresses: &BoundAddresses,
) -> Result<BrokerConfig, Failure> {
    let observer: Observed = match &config.evidence {
        Some(folder) => Some(Arc::new(Writer::begin(folder, config.node_id)?)),
        None => None,
    };
    let data = if config.in_memory {
        DataLocation::Memory
    } else {
        DataLocation::Folder(config.data_dir.clone())
    };
    Ok(BrokerConfig {
        data,
        node_id: config.node_id,
        partitions: config.partitions,
        cluster: config.cluster.clone(),
        client_address: client_address(config, addresses.grpc),
        memory_bytes: config.memory_bytes,
        backup_dir: config.backup_dir.clone(),
        observer,
        ..BrokerConfig::default()
    })
}

/// Where clients reach this broker. What listens on all addresses is reached where the other brokers
/// reach it.
fn client_address(config: &ServerConfig, grpc: SocketAddr) -> String {
    let told = config.cluster.as_ref().filter(|_| grpc.ip().is_unspecified()).and_then(|cluster| {
        let own = || cluster.peers.get(&config.node_id).cloned();
        let (host, _) = cluster
            .advertise
            .clone()
            .or_else(own)?
            .rsplit_once(':')
            .map(|(host, port)| (host.to_owned(), port.to_owned()))?;
        Some(format!("{host}:{}", grpc.port()))
    });
    told.unwrap_or_else(|| reachable(grpc).to_string())
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
