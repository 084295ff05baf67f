use serde_json::Value;

use crate::management::tests::{Fixture, call, fixture};
use crate::testing::FakeBroker;
use skep_broker::ReplicaControl;
use skep_broker::metadata::ManageRequest;

#[tokio::test]
async fn replicas_show_what_they_do() {
    let Fixture { broker, router, .. } = fixture(FakeBroker::echo(2));
    *broker.manage_answer.lock() = Ok(serde_json::json!({ "state": "SOFT_PAUSED" }));
    let (status, body) = call(&router, "GET", "/actuator/partitions", "").await;
    assert_eq!(status, 200);
    let shown: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(shown["1"]["role"], "LEADER");
    assert_eq!(shown["1"]["processedPosition"], 42);
    assert_eq!(shown["1"]["streamProcessorPhase"], "PROCESSING");
    assert_eq!(shown["2"]["exporterPhase"], "SOFT_PAUSED");
    assert_eq!(broker.managed.lock().as_slice(), [ManageRequest::Exporting { state: None }]);
}

#[tokio::test]
async fn states_are_shown_so_that_they_can_be_compared() {
    let Fixture { router, .. } = fixture(FakeBroker::echo(2));
    let (status, body) = call(&router, "GET", "/actuator/partitions/state", "").await;
    assert_eq!(status, 200);
    let shown: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(shown["1"]["position"], 42);
    assert_eq!(shown["1"]["tables"], serde_json::json!({"incidents": 1, "meta": 1}));
    assert_eq!(shown["1"]["digest"].as_str().map(str::len), Some(16));
    assert!(shown["2"].is_null(), "a replica that ends has no state to show");
}

#[tokio::test]
async fn replicas_are_told_what_to_do() {
    let Fixture { broker, router, .. } = fixture(FakeBroker::echo(1));
    for (action, control) in [
        ("pauseProcessing", ReplicaControl::PauseProcessing(true)),
        ("resumeProcessing", ReplicaControl::PauseProcessing(false)),
        ("pauseExporting", ReplicaControl::PauseExporting(true)),
        ("resumeExporting", ReplicaControl::PauseExporting(false)),
        ("takeSnapshot", ReplicaControl::TakeSnapshot),
    ] {
        let path = format!("/actuator/partitions/{action}");
        assert_eq!(call(&router, "POST", &path, "").await.0, 204);
        assert_eq!(broker.controls.lock().pop(), Some(control));
    }
    assert_eq!(call(&router, "POST", "/actuator/partitions/explode", "").await.0, 404);
    let body = r#"{"request":{"limit":5}}"#;
    let (status, shown) = call(&router, "POST", "/actuator/flowControl", body).await;
    assert_eq!(status, 200);
    assert!(shown.contains(r#""1":{"request":{"inflight":0,"limit":1024}}"#), "{shown}");
    assert_eq!(broker.controls.lock().pop(), Some(ReplicaControl::LimitRequests(Some(5))));
    for wrong in [r#"{"request":{"limit":0}}"#, r#"{"write":{}}"#] {
        assert_eq!(call(&router, "POST", "/actuator/flowControl", wrong).await.0, 400);
    }
    assert_eq!(call(&router, "GET", "/actuator/flowControl", "").await.0, 200);
}
