//! Evaluating expressions over the variables of a scope.

use std::collections::BTreeMap;

use bytes::Bytes;
use skep_bpmn::model::Value as ModelValue;
use skep_feel::{
    Environment, Evaluation, EvaluationError, Expression, Session, Value, Variables, Warning,
};
use skep_protocol::{ErrorType, Key};

use super::{explain, variables};
use crate::context::Context;
use crate::problem::{Outcome, Problem};
use crate::state::State;

/// Variables of a scope as FEEL sees them: read on demand, innermost scope first.
pub(crate) struct ScopeVariables<'a> {
    state: &'a State,
    scopes: Vec<Key>,
    /// Values that hide those of the scopes: results of earlier mappings.
    overlay: Option<&'a BTreeMap<String, Value>>,
}

impl<'a> ScopeVariables<'a> {
    pub(crate) fn new(state: &'a State, scope_key: Key) -> Self {
        let scopes = variables::scopes(state, scope_key);
        Self { state, scopes, overlay: None }
    }

    pub(crate) fn with_overlay(mut self, overlay: &'a BTreeMap<String, Value>) -> Self {
        self.overlay = Some(overlay);
        self
    }
}

impl Variables for ScopeVariables<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.overlay.and_then(|overlay| overlay.get(name)) {
            return Some(value.clone());
        }
        let bytes = variables::find(self.state, &self.scopes, name)?;
        Value::from_msgpack_shared(bytes).ok()
    }
}

/// Evaluates an expression; what makes it fail becomes a problem of the given kind.
pub(crate) fn evaluate(
    expression: &Expression,
    variables: &dyn Variables,
    environment: &Environment,
    error_type: ErrorType,
) -> Outcome<Evaluation> {
    let mut session = Session::new(environment);
    let value = expression.evaluate_in(variables, &mut session);
    let warnings = session.take_warnings();
    let error = match value {
        Ok(value) => return Ok(Evaluation { value, warnings }),
        Err(error) => error,
    };
    let text = expression.text();
    let lead = match error {
        EvaluationError::AssertionFailed(cause) => {
            let before = explain::warnings(expression, &warnings);
            let stop = if before.is_empty() { "" } else { "." };
            format!("Assertion failure on evaluate the expression '{text}': {cause}{stop}{before}")
        }
        error => format!("Failed to evaluate expression '{text}': {error}"),
    };
    let inputs = explain::inputs([expression], variables);
    Err(Problem::new(error_type, format!("{lead}{inputs}")))
}

/// Encodes a value as MessagePack.
pub(crate) fn encode(value: &Value) -> Bytes {
    let mut out = Vec::with_capacity(16);
    value.write_msgpack(&mut out);
    out.into()
}

/// What an expression gave, with all that the message of a possible incident needs.
struct Evaluated<'a> {
    expression: &'a Expression,
    value: Value,
    warnings: Vec<Warning>,
    scope_key: Key,
}

