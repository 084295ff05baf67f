//! Decisions over gRPC.

use super::*;
use crate::testing::{deciding, deploying};

const EVALUATE: &str = "/gateway_protocol.Gateway/EvaluateDecision";

fn by_id(decision_id: &str) -> proto::EvaluateDecisionRequest {
    proto::EvaluateDecisionRequest {
        decision_id: decision_id.to_owned(),
        ..proto::EvaluateDecisionRequest::default()
    }
}

#[tokio::test]
async fn an_evaluation_has_output_and_trace() {
    let running = start(deciding("")).await;
    let request =
        proto::EvaluateDecisionRequest { variables: r#"{"age":30}"#.to_owned(), ..by_id("fee") };
    let answer: proto::EvaluateDecisionResponse = running.unary(EVALUATE, request).await.unwrap();
    assert_eq!((answer.decision_output.as_str(), answer.decision_version), ("5", 3));
    assert_eq!(answer.decision_evaluation_key, 2_251_799_813_685_255);
    assert_eq!((answer.failed_decision_id, answer.failure_message), Default::default());
    let [risk, fee] = answer.evaluated_decisions.as_slice() else { panic!() };
    assert_eq!((risk.decision_output.as_str(), risk.decision_key), ("\"low\"", -1));
    assert_eq!(fee.decision_evaluation_instance_key, "2251799813685255-2");
    assert_eq!(fee.tenant_id, "<default>");
    assert_eq!(fee.evaluated_inputs[0].input_value, "\"low\"");
    assert_eq!(fee.matched_rules[0].rule_index, 2);
    assert_eq!(fee.matched_rules[0].evaluated_outputs[0].output_value, "5");
    running.servers.shutdown().await;
}

#[tokio::test]
async fn a_failed_evaluation_is_an_answer() {
    let running = start(deciding("too risky")).await;
    let answer: proto::EvaluateDecisionResponse =
        running.unary(EVALUATE, by_id("fee")).await.unwrap();
    assert_eq!(answer.failed_decision_id, "risk");
    assert_eq!(answer.failure_message, "too risky");
    assert_eq!(answer.decision_output, "null");
    running.servers.shutdown().await;
}

#[tokio::test]
async fn an_evaluation_needs_one_decision_and_an_object() {
    let running = start(FakeBroker::echo(1)).await;
    for wrong in [
        by_id(""),
        proto::EvaluateDecisionRequest { decision_key: 5, ..by_id("fee") },
        proto::EvaluateDecisionRequest { variables: "[]".to_owned(), ..by_id("fee") },
        proto::EvaluateDecisionRequest { tenant_id: "red".to_owned(), ..by_id("fee") },
    ] {
        let answer = running.unary::<_, proto::EvaluateDecisionResponse>(EVALUATE, wrong).await;
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
    }
    assert!(running.broker.sent.lock().is_empty());
    running.servers.shutdown().await;
}

#[tokio::test]
async fn a_deployment_lists_processes_then_decisions_then_graphs() {
    use proto::deployment::Metadata;
    let running = start(deploying()).await;
    let resource = |name: &str| proto::Resource { name: name.to_owned(), content: vec![] };
    let request = proto::DeployResourceRequest {
        resources: vec![resource("order.bpmn"), resource("fees.dmn")],
        tenant_id: String::new(),
    };
    let answer: proto::DeployResourceResponse =
        running.unary("/gateway_protocol.Gateway/DeployResource", request).await.unwrap();
    let metadata: Vec<Metadata> =
        answer.deployments.into_iter().filter_map(|one| one.metadata).collect();
    let [Metadata::Process(_), Metadata::Decision(decision), Metadata::DecisionRequirements(graph)] =
        metadata.as_slice()
    else {
        panic!("{metadata:?}")
    };
    assert_eq!((decision.dmn_decision_id.as_str(), decision.version), ("fee", 3));
    assert_eq!(decision.decision_requirements_key, graph.decision_requirements_key);
    assert_eq!((graph.resource_name.as_str(), graph.version), ("fees.dmn", 2));
    running.servers.shutdown().await;
}

#[tokio::test]
async fn a_process_and_a_client_ask_a_real_engine_on_every_partition() {
    let (running, broker) = start_real(2).await;
    let resource = |name: &str, content: &str| proto::Resource {
        name: name.to_owned(),
        content: content.as_bytes().to_vec(),
    };
    let request = proto::DeployResourceRequest {
        resources: vec![
            resource("decision.bpmn", include_str!("../../../../../models/compat/decision.bpmn")),
            resource("decision.dmn", include_str!("../../../../../models/compat/decision.dmn")),
        ],
        tenant_id: String::new(),
    };
    let deployed: proto::DeployResourceResponse =
        running.unary("/gateway_protocol.Gateway/DeployResource", request).await.unwrap();
    assert_eq!(deployed.deployments.len(), 4);
    // In turn: each partition is asked.
    for _ in 0..2 {
        let request = proto::EvaluateDecisionRequest {
            variables: r#"{"age":30,"total":50}"#.to_owned(),
            ..by_id("compat-fee")
        };
        let answer: proto::EvaluateDecisionResponse =
            running.unary(EVALUATE, request).await.unwrap();
        assert_eq!(answer.decision_output, "5");
        assert_eq!(answer.evaluated_decisions[0].decision_output, "\"low\"");
        let request = proto::CreateProcessInstanceWithResultRequest {
            request: Some(proto::CreateProcessInstanceRequest {
                bpmn_process_id: "compat-decision".to_owned(),
                version: -1,
                variables: r#"{"age":10,"total":50}"#.to_owned(),
                ..proto::CreateProcessInstanceRequest::default()
            }),
            request_timeout: 60_000,
            fetch_variables: vec!["fee".to_owned()],
        };
        let result: proto::CreateProcessInstanceWithResultResponse =
            running.unary(CREATE_WITH_RESULT, request).await.unwrap();
        assert_eq!(result.variables, r#"{"fee":25}"#);
    }
    let unknown =
        running.unary::<_, proto::EvaluateDecisionResponse>(EVALUATE, by_id("nope")).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    running.servers.shutdown().await;
    broker.shutdown().await;
}
