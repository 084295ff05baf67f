mod decisions;

use std::sync::Arc;

use axum::Router;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use skep_protocol::{
    DeploymentRecord, JobIntent, MessageCorrelationRecord, Payload, ProcessInstanceCreationRecord,
    ProcessInstanceResultRecord, ProcessMetadata, RejectionType, key,
};
use tower::ServiceExt;

use super::*;
use crate::error::ErrorKind;
use crate::testing::{FakeBroker, FakeClock, accepted, job, refused};

async fn call(
    router: &Router,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(String::new, |body| body.to_string());
    send(router, request.body(axum::body::Body::from(body)).unwrap()).await
}

async fn send(router: &Router, request: Request<axum::body::Body>) -> (StatusCode, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    if bytes.is_empty() {
        return (status, Value::Null);
    }
    let expected =
        if status.is_success() { "application/json" } else { "application/problem+json" };
    assert_eq!(kind.as_deref(), Some(expected));
    (status, serde_json::from_slice(&bytes).unwrap())
}

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn echo(partitions: u32) -> (Arc<FakeBroker>, Router) {
    let broker = Arc::new(FakeBroker::echo(partitions));
    let router = router(broker.gateway());
    (broker, router)
}

const JOB: &str = "/v2/jobs/2251799813685256";

#[tokio::test]
async fn the_topology_has_every_field() {
    let (_, router) = echo(2);
    for path in ["/v2/topology", "/v1/topology"] {
        let (status, body) = call(&router, "GET", path, None).await;
        assert_eq!(status, 200);
        assert_eq!(
            fields(&body),
            [
                "brokers",
                "clusterId",
                "clusterSize",
                "partitionsCount",
                "replicationFactor",
                "gatewayVersion",
                "lastCompletedChangeId"
            ]
        );
        let broker = &body["brokers"][0];
        assert_eq!(fields(broker), ["nodeId", "brokerId", "host", "port", "partitions", "version"]);
        assert_eq!(
            broker["partitions"],
            json!([
                {"partitionId": 1, "role": "leader", "health": "healthy", "state": "active"},
                {"partitionId": 2, "role": "leader", "health": "healthy", "state": "active"},
            ])
        );
    }
}

#[tokio::test]
async fn fixed_answers_have_every_field() {
    let (_, router) = echo(1);
    for (path, expected) in [
        ("/v2/license", vec!["validLicense", "licenseType", "isCommercial", "expiresAt"]),
        (
            "/v2/authentication/me",
            vec![
                "username",
                "displayName",
                "email",
                "authorizedComponents",
                "tenants",
                "groups",
                "roles",
                "salesPlanType",
                "c8Links",
                "canLogout",
            ],
        ),
        (
            "/v2/system/configuration",
            vec!["jobMetrics", "components", "deployment", "authentication", "cloud"],
        ),
    ] {
        let (status, body) = call(&router, "GET", path, None).await;
        assert_eq!((status.as_u16(), fields(&body)), (200, expected));
    }
}

#[tokio::test]
async fn the_status_tells_whether_anybody_leads() {
    let (broker, router) = echo(1);
    assert_eq!(call(&router, "GET", "/v2/status", None).await.0, 204);
    *broker.health.lock() =
        skep_broker::PartitionHealth::Unhealthy { reason: "disk full".to_owned() };
    assert_eq!(call(&router, "GET", "/v2/status", None).await.0, 503);
}

#[tokio::test]
async fn a_created_instance_has_every_field() {
    let created = ProcessInstanceCreationRecord {
        bpmn_process_id: "order".to_owned(),
        version: 3,
        process_definition_key: key::compose(1, 5),
        process_instance_key: key::compose(2, 9),
        ..ProcessInstanceCreationRecord::default()
    };
    let broker = Arc::new(FakeBroker::new(2, move |partition, command| {
        let Payload::ProcessInstanceCreation(intent, _) = &command.payload else { panic!() };
        Ok(accepted(partition, Payload::ProcessInstanceCreation(*intent, created.clone())))
    }));
    let router = router(broker.gateway());
    let body =
        json!({"processDefinitionId": "order", "variables": {"b": 1, "a": [2]}, "tags": ["x"]});
    let (status, body) = call(&router, "POST", "/v2/process-instances", Some(body)).await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({
            "processDefinitionId": "order",
            "processDefinitionVersion": 3,
            "tenantId": "<default>",
            "variables": {},
            "processDefinitionKey": "2251799813685253",
            "processInstanceKey": "4503599627370505",
            "tags": [],
            "businessId": null,
        })
    );
    let (_, command) = broker.last_sent();
    let Payload::ProcessInstanceCreation(_, sent) = command.payload else { panic!() };
    assert_eq!(
        (sent.bpmn_process_id.as_str(), sent.version, sent.tags),
        ("order", -1, vec!["x".to_owned()])
    );
    assert_eq!(crate::transcode::msgpack_to_json(&sent.variables).unwrap(), r#"{"b":1,"a":[2]}"#);
}

