//! Clusters, and a process of one task in them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use skep_broker::{
    Broker, BrokerConfig, BrokerError, ClusterSettings, DataLocation, Environment, GatewayConfig,
    JobStreamSpec, Response, Topology,
};
use skep_protocol::{
    Command, DeploymentIntent, DeploymentRecord, JobBatchRecord, JobIntent, JobRecord, Key, NO_KEY,
    Payload, ProcessInstanceCreationIntent, ProcessInstanceCreationRecord, ResourceRecord, key,
};

/// Long enough for a loaded machine; nothing here waits for it to pass.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) const JOB_TYPE: &str = "work";

pub(crate) const CLUSTER_ID: &str = "test";

const MODEL: &str = include_str!("../../../../models/test/one_task.bpmn");

/// Ports below those that the system gives to outgoing connections, which could be in the way.
const PORTS: std::ops::Range<u32> = 12_000..30_000;

/// Addresses that nobody listens on right now, and that no other test of this process gets.
pub(crate) fn free_addresses(count: u32) -> BTreeMap<u32, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut addresses = BTreeMap::new();
    while addresses.len() < count as usize {
        // Tests of other processes begin elsewhere.
        let begin = std::process::id().wrapping_mul(97);
        let step = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let address = format!("127.0.0.1:{}", PORTS.start + step % (PORTS.end - PORTS.start));
        if TcpListener::bind(&address).is_ok() {
            addresses.insert(u32::try_from(addresses.len()).unwrap(), address);
        }
    }
    addresses
}

/// What a broker of a cluster in memory is started with.
pub(crate) fn config(
    node_id: u32,
    peers: &BTreeMap<u32, String>,
    replication_factor: u32,
) -> BrokerConfig {
    BrokerConfig {
        node_id,
        partitions: 3,
        cluster: Some(ClusterSettings {
            cluster_id: CLUSTER_ID.to_owned(),
            peers: peers.clone(),
            replication_factor,
            ..ClusterSettings::default()
        }),
        client_address: format!("127.0.0.1:{}", 26_500 + node_id),
        ..BrokerConfig::default()
    }
}

/// Brokers and one gateway.
pub(crate) struct TestCluster {
    replication_factor: u32,
    /// Data of brokers whose partitions have copies: without it a restarted broker remembers nothing.
    folder: tempfile::TempDir,
    pub(crate) peers: BTreeMap<u32, String>,
    pub(crate) brokers: BTreeMap<u32, Broker>,
    pub(crate) gateway: Broker,
}

impl TestCluster {
    /// Three brokers with a partition each, and a gateway that was told of one of them.
    pub(crate) async fn start() -> Self {
        Self::start_with(1).await
    }

    /// Three brokers with so many copies of each partition.
    pub(crate) async fn start_with(replication_factor: u32) -> Self {
        let peers = free_addresses(3);
        let gateway = start_gateway(&peers[&1]).await;
        let folder = tempfile::tempdir().unwrap();
        let brokers = BTreeMap::new();
        let mut cluster = Self { replication_factor, folder, peers, brokers, gateway };
        for id in 0..3 {
            cluster.start_broker(id).await;
        }
        until(&cluster.gateway, Topology::is_led).await;
        cluster
    }

    /// Starts a broker, again if it ran before.
    pub(crate) async fn start_broker(&mut self, id: u32) {
        let mut config = config(id, &self.peers, self.replication_factor);
        if self.replication_factor > 1 {
            config.data = DataLocation::Folder(self.folder.path().join(id.to_string()));
            config.journal_segment_bytes = 4 * 1024 * 1024;
        }
        let broker = Broker::start(config, Environment::system()).await.unwrap();
        self.brokers.insert(id, broker);
    }

    /// Stops a broker, and waits until the gateway has noticed.
    pub(crate) async fn stop_broker(&mut self, id: u32) {
        self.brokers.remove(&id).unwrap().shutdown().await;
        let is_gone = |topology: &Topology| topology.brokers.iter().all(|it| it.node_id != id);
        until(&self.gateway, is_gone).await;
    }

    /// Deploys the process and waits until every partition can start it.
    pub(crate) async fn deploy(&self) {
        self.deploy_only().await;
        for partition in 1..=3 {
            let created = self.create_when_deployed(partition).await;
            complete_all(&self.gateway, partition, &[created]).await;
        }
    }

