//! Requests find the leader of their partition, wherever they come in.

use skep_broker::{Broker, BrokerError, Environment, PartitionRole, Response, Topology};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_run_on_every_partition_through_every_node() {
    let cluster = TestCluster::start().await;
    cluster.deploy().await;
    let nodes: Vec<&Broker> = cluster.brokers.values().chain([&cluster.gateway]).collect();
    for node in nodes {
        until(node, Topology::is_led).await;
        assert_eq!(node.partitions(), 3);
        for partition in 1..=3 {
            let instance = instance_of(create(node, partition).await.unwrap());
            assert_eq!(skep_protocol::key::partition_of(instance), partition);
            complete_all(node, partition, &[instance]).await;
        }
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_shows_the_whole_cluster() {
    let cluster = TestCluster::start().await;
    for node in cluster.brokers.values().chain([&cluster.gateway]) {
        until(node, Topology::is_led).await;
        let topology = node.topology();
        assert_eq!((topology.cluster_size, topology.partition_count), (3, 3));
        assert_eq!((topology.replication_factor, topology.cluster_id.as_str()), (1, CLUSTER_ID));
        for broker in &topology.brokers {
            assert_eq!(broker.client_address, format!("127.0.0.1:{}", 26_500 + broker.node_id));
            let roles: Vec<_> = broker.partitions.iter().map(|it| (it.id, it.role)).collect();
            assert_eq!(roles, [(broker.node_id + 1, PartitionRole::Leader)]);
        }
    }
    let ids: Vec<_> = cluster.gateway.topology().brokers.iter().map(|it| it.node_id).collect();
    assert_eq!(ids, [0, 1, 2]);
    assert_eq!(cluster.gateway.topology().node_id, None);
    assert!(cluster.gateway.topology().local().is_empty());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_the_engine_reach_the_caller_word_for_word() {
    let cluster = TestCluster::start().await;
    let near = create(&cluster.brokers[&0], 1).await.unwrap();
    let far = create(&cluster.gateway, 1).await.unwrap();
    assert!(matches!(&near, Response::Rejected { intent: "CREATE", .. }), "{near:?}");
    assert_eq!(near, far);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broker_away_leaves_the_other_partitions_alone() {
    let mut cluster = TestCluster::start().await;
    cluster.deploy().await;
    cluster.stop_broker(1).await;
    for partition in [1, 3] {
        let instance = instance_of(create(&cluster.gateway, partition).await.unwrap());
        complete_all(&cluster.gateway, partition, &[instance]).await;
    }
    let refused = cluster.gateway.offer(2, create_command(), TIMEOUT).await.unwrap_err();
    assert!(refused.not_accepted() && matches!(refused, BrokerError::Unavailable { .. }));
    // A request waits for the leader, and goes on when it is there.
    let gateway = cluster.gateway.clone();
    let waiting = tokio::spawn(async move { create(&gateway, 2).await });
    cluster.start_broker(1).await;
    let answer = waiting.await.unwrap().unwrap();
    assert!(matches!(answer, Response::Rejected { .. }), "its memory is gone: {answer:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_may_start_before_its_brokers() {
    let peers = free_addresses(3);
    let gateway = start_gateway(&peers[&2]).await;
    assert_eq!(gateway.partitions(), 0);
    let refused = gateway.offer(1, create_command(), TIMEOUT).await.unwrap_err();
    assert!(refused.not_accepted(), "{refused:?}");
    let mut brokers = Vec::new();
    for id in 0..3 {
        brokers.push(Broker::start(config(id, &peers, 1), Environment::system()).await.unwrap());
    }
    until(&gateway, Topology::is_led).await;
    gateway.shutdown().await;
    for broker in brokers {
        broker.shutdown().await;
    }
}