#[tokio::test]
async fn an_awaited_instance_brings_its_variables() {
    let variables = crate::transcode::document_to_msgpack(r#"{"total":7}"#).unwrap();
    let broker = Arc::new(FakeBroker::new(1, move |partition, _| {
        let result = ProcessInstanceResultRecord {
            bpmn_process_id: "order".to_owned(),
            version: 1,
            variables: variables.clone().into(),
            ..ProcessInstanceResultRecord::default()
        };
        let intent = skep_protocol::ProcessInstanceResultIntent::Completed;
        Ok(accepted(partition, Payload::ProcessInstanceResult(intent, result)))
    }));
    let router = router(broker.gateway());
    let body = json!({"processDefinitionKey": "2251799813685253", "awaitCompletion": true, "fetchVariables": ["total"]});
    let (status, body) = call(&router, "POST", "/v2/process-instances", Some(body)).await;
    assert_eq!((status.as_u16(), &body["variables"]), (200, &json!({"total": 7})));
    assert_eq!(fields(&body).len(), 8);
}

#[tokio::test]
async fn a_result_that_does_not_come_in_time_is_504() {
    let broker =
        Arc::new(FakeBroker::new(1, |_, _| Err(refused(ErrorKind::DeadlineExceeded, false))));
    let body = json!({"processDefinitionId": "order", "awaitCompletion": true});
    let (status, body) =
        call(&router(broker.gateway()), "POST", "/v2/process-instances", Some(body)).await;
    assert_eq!((status.as_u16(), &body["title"]), (504, &json!("DEADLINE_EXCEEDED")));
}

#[tokio::test]
async fn wrong_creations_are_400() {
    let (broker, router) = echo(1);
    for body in [
        json!({}),
        json!({"processDefinitionId": "a", "processDefinitionKey": "1"}),
        json!({"processDefinitionId": " "}),
        json!({"processDefinitionKey": "-1"}),
        json!({"processDefinitionKey": "x1"}),
        json!({"processDefinitionId": "a", "unknown": 1}),
        json!({"processDefinitionId": "a", "variables": []}),
        json!({"processDefinitionId": "a", "variables": "{}"}),
        json!({"processDefinitionId": "a", "tenantId": "red"}),
        json!({"processDefinitionId": "a", "operationReference": 0}),
        json!({"processDefinitionId": "a", "tags": ["1"]}),
        json!({"processDefinitionId": "a", "businessId": ""}),
        json!({"processDefinitionId": "a", "startInstructions": [{"elementId": "x", "y": 1}]}),
        json!({"processDefinitionId": 5}),
        json!([]),
    ] {
        let (status, problem) =
            call(&router, "POST", "/v2/process-instances", Some(body.clone())).await;
        assert_eq!(status, 400, "{body}");
        assert_eq!(fields(&problem), ["type", "title", "status", "detail", "instance"]);
        assert_eq!(problem["instance"], "/v2/process-instances");
        assert_eq!(problem["status"], 400);
    }
    assert!(broker.sent.lock().is_empty());
}

#[tokio::test]
async fn a_deployment_lists_every_kind() {
    let broker = Arc::new(FakeBroker::new(3, |partition, command| {
        let Payload::Deployment(intent, sent) = &command.payload else { panic!() };
        let record = DeploymentRecord {
            processes: vec![ProcessMetadata {
                bpmn_process_id: "order".to_owned(),
                version: 1,
                process_definition_key: key::compose(1, 8),
                resource_name: sent.resources[0].name.clone(),
                ..ProcessMetadata::default()
            }],
            ..DeploymentRecord::default()
        };
        Ok(accepted(partition, Payload::Deployment(*intent, record)))
    }));
    let router = router(broker.gateway());
    let body = "--b\r\nContent-Disposition: form-data; name=\"resources\"; filename=\"order.bpmn\"\r\n\
                Content-Type: application/octet-stream\r\n\r\n<xml/>\r\n\
                --b\r\nContent-Disposition: form-data; name=\"tenantId\"\r\n\r\n<default>\r\n--b--\r\n";
    let request = Request::post("/v2/deployments")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(axum::body::Body::from(body))
        .unwrap();
    let (status, body) = send(&router, request).await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({
            "deploymentKey": "2251799813685255",
            "tenantId": "<default>",
            "deployments": [{
                "processDefinition": {
                    "processDefinitionId": "order",
                    "processDefinitionVersion": 1,
                    "resourceName": "order.bpmn",
                    "tenantId": "<default>",
                    "processDefinitionKey": "2251799813685256",
                },
                "decisionDefinition": null,
                "decisionRequirements": null,
                "form": null,
                "resource": null,
            }],
        })
    );
    let (partition, command) = broker.last_sent();
    let Payload::Deployment(_, sent) = command.payload else { panic!() };
    assert_eq!((partition, &sent.resources[0].content[..]), (1, b"<xml/>".as_slice()));
}

