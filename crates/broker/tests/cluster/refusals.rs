//! Nodes that do not fit are refused at their start, with what to do.

use std::collections::BTreeMap;
use std::path::Path;

use skep_broker::{Broker, BrokerConfig, ClusterSettings, DataLocation, Environment};

use crate::support::*;

async fn refusal(config: BrokerConfig) -> String {
    let refused = Broker::start(config, Environment::system()).await;
    refused.expect_err("it should be refused").to_string()
}

fn with(
    node_id: u32,
    peers: &BTreeMap<u32, String>,
    change: impl FnOnce(&mut ClusterSettings),
) -> BrokerConfig {
    let mut config = config(node_id, peers, 1);
    change(config.cluster.as_mut().unwrap());
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_that_cannot_be_are_refused() {
    let peers = free_addresses(2);
    let refused = refusal(config(0, &peers, 3)).await;
    assert!(refused.contains("replication factor of 3"), "{refused}");
    let refused = refusal(config(7, &peers, 1)).await;
    assert!(refused.contains("node 7") && refused.contains("--peers"), "{refused}");
    let wrong = BTreeMap::from([(0, peers[&0].clone()), (1, "nowhere".to_owned())]);
    let refused = refusal(config(0, &wrong, 1)).await;
    assert!(refused.contains("host:port"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_fit_the_others_is_refused() {
    let peers = free_addresses(2);
    let first = Broker::start(config(0, &peers, 1), Environment::system()).await.unwrap();
    let refused = refusal(with(1, &peers, |it| it.cluster_id = "other".to_owned())).await;
    assert!(refused.contains("'other'") && refused.contains("--cluster-id"), "{refused}");
    let refused = refusal(with(1, &peers, |it| it.replication_factor = 2)).await;
    assert!(refused.contains("--replication-factor"), "{refused}");
    let refused = refusal(BrokerConfig { partitions: 2, ..config(1, &peers, 1) }).await;
    assert!(refused.contains("--partitions"), "{refused}");
    let mut more = peers.clone();
    more.insert(2, "127.0.0.1:1".to_owned());
    let refused = refusal(config(1, &more, 1)).await;
    assert!(refused.contains("--peers"), "{refused}");
    first.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_with_one_number_cannot_be() {
    let peers = free_addresses(2);
    let first = Broker::start(config(0, &peers, 1), Environment::system()).await.unwrap();
    let second = Broker::start(config(1, &peers, 1), Environment::system()).await.unwrap();
    until(&first, skep_broker::Topology::is_led).await;
    let elsewhere = free_addresses(1)[&0].clone();
    let bind = elsewhere.clone();
    let refused = refusal(with(1, &peers, |it| it.bind = Some(bind))).await;
    assert!(refused.contains("node 1 already") && refused.contains("--node-id"), "{refused}");
    assert!(first.topology().is_led(), "nobody else is disturbed");
    let refused = refusal(config(1, &peers, 1)).await;
    assert!(refused.contains("cannot listen") && refused.contains("--cluster-bind"), "{refused}");
    second.shutdown().await;
    first.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_where_another_node_answers_is_refused() {
    let peers = free_addresses(3);
    let second = Broker::start(config(1, &peers, 1), Environment::system()).await.unwrap();
    let mut swapped = peers.clone();
    swapped.insert(1, peers[&2].clone());
    swapped.insert(2, peers[&1].clone());
    let refused = refusal(config(0, &swapped, 1)).await;
    assert!(refused.contains("where node 2 should be"), "{refused}");
    second.shutdown().await;
}

fn in_folder(folder: &Path, config: BrokerConfig) -> BrokerConfig {
    BrokerConfig { data: DataLocation::Folder(folder.to_owned()), ..config }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_stays_with_its_node() {
    let folder = tempfile::tempdir().unwrap();
    let peers = free_addresses(2);
    let start = in_folder(folder.path(), config(0, &peers, 1));
    Broker::start(start.clone(), Environment::system()).await.unwrap().shutdown().await;
    let refused = refusal(in_folder(folder.path(), config(1, &peers, 1))).await;
    assert!(refused.contains("belongs to node 0"), "{refused}");
    let other = with(0, &peers, |it| it.cluster_id = "other".to_owned());
    let refused = refusal(in_folder(folder.path(), other)).await;
    assert!(refused.contains("cluster 'test'") && refused.contains("--cluster-id"), "{refused}");
    let refused = refusal(BrokerConfig { partitions: 5, ..start.clone() }).await;
    assert!(refused.contains("3 partition(s)"), "{refused}");
    let refused = refusal(in_folder(folder.path(), config(0, &peers, 2))).await;
    assert!(refused.contains("--replication-factor 1"), "{refused}");
    Broker::start(start, Environment::system()).await.unwrap().shutdown().await;
}
