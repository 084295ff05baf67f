//! Virtual time: moving the clock returns when what became due is done.

use skep_broker::{Broker, BrokerConfig, Environment};

use crate::support::*;

#[tokio::test]
async fn an_advance_returns_when_the_timer_has_fired() {
    let broker = in_memory().await;
    let now_ms = broker.clock().now_ms();
    broker.pin_clock(now_ms).await.unwrap();
    create(&broker, "wait").await.unwrap();
    broker.advance_clock(3_599_000).await.unwrap();
    assert_eq!(activate(&broker, 10).await.jobs().len(), 0);
    broker.advance_clock(1_000).await.unwrap();
    assert_eq!(activate(&broker, 10).await.confirm().len(), 1);
    broker.reset_clock().await.unwrap();
    broker.shutdown().await;
}

#[tokio::test]
async fn an_advance_returns_when_all_due_work_of_all_partitions_is_done() {
    let config = BrokerConfig { partitions: 3, ..BrokerConfig::default() };
    let broker = Broker::start(config, Environment::virtual_time()).await.unwrap();
    deploy(&broker).await;
    broker.pin_clock(1_800_000_000_000).await.unwrap();
    for _ in 0..300 {
        for partition in 1..=3 {
            create_on(&broker, partition, "wait").await.unwrap();
        }
    }
    broker.advance_clock(3_600_000).await.unwrap();
    for partition in 1..=3 {
        assert_eq!(activate_on(&broker, partition, 1_000).await.confirm().len(), 300);
    }
    broker.shutdown().await;
}

#[tokio::test]
async fn the_wall_clock_cannot_be_moved() {
    let broker = Broker::start(BrokerConfig::default(), Environment::system()).await.unwrap();
    assert!(!broker.is_time_virtual());
    assert!(broker.advance_clock(1).await.is_err());
    broker.shutdown().await;
}
