//! What was acknowledged survives, once.

use std::collections::BTreeSet;

use skep_broker::{Broker, BrokerConfig, Environment};
use skep_env::MemoryDisk;

use crate::support::*;

async fn open_instances(broker: &Broker) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    loop {
        let jobs = activate(broker, 1_000).await.confirm();
        if jobs.is_empty() {
            return found;
        }
        for job in jobs {
            assert!(found.insert(job.job.process_instance_key), "an instance has one job");
        }
    }
}

#[tokio::test]
async fn a_stopped_node_goes_on_where_it_was() {
    let (disk, stores) = (MemoryDisk::new(), Stores::default());
    let broker = Broker::start(config(&stores), on(disk.clone())).await.unwrap();
    deploy(&broker).await;
    let mut created = BTreeSet::new();
    for _ in 0..20 {
        created.insert(create(&broker, "one_task").await.unwrap());
    }
    broker.shutdown().await;
    for _ in 0..3 {
        let broker = Broker::start(config(&stores), on(disk.clone())).await.unwrap();
        created.insert(create(&broker, "one_task").await.unwrap());
        broker.shutdown().await;
    }
    let broker = Broker::start(config(&stores), on(disk)).await.unwrap();
    assert_eq!(open_instances(&broker).await, created);
    broker.shutdown().await;
}

#[tokio::test]
async fn a_crash_at_any_moment_keeps_what_was_acknowledged() {
    for seed in 0..8 {
        let (mut disk, stores) = (MemoryDisk::new(), Stores::default());
        let mut acknowledged = BTreeSet::new();
        let mut submitted = 0;
        for round in 0..4 {
            // Small checkpoints, so that crashes hit them too.
            let config = BrokerConfig { checkpoint_log_bytes: 4_000, ..config(&stores) };
            let broker = Broker::start(config, on(disk.clone())).await.unwrap();
            if round == 0 {
                deploy(&broker).await;
            }
            let creations = (0..30).map(|_| create(&broker, "one_task"));
            submitted += 30;
            let mut creations: Vec<_> = creations.map(Box::pin).collect();
            // The crash comes when some are answered and others are under way.
            let answered = usize::try_from(seed).unwrap() * 3 + round;
            for _ in 0..answered.min(29) {
                let (result, _, rest) = futures::future::select_all(creations).await;
                acknowledged.insert(result.unwrap());
                creations = rest;
            }
            let after = disk.fork().crash(seed * 10 + round as u64);
            drop(creations);
            broker.shutdown().await;
            disk = after;
        }
        let broker = Broker::start(config(&stores), on(disk)).await.unwrap();
        let found = open_instances(&broker).await;
        assert!(found.is_superset(&acknowledged), "seed {seed}: something is lost");
        assert!(found.len() <= submitted, "seed {seed}: something is there twice");
        broker.shutdown().await;
    }
}

#[tokio::test]
async fn checkpoints_purge_the_log_and_lose_nothing() {
    let (disk, stores) = (MemoryDisk::new(), Stores::default());
    let config = BrokerConfig {
        checkpoint_log_bytes: 20_000,
        journal_segment_bytes: 64 * 1024,
        ..config(&stores)
    };
    let broker = Broker::start(config.clone(), on(disk.clone())).await.unwrap();
    deploy(&broker).await;
    let mut open = BTreeSet::new();
    for _ in 0..20 {
        for created in futures::future::join_all((0..50).map(|_| create(&broker, "one_task"))).await
        {
            open.insert(created.unwrap());
        }
        for job in activate(&broker, 25).await.confirm() {
            complete(&broker, job.key).await.unwrap();
            open.remove(&job.job.process_instance_key);
        }
    }
    broker.shutdown().await;
    let broker = Broker::start(config, on(disk)).await.unwrap();
    assert_eq!(open_instances(&broker).await, open);
    broker.shutdown().await;
}

#[tokio::test]
async fn a_real_folder_keeps_state_and_its_number_of_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let config = BrokerConfig {
        partitions: 3,
        journal_segment_bytes: 1024 * 1024,
        checkpoint_log_bytes: 50_000,
        ..BrokerConfig::in_folder(folder.path())
    };
    let mut created = BTreeSet::new();
    for round in 0..3 {
        let broker = Broker::start(config.clone(), Environment::system()).await.unwrap();
        if round == 0 {
            deploy(&broker).await;
        }
        for partition in 1..=3 {
            let creations = (0..50).map(|_| create_on(&broker, partition, "one_task"));
            for key in futures::future::join_all(creations).await {
                assert!(created.insert(key.unwrap()), "keys are never used again");
            }
        }
        broker.shutdown().await;
    }
    let broker = Broker::start(config, Environment::system()).await.unwrap();
    let mut found = BTreeSet::new();
    for partition in 1..=3 {
        for job in activate_on(&broker, partition, 1_000).await.confirm() {
            found.insert(job.job.process_instance_key);
        }
    }
    assert_eq!(found, created);
    broker.shutdown().await;
}
