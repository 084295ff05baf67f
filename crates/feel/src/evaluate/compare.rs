//! Comparisons and the three-valued `and` and `or`.

use std::cmp::Ordering;

use super::{Evaluated, Evaluator, shown};
use crate::limits::TEXT_STEP_BYTES;
use crate::node::{Comparison, Kind, Node, Span};
use crate::value::{equal, order};
use crate::{Dialect, Range, Value, WarningKind};

/// What a comparison says; an error if the values cannot be compared (with what to say instead).
///
/// Values of different types are not equal, with a warning (null in DMN's dialect); they have no
/// order, which is null.
pub(super) fn compare_values(
    comparison: Comparison,
    left: &Value,
    right: &Value,
    dialect: Dialect,
) -> Result<bool, Option<bool>> {
    match comparison {
        Comparison::Equal => {
            equal(left, right, dialect).map_err(|_| (!dialect.is_dmn()).then_some(false))
        }
        Comparison::NotEqual => match equal(left, right, dialect) {
            Ok(equal) => Ok(!equal),
            Err(_) => Err((!dialect.is_dmn()).then_some(true)),
        },
        Comparison::LessEqual => order(left, right, dialect).map(Ordering::is_le).ok_or(None),
        Comparison::GreaterEqual => order(left, right, dialect).map(Ordering::is_ge).ok_or(None),
        Comparison::Less => order(left, right, dialect).map(Ordering::is_lt).ok_or(None),
        Comparison::Greater => order(left, right, dialect).map(Ordering::is_gt).ok_or(None),
    }
}

/// The comparison of two numbers or two strings; none for everything else.
#[inline(always)]
pub(super) fn quick(comparison: Comparison, left: &Value, right: &Value) -> Option<bool> {
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.cmp(right),
        (Value::String(left), Value::String(right)) => {
            // Longer ones cost steps, which only the evaluator counts.
            if left.len().min(right.len()) > TEXT_STEP_BYTES {
                return None;
            }
            match comparison {
                Comparison::Equal => return Some(left == right),
                Comparison::NotEqual => return Some(left != right),
                _ => left.cmp(right),
            }
        }
        _ => return None,
    };
    Some(match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterEqual => order.is_ge(),
    })
}

/// Whether the value lies in the range; none if it cannot be compared with a bound.
pub(crate) fn in_range(value: &Value, range: &Range, dialect: Dialect) -> Option<bool> {
    match range.operator {
        Some(Comparison::Equal) => return equal(value, &range.start, dialect).ok(),
        Some(Comparison::NotEqual) => {
            return equal(value, &range.start, dialect).ok().map(|equal| !equal);
        }
        // In DMN a missing bound is one that is not known, unless there is none to be given.
        None if dialect.is_dmn() && (range.start.is_null() || range.end.is_null()) => return None,
        _ => {}
    }
    let above = match (range.start.is_null(), range.start_included) {
        (true, _) => true,
        (_, true) => order(value, &range.start, dialect)?.is_ge(),
        (_, false) => order(value, &range.start, dialect)?.is_gt(),
    };
    let below = match (range.end.is_null(), range.end_included) {
        (true, _) => true,
        (_, true) => order(value, &range.end, dialect)?.is_le(),
        (_, false) => order(value, &range.end, dialect)?.is_lt(),
    };
    Some(above && below)
}

