//! Evaluates boxed expressions: the session, the types, and what the trace tells.

use std::fmt;
use std::sync::Arc;

use skep_feel::{EvaluationError, Expression, Session, Value, Variables, Warning, WarningKind};

use crate::evaluation::{EvaluatedInput, MatchedRule, TracedWarning};
use crate::limits::{SHOWN_CHARACTERS_MAX, WARNINGS_MAX};
use crate::logic::Boxed;
use crate::model::Model;
use crate::read::shorten;
use crate::types::TypeRef;

/// Ends the evaluation without a value.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An expression that exceeded the budget or asserted something.
    Expression { text: String, error: EvaluationError },
    /// What is evaluated around expressions exceeded the budget.
    Budget(EvaluationError),
    /// Logic without a result, such as a table with a hit too many, in Camunda's dialect.
    Logic(String),
}

/// In a box, so that results stay small.
pub(crate) type Evaluated<T = Value> = Result<T, Box<Stop>>;

impl Stop {
    /// The stop as a function of FEEL tells it.
    #[expect(clippy::boxed_local, reason = "results hold it in a box")]
    pub(crate) fn into_error(stop: Box<Stop>) -> EvaluationError {
        match *stop {
            Stop::Budget(error) => error,
            Stop::Expression { error, .. } => error,
            Stop::Logic(message) => EvaluationError::FunctionFailed(message),
        }
    }
}

impl From<EvaluationError> for Box<Stop> {
    fn from(error: EvaluationError) -> Box<Stop> {
        Box::new(Stop::Budget(error))
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Expression { text, error: EvaluationError::AssertionFailed(cause) } => {
                let text = shorten(text);
                write!(formatter, "Assertion failure on evaluate the expression '{text}': {cause}")
            }
            Stop::Expression { text, error } => {
                write!(formatter, "failed to evaluate expression '{}': {error}", shorten(text))
            }
            Stop::Budget(error) => error.fmt(formatter),
            Stop::Logic(message) => formatter.write_str(message),
        }
    }
}

#[cold]
fn stop(expression: &Expression, error: EvaluationError) -> Box<Stop> {
    Box::new(Stop::Expression { text: expression.text().to_owned(), error })
}

/// The value as messages show it: short, and text in quotes.
pub(super) fn shown(value: &Value) -> String {
    value.shown(SHOWN_CHARACTERS_MAX)
}

/// The evaluation of one boxed expression.
pub(crate) struct Evaluator<'r, 'e> {
    pub(super) model: &'r Model,
    pub(super) session: &'r mut Session<'e>,
    /// Whether the next table is the one that the trace tells about.
    pub(super) traced: bool,
    pub(super) inputs: Vec<EvaluatedInput>,
    pub(super) matched_rules: Vec<MatchedRule>,
    warnings: Vec<TracedWarning>,
    /// Warnings that were in the session before.
    earlier: Vec<Warning>,
}

impl<'r, 'e> Evaluator<'r, 'e> {
    pub(super) fn new(
        model: &'r Model,
        session: &'r mut Session<'e>,
        traced: bool,
    ) -> Evaluator<'r, 'e> {
        let (inputs, matched_rules, warnings) = (Vec::new(), Vec::new(), Vec::new());
        let earlier = session.take_warnings();
        Evaluator { model, session, traced, inputs, matched_rules, warnings, earlier }
    }

    /// The inputs and matched rules of the traced table, and all warnings.
    pub(super) fn finish(self) -> (Vec<EvaluatedInput>, Vec<MatchedRule>, Vec<TracedWarning>) {
        (self.inputs, self.matched_rules, self.warnings)
    }

    /// Hands the warnings to the session, as those of a function that an expression called.
    pub(super) fn pass_warnings(&mut self) {
        pass_warnings(self.session, std::mem::take(&mut self.earlier), &self.warnings);
    }

