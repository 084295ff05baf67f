//! Brokers on loopback ports, with disks of memory.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use skep_broker::metadata::{ManageRequest, Refusal, Wanted};
use skep_broker::{
    Broker, BrokerConfig, ClusterSettings, DataLocation, Environment, OpenState, Response,
};
use skep_env::MemoryDisk;
use skep_protocol::{Command, DeploymentIntent, DeploymentRecord, NO_KEY, Payload, ResourceRecord};
use skep_storage::{MemoryStore, StateStore};

/// Long enough for a loaded machine; nothing here waits for it to pass.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

const MODEL: &str = include_str!("../../../../models/test/one_task.bpmn");

/// State that outlives a broker, by slot.
#[derive(Clone, Default)]
struct Stores(Arc<Mutex<BTreeMap<u32, Arc<MemoryStore>>>>);

/// A machine that a broker runs on, again and again.
#[derive(Clone)]
pub(crate) struct Machine {
    id: u32,
    address: String,
    disk: MemoryDisk,
    stores: Stores,
}

/// A cluster has dozens of threads: several at once on a small machine only hold elections.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Machines, and the brokers that run on them.
pub(crate) struct Cluster {
    _turn: tokio::sync::MutexGuard<'static, ()>,
    founders: BTreeMap<u32, String>,
    partitions: u32,
    replication_factor: u32,
    machines: BTreeMap<u32, Machine>,
    pub(crate) brokers: BTreeMap<u32, Broker>,
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

impl Cluster {
    /// Starts so many brokers, and waits until they coordinate and lead everything.
    pub(crate) async fn start(brokers: u32, partitions: u32, replication_factor: u32) -> Self {
        let founders: BTreeMap<u32, String> = (0..brokers).map(|id| (id, free_address())).collect();
        let mut cluster = Self {
            _turn: ONE_AT_A_TIME.lock().await,
            founders: founders.clone(),
            partitions,
            replication_factor,
            machines: BTreeMap::new(),
            brokers: BTreeMap::new(),
        };
        for id in founders.keys() {
            cluster.run(*id, false).await;
        }
        for partition in 1..=partitions {
            cluster.wait_for_leader(partition).await;
        }
        cluster
    }

    /// Starts a broker on its machine.
    pub(crate) async fn run(&mut self, id: u32, join: bool) {
        let founder = self.founders.get(&id).cloned();
        let machine = self.machines.entry(id).or_insert_with(|| Machine {
            id,
            address: founder.unwrap_or_else(free_address),
            disk: MemoryDisk::new(),
            stores: Stores::default(),
        });
        let stores = machine.stores.0.clone();
        let config = BrokerConfig {
            data: DataLocation::Folder(PathBuf::from("/data")),
            node_id: machine.id,
            partitions: self.partitions,
            journal_segment_bytes: 4 * 1024 * 1024,
            cluster: Some(ClusterSettings {
                cluster_id: "scaling".to_owned(),
                peers: self.founders.clone(),
                replication_factor: self.replication_factor,
                bind: Some(machine.address.clone()),
                advertise: None,
                join,
            }),
            state: Some(OpenState(Arc::new(move |slot| {
                stores.lock().entry(slot).or_default().clone() as Arc<dyn StateStore>
            }))),
            ..BrokerConfig::default()
        };
        let env = Environment { disk: Arc::new(machine.disk.clone()), ..Environment::system() };
        let broker = Broker::start(config, env).await.unwrap();
        self.brokers.insert(id, broker);
    }

    /// Stops a broker.
    pub(crate) async fn stop(&mut self, id: u32) {
        self.brokers.remove(&id).unwrap().shutdown().await;
    }

    pub(crate) async fn stop_all(&mut self) {
        for (_, broker) in std::mem::take(&mut self.brokers) {
            broker.shutdown().await;
        }
    }

    /// Some broker.
    pub(crate) fn any(&self) -> &Broker {
        self.brokers.values().next_back().unwrap()
    }

    pub(crate) async fn wait_for_leader(&self, partition: u32) {
        until("a leader", async || self.any().topology().leader(partition).is_some()).await;
    }

    pub(crate) async fn deploy(&self) {
        let resource = ResourceRecord {
            name: "one.bpmn".to_owned(),
            content: Bytes::from_static(MODEL.as_bytes()),
        };
        let value = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
        let command = Command::new(NO_KEY, Payload::Deployment(DeploymentIntent::Create, value));
        let response = self.any().submit(1, command, TIMEOUT).await.unwrap();
        assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
    }

    /// What the coordinator says.
    pub(crate) async fn describe(&self) -> Value {
        manage(self.any(), ManageRequest::Cluster).await.unwrap()
    }

    /// Asks for a change and waits for its end.
    pub(crate) async fn change(&self, wanted: Wanted) -> Value {
        let request = ManageRequest::Change { wanted, dry_run: false, force: false };
        let planned = manage(self.any(), request).await.unwrap();
        let id = planned["changeId"].as_u64().unwrap();
        self.wait_for_change(id).await
    }

    pub(crate) async fn wait_for_change(&self, id: u64) -> Value {
        let mut last = Value::Null;
        let mut looks = 0;
        loop {
            let shown = manage(self.any(), ManageRequest::ShowChange { id }).await;
            if let Ok(shown) = shown {
                if shown["pending"].is_null() {
                    return shown;
                }
                last = shown;
            }
            looks += 1;
            assert!(looks < 15_000, "the change does not end: {last:#}");
            pause().await;
        }
    }
}

/// Asks until a coordinator is there to answer.
pub(crate) async fn manage(broker: &Broker, request: ManageRequest) -> Result<Value, Refusal> {
    let mut tries = 0;
    loop {
        let answer = broker.manage(request.clone()).await;
        let unavailable =
            |refusal: &Refusal| refusal.kind == skep_broker::metadata::RefusalKind::Unavailable;
        match answer {
            Err(refusal) if unavailable(&refusal) && tries < 100 => {
                tries += 1;
                pause().await;
            }
            answer => return answer,
        }
    }
}

/// Looks until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..15_000 {
        if is_so().await {
            return;
        }
        pause().await;
    }
    panic!("still not: {what}");
}

/// Lets a little time pass between two looks.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
