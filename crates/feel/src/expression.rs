//! Parsed expressions.

use std::sync::Arc;

use crate::evaluate::{Quick, QuickTest};
use crate::node::{Kind, Node, Program};
use crate::{
    Budget, Environment, EvaluationError, NoVariables, ParseError, Session, Syntax, Value,
    Variables, Warning, evaluate, parse,
};

/// An expression, parsed once and shared; cloning copies a pointer.
#[derive(Clone, Debug)]
pub struct Expression(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    program: Program,
    /// The program once more, if it is one that can be evaluated without an evaluator.
    quick: Option<Quick>,
    /// The program once more, if it is unary tests that can be decided without an evaluator.
    test: Option<QuickTest>,
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
    /// Parses FEEL text in Camunda's dialect, without the leading `=`.
    pub fn parse(text: &str) -> Result<Expression, ParseError> {
        Expression::parse_in(text, &Syntax::default())
    }

    /// Parses the unary tests of a table cell in Camunda's dialect; the input value is the variable
    /// `?`.
    pub fn parse_unary_tests(text: &str) -> Result<Expression, ParseError> {
        Expression::parse_unary_tests_in(text, &Syntax::default())
    }

    /// Like [`Expression::parse`], in a dialect and with declared names.
    pub fn parse_in(text: &str, syntax: &Syntax<'_>) -> Result<Expression, ParseError> {
        Ok(Expression::prepare(parse::expression(text, syntax)?))
    }

    /// Like [`Expression::parse_unary_tests`], in a dialect and with declared names.
    pub fn parse_unary_tests_in(text: &str, syntax: &Syntax<'_>) -> Result<Expression, ParseError> {
        Ok(Expression::prepare(parse::unary_tests(text, syntax)?))
    }

    fn prepare(mut program: Program) -> Expression {
        if let Some(value) = fold(&program) {
            program.root = Node { kind: Kind::Literal(value), span: program.root.span };
        }
        let quick = Quick::of(&program);
        let test = QuickTest::of(&program);
        Expression(Arc::new(Inner { program, quick, test }))
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.0.program.text
    }

    /// The names of the variables that it may read. In a filter, names of entries of the elements
    /// are among them: only the evaluation can tell them apart.
    pub fn variables(&self) -> &[Arc<str>] {
        &self.0.program.variables
    }

    /// The value, if it does not depend on anything.
    #[inline]
    pub fn as_literal(&self) -> Option<&Value> {
        self.0.program.root.literal()
    }

    /// Whether unary tests hold for the input, if that can be told without evaluating them; else they
    /// are to be evaluated with the input as the variable `?`. Takes one step of a budget at most for
    /// each test, and gives the same.
    #[inline]
    pub fn decide(&self, input: &Value) -> Option<bool> {
        self.0.test.as_ref()?.decide(input)
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
        let mut session = Session::new(environment);
        let value = self.run(variables, &mut session)?;
        Ok(Evaluation { value, warnings: session.take_warnings() })
    }

    /// Like [`Expression::evaluate`], against the budget of a session that has further evaluations;
    /// warnings are added to those of the session.
    #[inline]
    pub fn evaluate_in(
        &self,
        variables: &dyn Variables,
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        if let Some(value) = self.as_literal() {
            return Ok(value.clone());
        }
        self.run(variables, session)
    }

    #[inline]
    fn run(
        &self,
        variables: &dyn Variables,
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        if let Some(quick) = &self.0.quick
            && let Some(value) = quick.evaluate(&self.0.program, variables, session)
        {
            return Ok(value);
        }
        evaluate::run(&self.0.program, variables, session)
    }
}

/// The value of a program that reads nothing, if it is cheap and nothing goes wrong.
fn fold(program: &Program) -> Option<Value> {
    if program.impure || !program.variables.is_empty() || program.root.literal().is_some() {
        return None;
    }
    let environment = Environment { budget: FOLD_BUDGET, ..Environment::at(0) };
    let mut session = Session::new(&environment);
    match evaluate::run(program, &NoVariables, &mut session) {
        Ok(value) if session.warning_count() == 0 => Some(value),
        _ => None,
    }
}
