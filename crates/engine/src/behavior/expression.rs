//! Evaluating expressions over the variables of a scope.

use std::collections::BTreeMap;

use bytes::Bytes;
use skep_bpmn::model::Value as ModelValue;
use skep_feel::{Environment, Expression, Value, Variables};
use skep_protocol::{ErrorType, Key};

use super::variables;
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
    now_ms: i64,
    error_type: ErrorType,
) -> Outcome<Value> {
    match expression.evaluate(variables, &Environment::at(now_ms)) {
        Ok(evaluation) => Ok(evaluation.value),
        Err(error) => Err(Problem::new(
            error_type,
            format!("Failed to evaluate expression '{}': {error}", expression.text()),
        )),
    }
}

/// Encodes a value as MessagePack.
pub(crate) fn encode(value: &Value) -> Bytes {
    let mut out = Vec::with_capacity(16);
    value.write_msgpack(&mut out);
    out.into()
}

impl Context<'_> {
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
        evaluate(expression, &variables, self.now_ms, error_type)
    }

    /// Evaluates an expression and keeps its warnings for the message of a possible incident.
    fn evaluate_with_warnings(
        &self,
        expression: &Expression,
        scope_key: Key,
    ) -> Outcome<(Value, String)> {
        let variables = ScopeVariables::new(self.state, scope_key);
        match expression.evaluate(&variables, &Environment::at(self.now_ms)) {
            Ok(evaluation) => {
                let warnings: Vec<String> =
                    evaluation.warnings.iter().map(|warning| warning.message.to_string()).collect();
                let text = if warnings.is_empty() {
                    String::new()
                } else {
                    format!(" The evaluation reported: {}", warnings.join("; "))
                };
                Ok((evaluation.value, text))
            }
            Err(error) => Err(Problem::new(
                ErrorType::ExtractValueError,
                format!("Failed to evaluate expression '{}': {error}", expression.text()),
            )),
        }
    }

    /// An attribute that must give a string.
    pub(crate) fn evaluate_string(&self, value: &ModelValue, scope_key: Key) -> Outcome<String> {
        match value {
            ModelValue::Static(text) => Ok(text.to_string()),
            ModelValue::Expression(expression) => {
                let (value, warnings) = self.evaluate_with_warnings(expression, scope_key)?;
                match &value {
                    Value::String(text) => Ok(text.to_string()),
                    other => Err(wrong_type(expression, "STRING", other, &warnings, scope_key)),
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
                let (value, warnings) = self.evaluate_with_warnings(expression, scope_key)?;
                let number = match &value {
                    Value::Number(number) => number.to_i64(),
                    _ => None,
                };
                number.ok_or_else(|| wrong_type(expression, "NUMBER", &value, &warnings, scope_key))
            }
        }
    }

    /// An expression that must give a boolean.
    pub(crate) fn evaluate_boolean(
        &self,
        expression: &Expression,
        scope_key: Key,
    ) -> Outcome<bool> {
        let (value, warnings) = self.evaluate_with_warnings(expression, scope_key)?;
        match value {
            Value::Boolean(boolean) => Ok(boolean),
            other => Err(wrong_type(expression, "BOOLEAN", &other, &warnings, scope_key)),
        }
    }

    /// A correlation key: text, or a number truncated to an integer (`spec/engine.md` 7.3, item 30).
    pub(crate) fn evaluate_correlation_key(
        &self,
        expression: &Expression,
        scope_key: Key,
    ) -> Outcome<String> {
        let (value, warnings) = self.evaluate_with_warnings(expression, scope_key)?;
        match &value {
            Value::String(text) => Ok(text.to_string()),
            Value::Number(number) => {
                number.truncate_to_i64().map(|integer| integer.to_string()).ok_or_else(|| {
                    wrong_type(expression, "STRING or NUMBER", &value, &warnings, scope_key)
                })
            }
            other => {
                let what = format!(
                    "Failed to extract the correlation key for '{}': The value must be either a string or a number, but was '{}'.{warnings}",
                    expression.text(),
                    other.type_name().to_uppercase(),
                );
                Err(Problem::new(ErrorType::ExtractValueError, what).at_scope(scope_key))
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
                let (value, warnings) = self.evaluate_with_warnings(expression, scope_key)?;
                let list = match &value {
                    Value::List(list) => list
                        .iter()
                        .map(|item| match item {
                            Value::String(text) => Some(text.to_string()),
                            _ => None,
                        })
                        .collect::<Option<Vec<_>>>(),
                    _ => None,
                };
                list.ok_or_else(|| {
                    wrong_type(expression, "ARRAY of STRING", &value, &warnings, scope_key)
                })
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
        let (value, warnings) = self.evaluate_with_warnings(expression, scope_key)?;
        match &value {
            Value::String(text) => Ok(text.to_string()),
            Value::Date(_)
            | Value::DateTime(_)
            | Value::DaysTimeDuration(_)
            | Value::YearsMonthsDuration(_) => Ok(value.to_string()),
            other => Err(wrong_type(
                expression,
                "STRING, DATE_TIME or DURATION",
                other,
                &warnings,
                scope_key,
            )),
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

/// The problem of a value that has the wrong type.
pub(crate) fn wrong_type(
    expression: &Expression,
    expected: &str,
    actual: &Value,
    warnings: &str,
    scope_key: Key,
) -> Problem {
    Problem::new(
        ErrorType::ExtractValueError,
        format!(
            "Expected result of the expression '{}' to be '{expected}', but was '{}'.{warnings}",
            expression.text(),
            actual.type_name().to_uppercase(),
        ),
    )
    .at_scope(scope_key)
}
