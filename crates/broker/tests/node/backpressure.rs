//! Too much is refused early, with a reason; a full disk refuses and recovers by itself.

use skep_broker::{Broker, BrokerConfig, BrokerError, Environment};
use skep_env::MemoryDisk;

use crate::support::*;

#[tokio::test]
async fn more_requests_than_the_limit_are_refused_and_the_rest_is_done() {
    let broker = in_memory().await;
    let count = skep_broker::limits::REQUESTS_MAX * 2;
    // All are submitted before the partition can have committed the first thousand.
    let mut creations = Vec::new();
    for _ in 0..count {
        creations.push(Box::pin(create(&broker, "one_task")));
    }
    let results = futures::future::join_all(creations).await;
    let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert!(!done.is_empty());
    assert!(!refused.is_empty());
    for refusal in refused {
        let error = refusal.unwrap_err();
        assert!(error.not_accepted());
        assert!(matches!(&error, BrokerError::Exhausted { reason } if reason.contains("requests")));
    }
    create(&broker, "one_task").await.unwrap();
    broker.shutdown().await;
}

#[tokio::test]
async fn a_stopped_broker_refuses() {
    let broker = in_memory().await;
    broker.shutdown().await;
    let error = create(&broker, "one_task").await.unwrap_err();
    assert!(error.not_accepted(), "{error:?}");
}

#[tokio::test]
async fn a_partition_that_does_not_exist_is_named() {
    let broker = in_memory().await;
    let error = create_on(&broker, 7, "one_task").await.unwrap_err();
    assert!(error.to_string().contains("partition 7"));
    broker.shutdown().await;
}

#[tokio::test]
async fn one_folder_belongs_to_one_broker() {
    let disk = MemoryDisk::new();
    let stores = Stores::default();
    let broker = Broker::start(config(&stores), on(disk.clone())).await.unwrap();
    let error = Broker::start(config(&stores), on(disk.clone())).await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    broker.shutdown().await;
    let again = Broker::start(config(&stores), on(disk)).await.unwrap();
    again.shutdown().await;
}

#[tokio::test]
async fn the_number_of_partitions_is_fixed() {
    let disk = MemoryDisk::new();
    let stores = Stores::default();
    let three = BrokerConfig { partitions: 3, ..config(&stores) };
    let broker = Broker::start(three, on(disk.clone())).await.unwrap();
    broker.shutdown().await;
    for partitions in [1, 5] {
        let other = BrokerConfig { partitions, ..config(&stores) };
        let error = Broker::start(other, on(disk.clone())).await.unwrap_err();
        assert!(error.to_string().contains("3 partitions"), "{error}");
    }
}

#[tokio::test]
async fn nonsense_is_refused_at_start() {
    let config = BrokerConfig { partitions: 0, ..BrokerConfig::default() };
    assert!(Broker::start(config, Environment::system()).await.is_err());
}
