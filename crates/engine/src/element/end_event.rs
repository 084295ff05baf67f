//! Error end event: throws, and is ended by whoever catches.

use bytes::Bytes;
use skep_bpmn::model::Value;
use skep_protocol::{ErrorType, ProcessInstanceIntent};

use super::Current;
use crate::behavior::error::unhandled;
use crate::context::Context;
use crate::problem::{Outcome, Problem};

impl Context<'_> {
    /// Stays ACTIVATING with an incident when nobody catches.
    pub(super) fn activate_error_end(&mut self, current: &Current, code: &Value) -> Outcome {
        let code = self.evaluate_string(code, current.key)?;
        if code.is_empty() {
            let message = "Expected the error code to be a text, but it is empty. Set the variable that it comes from.";
            return Err(Problem::new(ErrorType::ExtractValueError, message).at_scope(current.key));
        }
        if let Err(known) = self.find_catch(current.key, &code)? {
            return Err(unhandled(&code, &known));
        }
        self.write(current, ProcessInstanceIntent::ElementActivated);
        self.throw_error(current.key, &code, Bytes::new())
    }
}
