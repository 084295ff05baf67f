//! Evaluating a decision: for a business rule task and for a client, with its trace as a record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use skep_dmn::{DecisionEvaluation, EvaluatedDecision, EvaluatedInput, MatchedRule, TracedWarning};
use skep_feel::{Value, Variables};
use skep_protocol::{
    DecisionEvaluationIntent, DecisionEvaluationRecord, DecisionRecord, EvaluatedDecisionRecord,
    EvaluatedInputRecord, EvaluatedOutputRecord, EvaluationWarningRecord, Key, MatchedRuleRecord,
    Payload,
};

use super::{explain, expression};
use crate::context::Context;
use crate::decision_graphs::DecisionGraph;
use crate::document;
use crate::state::State;

/// Notes what is read, so that the record of an evaluation shows its inputs and no more.
pub(crate) struct Noted<'a> {
    variables: &'a dyn Variables,
    read: RefCell<BTreeMap<String, Value>>,
}

impl<'a> Noted<'a> {
    pub(crate) fn new(variables: &'a dyn Variables) -> Self {
        Self { variables, read: RefCell::default() }
    }

    /// What was read, for the message of an incident.
    pub(crate) fn inputs(&self) -> String {
        let read = self.read.borrow();
        explain::values(read.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// What was read, as a document.
    pub(crate) fn document(self) -> Bytes {
        let read: Vec<(String, Bytes)> = self
            .read
            .into_inner()
            .into_iter()
            .map(|(name, value)| (name, expression::encode(&value)))
            .collect();
        document::build(read.iter().map(|(name, value)| (name.as_str(), value.as_ref())))
    }
}

impl Variables for Noted<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        let value = self.variables.get(name)?;
        self.read.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    }
}

impl Context<'_> {
    /// The graph of a decision; none if it cannot be read, which a deployed one can.
    pub(crate) fn decision_graph(
        &mut self,
        decision: &DecisionRecord,
    ) -> Option<Arc<DecisionGraph>> {
        self.definitions.graphs.get(self.state, decision.decision_requirements_key)
    }

    /// Evaluates a decision and everything that it requires, under one budget.
    pub(crate) fn evaluate_decision(
        &self,
        graph: &DecisionGraph,
        decision: &DecisionRecord,
        variables: &dyn Variables,
    ) -> Option<DecisionEvaluationRecord> {
        let environment = self.environment();
        let evaluation = graph.model.evaluate(&decision.decision_id, variables, &environment)?;
        Some(record_of(self.state, graph, decision, evaluation))
    }

    /// Writes what an evaluation gave, under a new key.
    pub(crate) fn write_evaluation(&mut self, record: DecisionEvaluationRecord) -> Key {
        let intent = if record.failed_decision_id.is_empty() {
            DecisionEvaluationIntent::Evaluated
        } else {
            DecisionEvaluationIntent::Failed
        };
        let key = self.next_key();
        self.event(key, Payload::DecisionEvaluation(intent, record));
        key
    }
}

fn record_of(
    state: &State,
    graph: &DecisionGraph,
    decision: &DecisionRecord,
    evaluation: DecisionEvaluation,
) -> DecisionEvaluationRecord {
    let (output, failed_decision_id, evaluation_failure_message) = match evaluation.output {
        Ok(value) => (value, String::new(), String::new()),
        Err(failure) => {
            let message =
                format!("Expected to evaluate decision '{}', but {failure}", decision.decision_id);
            (Value::Null, failure.decision_id.to_string(), message)
        }
    };
    let decisions = evaluation.evaluated_decisions.into_iter();
    DecisionEvaluationRecord {
        decision_id: decision.decision_id.clone(),
        decision_name: decision.decision_name.clone(),
        decision_version: decision.version,
        decision_key: decision.decision_key,
        decision_requirements_id: decision.decision_requirements_id.clone(),
        decision_requirements_key: decision.decision_requirements_key,
        decision_output: expression::encode(&output),
        evaluation_failure_message,
        failed_decision_id,
        evaluated_decisions: decisions.map(|one| evaluated(state, graph, one)).collect(),
        tenant_id: decision.tenant_id.clone(),
        ..DecisionEvaluationRecord::default()
    }
}

fn evaluated(
    state: &State,
    graph: &DecisionGraph,
    decision: EvaluatedDecision,
) -> EvaluatedDecisionRecord {
    let (decision_key, decision_version) = graph.place_of(state, &decision.decision_id);
    EvaluatedDecisionRecord {
        decision_id: decision.decision_id.to_string(),
        decision_name: decision.decision_name.to_string(),
        decision_key,
        decision_version,
        decision_type: decision.decision_type.name().to_owned(),
        decision_output: expression::encode(&decision.output),
        evaluated_inputs: decision.inputs.iter().map(input).collect(),
        matched_rules: decision.matched_rules.iter().map(rule).collect(),
        warnings: decision.warnings.iter().map(warning).collect(),
    }
}

fn input(input: &EvaluatedInput) -> EvaluatedInputRecord {
    EvaluatedInputRecord {
        input_id: input.input_id.to_string(),
        input_name: input.input_name.to_string(),
        input_value: expression::encode(&input.value),
    }
}

fn rule(rule: &MatchedRule) -> MatchedRuleRecord {
    let outputs = rule.outputs.iter().map(|output| EvaluatedOutputRecord {
        output_id: output.output_id.to_string(),
        output_name: output.output_name.to_string(),
        output_value: expression::encode(&output.value),
    });
    MatchedRuleRecord {
        rule_id: rule.rule_id.to_string(),
        rule_index: rule.rule_index,
        evaluated_outputs: outputs.collect(),
    }
}

fn warning(warning: &TracedWarning) -> EvaluationWarningRecord {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    EvaluationWarningRecord {
        element_id: warning.element_id.to_string(),
        expression: warning.expression.to_string(),
        message: warning.message.clone(),
        span_start: byte(warning.span.start),
        span_end: byte(warning.span.end),
    }
}
