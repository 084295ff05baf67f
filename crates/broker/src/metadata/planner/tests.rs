use std::collections::BTreeMap;

use super::*;
use crate::metadata::refusal::RefusalKind;

fn initial(brokers: u32, partitions: u32, replication_factor: u32) -> ClusterConfig {
    let brokers: BTreeMap<u32, String> =
        (0..brokers).map(|node| (node, format!("node-{node}:26502"))).collect();
    ClusterConfig::initial("test", &brokers, partitions, replication_factor).unwrap()
}

fn shape(
    brokers: Option<WantedBrokers>,
    partition_count: Option<u32>,
    replication_factor: Option<u32>,
) -> Wanted {
    Wanted::Shape { brokers, partition_count, replication_factor }
}

#[track_caller]
fn refused(config: &ClusterConfig, wanted: Wanted) -> (RefusalKind, String) {
    let refusal = plan(config, &wanted).unwrap_err();
    (refusal.kind, refusal.reason)
}

#[test]
fn a_broker_more_gets_its_share_and_nothing_else_moves() {
    let config = initial(3, 3, 3);
    let plan = plan(&config, &shape(Some(WantedBrokers::Count(4)), None, None)).unwrap();
    let text = serde_json::to_string(&plan.operations).unwrap();
    let joins = text.matches("PARTITION_JOIN").count();
    assert_eq!(joins, 2 + 1, "two replicas of nine, and one of the metadata group: {text}");
    assert_eq!(text.matches("PARTITION_LEAVE").count(), 2, "{text}");
    assert!(text.starts_with(r#"[{"operation":"BROKER_ADD","brokerId":3}"#), "{text}");
    assert_eq!(plan.expected.brokers.len(), 4);
}

#[test]
fn new_partitions_are_told_to_clients_last() {
    let config = initial(3, 3, 3);
    let plan = plan(&config, &shape(None, Some(4), None)).unwrap();
    let names: Vec<String> = plan
        .operations
        .iter()
        .map(|operation| serde_json::to_value(operation).unwrap()["operation"].to_string())
        .collect();
    let expected = [
        "PARTITION_BOOTSTRAP",
        "PARTITION_JOIN",
        "PARTITION_JOIN",
        "START_PARTITION_SCALE_UP",
        "AWAIT_REDISTRIBUTION_COMPLETION",
        "UPDATE_ROUTING_STATE",
    ];
    assert_eq!(names, expected.map(|name| format!("\"{name}\"")));
    assert_eq!(plan.expected.partition_count, 4);
    assert_eq!(plan.expected.message_partitions, 3, "keys keep their partition");
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    let config = initial(3, 3, 2);
    let (kind, reason) = refused(&config, shape(None, None, Some(4)));
    assert_eq!(kind, RefusalKind::Invalid);
    assert!(reason.contains("choose 1 to 3"), "{reason}");
    let (kind, reason) = refused(&config, shape(None, Some(2), None));
    assert_eq!(kind, RefusalKind::Invalid);
    assert!(reason.contains("never taken away"), "{reason}");
    let (kind, _) =
        refused(&config, shape(Some(WantedBrokers::Exactly(BTreeSet::new())), None, None));
    assert_eq!(kind, RefusalKind::Invalid);
    let remove = BTreeSet::from([7]);
    let other = WantedBrokers::Other { add: BTreeSet::new(), remove };
    assert_eq!(refused(&config, shape(Some(other), None, None)).0, RefusalKind::NotFound);
    assert_eq!(refused(&config, Wanted::RemoveBroker(9)).0, RefusalKind::NotFound);
    let lone = Wanted::Leave { broker: 0, partition: 9 };
    assert_eq!(refused(&config, lone).0, RefusalKind::NotFound);
    let single = initial(2, 2, 1);
    let (kind, reason) = refused(&single, Wanted::Leave { broker: 0, partition: 1 });
    assert_eq!(kind, RefusalKind::Invalid);
    assert!(reason.contains("last replica"), "{reason}");
    assert_eq!(refused(&initial(1, 1, 1), Wanted::RemoveBroker(0)).0, RefusalKind::Invalid);
}

#[test]
fn one_change_at_a_time() {
    let config = initial(3, 3, 3);
    let wanted = shape(Some(WantedBrokers::Count(4)), None, None);
    let operations = plan(&config, &wanted).unwrap().operations;
    let config = transition::start(&config, operations, 0);
    let (kind, reason) = refused(&config, wanted);
    assert_eq!(kind, RefusalKind::Conflict);
    assert!(reason.contains("change 1"), "{reason}");
}

#[test]
fn a_wish_that_is_fulfilled_ends_at_once() {
    let config = initial(3, 3, 3);
    let plan = plan(&config, &shape(Some(WantedBrokers::Count(3)), Some(3), Some(3))).unwrap();
    assert!(plan.operations.is_empty());
    let config = transition::start(&config, plan.operations, 0);
    assert_eq!(config.pending, None);
    assert_eq!(config.last.unwrap().id, 1);
}

#[test]
fn a_removed_broker_gives_only_what_it_has() {
    let config = initial(4, 4, 2);
    let plan = plan(&config, &Wanted::RemoveBroker(3)).unwrap();
    for (partition, members) in plan.expected.placement() {
        assert_eq!(members.len(), 2);
        let before = &config.placement()[&partition];
        for node in before.iter().filter(|node| **node != 3) {
            assert!(members.contains(node), "partition {partition} left broker {node}");
        }
    }
    assert!(!plan.expected.brokers.contains_key(&3));
}

#[test]
fn a_document_of_another_format_or_with_more_in_it_is_refused() {
    let config = initial(1, 1, 1);
    let text = String::from_utf8(config.encode()).unwrap();
    let newer = text.replace("\"format\":1", "\"format\":2");
    let reason = ClusterConfig::decode(newer.as_bytes()).unwrap_err().reason;
    assert!(reason.contains("format 2"), "{reason}");
    let more = text.replacen('{', "{\"color\":1,", 1);
    assert!(ClusterConfig::decode(more.as_bytes()).is_err());
    let nobody = text.replace("\"node\":0", "\"node\":5");
    assert!(ClusterConfig::decode(nobody.as_bytes()).unwrap_err().reason.contains("broker 5"));
}