    pub(super) fn is_dmn(&self) -> bool {
        self.model.dialect().is_dmn()
    }

    /// The value of a boxed expression, as its own type and the given one demand.
    pub(super) fn typed(
        &mut self,
        boxed: &Boxed,
        required: &TypeRef,
        scope: &dyn Variables,
    ) -> Evaluated {
        let value = self.boxed(boxed, scope)?;
        self.coerce(value, required, &boxed.id)
    }

    /// The output of a decision. In Camunda's dialect one of another type ends the evaluation.
    pub(super) fn output(
        &mut self,
        boxed: &Boxed,
        required: &TypeRef,
        scope: &dyn Variables,
    ) -> Evaluated {
        let value = self.boxed(boxed, scope)?;
        if self.is_dmn() || required.is_any() {
            return self.coerce(value, required, &boxed.id);
        }
        if required.declared.conforms(&value, self.session)? {
            return Ok(value);
        }
        let message = format!("expected '{}' but found '{}'", required.name, shown(&value));
        Err(Box::new(Stop::Logic(message)))
    }

    /// The value as one of the type; null with a warning if it is not.
    #[inline]
    pub(super) fn coerce(
        &mut self,
        value: Value,
        required: &TypeRef,
        element: &Arc<str>,
    ) -> Evaluated {
        if required.is_any() { Ok(value) } else { self.coerce_declared(&value, required, element) }
    }

    fn coerce_declared(
        &mut self,
        value: &Value,
        required: &TypeRef,
        element: &Arc<str>,
    ) -> Evaluated {
        if let Some(value) = required.declared.coerce(value, self.session)? {
            return Ok(value);
        }
        let message = format!("expected '{}' but found '{}'", required.name, shown(value));
        self.warn(element, message);
        Ok(Value::Null)
    }

    /// The value of a FEEL expression of the element.
    #[inline]
    pub(super) fn expression(
        &mut self,
        element: &Arc<str>,
        expression: &Expression,
        scope: &dyn Variables,
    ) -> Evaluated {
        let value = expression.evaluate_in(scope, self.session);
        if self.session.warning_count() > 0 {
            self.collect_warnings(element, expression);
        }
        value.map_err(|error| stop(expression, error))
    }

    #[cold]
    fn collect_warnings(&mut self, element: &Arc<str>, expression: &Expression) {
        let text: Arc<str> = expression.text().into();
        for warning in self.session.take_warnings() {
            if self.warnings.len() < WARNINGS_MAX {
                let warning = TracedWarning::new(element.clone(), text.clone(), warning);
                self.warnings.push(warning);
            }
        }
    }

    /// Says what went wrong quietly in the element, beside its expressions.
    #[cold]
    pub(super) fn warn(&mut self, element: &Arc<str>, message: String) {
        if self.warnings.len() < WARNINGS_MAX {
            let (element_id, expression) = (element.clone(), "".into());
            self.warnings.push(TracedWarning { element_id, expression, message, span: 0..0 });
        }
    }

    /// The result of a table that has none: null with a warning by the standard, the end of the
    /// evaluation in Camunda's dialect.
    #[cold]
    pub(super) fn no_result(&mut self, element: &Arc<str>, message: String) -> Evaluated {
        if !self.is_dmn() {
            return Err(Box::new(Stop::Logic(message)));
        }
        self.warn(element, message);
        Ok(Value::Null)
    }
}

/// Hands warnings to the session behind earlier ones. They are about other texts than that of the
/// expression that called, so that they have no span in it.
pub(super) fn pass_warnings(
    session: &mut Session<'_>,
    earlier: Vec<Warning>,
    warnings: &[TracedWarning],
) {
    for warning in earlier {
        session.add_warning(warning);
    }
    for warning in warnings {
        let kind = WarningKind::FunctionInvocationFailure;
        session.add_warning(Warning { kind, message: warning.message.clone(), span: 0..0 });
    }
}
