//! Ranges: intervals between two values.

use super::Value;
use super::extent::Extent;
use crate::node::Comparison;

/// An interval; a null bound is unbounded.
#[derive(Clone, Debug)]
pub struct Range {
    /// The lower bound, null for none.
    pub start: Value,
    /// Whether the lower bound belongs to the range.
    pub start_included: bool,
    /// The upper bound, null for none.
    pub end: Value,
    /// Whether the upper bound belongs to the range.
    pub end_included: bool,
    /// How the range was written, if with an operator in front of one bound: `(< 5)`.
    pub(crate) operator: Option<Comparison>,
}

impl Range {
    /// The range between two bounds.
    pub fn new(start: Value, start_included: bool, end: Value, end_included: bool) -> Range {
        Range { start, start_included, end, end_included, operator: None }
    }

    /// What compares with a bound in this way; what is not equal to it is no interval.
    pub(crate) fn of_operator(operator: Comparison, bound: Value) -> Range {
        let (start, end) = match operator {
            Comparison::Equal | Comparison::NotEqual => (bound.clone(), bound),
            Comparison::Less | Comparison::LessEqual => (Value::Null, bound),
            Comparison::Greater | Comparison::GreaterEqual => (bound, Value::Null),
        };
        Range {
            start,
            start_included: matches!(operator, Comparison::Equal | Comparison::GreaterEqual),
            end,
            end_included: matches!(operator, Comparison::Equal | Comparison::LessEqual),
            operator: Some(operator),
        }
    }

    /// The bound behind the operator; the start of a range without operator.
    pub(crate) fn bound(&self) -> &Value {
        match self.operator {
            Some(Comparison::Less | Comparison::LessEqual) => &self.end,
            _ => &self.start,
        }
    }

    pub(super) fn extent(&self) -> Extent {
        Extent::of([&self.start, &self.end])
    }
}
