//! Decisions over REST.

use super::*;
use crate::testing::{deciding, deploying};

const EVALUATION: &str = "/v2/decision-definitions/evaluation";

#[tokio::test]
async fn an_evaluation_has_every_field() {
    let broker = Arc::new(deciding(""));
    let router = router(broker.gateway());
    let body =
        json!({"decisionDefinitionId": "fee", "variables": {"age": 30}, "tenantId": "<default>"});
    let (status, body) = call(&router, "POST", EVALUATION, Some(body)).await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({
            "decisionDefinitionId": "fee",
            "decisionDefinitionKey": "2251799813685269",
            "decisionDefinitionName": "Fee",
            "decisionDefinitionVersion": 3,
            "decisionEvaluationKey": "2251799813685255",
            "decisionInstanceKey": "2251799813685255",
            "decisionRequirementsId": "fees",
            "decisionRequirementsKey": "2251799813685268",
            "evaluatedDecisions": [
                {
                    "decisionDefinitionId": "risk",
                    "decisionDefinitionName": "",
                    "decisionDefinitionVersion": 0,
                    "decisionDefinitionType": "LITERAL_EXPRESSION",
                    "output": "\"low\"",
                    "tenantId": "<default>",
                    "matchedRules": [],
                    "evaluatedInputs": [],
                    "decisionDefinitionKey": "-1",
                    "decisionEvaluationInstanceKey": "2251799813685255-1",
                },
                {
                    "decisionDefinitionId": "fee",
                    "decisionDefinitionName": "Fee",
                    "decisionDefinitionVersion": 3,
                    "decisionDefinitionType": "DECISION_TABLE",
                    "output": "5",
                    "tenantId": "<default>",
                    "matchedRules": [{
                        "ruleId": "rule2",
                        "ruleIndex": 2,
                        "evaluatedOutputs": [{
                            "outputId": "out1",
                            "outputName": "amount",
                            "outputValue": "5",
                            "ruleId": "rule2",
                            "ruleIndex": 2,
                        }],
                    }],
                    "evaluatedInputs": [
                        {"inputId": "in1", "inputName": "risk", "inputValue": "\"low\""},
                    ],
                    "decisionDefinitionKey": "2251799813685269",
                    "decisionEvaluationInstanceKey": "2251799813685255-2",
                },
            ],
            "failedDecisionDefinitionId": null,
            "failureMessage": null,
            "output": "5",
            "tenantId": "<default>",
        })
    );
    let (partition, command) = broker.last_sent();
    let Payload::DecisionEvaluation(_, sent) = command.payload else { panic!() };
    assert_eq!((partition, sent.decision_key), (1, 0));
    assert_eq!(sent.variables, b"\x81\xa3age\x1e".as_slice());
}

#[tokio::test]
async fn a_failed_evaluation_is_an_answer() {
    let router = router(Arc::new(deciding("too risky")).gateway());
    let body = json!({"decisionDefinitionKey": "2251799813685269"});
    let (status, body) = call(&router, "POST", EVALUATION, Some(body)).await;
    assert_eq!(status, 200);
    assert_eq!(body["failedDecisionDefinitionId"], "risk");
    assert_eq!(body["failureMessage"], "too risky");
    assert_eq!(body["output"], "null");
}

#[tokio::test]
async fn an_evaluation_needs_one_decision() {
    let (broker, router) = echo(1);
    for body in [
        json!({}),
        json!({"decisionDefinitionId": " "}),
        json!({"decisionDefinitionId": "fee", "decisionDefinitionKey": "1"}),
        json!({"decisionDefinitionId": "fee", "variables": [1]}),
        json!({"decisionDefinitionId": "fee", "tenantId": "red"}),
        json!({"decisionDefinitionId": "fee", "fancy": 1}),
        json!({"decisionDefinitionKey": "x"}),
    ] {
        let (status, answer) = call(&router, "POST", EVALUATION, Some(body.clone())).await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
    assert!(broker.sent.lock().is_empty());
}

#[tokio::test]
async fn an_unknown_decision_is_not_found() {
    let router = router(Arc::new(FakeBroker::rejecting(RejectionType::NotFound)).gateway());
    for body in [json!({"decisionDefinitionId": "gone"}), json!({"decisionDefinitionKey": "-7"})] {
        let (status, answer) = call(&router, "POST", EVALUATION, Some(body)).await;
        assert_eq!((status.as_u16(), &answer["title"]), (404, &json!("NOT_FOUND")));
    }
}

#[tokio::test]
async fn a_deployment_lists_processes_then_decisions_then_graphs() {
    let router = router(Arc::new(deploying()).gateway());
    let part = |name: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"resources\"; filename=\"{name}\"\r\n\r\n<x/>\r\n"
        )
    };
    let body = format!("{}{}--b--\r\n", part("order.bpmn"), part("fees.dmn"));
    let request = Request::post("/v2/deployments")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(axum::body::Body::from(body))
        .unwrap();
    let (status, body) = send(&router, request).await;
    assert_eq!(status, 200);
    let deployments = body["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 3);
    assert_eq!(deployments[0]["processDefinition"]["resourceName"], "order.bpmn");
    assert_eq!(
        deployments[1],
        json!({
            "processDefinition": null,
            "decisionDefinition": {
                "decisionDefinitionId": "fee",
                "version": 3,
                "name": "Fee",
                "tenantId": "<default>",
                "decisionRequirementsId": "fees",
                "decisionDefinitionKey": "2251799813685258",
                "decisionRequirementsKey": "2251799813685257",
            },
            "decisionRequirements": null,
            "form": null,
            "resource": null,
        })
    );
    assert_eq!(
        deployments[2]["decisionRequirements"],
        json!({
            "decisionRequirementsId": "fees",
            "decisionRequirementsName": "Fees",
            "version": 2,
            "resourceName": "fees.dmn",
            "tenantId": "<default>",
            "decisionRequirementsKey": "2251799813685257",
        })
    );
}
