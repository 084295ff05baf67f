use std::sync::Arc;

use axum::Router;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use skep_broker::PartitionHealth;
use tower::ServiceExt;

use super::*;
use crate::backend::Backend;
use crate::testing::{FakeBroker, FakeClock};

pub(super) struct Fixture {
    pub(super) broker: Arc<FakeBroker>,
    management: Management,
    pub(super) router: Router,
    applied: Arc<Mutex<Vec<String>>>,
}

pub(super) fn fixture(broker: FakeBroker) -> Fixture {
    let broker = Arc::new(broker);
    let applied: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = applied.clone();
    let logs = LogControl::new(LogLevel::Info, move |directives| {
        sink.lock().push(directives.to_owned());
        Ok(())
    });
    let management = Management::new(broker.gateway(), MetricsHandle::detached(), logs);
    let router = router(management.clone());
    Fixture { broker, management, router, applied }
}

pub(super) async fn call(
    router: &Router,
    method: &str,
    path: &str,
    body: &str,
) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body.to_owned()))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn probes_tell_starting_unhealthy_and_dead_apart() {
    let Fixture { broker, management, router, .. } = fixture(FakeBroker::echo(1));
    let probe = async |path: &str| call(&router, "GET", path, "").await.0.as_u16();
    assert_eq!(probe("/startup").await, 503);
    assert_eq!(probe("/actuator/health/liveness").await, 200);
    management.set_started();
    for path in [
        "/health",
        "/ready",
        "/startup",
        "/actuator/health",
        "/actuator/health/readiness",
        "/actuator/health/startup",
        "/actuator/health/status",
    ] {
        assert_eq!(probe(path).await, 200, "{path}");
    }
    *broker.health.lock() = PartitionHealth::Unhealthy { reason: "disk full".to_owned() };
    assert_eq!(probe("/ready").await, 503);
    assert_eq!(probe("/actuator/health/liveness").await, 200);
    let (status, body) = call(&router, "GET", "/health", "").await;
    assert_eq!(status, 503);
    assert!(body.contains(r#""partition-1":{"status":"DOWN","reason":"disk full"}"#), "{body}");
    *broker.health.lock() = PartitionHealth::Dead { reason: "checksum".to_owned() };
    assert_eq!(probe("/actuator/health/liveness").await, 503);
}

#[tokio::test]
async fn log_levels_are_read_and_changed() {
    let Fixture { router, applied, .. } = fixture(FakeBroker::echo(1));
    let path = "/actuator/loggers/skep_broker";
    let (status, _) = call(&router, "POST", path, r#"{"configuredLevel":"debug"}"#).await;
    assert_eq!(status, 204);
    assert_eq!(applied.lock().as_slice(), ["info,skep_broker=debug"]);
    let (_, body) = call(&router, "GET", "/actuator/loggers", "").await;
    assert!(
        body.contains(r#""ROOT":{"configuredLevel":"INFO","effectiveLevel":"INFO"}"#),
        "{body}"
    );
    let (_, body) = call(&router, "GET", "/actuator/loggers/skep_broker::partition", "").await;
    assert_eq!(body, r#"{"effectiveLevel":"DEBUG"}"#);
    assert_eq!(call(&router, "POST", path, "{}").await.0, 204);
    assert_eq!(applied.lock().last().unwrap(), "info");
    assert_eq!(call(&router, "POST", path, r#"{"configuredLevel":"loud"}"#).await.0, 400);
    assert_eq!(call(&router, "POST", "/actuator/loggers/a=b", "{}").await.0, 400);
    assert_eq!(call(&router, "POST", "/actuator/loggers/ROOT", "{}").await.0, 400);
}

#[tokio::test]
async fn the_clock_moves_only_when_it_may() {
    let Fixture { router, .. } = fixture(FakeBroker::echo(1));
    assert_eq!(call(&router, "GET", "/actuator/clock", "").await.0, 403);
    assert_eq!(call(&router, "POST", "/actuator/clock/add", r#"{"offsetMilli":1}"#).await.0, 403);

    let mut broker = FakeBroker::echo(1);
    broker.clock = Some(Arc::new(FakeClock::default()));
    let Fixture { router, .. } = fixture(broker);
    let (_, body) = call(&router, "POST", "/actuator/clock/pin", r#"{"epochMilli":1000}"#).await;
    assert_eq!(body, r#"{"epochMilli":1000,"instant":"1970-01-01T00:00:01.000Z"}"#);
    let (_, body) = call(&router, "POST", "/actuator/clock/add", r#"{"offsetMilli":500}"#).await;
    assert!(body.contains("1500"));
    assert_eq!(call(&router, "DELETE", "/actuator/clock", "").await.0, 200);
}

#[tokio::test]
async fn partitions_streams_and_metrics_are_shown() {
    let Fixture { router, .. } = fixture(FakeBroker::echo(2));
    let (_, body) = call(&router, "GET", "/actuator/partitions", "").await;
    assert!(
        body.starts_with(
            r#"{"1":{"role":"LEADER","health":"HEALTHY","reason":null,"processedPosition":42,"streamProcessorPhase":"PROCESSING","exporterPhase":"EXPORTING"}"#
        ),
        "{body}"
    );
    let (_, body) = call(&router, "GET", "/actuator/jobstreams", "").await;
    assert!(body.contains(r#""jobType":"pay""#), "{body}");
    for path in ["/metrics", "/actuator/prometheus"] {
        assert_eq!(call(&router, "GET", path, "").await.0, 200);
    }
    assert_eq!(call(&router, "GET", "/nowhere", "").await.0, 404);
}

#[tokio::test]
async fn pending_distributions_are_shown_and_late_ones_named() {
    let Fixture { broker, management, router, .. } = fixture(FakeBroker::echo(3));
    management.set_started();
    let (_, body) = call(&router, "GET", "/actuator/distributions", "").await;
    assert_eq!(body, r#"{"distributions":[]}"#);
    let now_ms = broker.now_ms();
    let one = |receiver, oldest_since_ms| skep_broker::DistributionStatus {
        partition: 1,
        receiver,
        count: 5,
        oldest_key: 2_251_799_813_685_347,
        oldest_since_ms,
        attempts: 7,
        value_type: "DEPLOYMENT".to_owned(),
        intent: "DISTRIBUTE".to_owned(),
        away: true,
    };
    *broker.distributions.lock() = vec![one(2, now_ms), one(3, now_ms - 31_000)];
    let (_, body) = call(&router, "GET", "/actuator/distributions", "").await;
    assert!(
        body.contains(
            r#"{"partitionId":1,"receiver":3,"pending":5,"valueType":"DEPLOYMENT","intent":"DISTRIBUTE","oldestKey":"2251799813685347","#
        ),
        "{body}"
    );
    assert!(body.contains(r#""attempts":7,"away":true,"late":true"#), "{body}");
    let (status, body) = call(&router, "GET", "/health", "").await;
    assert_eq!(status, 200, "it works all the same");
    assert!(body.contains("partition 3 has not acknowledged 5 of partition 1 for 31 s"), "{body}");
}
