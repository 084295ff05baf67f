//! Relations between points and ranges (Allen's interval algebra).

use std::cmp::Ordering;

use super::{Call, Outcome, Overload, null};
use crate::evaluate::{Failure, shown};
use crate::value::order;
use crate::{Dialect, Range, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("before", &["a", "b"], |call| relate(call, before)),
    Overload::new("before", &["point1", "point2"], |call| relate(call, before)),
    Overload::new("after", &["a", "b"], |call| relate(call, |a, b| before(b, a))),
    Overload::new("after", &["point1", "point2"], |call| relate(call, |a, b| before(b, a))),
    Overload::new("meets", &["range1", "range2"], |call| relate(call, meets)),
    Overload::new("met by", &["range1", "range2"], |call| relate(call, |a, b| meets(b, a))),
    Overload::new("overlaps", &["range1", "range2"], |call| relate(call, overlaps)),
    Overload::new("overlaps before", &["range1", "range2"], |call| relate(call, overlaps_before)),
    Overload::new("overlaps after", &["range1", "range2"], |call| {
        relate(call, |a, b| overlaps_before(b, a))
    }),
    Overload::new("finishes", &["a", "b"], |call| relate(call, finishes)),
    Overload::new("finished by", &["a", "b"], |call| relate(call, |a, b| finishes(b, a))),
    Overload::new("includes", &["a", "b"], |call| relate(call, includes)),
    Overload::new("during", &["a", "b"], |call| relate(call, |a, b| includes(b, a))),
    Overload::new("starts", &["a", "b"], |call| relate(call, starts)),
    Overload::new("started by", &["a", "b"], |call| relate(call, |a, b| starts(b, a))),
    Overload::new("coincides", &["a", "b"], |call| relate(call, coincides)),
    Overload::new("range", &["from"], range).only(Dialect::Dmn),
];

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
    relation: fn(&Interval<'_>, &Interval<'_>) -> Option<bool>,
) -> Outcome {
    let dialect = call.dialect();
    let left = Interval::of(call.argument(0), dialect);
    let right = Interval::of(call.argument(1), dialect);
    match relation(&left, &right) {
        Some(result) => Ok(Value::Boolean(result)),
        None => Err(Failure::Arguments),
    }
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
