//! Unary tests and `in`.

use super::compare::{compare_values, in_range};
use super::{Evaluated, Evaluator, contains};
use crate::node::{Comparison, In, Kind, Span, TestCompare, TestValue, Tests};
use crate::value::{equal, same};
use crate::{Dialect, List, Value, WarningKind};

impl Evaluator<'_> {
    pub(super) fn membership(&mut self, node: &In) -> Evaluated {
        let value = self.eval(&node.value)?;
        self.set_local(node.slot, value);
        let result = self.eval(&node.test)?;
        self.set_local(node.slot, Value::Null);
        Ok(result)
    }

    /// True as soon as one test holds; null if none does and one cannot be decided.
    pub(super) fn tests(&mut self, tests: &Tests) -> Evaluated {
        let mut undecided = false;
        for test in &tests.tests {
            match self.eval(test)? {
                Value::Boolean(true) => return Ok(Value::Boolean(!tests.negated)),
                Value::Boolean(false) => {}
                _ => undecided = true,
            }
        }
        Ok(if undecided { Value::Null } else { Value::Boolean(tests.negated) })
    }

    pub(super) fn test_compare(
        &mut self,
        comparison: Comparison,
        test: &TestCompare,
        span: Span,
    ) -> Evaluated {
        let input = self.eval(&test.input)?;
        let bound = self.eval(&test.bound)?;
        self.spend_comparison(&input, &bound)?;
        Ok(match compare_values(comparison, &input, &bound, self.dialect()) {
            Ok(result) => Value::Boolean(result),
            Err(instead) => {
                self.warn_not_comparable(&input, &bound, span);
                instead.into()
            }
        })
    }

    pub(super) fn test_value(&mut self, test: &TestValue, span: Span) -> Evaluated {
        let value = match &test.value.kind {
            // Which compares with its bounds, whatever they are.
            Kind::Range(literal) => self.range_of_bounds(literal)?,
            _ => self.eval(&test.value)?,
        };
        match (&value, self.dialect()) {
            (Value::Boolean(_), _) if test.reads_input => return Ok(value),
            // A condition that is not decided does not ask for an input that is null.
            (Value::Null, Dialect::Dmn) if test.reads_input => return Ok(value),
            (Value::Boolean(true), Dialect::Camunda) => return Ok(value),
            (_, Dialect::Camunda) if test.reads_input => return Ok(Value::Null),
            _ => {}
        }
        let input = self.eval(&test.input)?;
        self.walk(&input)?;
        self.walk(&value)?;
        match &value {
            Value::Range(range) => {
                if let Value::Range(_) = input {
                    return Ok(Value::Boolean(same(&input, &value, self.dialect())));
                }
                let result = in_range(&input, range, self.dialect());
                if result.is_none() {
                    self.warn_outside_range(&input, range, span);
                }
                Ok(result.into())
            }
            Value::List(list) => {
                let dialect = self.dialect();
                let equal_list = matches!(input, Value::List(_)) && same(&input, &value, dialect);
                let found = equal_list
                    || contains(list, &input, dialect)
                    || (dialect.is_dmn() && is_in_element(list, &input, dialect));
                Ok(Value::Boolean(found))
            }
            // A condition that does not hold.
            Value::Boolean(false)
                if self.dialect() == Dialect::Camunda && !matches!(input, Value::Boolean(_)) =>
            {
                Ok(value)
            }
            _ => match equal(&input, &value, self.dialect()) {
                Ok(result) => Ok(Value::Boolean(result)),
                Err(_) => {
                    self.warn_not_comparable(&input, &value, span);
                    Ok((!self.dialect().is_dmn()).then_some(false).into())
                }
            },
        }
    }

    /// Warns that there is no function of this name.
    pub(super) fn unknown_function(&mut self, name: &str, span: Span) -> Evaluated {
        self.warn(
            WarningKind::NoFunctionFound,
            span,
            format_args!("No function found with name '{name}' and these parameters"),
        );
        Ok(Value::Null)
    }
}

/// Whether the value lies in one of the ranges of the list.
fn is_in_element(list: &List, value: &Value, dialect: Dialect) -> bool {
    list.iter().any(|element| match element {
        Value::Range(range) => in_range(value, &range, dialect) == Some(true),
        _ => false,
    })
}
