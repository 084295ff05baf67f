use std::collections::BTreeSet;

use serde_json::Value;
use skep_broker::metadata::{ManageRequest, RefusalKind, Wanted, WantedBrokers};

use crate::load::Load;
use crate::support::{Cluster, manage, until};

fn brokers(ids: &[u32]) -> Wanted {
    Wanted::Shape {
        brokers: Some(WantedBrokers::Exactly(ids.iter().copied().collect())),
        partition_count: None,
        replication_factor: None,
    }
}

/// The brokers that hold each partition, as the configuration says.
fn holders(cluster: &Value, partition: u64) -> BTreeSet<u64> {
    let holds = |broker: &&Value| {
        let partitions = broker["partitions"].as_array().unwrap();
        partitions.iter().any(|it| it["id"].as_u64() == Some(partition))
    };
    let brokers = cluster["brokers"].as_array().unwrap();
    brokers.iter().filter(holds).map(|broker| broker["id"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_comes_and_another_goes_under_load() {
    let mut cluster = Cluster::start(3, 3, 3).await;
    cluster.deploy().await;
    let load = Load::start(&cluster.brokers[&1], 3);
    load.wait_for(30).await;
    cluster.run(3, true).await;
    let added = cluster.change(brokers(&[0, 1, 2, 3])).await;
    assert_eq!(added["status"], "COMPLETED", "{added:#}");
    load.wait_for(30).await;
    let shown = cluster.describe().await;
    let counts: usize = (1..=3).map(|partition| holders(&shown, partition).len()).sum();
    assert_eq!(counts, 9, "{shown:#}");
    let removed = cluster.change(brokers(&[1, 2, 3])).await;
    assert_eq!(removed["status"], "COMPLETED", "{removed:#}");
    until("broker 0 holds nothing", async || cluster.brokers[&0].replicas().is_empty()).await;
    cluster.stop(0).await;
    load.wait_for(30).await;
    let shown = cluster.describe().await;
    for partition in 1..=3 {
        assert_eq!(holders(&shown, partition), BTreeSet::from([1, 2, 3]), "{shown:#}");
    }
    load.check(cluster.any(), 3).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_move_and_come_back() {
    let mut cluster = Cluster::start(3, 2, 2).await;
    cluster.deploy().await;
    let load = Load::start(&cluster.brokers[&0], 2);
    load.wait_for(20).await;
    let moved = cluster.change(Wanted::Join { broker: 2, partition: 1, priority: 3 }).await;
    assert_eq!(moved["status"], "COMPLETED", "{moved:#}");
    for broker in [0, 0, 2] {
        let leave = cluster.change(Wanted::Leave { broker, partition: 1 }).await;
        assert_eq!(leave["status"], "COMPLETED", "{leave:#}");
        load.wait_for(10).await;
        let join = cluster.change(Wanted::Join { broker, partition: 1, priority: 1 }).await;
        assert_eq!(join["status"], "COMPLETED", "{join:#}");
        load.wait_for(10).await;
    }
    assert_eq!(holders(&cluster.describe().await, 1), BTreeSet::from([0, 1, 2]));
    load.check(cluster.any(), 2).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_go_where_their_priorities_want_them() {
    let mut cluster = Cluster::start(3, 3, 3).await;
    cluster.deploy().await;
    cluster.stop(0).await;
    until("partition 1 is led elsewhere", async || {
        let topology = cluster.any().topology();
        let leads = |id: u32| {
            topology.brokers.iter().any(|broker| {
                let leader = skep_broker::PartitionRole::Leader;
                broker.node_id == id
                    && broker.partitions.iter().any(|it| it.id == 1 && it.role == leader)
            })
        };
        leads(1) || leads(2)
    })
    .await;
    cluster.run(0, false).await;
    until("partition 1 is led by its primary", async || {
        let answer = manage(cluster.any(), ManageRequest::Rebalance).await.unwrap();
        let partition = &answer["partitions"][0];
        assert_eq!(partition["partitionId"], 1);
        partition["from"] == 0 && partition["to"] == 0
    })
    .await;
    let load = Load::start(&cluster.brokers[&0], 3);
    load.wait_for(10).await;
    load.check(cluster.any(), 3).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_was_lost_is_replaced() {
    let mut cluster = Cluster::start(3, 2, 3).await;
    cluster.deploy().await;
    let load = Load::start(&cluster.brokers[&0], 2);
    load.wait_for(20).await;
    cluster.stop(2).await;
    cluster.run(3, true).await;
    let replaced = cluster.change(brokers(&[0, 1, 3])).await;
    assert_eq!(replaced["status"], "COMPLETED", "{replaced:#}");
    load.wait_for(20).await;
    // The lost one comes back, and finds that it is not part of the cluster any more.
    cluster.run(2, false).await;
    until("broker 2 holds nothing", async || cluster.brokers[&2].replicas().is_empty()).await;
    load.wait_for(20).await;
    load.check(&cluster.brokers[&0], 2).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_reach_the_coordinator_from_everywhere() {
    let mut cluster = Cluster::start(3, 1, 3).await;
    for broker in cluster.brokers.values() {
        let shown = manage(broker, ManageRequest::Cluster).await.unwrap();
        assert_eq!(shown["clusterId"], "scaling");
        assert_eq!(shown["version"], 1);
        let missing = manage(broker, ManageRequest::ShowChange { id: 4 }).await.unwrap_err();
        assert_eq!(missing.kind, RefusalKind::NotFound);
        let purged = manage(broker, ManageRequest::Purge).await.unwrap_err();
        assert_eq!(purged.kind, RefusalKind::Unsupported);
    }
    let state = Some(skep_broker::metadata::ExportingState::Paused);
    manage(cluster.any(), ManageRequest::Exporting { state }).await.unwrap();
    for id in 0..3 {
        cluster.stop(id).await;
        cluster.run(id, false).await;
    }
    for broker in cluster.brokers.values() {
        let shown = manage(broker, ManageRequest::Exporting { state: None }).await.unwrap();
        assert_eq!(shown["state"], "PAUSED", "it survives restarts");
    }
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_added_under_load() {
    let mut cluster = Cluster::start(3, 2, 3).await;
    cluster.deploy().await;
    let load = Load::start(&cluster.brokers[&0], 2);
    load.wait_for(20).await;
    let wanted =
        Wanted::Shape { brokers: None, partition_count: Some(4), replication_factor: Some(2) };
    let grown = cluster.change(wanted).await;
    assert_eq!(grown["status"], "COMPLETED", "{grown:#}");
    let shown = cluster.describe().await;
    assert_eq!(shown["routing"]["requestHandling"]["partitionCount"], 4);
    assert_eq!(shown["routing"]["messageCorrelation"]["partitionCount"], 2);
    for partition in 1..=4 {
        assert_eq!(holders(&shown, partition).len(), 2, "{shown:#}");
    }
    // What was deployed before can be started on the new partitions at once.
    let more = Load::start(&cluster.brokers[&1], 4);
    more.wait_for(40).await;
    cluster.deploy().await;
    load.stop().await;
    more.stop().await;
    for id in 0..3 {
        cluster.stop(id).await;
        cluster.run(id, false).await;
    }
    let again = Load::start(&cluster.brokers[&2], 4);
    again.wait_for(20).await;
    again.merge(more).merge(load).check(cluster.any(), 4).await;
    cluster.stop_all().await;
}
