//! Parsed expressions.

use std::sync::Arc;

use crate::node::{Kind, Node, Program};
use crate::{
    Budget, Environment, EvaluationError, NoVariables, ParseError, Value, Variables, Warning,
    evaluate, parse,
};

/// An expression, parsed once and shared; cloning copies a pointer.
#[derive(Clone, Debug)]
pub struct Expression(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    text: Box<str>,
    program: Program,
}

/// What an evaluation gives: a value, and why parts of it are null.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The result.
    pub value: Value,
    /// What went wrong quietly on the way; at most [`crate::limits::WARNINGS_MAX`].
    pub warnings: Vec<Warning>,
}

/// What may be spent on an expression without variables at parse time, to make it a literal.
const FOLD_BUDGET: Budget = Budget { steps_max: 1_000, bytes_max: 16 * 1024, depth_max: 250 };

impl Expression {
    /// Parses FEEL text, without the leading `=`.
    pub fn parse(text: &str) -> Result<Expression, ParseError> {
        Ok(Expression::prepare(text, parse::expression(text)?))
    }

    /// Parses the unary tests of a table cell; the input value is the variable `?`.
    pub fn parse_unary_tests(text: &str) -> Result<Expression, ParseError> {
        Ok(Expression::prepare(text, parse::unary_tests(text)?))
    }

    fn prepare(text: &str, mut program: Program) -> Expression {
        if let Some(value) = fold(&program) {
            program.root = Node { kind: Kind::Literal(value), span: program.root.span };
        }
        Expression(Arc::new(Inner { text: text.into(), program }))
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The names of the variables that it may read. In a filter, names of entries of the elements
    /// are among them: only the evaluation can tell them apart.
    pub fn variables(&self) -> &[Arc<str>] {
        &self.0.program.variables
    }

    /// The value, if it does not depend on anything.
    pub fn as_literal(&self) -> Option<&Value> {
        self.0.program.root.literal()
    }

    /// Evaluates the expression. An error only if the budget is exceeded or an assertion fails;
    /// everything else that goes wrong makes (a part of) the value null, with a warning.
    pub fn evaluate(
        &self,
        variables: &dyn Variables,
        environment: &Environment,
    ) -> Result<Evaluation, EvaluationError> {
        if let Some(value) = self.as_literal() {
            return Ok(Evaluation { value: value.clone(), warnings: Vec::new() });
        }
        let (value, warnings) = evaluate::run(&self.0.program, variables, environment)?;
        Ok(Evaluation { value, warnings })
    }
}

/// The value of a program that reads nothing, if it is cheap and nothing goes wrong.
fn fold(program: &Program) -> Option<Value> {
    if program.impure || !program.variables.is_empty() || program.root.literal().is_some() {
        return None;
    }
    let environment = Environment { budget: FOLD_BUDGET, ..Environment::at(0) };
    match evaluate::run(program, &NoVariables, &environment) {
        Ok((value, warnings)) if warnings.is_empty() => Some(value),
        _ => None,
    }
}
