//! Ranges as values.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Evaluated, Evaluator};
use crate::node::{Comparison, Kind, Node, RangeLiteral, Span};
use crate::value::{equal, order};
use crate::{Dialect, Range, Syntax, Value, parse};

impl Evaluator<'_> {
    pub(super) fn range_literal(&mut self, literal: &RangeLiteral, span: Span) -> Evaluated {
        let value = self.range_of_bounds(literal)?;
        if let Value::Range(range) = &value
            && self.dialect().is_dmn()
            && !is_in_order(range)
        {
            self.warn_outside_range(&range.start, range, span);
            return Ok(Value::Null);
        }
        Ok(value)
    }

    /// The range between the bounds, in whatever order they are.
    pub(super) fn range_of_bounds(&mut self, literal: &RangeLiteral) -> Evaluated {
        let start = self.eval(&literal.start)?;
        let end = self.eval(&literal.end)?;
        let range = Range::new(start, literal.start_included, end, literal.end_included);
        self.checked(Value::Range(Arc::new(range)))
    }

    /// The range that a text says: two literals in order, or calls that stand for literals.
    pub(crate) fn range_of_text(&mut self, text: &str) -> Evaluated<Option<Value>> {
        let syntax = Syntax { dialect: Dialect::Dmn, ..Syntax::default() };
        let Ok(program) = parse::expression(text, &syntax) else { return Ok(None) };
        let Kind::Range(literal) = &program.root.kind else { return Ok(None) };
        if !is_literal(&literal.start) || !is_literal(&literal.end) {
            return Ok(None);
        }
        // Warnings would point into another text.
        let warnings = self.warnings.len();
        let value = self.range_of_bounds(literal)?;
        self.warnings.truncate(warnings);
        let Value::Range(range) = &value else { return Ok(None) };
        let is_complete = !range.start.is_null() && !range.end.is_null();
        Ok((is_complete && is_in_order(range)).then_some(value))
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

/// Whether the start is not behind the end; a bound that is null is not known.
fn is_in_order(range: &Range) -> bool {
    let Range { start, end, .. } = range;
    start.is_null() || end.is_null() || order(start, end, Dialect::Dmn).is_some_and(Ordering::is_le)
}

/// Whether the node is a literal, or a function that makes a date, time or duration of one.
fn is_literal(node: &Node) -> bool {
    match &node.kind {
        Kind::Literal(_) => true,
        Kind::Builtin(call) => {
            matches!(call.overload.name, "date" | "time" | "date and time" | "duration")
                && matches!(&*call.arguments, [argument] if argument.literal().is_some())
        }
        _ => false,
    }
}