impl Context<'_> {
    /// Time and seed of an evaluation; no two evaluations of a cluster have the same seed.
    pub(crate) fn environment(&self) -> Environment {
        let evaluation = self.evaluations.get();
        self.evaluations.set(evaluation.wrapping_add(1));
        let partition = u64::from(self.settings.partition_id);
        // Positions stay below 2^40, partitions below 2^16; what is shifted out does not matter.
        let random_seed = self.state.meta.last_position ^ (evaluation << 40) ^ (partition << 48);
        Environment { random_seed, ..Environment::at(self.now_ms) }
    }

    /// Evaluates an expression over the variables of a scope.
    pub(crate) fn evaluate(
        &self,
        expression: &Expression,
        scope_key: Key,
        error_type: ErrorType,
    ) -> Outcome<Value> {
        if let Some(value) = expression.as_literal() {
            return Ok(value.clone());
        }
        let variables = ScopeVariables::new(self.state, scope_key);
        Ok(evaluate(expression, &variables, &self.environment(), error_type)?.value)
    }

    fn evaluate_with_warnings<'a>(
        &self,
        expression: &'a Expression,
        scope_key: Key,
    ) -> Outcome<Evaluated<'a>> {
        let variables = ScopeVariables::new(self.state, scope_key);
        let environment = self.environment();
        let Evaluation { value, warnings } =
            evaluate(expression, &variables, &environment, ErrorType::ExtractValueError)?;
        Ok(Evaluated { expression, value, warnings, scope_key })
    }

    /// The problem of a value that has the wrong type.
    fn wrong_type(&self, evaluated: &Evaluated<'_>, expected: &str) -> Problem {
        let lead = format!(
            "Expected result of the expression '{}' to be '{expected}', but was '{}'.",
            evaluated.expression.text(),
            evaluated.value.type_name().to_uppercase(),
        );
        self.problem_of(evaluated, &lead)
    }

    fn problem_of(&self, evaluated: &Evaluated<'_>, lead: &str) -> Problem {
        let warnings = explain::warnings(evaluated.expression, &evaluated.warnings);
        let variables = ScopeVariables::new(self.state, evaluated.scope_key);
        let inputs = explain::inputs([evaluated.expression], &variables);
        Problem::new(ErrorType::ExtractValueError, format!("{lead}{warnings}{inputs}"))
            .at_scope(evaluated.scope_key)
    }

    /// An attribute that must give a string.
    pub(crate) fn evaluate_string(&self, value: &ModelValue, scope_key: Key) -> Outcome<String> {
        match value {
            ModelValue::Static(text) => Ok(text.to_string()),
            ModelValue::Expression(expression) => {
                let evaluated = self.evaluate_with_warnings(expression, scope_key)?;
                match &evaluated.value {
                    Value::String(text) => Ok(text.to_string()),
                    _ => Err(self.wrong_type(&evaluated, "STRING")),
                }
            }
        }
    }

    /// An attribute that must give an integer.
    pub(crate) fn evaluate_integer(&self, value: &ModelValue, scope_key: Key) -> Outcome<i64> {
        match value {
            ModelValue::Static(text) => text.trim().parse().map_err(|_| {
                Problem::new(
                    ErrorType::ExtractValueError,
                    format!("Expected an integer, but '{text}' is none. Change the model."),
                )
                .at_scope(scope_key)
            }),
            ModelValue::Expression(expression) => {
                let evaluated = self.evaluate_with_warnings(expression, scope_key)?;
                let number = match &evaluated.value {
                    Value::Number(number) => number.to_i64(),
                    _ => None,
                };
                number.ok_or_else(|| self.wrong_type(&evaluated, "NUMBER"))
            }
        }
    }

    /// An expression that must give a boolean.
    pub(crate) fn evaluate_boolean(
        &self,
        expression: &Expression,
        scope_key: Key,
    ) -> Outcome<bool> {
        let evaluated = self.evaluate_with_warnings(expression, scope_key)?;
        match evaluated.value {
            Value::Boolean(boolean) => Ok(boolean),
            _ => Err(self.wrong_type(&evaluated, "BOOLEAN")),
        }
    }

    /// A correlation key: text, or a number truncated to an integer (`spec/engine.md` 7.3, item 30).
    pub(crate) fn evaluate_correlation_key(
        &self,
        expression: &Expression,
        scope_key: Key,
    ) -> Outcome<String> {
        let evaluated = self.evaluate_with_warnings(expression, scope_key)?;
        match &evaluated.value {
            Value::String(text) => Ok(text.to_string()),
            Value::Number(number) => number
                .truncate_to_i64()
                .map(|integer| integer.to_string())
                .ok_or_else(|| self.wrong_type(&evaluated, "STRING or NUMBER")),
            other => {
                let lead = format!(
                    "Failed to extract the correlation key for '{}': The value must be either a string or a number, but was '{}'.",
                    expression.text(),
                    other.type_name().to_uppercase(),
                );
                Err(self.problem_of(&evaluated, &lead))
            }
        }
    }

    /// An attribute that must give a list of strings; static text is a comma list.
    pub(crate) fn evaluate_string_list(
        &self,
        value: &ModelValue,
        scope_key: Key,
    ) -> Outcome<Vec<String>> {
        match value {
            ModelValue::Static(text) => Ok(text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()),
            ModelValue::Expression(expression) => {
                let evaluated = self.evaluate_with_warnings(expression, scope_key)?;
                let list = match &evaluated.value {
                    Value::List(list) => list
                        .iter()
                        .map(|item| match item {
                            Value::String(text) => Some(text.to_string()),
                            _ => None,
                        })
                        .collect::<Option<Vec<_>>>(),
                    _ => None,
                };
                list.ok_or_else(|| self.wrong_type(&evaluated, "ARRAY of STRING"))
            }
        }
    }

    /// An attribute that gives a date, duration or cycle; temporal values print as their ISO text.
    pub(crate) fn evaluate_temporal_text(
        &self,
        value: &ModelValue,
        scope_key: Key,
    ) -> Outcome<String> {
        let expression = match value {
            ModelValue::Static(text) => return Ok(text.to_string()),
            ModelValue::Expression(expression) => expression,
        };
        let evaluated = self.evaluate_with_warnings(expression, scope_key)?;
        match &evaluated.value {
            Value::String(text) => Ok(text.to_string()),
            Value::Date(_)
            | Value::DateTime(_)
            | Value::DaysTimeDuration(_)
            | Value::YearsMonthsDuration(_) => Ok(evaluated.value.to_string()),
            _ => Err(self.wrong_type(&evaluated, "STRING, DATE_TIME or DURATION")),
        }
    }

    /// A due date of a user task: ISO date-time with offset.
    pub(crate) fn evaluate_date_text(&self, value: &ModelValue, scope_key: Key) -> Outcome<String> {
        let text = self.evaluate_temporal_text(value, scope_key)?;
        match skep_bpmn::timer::parse_date(&text) {
            Ok(_) => Ok(text),
            Err(error) => {
                Err(Problem::new(ErrorType::ExtractValueError, error.to_string())
                    .at_scope(scope_key))
            }
        }
    }
}
