//! Where types matter: `instance of`, and what is no expression but takes part in the evaluation.

use super::{Evaluated, Evaluator, shown};
use crate::node::{InstanceOf, Span};
use crate::session::Meter;
use crate::{EvaluationError, Session, Type, Value, WarningKind};

impl Evaluator<'_> {
    pub(super) fn instance_of(&mut self, node: &InstanceOf, span: Span) -> Evaluated {
        let value = self.eval(&node.value)?;
        self.steps(value.extent().bytes / 24)?;
        if self.dialect().is_dmn() && !node.required.is_complete() {
            return self.invalid("The type is not known, or lacks its arguments", span);
        }
        let result = self.with_session(|session| node.required.is_instance(&value, session))?;
        Ok(Value::Boolean(result))
    }

    /// The argument as one of the type of the parameter; none with a warning if it is none.
    pub(super) fn converted(
        &mut self,
        value: Value,
        required: &Type,
        parameter: &str,
        span: Span,
    ) -> Evaluated<Option<Value>> {
        if required.is_any() {
            return Ok(Some(value));
        }
        let converted = self.with_session(|session| required.coerce(&value, session))?;
        if converted.is_none() {
            let (kind, value) = (WarningKind::InvalidType, shown(&value));
            let message = format_args!(
                "The argument '{value}' is not of the type of the parameter '{parameter}'"
            );
            self.warn(kind, span, message);
        }
        Ok(converted)
    }

    /// Does what is no expression in a session that has the budget and the warnings meanwhile.
    pub(super) fn with_session<R>(
        &mut self,
        work: impl FnOnce(&mut Session<'_>) -> Result<R, EvaluationError>,
    ) -> Evaluated<R> {
        let warnings = std::mem::take(&mut self.warnings);
        let mut session = Session::resumed(self.environment, self.meter, warnings);
        let result = work(&mut session);
        self.meter = Meter { depth: self.meter.depth, ..session.meter };
        self.warnings = session.warnings;
        result.map_err(Box::new)
    }

    /// Null, with a warning that says why.
    #[cold]
    pub(super) fn invalid(&mut self, reason: &str, span: Span) -> Evaluated {
        self.warn(WarningKind::InvalidType, span, format_args!("{reason}"));
        Ok(Value::Null)
    }
}
