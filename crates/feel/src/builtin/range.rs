//! Relations between points and ranges (Allen's interval algebra).

use std::cmp::Ordering;

use super::{Call, Outcome, Overload, null};
use crate::evaluate::{Failure, shown};
use crate::node::Comparison;
use crate::value::order;
use crate::{Dialect, Range, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("before", &["a", "b"], before_of).only(Dialect::Camunda),
    Overload::new("before", &["point1", "point2"], before_of),
    Overload::new("before", &["point", "range"], before_of).only(Dialect::Dmn),
    Overload::new("before", &["range", "point"], before_of).only(Dialect::Dmn),
    Overload::new("before", &["range1", "range2"], before_of).only(Dialect::Dmn),
    Overload::new("after", &["a", "b"], after_of).only(Dialect::Camunda),
    Overload::new("after", &["point1", "point2"], after_of),
    Overload::new("after", &["point", "range"], after_of).only(Dialect::Dmn),
    Overload::new("after", &["range", "point"], after_of).only(Dialect::Dmn),
    Overload::new("after", &["range1", "range2"], after_of).only(Dialect::Dmn),
    Overload::new("meets", &["range1", "range2"], meets_of),
    Overload::new("met by", &["range1", "range2"], met_by_of),
    Overload::new("overlaps", &["range1", "range2"], overlaps_of),
    Overload::new("overlaps before", &["range1", "range2"], overlaps_before_of),
    Overload::new("overlaps after", &["range1", "range2"], overlaps_after_of),
    Overload::new("finishes", &["a", "b"], finishes_of).only(Dialect::Camunda),
    Overload::new("finishes", &["point", "range"], finishes_of).only(Dialect::Dmn),
    Overload::new("finishes", &["range1", "range2"], finishes_of).only(Dialect::Dmn),
    Overload::new("finished by", &["a", "b"], finished_by_of).only(Dialect::Camunda),
    Overload::new("finished by", &["range", "point"], finished_by_of).only(Dialect::Dmn),
    Overload::new("finished by", &["range1", "range2"], finished_by_of).only(Dialect::Dmn),
    Overload::new("includes", &["a", "b"], includes_of).only(Dialect::Camunda),
    Overload::new("includes", &["range", "point"], includes_of).only(Dialect::Dmn),
    Overload::new("includes", &["range1", "range2"], includes_of).only(Dialect::Dmn),
    Overload::new("during", &["a", "b"], during_of).only(Dialect::Camunda),
    Overload::new("during", &["point", "range"], during_of).only(Dialect::Dmn),
    Overload::new("during", &["range1", "range2"], during_of).only(Dialect::Dmn),
    Overload::new("starts", &["a", "b"], starts_of).only(Dialect::Camunda),
    Overload::new("starts", &["point", "range"], starts_of).only(Dialect::Dmn),
    Overload::new("starts", &["range1", "range2"], starts_of).only(Dialect::Dmn),
    Overload::new("started by", &["a", "b"], started_by_of).only(Dialect::Camunda),
    Overload::new("started by", &["range", "point"], started_by_of).only(Dialect::Dmn),
    Overload::new("started by", &["range1", "range2"], started_by_of).only(Dialect::Dmn),
    Overload::new("coincides", &["a", "b"], coincides_of).only(Dialect::Camunda),
    Overload::new("coincides", &["point1", "point2"], coincides_of).only(Dialect::Dmn),
    Overload::new("coincides", &["range1", "range2"], coincides_of).only(Dialect::Dmn),
    Overload::new("range", &["from"], range).only(Dialect::Dmn),
];

fn before_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Any, before)
}

fn after_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Any, |a, b| before(b, a))
}

fn meets_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Ranges, meets)
}

fn met_by_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Ranges, |a, b| meets(b, a))
}

fn overlaps_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Ranges, overlaps)
}

fn overlaps_before_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Ranges, overlaps_before)
}

fn overlaps_after_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Ranges, |a, b| overlaps_before(b, a))
}

fn finishes_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::InRange, finishes)
}

fn finished_by_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::OfRange, |a, b| finishes(b, a))
}

fn includes_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::OfRange, includes)
}

fn during_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::InRange, |a, b| includes(b, a))
}

fn starts_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::InRange, starts)
}

fn started_by_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::OfRange, |a, b| starts(b, a))
}

