//! A disk that breaks stops the partition, visibly, and nobody is told a lie.

use std::io;
use std::sync::Arc;

use skep_broker::{Broker, BrokerError, PartitionHealth};
use skep_env::{DiskOperation, FaultyDisk, MemoryDisk};

use crate::support::*;

#[tokio::test]
async fn a_failed_flush_stops_the_partition_and_a_restart_has_what_was_acknowledged() {
    let memory = MemoryDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    let faults = disk.faults();
    let stores = Stores::default();
    let broker = Broker::start(config(&stores), on(disk)).await.unwrap();
    deploy(&broker).await;
    let acknowledged = create(&broker, "one_task").await.unwrap();
    faults.fail_always(DiskOperation::SyncData, io::ErrorKind::Other);
    let error = create(&broker, "one_task").await.unwrap_err();
    assert!(!error.not_accepted(), "it may be on the disk: {error:?}");
    let health = broker.topology().local()[0].health.clone();
    assert!(matches!(health, PartitionHealth::Dead { .. }), "{health:?}");
    let later = create(&broker, "one_task").await.unwrap_err();
    assert!(matches!(later, BrokerError::Internal { .. }), "{later:?}");
    broker.shutdown().await;
    faults.clear();
    let broker = Broker::start(config(&stores), on(memory.crash(1))).await.unwrap();
    let jobs = activate(&broker, 10).await.confirm();
    assert!(jobs.iter().any(|job| job.job.process_instance_key == acknowledged));
    assert!(jobs.len() <= 2);
    broker.shutdown().await;
}

#[tokio::test]
async fn a_failed_start_leaves_the_folder_free() {
    let memory = MemoryDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    disk.faults().fail_always(DiskOperation::Write, io::ErrorKind::PermissionDenied);
    let stores = Stores::default();
    assert!(Broker::start(config(&stores), on(disk)).await.is_err());
    let broker = Broker::start(config(&stores), on(memory)).await.unwrap();
    broker.shutdown().await;
}
