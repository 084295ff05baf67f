//! Backups and restores of one node.

mod restore;
mod take;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use skep_broker::backup::{
    BackupError, BackupState, BackupStatus, FolderStore, RestoreSettings, Restored, restore,
};
use skep_broker::{Broker, BrokerConfig};
use skep_env::MemoryDisk;

use crate::support::*;

const PARTITIONS: u32 = 3;
const BACKUPS: &str = "/share/backups";
const RESTORED: &str = "/restored";

async fn completed(broker: &Broker, id: u64) -> BackupStatus {
    loop {
        let status = broker.backups().unwrap().get(id).await.unwrap();
        if status.state != BackupState::InProgress {
            return status;
        }
        tokio::task::yield_now().await;
    }
}

fn settings(id: u64, folder: impl Into<PathBuf>) -> RestoreSettings {
    RestoreSettings {
        backup_id: id,
        data_dir: folder.into(),
        node_id: 0,
        brokers: BTreeMap::new(),
        replication_factor: None,
        partitions: None,
        cluster_id: None,
        rename_cluster: false,
        journal_segment_bytes: 1024 * 1024,
        state: None,
    }
}

/// All jobs that are open, by instance.
async fn jobs_by_instance(broker: &Broker) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for partition in 1..=PARTITIONS {
        loop {
            let jobs = activate_on(broker, partition, 1_000).await.confirm();
            if jobs.is_empty() {
                break;
            }
            for job in jobs {
                let before = found.insert(job.job.process_instance_key, job.key);
                assert_eq!(before, None, "an instance has one job");
            }
        }
    }
    found
}

fn small(stores: &Stores) -> BrokerConfig {
    BrokerConfig {
        partitions: PARTITIONS,
        checkpoint_log_bytes: 8_000,
        backup_dir: Some(PathBuf::from(BACKUPS)),
        ..config(stores)
    }
}

async fn restore_on(
    disk: &MemoryDisk,
    stores: &Stores,
    change: impl FnOnce(&mut RestoreSettings),
) -> Result<Restored, BackupError> {
    let store = FolderStore::new(Arc::new(disk.clone()), BACKUPS);
    let mut settings = RestoreSettings { state: Some(stores.open()), ..settings(5, RESTORED) };
    change(&mut settings);
    restore(&store, &settings, &on(disk.clone())).await
}