#[tokio::test]
async fn a_deployment_can_wait_for_all_partitions() {
    let (broker, router) = echo(3);
    let body = "--b\r\nContent-Disposition: form-data; name=\"resources\"; filename=\"order.bpmn\"\r\n\
                \r\n<xml/>\r\n--b--\r\n";
    let deploy = async |wait_for: Option<&str>| {
        let mut request = Request::post("/v2/deployments")
            .header("content-type", "multipart/form-data; boundary=b");
        if let Some(wait_for) = wait_for {
            request = request.header("Skep-Wait-For", wait_for);
        }
        send(&router, request.body(axum::body::Body::from(body)).unwrap()).await.0
    };
    for (header, awaits) in [(None, false), (Some("all-partitions"), true)] {
        assert_eq!(deploy(header).await, 200);
        let (partition, command) = broker.last_sent();
        let Payload::Deployment(_, sent) = command.payload else { panic!("no deployment") };
        assert_eq!((partition, sent.awaits_all_partitions), (1, awaits));
    }
    assert_eq!(deploy(Some("everybody")).await, 400);
}

#[tokio::test]
async fn a_deployment_of_another_kind_is_refused() {
    let (_, router) = echo(1);
    let json = call(&router, "POST", "/v2/deployments", Some(json!({}))).await;
    assert_eq!(json.0, 415);
    let part = "--b\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\nx\r\n--b--\r\n";
    for (body, expected) in [(part, 400), ("--b--\r\n", 400), ("no boundary", 400)] {
        let request = Request::post("/v2/deployments")
            .header("content-type", "multipart/form-data; boundary=b")
            .body(axum::body::Body::from(body))
            .unwrap();
        assert_eq!(send(&router, request).await.0, expected, "{body}");
    }
}

