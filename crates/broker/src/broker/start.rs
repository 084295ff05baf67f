//! Start of a node: settings checked, data folder, cluster, one body for each replica.

use std::sync::Arc;

use parking_lot::Mutex;
use skep_env::net::Listener;
use skep_protocol::PartitionId;
use skep_protocol::limits::PARTITIONS_MAX;

use crate::broker::control::ControlPlane;
use crate::broker::data::Data;
use crate::broker::local::LocalTransport;
use crate::broker::members::Members;
use crate::broker::replica::{Beginning, Replicas, ReplicasParts};
use crate::broker::{Inner, Shape};
use crate::cluster::{
    self, CLUSTER_ID_DEFAULT, Cluster, ClusterParts, ClusterSettings, ClusterTransport, NodeName,
};
use crate::config::{BrokerConfig, Environment, GatewayConfig, NodeClock};
use crate::error::BrokerError;
use crate::jobs::JobHub;
use crate::metadata::{ClusterConfig, Identity, KnownConfig, replicas_of};
use crate::partition::Control;
use crate::transport::Transport;

pub(super) async fn start(config: BrokerConfig, env: Environment) -> Result<Inner, BrokerError> {
    if config.partitions == 0 || config.partitions > PARTITIONS_MAX {
        return Err(BrokerError::internal(format!(
            "{} partitions cannot be; choose 1 to {PARTITIONS_MAX}",
            config.partitions
        )));
    }
    let members = Members::new(env.clock.clock());
    let hub = hub(&members);
    match config.cluster.clone() {
        None => start_alone(config, env, members, hub),
        Some(settings) => start_member(config, settings, env, members, hub).await,
    }
}

fn hub(members: &Arc<Members>) -> Arc<JobHub> {
    let members = Arc::downgrade(members);
    JobHub::new(Box::new(move |job_type| {
        if let Some(members) = members.upgrade() {
            let control = || Control::StreamRoom(job_type.to_owned());
            members.each(|member| member.inbox.control(control()));
        }
    }))
}

/// A node that runs nothing yet.
fn idle(
    shape: Shape,
    env: &Environment,
    members: Arc<Members>,
    hub: Arc<JobHub>,
    transport: Arc<dyn Transport>,
    cluster: Option<Arc<Cluster>>,
) -> Inner {
    Inner {
        shape,
        clock: env.clock.clone(),
        members,
        hub,
        transport,
        cluster,
        replicas: Mutex::default(),
        bodies: Mutex::default(),
        backups: Mutex::default(),
        control: ControlPlane::default(),
    }
}

/// A node without others.
fn start_alone(
    config: BrokerConfig,
    env: Environment,
    members: Arc<Members>,
    hub: Arc<JobHub>,
) -> Result<Inner, BrokerError> {
    let identity = Identity { cluster_id: CLUSTER_ID_DEFAULT.to_owned(), node_id: config.node_id };
    let data = Data::open(&config, &env, &identity)?;
    data.keep_partitions(config.partitions)?;
    let partitions = config.partitions;
    let shape = Shape {
        node_id: Some(config.node_id),
        partitions,
        client_address: config.client_address.clone(),
    };
    let transport: Arc<dyn Transport> = Arc::new(LocalTransport(members.clone()));
    let inner = idle(shape, &env, members, hub, transport, None);
    let beginnings = (1..=partitions).map(|id| (id, Beginning::alone(config.node_id)));
    start_replicas(&inner, config.clone(), &env, data, partitions, beginnings.collect())?;
    Ok(inner)
}

/// A broker of a cluster.
async fn start_member(
    config: BrokerConfig,
    settings: ClusterSettings,
    env: Environment,
    members: Arc<Members>,
    hub: Arc<JobHub>,
) -> Result<Inner, BrokerError> {
    let node_id = config.node_id;
    settings.check(node_id).map_err(BrokerError::internal)?;
    // First the port: one that is taken must not cost a recovery.
    let listener = match settings.listens_at(node_id) {
        Some(address) => Some(cluster::bind(&*env.network, &address).await?),
        None => None,
    };
    let address = address(&settings, node_id, listener.as_deref());
    let first = first_config(&config, &settings, &address)?;
    let identity = Identity { cluster_id: settings.cluster_id.clone(), node_id };
    let data = Data::open(&config, &env, &identity)?;
    let known = known_config(&data, first, &config, &settings)?;
    let cluster = Cluster::new(ClusterParts {
        name: NodeName::Broker(node_id),
        cluster_id: settings.cluster_id.clone(),
        incarnation: env.random.next_u64(),
        address,
        client_address: config.client_address.clone(),
        network: env.network.clone(),
        known,
        members: members.clone(),
        hub: hub.clone(),
        faults: env.faults.clone(),
    });
    let contacts =
        if settings.join { settings.peers.values().cloned().collect() } else { Vec::new() };
    cluster::start(&cluster, listener, contacts).await?;
    let transport: Arc<dyn Transport> =
        Arc::new(ClusterTransport { members: members.clone(), cluster: Arc::downgrade(&cluster) });
    let document = cluster.config();
    let mine: Vec<_> = document
        .iter()
        .flat_map(|document| {
            let replicas = replicas_of(document, node_id).into_iter();
            replicas.map(|(id, start)| (id, Beginning::of(document, id, node_id, start)))
        })
        .collect();
    let partitions = document.map_or(config.partitions, |document| document.partition_count);
    let shape =
        Shape { node_id: Some(node_id), partitions, client_address: config.client_address.clone() };
    let inner = idle(shape, &env, members, hub, transport, Some(cluster));
    start_replicas(&inner, config, &env, data, partitions, mine)?;
    Ok(inner)
}

