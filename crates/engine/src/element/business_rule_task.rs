//! Business rule task with a decision: evaluated at once, its output becomes a variable
//! (`spec/engine.md` 7.12, items 126 and 127).

use skep_bpmn::model::{Binding, CalledDecision};
use skep_protocol::{DecisionCaller, DecisionEvaluationRecord, DecisionRecord, ErrorType};

use super::Current;
use crate::behavior::decision::Noted;
use crate::behavior::expression::ScopeVariables;
use crate::context::Context;
use crate::document;
use crate::problem::{Outcome, Problem};

impl Context<'_> {
    pub(super) fn activate_decision(
        &mut self,
        current: &Current,
        called: &CalledDecision,
    ) -> Outcome {
        let decision_id = self.evaluate_string(&called.decision_id, current.key)?;
        let decision = self.called_decision(current, &decision_id, &called.binding)?;
        let graph = self.decision_graph(&decision).ok_or_else(|| unreadable(&decision))?;
        let scope = ScopeVariables::new(self.state, current.key);
        let noted = Noted::new(&scope);
        let record = self
            .evaluate_decision(&graph, &decision, &noted)
            .ok_or_else(|| unreadable(&decision))?;
        let inputs =
            if record.failed_decision_id.is_empty() { String::new() } else { noted.inputs() };
        let record = DecisionEvaluationRecord {
            variables: noted.document(),
            caller: Some(Box::new(caller(current))),
            ..record
        };
        let output = record.decision_output.clone();
        let failure = (!record.failed_decision_id.is_empty())
            .then(|| format!("{}{inputs}", record.evaluation_failure_message));
        self.write_evaluation(record);
        if let Some(failure) = failure {
            return Err(Problem::new(ErrorType::DecisionEvaluationError, failure));
        }
        let variables =
            document::build([(called.result_variable.as_ref(), output.as_ref())].into_iter());
        self.activated_and_completed(current.key, variables);
        Ok(())
    }

    /// The version of a decision that the task is bound to.
    fn called_decision(
        &self,
        current: &Current,
        decision_id: &str,
        binding: &Binding,
    ) -> Outcome<DecisionRecord> {
        let id = || decision_id.to_owned();
        let key = match binding {
            Binding::Latest => self.state.latest_decision(decision_id),
            Binding::Deployment => {
                let id = (current.definition.deployment_key, id());
                self.state.decisions_by_deployment.get(&id)
            }
            Binding::VersionTag(tag) => {
                self.state.decision_version_tags.get(&(id(), tag.to_string()))
            }
        };
        let decision = key.and_then(|key| self.state.decisions.get(&key));
        decision.ok_or_else(|| {
            let message = match binding {
                Binding::Latest => format!(
                    "Expected to evaluate decision '{decision_id}', but no decision found for id '{decision_id}'"
                ),
                Binding::Deployment => format!(
                    "Expected to evaluate decision '{decision_id}' with binding type 'deployment', but no such decision found in the deployment '{}' of this process. Deploy both together and migrate or start anew.",
                    current.definition.deployment_key
                ),
                Binding::VersionTag(tag) => format!(
                    "Expected to evaluate decision '{decision_id}' with version tag '{tag}', but no such decision found. Deploy it, then resolve this incident."
                ),
            };
            Problem::new(ErrorType::CalledDecisionError, message)
        })
    }
}

fn caller(current: &Current) -> DecisionCaller {
    let instance = &current.instance.record;
    DecisionCaller {
        bpmn_process_id: instance.bpmn_process_id.clone(),
        process_definition_key: instance.process_definition_key,
        process_instance_key: instance.process_instance_key,
        element_id: instance.element_id.clone(),
        element_instance_key: current.key,
    }
}

fn unreadable(decision: &DecisionRecord) -> Problem {
    let (id, version) = (&decision.decision_id, decision.version);
    Problem::internal(format!("version {version} of the decision '{id}' cannot be read"))
}
