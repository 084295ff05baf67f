//! A full disk refuses, loses nothing, and the service resumes by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use skep_broker::{Broker, BrokerConfig, BrokerError, PartitionHealth};
use skep_env::{FaultyDisk, MemoryDisk};

use crate::support::*;

fn health(broker: &Broker) -> PartitionHealth {
    broker.topology().local()[0].health.clone()
}

async fn wait_until(broker: &Broker, healthy: bool) {
    loop {
        let health = health(broker);
        assert!(!matches!(health, PartitionHealth::Dead { .. }), "{health:?}");
        if (health == PartitionHealth::Healthy) == healthy {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn assert_refused(broker: &Broker) {
    let refusal = create(broker, "one_task").await.unwrap_err();
    assert!(refusal.not_accepted());
    assert!(matches!(&refusal, BrokerError::Exhausted { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("disk is full"), "{refusal}");
}

async fn assert_open(config: BrokerConfig, disk: MemoryDisk, expected: &BTreeSet<u64>) {
    let broker = Broker::start(config, on(disk)).await.unwrap();
    let jobs = activate(&broker, 10_000).await.confirm();
    let found: BTreeSet<_> = jobs.iter().map(|job| job.job.process_instance_key).collect();
    assert_eq!(found.len(), jobs.len());
    assert_eq!(&found, expected);
    broker.shutdown().await;
}

#[tokio::test]
async fn low_space_refuses_before_anything_has_to_wait() {
    let disk = MemoryDisk::new();
    let stores = Stores::default();
    let config = BrokerConfig { journal_segment_bytes: 256 * 1024, ..config(&stores) };
    let broker = Broker::start(config.clone(), on(disk.clone())).await.unwrap();
    deploy(&broker).await;
    disk.set_capacity(Some(disk.used_bytes()));
    let mut acknowledged = BTreeSet::new();
    let refusal = loop {
        match create(&broker, "one_task").await {
            Ok(key) => assert!(acknowledged.insert(key)),
            Err(refusal) => break refusal,
        }
    };
    assert!(refusal.to_string().contains("disk is full"), "{refusal}");
    disk.set_capacity(None);
    wait_until(&broker, true).await;
    acknowledged.insert(create(&broker, "one_task").await.unwrap());
    broker.shutdown().await;
    assert_open(config, disk, &acknowledged).await;
}

#[tokio::test]
async fn what_was_under_way_when_the_disk_filled_is_done_when_space_returns() {
    let memory = MemoryDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    let faults = disk.faults();
    let stores = Stores::default();
    let broker = Broker::start(config(&stores), on(disk)).await.unwrap();
    deploy(&broker).await;
    let mut acknowledged = BTreeSet::new();
    for _ in 0..3 {
        acknowledged.insert(create(&broker, "one_task").await.unwrap());
        faults.full_after(0);
        let under_way: Vec<_> = (0..5)
            .map(|_| {
                let broker = broker.clone();
                tokio::spawn(async move { create(&broker, "one_task").await })
            })
            .collect();
        wait_until(&broker, false).await;
        assert_refused(&broker).await;
        faults.clear();
        wait_until(&broker, true).await;
        for creation in under_way {
            match creation.await.unwrap() {
                Ok(key) => assert!(acknowledged.insert(key)),
                Err(refusal) => assert!(refusal.not_accepted(), "{refusal:?}"),
            }
        }
        acknowledged.insert(create(&broker, "one_task").await.unwrap());
    }
    broker.shutdown().await;
    assert_open(config(&stores), memory, &acknowledged).await;
}
