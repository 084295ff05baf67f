//! Equality and order of values, as `=` and `<` see them.

use std::cmp::Ordering;

use super::{Context, List, Value};

/// The values are of types that FEEL does not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EqualityError;

/// Whether two values are equal; an error if they are of different types (null compares with
/// everything).
#[inline]
pub(crate) fn equal(left: &Value, right: &Value) -> Result<bool, EqualityError> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Ok(left == right),
        (Value::String(left), Value::String(right)) => Ok(left == right),
        (Value::Boolean(left), Value::Boolean(right)) => Ok(left == right),
        _ => equal_others(left, right),
    }
}

fn equal_others(left: &Value, right: &Value) -> Result<bool, EqualityError> {
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::List(left), Value::List(right)) => equal_lists(left, right),
        (Value::Context(left), Value::Context(right)) => equal_contexts(left, right),
        (Value::Date(left), Value::Date(right)) => left == right,
        (Value::Time(left), Value::Time(right)) => {
            if left.zone.is_some() != right.zone.is_some() {
                return Err(EqualityError);
            }
            left == right
        }
        (Value::DateTime(left), Value::DateTime(right)) => {
            if left.zone.is_some() != right.zone.is_some() {
                return Err(EqualityError);
            }
            left == right
        }
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => left == right,
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => left == right,
        (Value::Range(left), Value::Range(right)) => {
            left.start_included == right.start_included
                && left.end_included == right.end_included
                && left.start == right.start
                && left.end == right.end
        }
        _ => return Err(EqualityError),
    })
}

fn equal_lists(left: &List, right: &List) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left == right)
}

fn equal_contexts(left: &Context, right: &Context) -> bool {
    if left.len() != right.len() {
        return false;
    }
    // Most contexts that are equal have their keys in the same order.
    let same_order = left.entries().iter().zip(right.entries());
    let mut same_order = same_order.map(|((left, _), (right, _))| left == right);
    if same_order.all(|same| same) {
        let mut pairs = left.entries().iter().zip(right.entries());
        return pairs.all(|((_, left), (_, right))| left == right);
    }
    // `entries` has read all of the right one, so that each look-up is a search in memory.
    left.entries().iter().all(|(key, value)| right.get(key).is_some_and(|other| other == *value))
}

/// The order of two values; none if FEEL does not order them.
#[inline]
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        _ => order_others(left, right),
    }
}

fn order_others(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => {
            if left.zone.is_some() != right.zone.is_some() {
                return None;
            }
            left.comparable_nanoseconds().cmp(&right.comparable_nanoseconds())
        }
        (Value::DateTime(left), Value::DateTime(right)) => {
            if left.zone.is_some() != right.zone.is_some() {
                return None;
            }
            left.comparable_nanoseconds().cmp(&right.comparable_nanoseconds())
        }
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => left.cmp(right),
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => left.cmp(right),
        _ => return None,
    })
}
