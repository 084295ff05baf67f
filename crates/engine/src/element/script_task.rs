//! Script task with FEEL: the result becomes a variable.

use skep_bpmn::model::ScriptExpression;
use skep_protocol::ErrorType;

use super::Current;
use crate::behavior::expression;
use crate::context::Context;
use crate::document;
use crate::problem::Outcome;

impl Context<'_> {
    pub(super) fn activate_script(
        &mut self,
        current: &Current,
        script: &ScriptExpression,
    ) -> Outcome {
        let value = self.evaluate(&script.expression, current.key, ErrorType::ExtractValueError)?;
        let value = expression::encode(&value);
        let variables =
            document::build([(script.result_variable.as_ref(), value.as_ref())].into_iter());
        self.activated_and_completed(current.key, variables);
        Ok(())
    }
}
