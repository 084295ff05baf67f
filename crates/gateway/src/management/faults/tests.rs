use std::sync::Arc;

use axum::Router;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use skep_env::SystemClock;
use skep_env::fault::{CrashPoint, FaultParts, FaultPoints};
use tower::ServiceExt;

use super::*;
use crate::management::tests::fixture;
use crate::management::{LogControl, LogLevel, MetricsHandle, router};
use crate::testing::FakeBroker;

const TOKEN: &str = "a token of some length";

fn armed() -> (Router, Arc<FaultPoints>) {
    let points = FaultPoints::new(FaultParts {
        own: "broker-0".to_owned(),
        clock: None,
        time: Arc::new(SystemClock),
        has_disk: true,
        crash_points: vec![CrashPoint { name: "journal.synced", place: "after a flush" }],
        commands: vec!["COMMAND_DISTRIBUTION.ACKNOWLEDGE"],
        end: Box::new(|_| {}),
    });
    let gateway = Arc::new(FakeBroker::echo(3)).gateway();
    let logs = LogControl::new(LogLevel::Info, |_| Ok(()));
    let chaos = Chaos { points: points.clone(), token: TOKEN.to_owned() };
    let management = Management::new(gateway, MetricsHandle::detached(), logs);
    (router(management.with_chaos(chaos)), points)
}

async fn call(
    router: &Router,
    token: Option<&str>,
    method: &str,
    path: &str,
    body: &str,
) -> (StatusCode, serde_json::Value) {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/actuator/chaos/{path}"))
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(axum::body::Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_node_that_was_not_started_for_chaos_has_nothing_to_break() {
    let router = fixture(FakeBroker::echo(1)).router;
    for (method, path) in [("GET", "faults"), ("POST", "faults"), ("DELETE", "faults/x")] {
        let (status, problem) = call(&router, Some(TOKEN), method, path, "{}").await;
        assert_eq!(status, 404);
        assert!(problem["detail"].as_str().unwrap().contains("--chaos"), "{problem}");
    }
}

#[tokio::test]
async fn without_the_token_nobody_comes_in() {
    let (router, _) = armed();
    for token in [None, Some(""), Some("a token of some lengtH"), Some("a token of some length ")] {
        let (status, problem) = call(&router, token, "GET", "faults", "").await;
        assert_eq!((status, &problem["title"]), (StatusCode::UNAUTHORIZED, &"Unauthorized".into()));
        assert!(!problem.to_string().contains(TOKEN));
    }
}

#[tokio::test]
async fn a_fault_is_armed_listed_and_cleared() {
    let (router, points) = armed();
    let body = r#"{"fault":"drop","id":"no-acks","ttlMs":60000,"from":"broker-0","to":"broker-2",
        "message":"acknowledgement","count":2,"seed":7}"#;
    let call = |method, path, body| call(&router, Some(TOKEN), method, path, body);
    let (status, fault) = call("POST", "faults", body).await;
    assert_eq!(status, 201, "{fault}");
    assert_eq!(fault["id"], "no-acks");
    assert_eq!(fault["hits"], 0);
    assert!(points.has_messages());
    let (_, all) = call("GET", "faults", "").await;
    assert_eq!(all["node"], "broker-0");
    assert_eq!(all["faults"][0]["spec"]["message"], "acknowledgement");
    assert!(all["faults"][0]["remainingMs"].as_u64().unwrap() <= 60_000);
    assert_eq!(call("GET", "faults/no-acks", "").await.0, 200);
    assert_eq!(call("POST", "faults", body).await.0, 409, "the id is taken");
    let (status, ended) = call("DELETE", "faults/no-acks", "").await;
    assert_eq!((status, &ended["remainingMs"]), (StatusCode::OK, &0.into()));
    assert!(!points.has_messages());
    assert_eq!(call("DELETE", "faults/no-acks", "").await.0, 404);
    let (_, all) = call("GET", "faults", "").await;
    assert_eq!(all["faults"], serde_json::json!([]));
    assert_eq!(all["ended"][0]["id"], "no-acks");
}

#[tokio::test]
async fn what_would_hit_nothing_is_refused_with_what_to_do() {
    let (router, _) = armed();
    for (body, status, words) in [
        (r#"{"fault":"drop","ttlMs":1,"from":"broker-0","to":"broker-0"}"#, 400, "both ends"),
        (
            r#"{"fault":"drop","ttlMs":1,"from":"broker-1","to":"broker-2"}"#,
            400,
            "this is broker-0",
        ),
        (r#"{"fault":"drop","ttlMs":1,"from":"broker-0","to":"broker-7"}"#, 404, "knows broker-1"),
        (r#"{"fault":"drop","ttlMs":0,"from":"broker-0","to":"broker-1"}"#, 400, "ttlMs"),
        (r#"{"fault":"drop","ttlMs":1,"from":"broker-0","to":"broker-1","partition":9}"#, 404, "9"),
        (r#"{"fault":"drop","ttlMs":1,"from":"any","to":"broker-0","name":"X.Y"}"#, 404, "X.Y"),
        (r#"{"fault":"crash","ttlMs":1,"point":"nowhere"}"#, 404, "/actuator/chaos/points"),
        (r#"{"fault":"clock","ttlMs":1,"offsetMs":5}"#, 409, "/actuator/clock"),
        (r#"{"fault":"slow-fsync","ttlMs":1,"delayMs":5,"point":"x"}"#, 400, "point means nothing"),
        (r#"{"fault":"exporter-outage","ttlMs":1}"#, 501, "/actuator/exporting/pause"),
        (r#"{"fault":"gravity","ttlMs":1}"#, 400, "gravity"),
    ] {
        let (got, problem) = call(&router, Some(TOKEN), "POST", "faults", body).await;
        assert_eq!(got, status, "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{body}: {problem}");
    }
}

#[tokio::test]
async fn places_and_commands_are_listed() {
    let (router, _) = armed();
    let (status, all) = call(&router, Some(TOKEN), "GET", "points", "").await;
    assert_eq!(status, 200);
    assert_eq!(all["points"][0]["name"], "journal.synced");
    assert_eq!(all["commands"][0], "COMMAND_DISTRIBUTION.ACKNOWLEDGE");
}