/// Where the others dial this node.
fn address(settings: &ClusterSettings, node_id: u32, listener: Option<&dyn Listener>) -> String {
    let told = settings.advertise.clone().or_else(|| settings.peers.get(&node_id).cloned());
    let listens_at = || listener.map(Listener::local_address);
    told.or_else(listens_at).unwrap_or_default()
}

/// The configuration that flags say: none when the cluster exists without this node.
fn first_config(
    config: &BrokerConfig,
    settings: &ClusterSettings,
    address: &str,
) -> Result<Option<ClusterConfig>, BrokerError> {
    if settings.join {
        return Ok(None);
    }
    let founders = settings.founders(config.node_id, address);
    let (partitions, replicas) = (config.partitions, settings.replication_factor);
    ClusterConfig::initial(&settings.cluster_id, &founders, partitions, replicas)
        .map(Some)
        .map_err(|refusal| BrokerError::internal(refusal.reason))
}

/// What this node knew before, or what flags say when it is new.
fn known_config(
    data: &Data,
    first: Option<ClusterConfig>,
    config: &BrokerConfig,
    settings: &ClusterSettings,
) -> Result<KnownConfig, BrokerError> {
    let failed = |error: std::io::Error| {
        BrokerError::internal(format!(
            "what is known of the cluster cannot be read from {}: {error}; check the disk",
            data.folder.display()
        ))
    };
    let store = data.metadata_store().map_err(failed)?;
    let stored = store.known().map_err(failed)?;
    if let Some(stored) = &stored {
        check_flags(stored, config, settings)?;
    }
    let known = KnownConfig::new(Some(store));
    let founding = stored.is_none();
    if let Some(newest) = stored.or(first) {
        if founding || newest.version == 1 {
            data.keep_partitions(newest.partition_count)?;
        }
        known.learn(Arc::new(newest));
    }
    Ok(known)
}

/// Flags that say something else than the data: refused while nothing was ever changed, else what was
/// changed counts.
fn check_flags(
    stored: &ClusterConfig,
    config: &BrokerConfig,
    settings: &ClusterSettings,
) -> Result<(), BrokerError> {
    let (partitions, replicas) = (stored.partition_count, stored.replication_factor);
    let same = config.partitions == partitions && settings.replication_factor == replicas;
    if same || settings.join {
        return Ok(());
    }
    let text = format!(
        "the data folder belongs to a cluster with {partitions} partition(s) and replication factor {replicas}, but this start \
         asks for {} and {}",
        config.partitions, settings.replication_factor
    );
    if stored.version == 1 {
        return Err(BrokerError::internal(format!(
            "{text}; start with --partitions {partitions} --replication-factor {replicas}"
        )));
    }
    tracing::warn!(
        "{text}; the cluster was changed since its first start, and what it says counts"
    );
    Ok(())
}

fn start_replicas(
    inner: &Inner,
    config: BrokerConfig,
    env: &Environment,
    data: Data,
    partitions: u32,
    beginnings: Vec<(PartitionId, Beginning)>,
) -> Result<(), BrokerError> {
    let replica = |(id, beginning)| (inner.members.add(id), beginning);
    let members: Vec<_> = beginnings.into_iter().map(replica).collect();
    let (replicas, writer) = Replicas::new(ReplicasParts {
        dirty_bytes: config.memory_bytes / members.len().max(1),
        config,
        clock: env.clock.clock(),
        tasks: env.tasks.clone(),
        data,
        hub: inner.hub.clone(),
        transport: inner.transport.clone(),
        partitions,
        random: env.random.clone(),
        cluster: inner.cluster.as_ref().map(Arc::downgrade),
    })?;
    let mut bodies = vec![(None, writer)];
    for (member, beginning) in members {
        bodies.push((Some(member.id), replicas.start(&member, beginning)?));
    }
    *inner.bodies.lock() = bodies;
    *inner.replicas.lock() = Some(replicas);
    Ok(())
}

/// A node that has no data: it only knows where to go.
pub(super) async fn start_gateway(
    config: GatewayConfig,
    env: Environment,
) -> Result<Inner, BrokerError> {
    config.check().map_err(BrokerError::internal)?;
    if matches!(env.clock, NodeClock::Controlled(_)) {
        return Err(BrokerError::internal("a gateway follows the clock of the machine"));
    }
    let members = Members::new(env.clock.clock());
    let hub = hub(&members);
    let incarnation = env.random.next_u64();
    let cluster = Cluster::new(ClusterParts {
        name: NodeName::Gateway(incarnation),
        cluster_id: config.cluster_id.clone(),
        incarnation,
        address: String::new(),
        client_address: config.client_address.clone(),
        network: env.network.clone(),
        known: KnownConfig::new(None),
        members: members.clone(),
        hub: hub.clone(),
        faults: env.faults.clone(),
    });
    cluster::start(&cluster, None, config.brokers).await?;
    let transport: Arc<dyn Transport> =
        Arc::new(ClusterTransport { members: members.clone(), cluster: Arc::downgrade(&cluster) });
    let shape = Shape { node_id: None, partitions: 0, client_address: config.client_address };
    Ok(idle(shape, &env, members, hub, transport, Some(cluster)))
}
