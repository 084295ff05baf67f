//! Equality and order of values, as `=` and `<` see them.

use std::cmp::Ordering;

use super::{Context, List, Value};
use crate::Dialect;
use crate::temporal::Moment;

/// The values are of types that FEEL does not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EqualityError;

/// Whether two values are equal; an error if they are of different types (null compares with
/// everything).
#[inline]
pub(crate) fn equal(left: &Value, right: &Value, dialect: Dialect) -> Result<bool, EqualityError> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Ok(left == right),
        (Value::String(left), Value::String(right)) => Ok(left == right),
        (Value::Boolean(left), Value::Boolean(right)) => Ok(left == right),
        _ => equal_others(left, right, dialect),
    }
}

fn equal_others(left: &Value, right: &Value, dialect: Dialect) -> Result<bool, EqualityError> {
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::List(left), Value::List(right)) => equal_lists(left, right, dialect),
        (Value::Context(left), Value::Context(right)) => equal_contexts(left, right, dialect),
        (Value::Date(left), Value::Date(right)) => left == right,
        (Value::Time(left), Value::Time(right)) => {
            return left.equals(right, dialect).ok_or(EqualityError);
        }
        (Value::DateTime(left), Value::DateTime(right)) => {
            return left.equals(right, dialect).ok_or(EqualityError);
        }
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => left == right,
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => left == right,
        (Value::Range(left), Value::Range(right)) => {
            left.operator == right.operator
                && left.start_included == right.start_included
                && left.end_included == right.end_included
                && same(&left.start, &right.start, dialect)
                && same(&left.end, &right.end, dialect)
        }
        _ => return Err(EqualityError),
    })
}

/// Whether two values are equal; values that FEEL does not compare are not.
#[inline]
pub(crate) fn same(left: &Value, right: &Value, dialect: Dialect) -> bool {
    equal(left, right, dialect) == Ok(true)
}

fn equal_lists(left: &List, right: &List, dialect: Dialect) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| same(&left, &right, dialect))
}

fn equal_contexts(left: &Context, right: &Context, dialect: Dialect) -> bool {
    if left.len() != right.len() {
        return false;
    }
    // Most contexts that are equal have their keys in the same order.
    let same_order = left.entries().iter().zip(right.entries());
    let mut same_order = same_order.map(|((left, _), (right, _))| left == right);
    if same_order.all(|same| same) {
        let mut pairs = left.entries().iter().zip(right.entries());
        return pairs.all(|((_, left), (_, right))| same(left, right, dialect));
    }
    // `entries` has read all of the right one, so that each look-up is a search in memory.
    left.entries()
        .iter()
        .all(|(key, value)| right.get(key).is_some_and(|other| same(&other, value, dialect)))
}

/// The order of two values; none if FEEL does not order them.
#[inline]
pub(crate) fn order(left: &Value, right: &Value, dialect: Dialect) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        _ => order_others(left, right, dialect),
    }
}

fn order_others(left: &Value, right: &Value, dialect: Dialect) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => return left.order(right, dialect),
        (Value::DateTime(left), Value::DateTime(right)) => return left.order(right, dialect),
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => left.cmp(right),
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => left.cmp(right),
        _ => return None,
    })
}

/// Whether two values are the same: of one type, and equal to the last part. Times in different zones
/// are not, even at the same instant.
pub(crate) fn identical(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Time(left), Value::Time(right)) => left == right,
        (Value::DateTime(left), Value::DateTime(right)) => left == right,
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| identical(&left, &right))
        }
        (Value::Context(left), Value::Context(right)) => {
            left.len() == right.len()
                && left.entries().iter().all(|(key, value)| {
                    right.get(key).is_some_and(|other| identical(value, &other))
                })
        }
        (Value::Range(left), Value::Range(right)) => {
            left.operator == right.operator
                && left.start_included == right.start_included
                && left.end_included == right.end_included
                && identical(&left.start, &right.start)
                && identical(&left.end, &right.end)
        }
        (Value::Null, _) | (_, Value::Null) => false,
        _ => same(left, right, Dialect::Dmn),
    }
}
