//! Ranges as values.

use std::sync::Arc;

use super::{Evaluated, Evaluator};
use crate::node::{Comparison, Node, RangeLiteral, Span};
use crate::value::{equal, order};
use crate::{Range, Value};

impl Evaluator<'_> {
    pub(super) fn range_literal(&mut self, literal: &RangeLiteral, span: Span) -> Evaluated {
        let start = self.eval(&literal.start)?;
        let end = self.eval(&literal.end)?;
        if self.dialect().is_dmn()
            && !start.is_null()
            && !end.is_null()
            && order(&start, &end, self.dialect()).is_none()
        {
            self.warn_not_comparable(&start, &end, span);
            return Ok(Value::Null);
        }
        let range = Range::new(start, literal.start_included, end, literal.end_included);
        self.checked(Value::Range(Arc::new(range)))
    }

    /// The range that an operator and a bound mean.
    pub(super) fn unary_range(
        &mut self,
        operator: Comparison,
        bound: &Node,
        span: Span,
    ) -> Evaluated {
        let value = self.eval(bound)?;
        let dialect = self.dialect();
        let is_bound = match operator {
            Comparison::Equal | Comparison::NotEqual => equal(&value, &value, dialect).is_ok(),
            _ => order(&value, &value, dialect).is_some(),
        };
        if !is_bound {
            self.warn_type("a bound of a range", &value, span);
            return Ok(Value::Null);
        }
        self.checked(Value::Range(Arc::new(Range::of_operator(operator, value))))
    }
}