    /// Deploys the process.
    pub(crate) async fn deploy_only(&self) {
        deploy_to(&self.gateway).await;
    }

    /// Starts an instance as soon as its partition knows the process.
    pub(crate) async fn create_when_deployed(&self, partition: u32) -> Key {
        loop {
            match create(&self.gateway, partition).await.unwrap() {
                Response::Rejected { .. } => tokio::time::sleep(Duration::from_millis(5)).await,
                created => return instance_of(created),
            }
        }
    }

    pub(crate) async fn stop(self) {
        self.gateway.shutdown().await;
        for broker in self.brokers.values() {
            broker.shutdown().await;
        }
    }
}

/// Deploys the process.
pub(crate) async fn deploy_to(node: &Broker) {
    let content = Bytes::from(MODEL);
    let resource = ResourceRecord { name: "one.bpmn".to_owned(), content };
    let value = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
    let command = Command::new(NO_KEY, Payload::Deployment(DeploymentIntent::Create, value));
    let response = node.submit(1, command, TIMEOUT).await.unwrap();
    assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
}

pub(crate) async fn start_gateway(broker: &str) -> Broker {
    let config = GatewayConfig {
        cluster_id: CLUSTER_ID.to_owned(),
        brokers: vec![broker.to_owned()],
        client_address: "127.0.0.1:26600".to_owned(),
    };
    Broker::start_gateway(config, Environment::system()).await.unwrap()
}

/// Looks again and again until what a node sees is as it should be.
pub(crate) async fn until(node: &Broker, expected: impl Fn(&Topology) -> bool) {
    let looking = async {
        while !expected(&node.topology()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let seen = tokio::time::timeout(TIMEOUT, looking).await;
    seen.unwrap_or_else(|_| panic!("{:#?}", node.topology()));
}

/// A command that starts an instance.
pub(crate) fn create_command() -> Command {
    let value = ProcessInstanceCreationRecord {
        bpmn_process_id: "one_task".to_owned(),
        version: -1,
        ..ProcessInstanceCreationRecord::default()
    };
    Command::new(
        NO_KEY,
        Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, value),
    )
}

/// Starts an instance on a partition; gives its key.
pub(crate) async fn create(node: &Broker, partition: u32) -> Result<Response, BrokerError> {
    node.submit(partition, create_command(), TIMEOUT).await
}

/// The key of the instance that was started.
pub(crate) fn instance_of(response: Response) -> Key {
    match response {
        Response::Accepted { payload, .. } => match *payload {
            Payload::ProcessInstanceCreation(_, value) => value.process_instance_key,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// A request for jobs of the process.
pub(crate) fn stream_spec() -> JobStreamSpec {
    JobStreamSpec {
        job_type: JOB_TYPE.to_owned(),
        worker: "streamer".to_owned(),
        timeout_ms: 3_600_000,
        fetch_variables: Vec::new(),
    }
}

pub(crate) fn job_request(jobs_max: u32) -> JobBatchRecord {
    JobBatchRecord {
        job_type: JOB_TYPE.to_owned(),
        worker: "tester".to_owned(),
        timeout_ms: 3_600_000,
        jobs_max,
        ..JobBatchRecord::default()
    }
}

pub(crate) async fn complete(node: &Broker, job: Key) -> Result<Response, BrokerError> {
    let command = Command::new(job, Payload::Job(JobIntent::Complete, JobRecord::default()));
    node.submit(key::partition_of(job), command, TIMEOUT).await
}

/// Takes the jobs of these instances on a partition and completes them.
pub(crate) async fn complete_all(node: &Broker, partition: u32, instances: &[Key]) {
    let mut left = instances.to_vec();
    while !left.is_empty() {
        let jobs = match node.activate_jobs(partition, job_request(100), TIMEOUT).await {
            Ok(jobs) => jobs.unwrap(),
            Err(error) => {
                // Polls do not wait for a leader; they ask again.
                assert!(error.not_accepted(), "{error:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
        };
        for job in jobs.confirm() {
            left.retain(|instance| *instance != job.job.process_instance_key);
            let completed = complete(node, job.key).await.unwrap();
            assert!(matches!(completed, Response::Accepted { .. }), "{completed:?}");
        }
    }
}