impl Evaluator<'_> {
    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        operands: &[Node; 2],
        span: Span,
    ) -> Evaluated {
        if let Some(result) = self.compare_quickly(comparison, operands) {
            return Ok(Value::Boolean(result));
        }
        let [left, right] = operands;
        let left = self.eval(left)?;
        let right = self.eval(right)?;
        self.compare_values(comparison, &left, &right, span)
    }

    /// Compares what can be looked at where it is, which is most of what gateways and filters ask;
    /// none (and nothing done but variables read) for everything else.
    #[inline]
    fn compare_quickly(&mut self, comparison: Comparison, operands: &[Node; 2]) -> Option<bool> {
        let [left, right] = operands;
        if let Kind::Literal(constant) = &right.kind {
            return self.compare_with_constant(comparison, left, constant);
        }
        if let Kind::Scoped(scoped) = &left.kind {
            if !(self.is_present(&scoped.outside) | self.is_present(right)) {
                return None;
            }
            let entry = self.entry_of_item(scoped);
            let entry = entry.as_ref().unwrap_or_else(|| self.peek(&scoped.outside));
            return quick(comparison, entry, self.peek(right));
        }
        if self.is_present(left) && self.is_present(right) {
            return quick(comparison, self.peek(left), self.peek(right));
        }
        None
    }

    /// [`Evaluator::compare_quickly`] for the most frequent of all comparisons.
    #[inline]
    fn compare_with_constant(
        &mut self,
        comparison: Comparison,
        left: &Node,
        constant: &Value,
    ) -> Option<bool> {
        match &left.kind {
            Kind::Global(slot) => quick(comparison, self.present(*slot)?, constant),
            Kind::Local(slot) => quick(comparison, self.local(*slot), constant),
            Kind::Scoped(scoped) => {
                let compared = scoped.items.iter().find_map(|slot| match self.local(*slot) {
                    Value::Context(context) => context.with_entry(&scoped.name, |entry| {
                        entry.map(|entry| quick(comparison, entry, constant))
                    }),
                    _ => None,
                });
                match compared {
                    Some(compared) => compared,
                    None => self.compare_with_constant(comparison, &scoped.outside, constant),
                }
            }
            _ => None,
        }
    }

    /// The value of a node that is likely a comparison.
    #[inline]
    pub(super) fn condition(&mut self, node: &Node) -> Evaluated {
        if let Kind::Compare(comparison, operands) = &node.kind
            && let Some(result) = self.compare_quickly(*comparison, operands)
        {
            self.steps(1)?;
            return Ok(Value::Boolean(result));
        }
        self.eval(node)
    }

    #[inline(never)]
    fn compare_values(
        &mut self,
        comparison: Comparison,
        left: &Value,
        right: &Value,
        span: Span,
    ) -> Evaluated {
        self.spend_comparison(left, right)?;
        match compare_values(comparison, left, right, self.dialect()) {
            Ok(result) => Ok(Value::Boolean(result)),
            Err(instead) => {
                self.warn_not_comparable(left, right, span);
                Ok(instead.into())
            }
        }
    }

    /// Counts the work of comparing two values.
    pub(super) fn spend_comparison(&mut self, left: &Value, right: &Value) -> Evaluated<()> {
        match (left, right) {
            (Value::String(left), Value::String(right)) => {
                self.steps((left.len().min(right.len()) / TEXT_STEP_BYTES) as u64)
            }
            (Value::List(_) | Value::Context(_), Value::List(_) | Value::Context(_)) => {
                self.steps(left.extent().bytes.min(right.extent().bytes) / 24)
            }
            _ => Ok(()),
        }
    }

    #[cold]
    pub(super) fn warn_not_comparable(&mut self, left: &Value, right: &Value, span: Span) {
        let (left, right) = (shown(left), shown(right));
        self.warn(
            WarningKind::NotComparable,
            span,
            format_args!("Can't compare '{left}' with '{right}'"),
        );
    }

    pub(super) fn between(&mut self, parts: &[Node; 3], span: Span) -> Evaluated {
        let [value, lower, upper] = parts;
        let value = self.eval(value)?;
        self.walk(&value)?;
        let range = Range::new(self.eval(lower)?, true, self.eval(upper)?, true);
        let result = match range.start.is_null() || range.end.is_null() {
            true => None,
            false => in_range(&value, &range, self.dialect()),
        };
        if result.is_none() {
            self.warn_outside_range(&value, &range, span);
        }
        Ok(result.into())
    }

    #[cold]
    pub(super) fn warn_outside_range(&mut self, value: &Value, range: &Range, span: Span) {
        let (value, start, end) = (shown(value), shown(&range.start), shown(&range.end));
        self.warn(
            WarningKind::NotComparable,
            span,
            format_args!("Can't compare '{value}' with '{start}' and '{end}'"),
        );
    }

    /// False as soon as one part is false; null if one is no boolean; else true.
    pub(super) fn conjunction(&mut self, parts: &[Node]) -> Evaluated {
        self.decide(parts, false)
    }

    /// True as soon as one part is true; null if one is no boolean; else false.
    pub(super) fn disjunction(&mut self, parts: &[Node]) -> Evaluated {
        self.decide(parts, true)
    }

    fn decide(&mut self, parts: &[Node], decisive: bool) -> Evaluated {
        let mut undecided = false;
        for part in parts {
            match self.condition(part)? {
                Value::Boolean(value) if value == decisive => return Ok(Value::Boolean(decisive)),
                Value::Boolean(_) => {}
                other => {
                    undecided = true;
                    self.warn_type("boolean", &other, part.span);
                }
            }
        }
        Ok(if undecided { Value::Null } else { Value::Boolean(!decisive) })
    }
}
