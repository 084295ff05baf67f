//! Exclusive gateway: the first condition that is true wins, in document order; else the default
//! flow; else an incident (`spec/engine.md` 7.6, item 69).

use skep_bpmn::model::{ExclusiveGateway, FlowIndex};
use skep_protocol::{ErrorType, ProcessInstanceIntent};

use super::Current;
use crate::behavior::explain;
use crate::behavior::expression::ScopeVariables;
use crate::context::Context;
use crate::problem::{Outcome, Problem};

impl Context<'_> {
    pub(super) fn activate_exclusive_gateway(
        &mut self,
        current: &Current,
        gateway: &ExclusiveGateway,
    ) -> Outcome {
        let flow = self.choose_flow(current, gateway)?;
        self.write(current, ProcessInstanceIntent::ElementActivated);
        self.write(current, ProcessInstanceIntent::ElementCompleting);
        self.write(current, ProcessInstanceIntent::ElementCompleted);
        match flow {
            Some(flow) => self.take_flow(current, flow, None),
            None => self.path_ended(current.flow_scope_key()),
        }
        Ok(())
    }

    fn choose_flow(
        &self,
        current: &Current,
        gateway: &ExclusiveGateway,
    ) -> Outcome<Option<FlowIndex>> {
        let process = &current.definition.process;
        let outgoing = &current.element().outgoing;
        if outgoing.is_empty() {
            return Ok(None);
        }
        let mut conditions = Vec::new();
        for index in outgoing {
            let Some(flow) = process.flow(*index) else { continue };
            match &flow.condition {
                Some(condition) => {
                    if self.evaluate_boolean(condition, current.key)? {
                        return Ok(Some(*index));
                    }
                    conditions.push(condition);
                }
                None if gateway.default_flow != Some(*index) => return Ok(Some(*index)),
                None => {}
            }
        }
        match gateway.default_flow {
            Some(flow) => Ok(Some(flow)),
            None => {
                let texts: Vec<&str> =
                    conditions.iter().map(|condition| condition.text()).collect();
                let variables = ScopeVariables::new(self.state, current.key);
                let message = format!(
                    "Expected at least one condition to evaluate to true, or to have a default flow. \
                     Conditions: [{}]{}",
                    texts.join(", "),
                    explain::inputs(conditions, &variables)
                );
                Err(Problem::new(ErrorType::ConditionError, message))
            }
        }
    }
}
