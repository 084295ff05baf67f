use serde_json::{Value, json};

use super::*;
use crate::management::tests::{Fixture, call, fixture};
use crate::testing::FakeBroker;

async fn asked(method: &str, path: &str, body: &str) -> ManageRequest {
    let Fixture { broker, router, .. } = fixture(FakeBroker::echo(1));
    *broker.manage_answer.lock() = Ok(json!({ "changeId": 3 }));
    let (status, text) = call(&router, method, path, body).await;
    assert!(status.is_success(), "{method} {path}: {status} {text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ "changeId": 3 }));
    let asked = broker.managed.lock().pop();
    asked.unwrap()
}

fn shape(
    brokers: Option<WantedBrokers>,
    partition_count: Option<u32>,
    replication_factor: Option<u32>,
) -> Wanted {
    Wanted::Shape { brokers, partition_count, replication_factor }
}

fn planned(wanted: Wanted, dry_run: bool, force: bool) -> ManageRequest {
    ManageRequest::Change { wanted, dry_run, force }
}

#[tokio::test]
async fn changes_of_the_cluster_are_asked_for() {
    let patched = asked(
        "PATCH",
        "/actuator/cluster?dryRun=true&force=false",
        r#"{"brokers":{"count":4},"partitions":{"count":5,"replicationFactor":null}}"#,
    );
    let wanted = shape(Some(WantedBrokers::Count(4)), Some(5), None);
    assert_eq!(patched.await, planned(wanted, true, false));
    let removing = asked("PATCH", "/actuator/cluster", r#"{"brokers":{"remove":[2]}}"#).await;
    let other = WantedBrokers::Other { add: BTreeSet::new(), remove: BTreeSet::from([2]) };
    assert_eq!(removing, planned(shape(Some(other), None, None), false, false));
    let exactly =
        asked("POST", "/actuator/cluster/brokers?force=true&replicationFactor=2", "[0,1]");
    let brokers = WantedBrokers::Exactly(BTreeSet::from([0, 1]));
    assert_eq!(exactly.await, planned(shape(Some(brokers), None, Some(2)), false, true));
    let added = asked("POST", "/actuator/cluster/brokers/3", "").await;
    assert_eq!(added, planned(Wanted::AddBroker(3), false, false));
    let removed = asked("DELETE", "/actuator/cluster/brokers/3", "").await;
    assert_eq!(removed, planned(Wanted::RemoveBroker(3), false, false));
    let joined = asked("POST", "/actuator/cluster/brokers/3/partitions/2", r#"{"priority":4}"#);
    let wanted = Wanted::Join { broker: 3, partition: 2, priority: 4 };
    assert_eq!(joined.await, planned(wanted, false, false));
    let left = asked("DELETE", "/actuator/cluster/brokers/3/partitions/2", "").await;
    assert_eq!(left, planned(Wanted::Leave { broker: 3, partition: 2 }, false, false));
}

#[tokio::test]
async fn everything_else_is_asked_for() {
    let cluster = asked("GET", "/actuator/cluster", "").await;
    assert_eq!(cluster, ManageRequest::Cluster);
    let shown = asked("GET", "/actuator/cluster/changes/7", "").await;
    assert_eq!(shown, ManageRequest::ShowChange { id: 7 });
    let cancelled = asked("DELETE", "/actuator/cluster/changes/7", "").await;
    assert_eq!(cancelled, ManageRequest::CancelChange { id: 7 });
    let rebalanced = asked("POST", "/actuator/rebalance", "").await;
    assert_eq!(rebalanced, ManageRequest::Rebalance);
    for (path, state) in [
        ("/actuator/exporting/pause", ExportingState::Paused),
        ("/actuator/exporting/pause?soft=true", ExportingState::SoftPaused),
        ("/actuator/exporting/resume", ExportingState::Exporting),
    ] {
        let exporting = asked("POST", path, "").await;
        assert_eq!(exporting, ManageRequest::Exporting { state: Some(state) });
    }
    let shown = asked("GET", "/actuator/exporting", "").await;
    assert_eq!(shown, ManageRequest::Exporting { state: None });
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let Fixture { broker, router, .. } = fixture(FakeBroker::echo(1));
    for (method, path, body) in [
        ("PATCH", "/actuator/cluster", r#"{"brokers":{"count":2,"add":[1]}}"#),
        ("PATCH", "/actuator/cluster", r#"{"nodes":3}"#),
        ("PATCH", "/actuator/cluster?dryrun=true", "{}"),
        ("POST", "/actuator/cluster/brokers", r#"["one"]"#),
        ("POST", "/actuator/cluster/brokers/one", ""),
        ("POST", "/actuator/cluster/brokers/1?replicationFactor=2", ""),
        ("DELETE", "/actuator/cluster/brokers/1/partitions/-1", ""),
        ("GET", "/actuator/cluster/changes/last", ""),
    ] {
        let (status, text) = call(&router, method, path, body).await;
        assert_eq!(status, 400, "{method} {path}: {text}");
        assert!(text.contains("\"detail\""), "{text}");
    }
    assert!(broker.managed.lock().is_empty());
    let (status, text) = call(&router, "POST", "/actuator/banning/4", "").await;
    assert_eq!(status, 501);
    assert!(text.contains("no banned instances"), "{text}");
}

#[tokio::test]
async fn refusals_keep_their_kind() {
    let Fixture { broker, router, .. } = fixture(FakeBroker::echo(1));
    for (kind, expected) in [
        (RefusalKind::Invalid, 400),
        (RefusalKind::NotFound, 404),
        (RefusalKind::Conflict, 409),
        (RefusalKind::Unavailable, 503),
        (RefusalKind::Unsupported, 501),
    ] {
        *broker.manage_answer.lock() = Err(Refusal { kind, reason: "because".to_owned() });
        let (status, text) = call(&router, "POST", "/actuator/rebalance", "").await;
        assert_eq!(status, expected);
        assert!(text.contains(r#""detail":"because""#), "{text}");
    }
}