#[tokio::test]
async fn activated_jobs_have_every_field() {
    let (broker, router) = echo(2);
    broker.jobs.lock().push_back((2, Ok(vec![job(1), job(2)])));
    let body =
        json!({"type": "pay", "timeout": 1000, "maxJobsToActivate": 5, "requestTimeout": -1});
    let (status, body) = call(&router, "POST", "/v2/jobs/activation", Some(body)).await;
    assert_eq!(status, 200);
    assert_eq!(body["jobs"].as_array().unwrap().len(), 2);
    assert_eq!(
        body["jobs"][0],
        json!({
            "type": "pay",
            "processDefinitionId": "order",
            "processDefinitionVersion": 2,
            "elementId": "pay-task",
            "customHeaders": {"a": "b\"c"},
            "worker": "w",
            "retries": 3,
            "deadline": 1_700_000_000_000_i64,
            "variables": {"x": 1, "y": [true, null]},
            "tenantId": "<default>",
            "physicalTenantId": "default",
            "jobKey": "2251799813685249",
            "processInstanceKey": "2251799813685340",
            "processDefinitionKey": "2251799813685339",
            "elementInstanceKey": "2251799813685338",
            "kind": "BPMN_ELEMENT",
            "listenerEventType": "UNSPECIFIED",
            "userTask": null,
            "tags": [],
            "rootProcessInstanceKey": null,
            "businessId": null,
            "priority": 0,
            "jobLeaseToken": null,
        })
    );
    assert_eq!(broker.fate.confirmed.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_hands_its_jobs_back() {
    let (broker, router) = echo(1);
    broker.jobs.lock().push_back((1, Ok(vec![job(1)])));
    let body = json!({"type": "pay", "timeout": 1000, "maxJobsToActivate": 5});
    let request = Request::post("/v2/jobs/activation")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body.to_string()))
        .unwrap();
    drop(router.oneshot(request).await.unwrap());
    assert_eq!(broker.fate.handed_back.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn wrong_activations_are_400() {
    let (broker, router) = echo(1);
    for body in [
        json!({"timeout": 1, "maxJobsToActivate": 1}),
        json!({"type": "", "timeout": 1, "maxJobsToActivate": 1}),
        json!({"type": "a", "timeout": 0, "maxJobsToActivate": 1}),
        json!({"type": "a", "timeout": 1, "maxJobsToActivate": 0}),
        json!({"type": "a", "timeout": 1, "maxJobsToActivate": 1, "tenantFilter": "SOME"}),
        json!({"type": "a", "timeout": 1, "maxJobsToActivate": 1, "tenantIds": ["red"]}),
    ] {
        let (status, _) = call(&router, "POST", "/v2/jobs/activation", Some(body.clone())).await;
        assert_eq!(status, 400, "{body}");
    }
    assert!(broker.activations.lock().is_empty());
}

#[tokio::test]
async fn job_commands_reach_the_partition_of_the_job() {
    let (broker, router) = echo(3);
    let path = "/v2/jobs/4503599627370506";
    for (method, path, body, intent) in [
        (
            "POST",
            format!("{path}/completion"),
            Some(json!({"variables": {"a": 1}})),
            JobIntent::Complete,
        ),
        ("POST", format!("{path}/completion"), None, JobIntent::Complete),
        (
            "POST",
            format!("{path}/completion"),
            Some(json!({"variables": null, "result": {"denied": false}})),
            JobIntent::Complete,
        ),
        (
            "POST",
            format!("{path}/failure"),
            Some(json!({"retries": 2, "errorMessage": "no", "retryBackOff": 5})),
            JobIntent::Fail,
        ),
        ("POST", format!("{path}/error"), Some(json!({"errorCode": "E"})), JobIntent::ThrowError),
        (
            "PATCH",
            path.to_owned(),
            Some(json!({"changeset": {"retries": 4, "timeout": null}, "operationReference": 5})),
            JobIntent::Update,
        ),
    ] {
        let (status, answer) = call(&router, method, &path, body).await;
        assert_eq!((status.as_u16(), answer), (204, Value::Null), "{path}");
        let (partition, command) = broker.last_sent();
        let Payload::Job(sent, _) = command.payload else { panic!() };
        assert_eq!((partition, sent, command.key), (2, intent, 4_503_599_627_370_506));
    }
    let (_, command) = broker.last_sent();
    assert_eq!(command.operation_reference, 5);
}

#[tokio::test]
async fn wrong_job_commands_are_refused() {
    let (broker, router) = echo(1);
    for (method, path, body, expected) in [
        ("POST", format!("{JOB}/error"), json!({}), 400),
        ("POST", format!("{JOB}/error"), json!({"errorCode": " "}), 400),
        ("PATCH", JOB.to_owned(), json!({"changeset": {}}), 400),
        ("PATCH", JOB.to_owned(), json!({"changeset": {"retries": 0}}), 400),
        ("PATCH", JOB.to_owned(), json!({"changeset": {"priority": 3}}), 501),
        ("PATCH", JOB.to_owned(), json!({}), 400),
        ("POST", format!("{JOB}/completion"), json!({"result": {"denied": true}}), 501),
        ("POST", format!("{JOB}/completion"), json!({"jobLeaseToken": "t"}), 501),
        ("POST", "/v2/jobs/x/completion".to_owned(), json!({}), 400),
        ("POST", "/v2/jobs/77/completion".to_owned(), json!({}), 404),
        ("POST", "/v2/jobs/99999999999999999999999/completion".to_owned(), json!({}), 404),
    ] {
        let (status, _) = call(&router, method, &path, Some(body.clone())).await;
        assert_eq!(status, expected, "{method} {path} {body}");
    }
    assert!(broker.sent.lock().is_empty());
}

#[tokio::test]
async fn rejections_are_problems_with_their_type_as_title() {
    for (kind, status, title) in [
        (RejectionType::NotFound, 404, "NOT_FOUND"),
        (RejectionType::InvalidState, 409, "INVALID_STATE"),
        (RejectionType::AlreadyExists, 409, "ALREADY_EXISTS"),
        (RejectionType::InvalidArgument, 400, "INVALID_ARGUMENT"),
        (RejectionType::ProcessingError, 500, "PROCESSING_ERROR"),
    ] {
        let broker = Arc::new(FakeBroker::rejecting(kind));
        let path = format!("{JOB}/completion");
        let (got, problem) = call(&router(broker.gateway()), "POST", &path, None).await;
        assert_eq!((got.as_u16(), problem["title"].as_str()), (status, Some(title)));
        assert_eq!(
            problem["detail"],
            format!("Command 'COMPLETE' rejected with code '{title}': because")
        );
    }
}

#[tokio::test]
async fn backpressure_is_503_with_its_title() {
    let broker =
        Arc::new(FakeBroker::new(1, |_, _| Err(refused(ErrorKind::ResourceExhausted, true))));
    let (status, problem) =
        call(&router(broker.gateway()), "POST", &format!("{JOB}/completion"), None).await;
    assert_eq!((status.as_u16(), &problem["title"]), (503, &json!("RESOURCE_EXHAUSTED")));
}

#[tokio::test]
async fn messages_and_signals_answer_with_their_keys() {
    let (broker, router) = echo(3);
    let body =
        json!({"name": "paid", "correlationKey": "hello", "timeToLive": 5000, "messageId": "m"});
    let (status, answer) = call(&router, "POST", "/v2/messages/publication", Some(body)).await;
    assert_eq!(status, 200);
    let (partition, _) = broker.last_sent();
    assert_eq!(partition, key::partition_of_correlation_key("hello", 3));
    let expected = key::compose(partition, 7).to_string();
    assert_eq!(answer, json!({"tenantId": "<default>", "messageKey": expected}));

    let (status, answer) =
        call(&router, "POST", "/v2/signals/broadcast", Some(json!({"signalName": "s"}))).await;
    assert_eq!((status.as_u16(), fields(&answer)), (200, vec!["tenantId", "signalKey"]));
    for (path, body) in [
        ("/v2/messages/publication", json!({"name": ""})),
        ("/v2/messages/correlation", json!({"name": " "})),
        ("/v2/signals/broadcast", json!({"signalName": ""})),
        ("/v2/signals/broadcast", json!({})),
    ] {
        assert_eq!(call(&router, "POST", path, Some(body)).await.0, 400);
    }
}

#[tokio::test]
async fn a_correlation_names_message_and_instance() {
    let broker = Arc::new(FakeBroker::new(1, |partition, _| {
        let record = MessageCorrelationRecord {
            process_instance_key: key::compose(1, 3),
            ..MessageCorrelationRecord::default()
        };
        let intent = skep_protocol::MessageCorrelationIntent::Correlated;
        Ok(accepted(partition, Payload::MessageCorrelation(intent, record)))
    }));
    let (status, answer) = call(
        &router(broker.gateway()),
        "POST",
        "/v2/messages/correlation",
        Some(json!({"name": "paid", "correlationKey": "k", "variables": {"a": 1}})),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(
        answer,
        json!({
            "tenantId": "<default>",
            "messageKey": "2251799813685255",
            "processInstanceKey": "2251799813685251",
        })
    );
}

#[tokio::test]
async fn the_other_commands_answer_as_documented() {
    let (_, router) = echo(1);
    let key = "2251799813685256";
    for (method, path, body, expected) in [
        ("POST", format!("/v2/process-instances/{key}/cancellation"), None, 204),
        (
            "POST",
            format!("/v2/process-instances/{key}/cancellation"),
            Some(json!({"operationReference": 3})),
            204,
        ),
        ("POST", format!("/v2/incidents/{key}/resolution"), None, 204),
        (
            "PUT",
            format!("/v2/element-instances/{key}/variables"),
            Some(json!({"variables": {"a": 1}, "local": true})),
            204,
        ),
        (
            "PUT",
            format!("/v2/element-instances/{key}/variables"),
            Some(json!({"local": true})),
            400,
        ),
        ("PUT", format!("/v2/element-instances/{key}/variables"), None, 400),
        (
            "POST",
            format!("/v2/resources/{key}/deletion"),
            Some(json!({"deleteHistory": true})),
            501,
        ),
    ] {
        assert_eq!(call(&router, method, &path, body).await.0, expected, "{path}");
    }
    let (status, answer) =
        call(&router, "POST", &format!("/v2/resources/{key}/deletion"), None).await;
    assert_eq!(
        (status.as_u16(), answer),
        (200, json!({"resourceKey": key, "batchOperation": null}))
    );
}

#[tokio::test]
async fn the_clock_moves_only_when_it_may() {
    let (_, router) = echo(1);
    let pin = Some(json!({"timestamp": 5000}));
    assert_eq!(call(&router, "PUT", "/v2/clock", pin.clone()).await.0, 403);
    assert_eq!(call(&router, "POST", "/v2/clock/reset", None).await.0, 403);

    let mut broker = FakeBroker::echo(1);
    let clock = Arc::new(FakeClock::default());
    broker.clock = Some(clock.clone());
    let router = super::router(Arc::new(broker).gateway());
    assert_eq!(call(&router, "PUT", "/v2/clock", pin).await.0, 204);
    assert_eq!(*clock.now_ms.lock(), 5000);
    assert_eq!(call(&router, "PUT", "/v2/clock", Some(json!({"timestamp": -1}))).await.0, 400);
    assert_eq!(call(&router, "POST", "/v2/clock/reset", None).await.0, 204);
}

#[tokio::test]
async fn wrong_requests_are_told_apart() {
    let (_, router) = echo(1);
    assert_eq!(call(&router, "GET", "/v2/nowhere", None).await.0, 404);
    assert_eq!(call(&router, "GET", "/", None).await.0, 404);
    assert_eq!(call(&router, "DELETE", "/v2/topology", None).await.0, 405);
    assert_eq!(call(&router, "GET", "/v2/jobs/activation", None).await.0, 405);
    let (status, problem) = call(&router, "POST", "/v2/user-tasks/search", Some(json!({}))).await;
    assert_eq!(status, 501);
    assert!(problem["detail"].as_str().unwrap().contains("/v2/user-tasks/search"));
    let (status, _) = call(&router, "GET", "/v2/process-instances/12", None).await;
    assert_eq!(status, 501);

    let text = Request::post("/v2/signals/broadcast")
        .header("content-type", "text/plain")
        .body(axum::body::Body::from("{}"))
        .unwrap();
    assert_eq!(send(&router, text).await.0, 415);
    let xml =
        Request::get("/v2/topology").header("accept", "text/xml").body(axum::body::Body::empty());
    assert_eq!(send(&router, xml.unwrap()).await.0, 406);
    for accept in [
        "*/*",
        "application/json",
        "text/html, application/json;q=0.9",
        "application/problem+json",
        "application/vnd.camunda.api.keys.string+json",
    ] {
        let request = Request::get("/v2/topology").header("accept", accept);
        assert_eq!(send(&router, request.body(axum::body::Body::empty()).unwrap()).await.0, 200);
    }
    let large = json!({"signalName": "s", "variables": {"a": "x".repeat(REQUEST_BYTES_MAX)}});
    let (status, problem) = call(&router, "POST", "/v2/signals/broadcast", Some(large)).await;
    assert_eq!(status, 413);
    assert!(problem["detail"].as_str().unwrap().contains("pass a reference"));
    let broken = Request::post("/v2/signals/broadcast")
        .header("content-type", "application/json")
        .body(axum::body::Body::from("{\"signalName\":"))
        .unwrap();
    assert_eq!(send(&router, broken).await.0, 400);
}
