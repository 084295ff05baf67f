//! DECISION_EVALUATION EVALUATE: a decision for a client. That the evaluation fails is an answer, not
//! a refusal (`spec/engine.md` 7.12, item 126).

use bytes::Bytes;
use skep_feel::{Context as FeelContext, Value, Variables};
use skep_protocol::{
    Command, DecisionEvaluationIntent, DecisionEvaluationRecord, DecisionRecord, NO_KEY, Payload,
    RejectionType,
};

use crate::context::Context;

/// Variables of a command.
struct Document(FeelContext);

impl Variables for Document {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name)
    }
}

pub(super) fn evaluate(
    context: &mut Context<'_>,
    command: &Command,
    value: &DecisionEvaluationRecord,
) {
    let decision = match asked(context, value) {
        Ok(decision) => decision,
        Err((kind, reason)) => return context.reject(command, kind, reason),
    };
    let Some(variables) = read(&value.variables) else {
        let reason = "Expected the variables to be a document, but they are damaged";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    };
    let record = context
        .decision_graph(&decision)
        .and_then(|graph| context.evaluate_decision(&graph, &decision, &Document(variables)));
    let Some(record) = record else {
        let reason = format!(
            "Expected to evaluate version {} of the decision '{}', but its model cannot be read; deploy it again",
            decision.version, decision.decision_id
        );
        return context.reject(command, RejectionType::ProcessingError, reason);
    };
    let record = DecisionEvaluationRecord { variables: value.variables.clone(), ..record };
    let intent = if record.failed_decision_id.is_empty() {
        DecisionEvaluationIntent::Evaluated
    } else {
        DecisionEvaluationIntent::Failed
    };
    let key = context.write_evaluation(record.clone());
    context.respond_accepted(key, Payload::DecisionEvaluation(intent, record));
}

/// The decision that a command names: by key, or the latest with an id.
fn asked(
    context: &Context<'_>,
    value: &DecisionEvaluationRecord,
) -> Result<DecisionRecord, (RejectionType, String)> {
    let (id, key) = (&value.decision_id, value.decision_key);
    let decisions = &context.state.decisions;
    if key != NO_KEY {
        return decisions.get(&key).ok_or_else(|| {
            let reason = format!(
                "Expected to evaluate decision '{key}', but no decision found for key '{key}'"
            );
            (RejectionType::NotFound, reason)
        });
    }
    if id.is_empty() {
        let reason =
            "Expected either a decision id or a valid decision key, but none provided".to_owned();
        return Err((RejectionType::InvalidArgument, reason));
    }
    let latest = context.state.latest_decision(id).and_then(|key| decisions.get(&key));
    latest.ok_or_else(|| {
        let reason =
            format!("Expected to evaluate decision '{id}', but no decision found for id '{id}'");
        (RejectionType::NotFound, reason)
    })
}

fn read(variables: &Bytes) -> Option<FeelContext> {
    if variables.is_empty() {
        return Some(FeelContext::empty());
    }
    match Value::from_msgpack_shared(variables.clone()).ok()? {
        Value::Context(context) => Some(context),
        _ => None,
    }
}
