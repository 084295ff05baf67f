//! Backups of a cluster: asked for anywhere, restored into the same and into other shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use skep_broker::backup::{
    BackupCall, BackupState, BackupStatus, FolderStore, RestoreSettings, restore,
};
use skep_broker::metadata::{ManageRequest, Refusal, RefusalKind};
use skep_broker::{Broker, BrokerConfig, DataLocation, Environment, Topology};
use skep_env::OsDisk;
use skep_protocol::Key;

use crate::support::*;

const PARTITIONS: u32 = 3;

async fn manage(node: &Broker, call: BackupCall) -> Result<BackupStatus, Refusal> {
    let answer = node.manage(ManageRequest::Backups(call)).await?;
    Ok(serde_json::from_value(answer).unwrap())
}

async fn take(node: &Broker, id: u64) -> Result<(), Refusal> {
    node.manage(ManageRequest::Backups(BackupCall::Take { id })).await.map(drop)
}

/// Waits for the end of a backup.
async fn ended(node: &Broker, id: u64) -> BackupStatus {
    let ending = async {
        loop {
            match manage(node, BackupCall::Get { id }).await {
                Ok(status) if status.state != BackupState::InProgress => return status,
                _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(2 * TIMEOUT, ending).await.expect("a backup ends")
}

/// A cluster in folders, with a gateway that knows nothing of backups.
struct Stored {
    peers: BTreeMap<u32, String>,
    brokers: BTreeMap<u32, Broker>,
    gateway: Broker,
}

fn stored_config(
    folder: &Path,
    node_id: u32,
    peers: &BTreeMap<u32, String>,
    replication_factor: u32,
    share: Option<&Path>,
) -> BrokerConfig {
    BrokerConfig {
        data: DataLocation::Folder(folder.join(format!("node-{node_id}"))),
        journal_segment_bytes: 1024 * 1024,
        // Small, so that parts have snapshots.
        checkpoint_log_bytes: 20_000,
        backup_dir: share.map(Path::to_owned),
        ..config(node_id, peers, replication_factor)
    }
}

impl Stored {
    async fn start(
        folder: &Path,
        peers: BTreeMap<u32, String>,
        replication_factor: u32,
        share: Option<&Path>,
    ) -> Self {
        let mut brokers = BTreeMap::new();
        for id in peers.keys() {
            let config = stored_config(folder, *id, &peers, replication_factor, share);
            brokers.insert(*id, Broker::start(config, Environment::system()).await.unwrap());
        }
        let gateway = start_gateway(&peers[&0]).await;
        until(&gateway, Topology::is_led).await;
        Self { peers, brokers, gateway }
    }

    async fn stop(self) {
        self.gateway.shutdown().await;
        for broker in self.brokers.values() {
            broker.shutdown().await;
        }
    }
}

async fn create_many(gateway: &Broker, count: u32) -> BTreeSet<Key> {
    let mut created = BTreeSet::new();
    for number in 0..count {
        let partition = number % PARTITIONS + 1;
        loop {
            let Ok(response) = create(gateway, partition).await else { continue };
            if let skep_broker::Response::Accepted { .. } = response {
                created.insert(instance_of(response));
                break;
            }
            // The deployment is on its way.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    created
}

async fn open_instances(node: &Broker) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    for partition in 1..=PARTITIONS {
        loop {
            let jobs = node.activate_jobs(partition, job_request(100), TIMEOUT).await;
            let jobs = jobs.unwrap().unwrap().confirm();
            if jobs.is_empty() {
                break;
            }
            for job in jobs {
                assert!(found.insert(job.job.process_instance_key), "an instance has one job");
            }
        }
    }
    found
}

fn restore_settings(
    folder: &Path,
    node_id: u32,
    brokers: &BTreeMap<u32, String>,
) -> RestoreSettings {
    RestoreSettings {
        backup_id: 1,
        data_dir: folder.join(format!("node-{node_id}")),
        node_id,
        brokers: brokers.clone(),
        replication_factor: None,
        partitions: Some(PARTITIONS),
        cluster_id: Some(CLUSTER_ID.to_owned()),
        rename_cluster: false,
        journal_segment_bytes: 1024 * 1024,
        state: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_a_gateway_asked_for_is_restored_into_clusters_of_other_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let share = folder.path().join("share");
    let cluster =
        Stored::start(&folder.path().join("first"), free_addresses(3), 3, Some(&share)).await;
    deploy_to(&cluster.gateway).await;
    let created = create_many(&cluster.gateway, 90).await;
    take(&cluster.gateway, 1).await.unwrap();
    let status = ended(&cluster.gateway, 1).await;
    assert_eq!(status.state, BackupState::Completed, "{status:?}");
    let again = take(&cluster.brokers[&2], 1).await.unwrap_err();
    assert_eq!(again.kind, RefusalKind::Conflict, "{again}");
    cluster.stop().await;

    let store = FolderStore::new(Arc::new(OsDisk), &share);
    for (brokers, replication_factor) in [(3, 3), (2, 1), (2, 2), (1, 1)] {
        let place = folder.path().join(format!("shape-{brokers}-{replication_factor}"));
        let peers = free_addresses(brokers);
        for node_id in peers.keys() {
            let settings = RestoreSettings {
                replication_factor: Some(replication_factor),
                ..restore_settings(&place, *node_id, &peers)
            };
            restore(&store, &settings, &Environment::system()).await.unwrap();
        }
        let cluster = Stored::start(&place, peers, replication_factor, Some(&share)).await;
        assert_eq!(open_instances(&cluster.gateway).await, created, "{brokers} brokers");
        let new = create_many(&cluster.gateway, 9).await;
        assert!(new.is_disjoint(&created), "a key is given out once");
        assert_eq!(open_instances(&cluster.gateway).await, new);
        cluster.stop().await;
    }
    restored_alone(&store, &folder.path().join("alone"), &created).await;
}

/// A node without others has a cluster of another name, which has to be wanted.
async fn restored_alone(store: &FolderStore, place: &Path, created: &BTreeSet<Key>) {
    let settings = restore_settings(place, 0, &BTreeMap::new());
    let settings = RestoreSettings { cluster_id: None, ..settings };
    let refusal = restore(store, &settings, &Environment::system()).await.unwrap_err();
    assert!(refusal.to_string().contains("--rename-cluster"), "{refusal}");
    let settings =
        RestoreSettings { rename_cluster: true, replication_factor: Some(1), ..settings };
    restore(store, &settings, &Environment::system()).await.unwrap();
    let config = BrokerConfig {
        cluster: None,
        ..stored_config(place, 0, &BTreeMap::from([(0, String::new())]), 1, None)
    };
    let broker = Broker::start(config, Environment::system()).await.unwrap();
    until(&broker, Topology::is_led).await;
    assert_eq!(open_instances(&broker).await, *created);
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_without_a_store_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Stored::start(folder.path(), free_addresses(1), 1, None).await;
    for node in [&cluster.gateway, &cluster.brokers[&0]] {
        let refusal = take(node, 1).await.unwrap_err();
        assert!(refusal.reason.contains("--backup-dir"), "{refusal}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_outlives_the_loss_of_a_leader_or_fails_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let share = folder.path().join("share");
    let mut cluster =
        Stored::start(&folder.path().join("first"), free_addresses(3), 3, Some(&share)).await;
    deploy_to(&cluster.gateway).await;
    let mut completed = 0;
    for id in 1..=4 {
        let created = create_many(&cluster.gateway, 30).await;
        take(&cluster.brokers[&0], id).await.unwrap();
        // A broker goes in the middle of it, and comes back.
        let gone = u32::try_from(id % 2 + 1).unwrap();
        cluster.brokers.remove(&gone).unwrap().shutdown().await;
        let status = ended(&cluster.brokers[&0], id).await;
        match status.state {
            BackupState::Completed => completed += 1,
            BackupState::Failed => assert!(status.failure_reason.is_some(), "{status:?}"),
            other => panic!("{other:?}: {status:?}"),
        }
        let config =
            stored_config(&folder.path().join("first"), gone, &cluster.peers, 3, Some(&share));
        let broker = Broker::start(config, Environment::system()).await.unwrap();
        until(&broker, Topology::is_led).await;
        cluster.brokers.insert(gone, broker);
        assert_eq!(open_instances(&cluster.gateway).await, created);
    }
    assert!(completed > 0, "a leader that goes in good order leaves its partitions to others");
    cluster.stop().await;
}