fn coincides_of(call: &mut Call<'_, '_>) -> Outcome {
    relate(call, Shape::Alike, coincides)
}

/// What the standard has a relation for: points, ranges, or a point and a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Any,
    Ranges,
    /// A point or range in a range.
    InRange,
    /// A range and what may be in it.
    OfRange,
    /// Two points or two ranges.
    Alike,
}

impl Shape {
    fn is_of(self, left: &Value, right: &Value) -> bool {
        let is_range = |value: &Value| matches!(value, Value::Range(_));
        match self {
            Shape::Any => true,
            Shape::Ranges => is_range(left) && is_range(right),
            Shape::InRange => is_range(right),
            Shape::OfRange => is_range(left),
            Shape::Alike => is_range(left) == is_range(right),
        }
    }
}

/// A range, or a point as the range of nothing but itself.
struct Interval<'a> {
    start: &'a Value,
    start_included: bool,
    end: &'a Value,
    end_included: bool,
    /// How the bounds compare.
    dialect: Dialect,
}

impl<'a> Interval<'a> {
    fn of(value: &'a Value, dialect: Dialect) -> Interval<'a> {
        match value {
            Value::Range(range) => {
                let Range { start, start_included, end, end_included, .. } = &**range;
                Interval {
                    start,
                    start_included: *start_included,
                    end,
                    end_included: *end_included,
                    dialect,
                }
            }
            point => Interval {
                start: point,
                start_included: true,
                end: point,
                end_included: true,
                dialect,
            },
        }
    }
}

fn relate(
    call: &mut Call<'_, '_>,
    shape: Shape,
    relation: fn(&Interval<'_>, &Interval<'_>) -> Option<bool>,
) -> Outcome {
    let dialect = call.dialect();
    let (left, right) = (call.argument(0), call.argument(1));
    if dialect.is_dmn() && (!shape.is_of(left, right) || excludes(left) || excludes(right)) {
        return Err(Failure::Arguments);
    }
    let left = Interval::of(call.argument(0), dialect);
    let right = Interval::of(call.argument(1), dialect);
    match relation(&left, &right) {
        Some(result) => Ok(Value::Boolean(result)),
        None => Err(Failure::Arguments),
    }
}

/// Whether the value is a range that is no interval: `(!= 5)`.
fn excludes(value: &Value) -> bool {
    matches!(value, Value::Range(range) if range.operator == Some(Comparison::NotEqual))
}

/// The range that a text says: two literals in brackets.
fn range(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.evaluator.steps(text.len() as u64)?;
    match call.evaluator.range_of_text(text)? {
        Some(range) => Ok(range),
        None => null(format!("There is no range in '{}'", shown(call.argument(0)))),
    }
}

/// How two starts compare: at the same point one that is included comes first.
fn starts_order(a: &Interval<'_>, b: &Interval<'_>) -> Option<Ordering> {
    Some(order(a.start, b.start, a.dialect)?.then(b.start_included.cmp(&a.start_included)))
}

/// How two ends compare: at the same point one that is included comes last.
fn ends_order(a: &Interval<'_>, b: &Interval<'_>) -> Option<Ordering> {
    Some(order(a.end, b.end, a.dialect)?.then(a.end_included.cmp(&b.end_included)))
}

fn before(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(match order(a.end, b.start, a.dialect)? {
        Ordering::Less => true,
        Ordering::Equal => !(a.end_included && b.start_included),
        Ordering::Greater => false,
    })
}

fn meets(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(order(a.end, b.start, a.dialect)?.is_eq() && a.end_included && b.start_included)
}

fn overlaps(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(!before(a, b)? && !before(b, a)?)
}

fn overlaps_before(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(starts_order(a, b)?.is_lt() && overlaps(a, b)? && ends_order(a, b)?.is_le())
}

fn finishes(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(ends_order(a, b)?.is_eq() && starts_order(a, b)?.is_ge())
}

fn starts(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(starts_order(a, b)?.is_eq() && ends_order(a, b)?.is_le())
}

fn includes(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(starts_order(a, b)?.is_le() && ends_order(a, b)?.is_ge())
}

fn coincides(a: &Interval<'_>, b: &Interval<'_>) -> Option<bool> {
    Some(starts_order(a, b)?.is_eq() && ends_order(a, b)?.is_eq())
}
