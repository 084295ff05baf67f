//! What most cells of decision tables are, decided without an evaluator: a constant, a comparison with
//! one, a range between two, several of these, or none of them (`not(...)`).
//!
//! Only numbers and strings are decided here, and only against their like: everything else may need a
//! warning and is left to the evaluator.

use std::sync::Arc;

use crate::node::{Comparison, Kind, Node, Program, RangeLiteral};
use crate::{Number, Value};

/// Unary tests that may be decided quickly.
#[derive(Debug)]
pub(crate) enum QuickTest {
    OfNumber(Tests<Number>),
    OfText(Tests<Arc<str>>),
}

/// Tests of a value of one type.
#[derive(Debug)]
pub(crate) struct Tests<T> {
    negated: bool,
    first: Test<T>,
    others: Box<[Test<T>]>,
}

#[derive(Debug)]
enum Test<T> {
    Equal(T),
    NotEqual(T),
    Less(T),
    LessEqual(T),
    Greater(T),
    GreaterEqual(T),
    /// From the first one, and up to but not including the second one.
    HalfOpen(T, T),
    /// From the first one up to the second one, each with whether it is included.
    Between(T, bool, T, bool),
}

impl QuickTest {
    /// The program as such tests, if it is some.
    pub(crate) fn of(program: &Program) -> Option<QuickTest> {
        let [input] = &*program.variables else { return None };
        if &**input != "?" {
            return None;
        }
        let (negated, nodes) = match &program.root.kind {
            Kind::Tests(tests) => (tests.negated, &*tests.tests),
            _ => (false, std::slice::from_ref(&program.root)),
        };
        let number = |value: &Value| value.as_number();
        let text = |value: &Value| match value {
            Value::String(text) => Some(Arc::clone(text)),
            _ => None,
        };
        let numbers = Tests::of(nodes, negated, &number).map(QuickTest::OfNumber);
        numbers.or_else(|| Tests::of(nodes, negated, &text).map(QuickTest::OfText))
    }

    /// Whether the tests hold for the input; none if the evaluator has to find out.
    #[inline]
    pub(crate) fn decide(&self, input: &Value) -> Option<bool> {
        match (self, input) {
            (QuickTest::OfNumber(tests), Value::Number(input)) => Some(tests.decide(input)),
            (QuickTest::OfText(tests), Value::String(input)) => Some(tests.decide(input)),
            _ => None,
        }
    }
}

impl<T: Ord> Tests<T> {
    fn of(
        nodes: &[Node],
        negated: bool,
        constant: &impl Fn(&Value) -> Option<T>,
    ) -> Option<Tests<T>> {
        let mut tests = nodes.iter().map(|node| Test::of(node, constant));
        let first = tests.next()??;
        Some(Tests { negated, first, others: tests.collect::<Option<_>>()? })
    }

    #[inline]
    fn decide(&self, input: &T) -> bool {
        let holds = self.first.holds(input) || self.others.iter().any(|test| test.holds(input));
        holds != self.negated
    }
}

impl<T: Ord> Test<T> {
    fn of(node: &Node, constant: &impl Fn(&Value) -> Option<T>) -> Option<Test<T>> {
        let constant = |node: &Node| constant(node.literal()?);
        match &node.kind {
            Kind::TestCompare(comparison, test) if is_input(&test.input) => {
                let bound = constant(&test.bound)?;
                Some(match comparison {
                    Comparison::Equal => Test::Equal(bound),
                    Comparison::NotEqual => Test::NotEqual(bound),
                    Comparison::Less => Test::Less(bound),
                    Comparison::LessEqual => Test::LessEqual(bound),
                    Comparison::Greater => Test::Greater(bound),
                    Comparison::GreaterEqual => Test::GreaterEqual(bound),
                })
            }
            Kind::TestValue(test) if is_input(&test.input) => match &test.value.kind {
                Kind::Range(range) => {
                    let (lower, upper) = (constant(&range.start)?, constant(&range.end)?);
                    Some(Test::between(range, lower, upper))
                }
                _ => Some(Test::Equal(constant(&test.value)?)),
            },
            _ => None,
        }
    }

    fn between(range: &RangeLiteral, lower: T, upper: T) -> Test<T> {
        match (range.start_included, range.end_included) {
            (true, false) => Test::HalfOpen(lower, upper),
            (start, end) => Test::Between(lower, start, upper, end),
        }
    }

    #[inline]
    fn holds(&self, input: &T) -> bool {
        match self {
            Test::Equal(bound) => input == bound,
            Test::NotEqual(bound) => input != bound,
            Test::Less(bound) => input < bound,
            Test::LessEqual(bound) => input <= bound,
            Test::Greater(bound) => input > bound,
            Test::GreaterEqual(bound) => input >= bound,
            Test::HalfOpen(lower, upper) => input < upper && input >= lower,
            Test::Between(lower, start, upper, end) => {
                (input > lower || *start && input == lower)
                    && (input < upper || *end && input == upper)
            }
        }
    }
}

/// Whether the node is `?`, which is the only variable.
fn is_input(node: &Node) -> bool {
    matches!(node.kind, Kind::Global(0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{Environment, Expression, Value};

    #[test]
    fn it_decides_what_the_evaluator_decides() {
        let tests = [
            "1",
            "-1",
            "\"a\"",
            "< 2",
            ">= 2",
            "!= 2",
            "= \"a\"",
            "[1..3]",
            "(1..3)",
            "]1..3[",
            "1, 2, 3",
            "\"a\", \"b\"",
            "not(1)",
            "not(\"a\", \"b\")",
            "not(< 2, > 5)",
            "> \"a\"",
            "[\"a\"..\"c\"]",
            "<2, [4..5), 9",
        ];
        let inputs = ["-1", "1", "1.0", "2", "3", "4", "5", "9", "\"a\"", "\"b\"", "\"c\""];
        let mut decided = 0;
        for test in tests {
            let expression = Expression::parse_unary_tests(test).unwrap();
            for input in inputs {
                let value = Expression::parse(input).unwrap().as_literal().unwrap().clone();
                let variables = BTreeMap::from([("?".to_owned(), value.clone())]);
                let evaluation = expression.evaluate(&variables, &Environment::at(0)).unwrap();
                if let Some(quick) = expression.decide(&value) {
                    assert_eq!(evaluation.value, Value::Boolean(quick), "{test} of {input}");
                    assert!(evaluation.warnings.is_empty(), "{test} of {input}");
                    decided += 1;
                }
            }
        }
        assert!(decided > 90, "{decided}");
    }

    #[test]
    fn it_leaves_to_the_evaluator_what_it_does_not_know() {
        for test in ["x", "? > 1", "< x", "null", "true", "[1, 2]", "date(\"2020-01-01\")"] {
            let expression = Expression::parse_unary_tests(test).unwrap();
            assert_eq!(expression.decide(&Value::from(1_i64)), None, "{test}");
        }
        let number = Expression::parse_unary_tests("< 1").unwrap();
        assert_eq!(number.decide(&Value::Null), None);
        assert_eq!(number.decide(&Value::from("a")), None);
    }
}
