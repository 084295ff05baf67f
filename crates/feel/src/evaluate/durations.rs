//! `+ - * /` on dates, times and durations (DMN Tables 57 and 59).

use crate::node::Operator;
use crate::temporal::{DateTime, DaysTimeDuration, YearsMonthsDuration};
use crate::{Dialect, Number, Rounding, Value};

/// The result; none if the operator does not take such values, or beyond their range.
pub(super) fn apply(
    operator: Operator,
    left: &Value,
    right: &Value,
    dialect: Dialect,
) -> Option<Value> {
    match operator {
        Operator::Add => add(left, right),
        Operator::Subtract => subtract(left, right, dialect),
        Operator::Multiply => multiply(left, right, dialect),
        Operator::Divide => divide(left, right, dialect),
        Operator::Power => None,
    }
}

/// A duration backwards, which only DMN's dialect knows (DMN Table 62).
pub(super) fn negate(value: &Value, dialect: Dialect) -> Option<Value> {
    match value {
        _ if !dialect.is_dmn() => None,
        Value::DaysTimeDuration(duration) => duration.checked_neg().map(Value::DaysTimeDuration),
        Value::YearsMonthsDuration(duration) => {
            duration.checked_neg().map(Value::YearsMonthsDuration)
        }
        _ => None,
    }
}

fn add(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => {
            Some(Value::DaysTimeDuration(DaysTimeDuration(left.0.checked_add(right.0)?)))
        }
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => {
            Some(Value::YearsMonthsDuration(YearsMonthsDuration(left.0.checked_add(right.0)?)))
        }
        (Value::DaysTimeDuration(_) | Value::YearsMonthsDuration(_), _) => shift(right, left),
        _ => shift(left, right),
    }
}

/// A point in time, so much later.
fn shift(point: &Value, duration: &Value) -> Option<Value> {
    match (point, duration) {
        (Value::Date(date), Value::DaysTimeDuration(duration)) => {
            // From midnight on, and without the time in the end: an hour before is the day before.
            Some(Value::Date(date.plus_days(duration.days_down())?))
        }
        (Value::Date(date), Value::YearsMonthsDuration(duration)) => {
            Some(Value::Date(date.plus_months(duration.0)?))
        }
        (Value::DateTime(value), Value::DaysTimeDuration(duration)) => {
            Some(value.plus(duration.0)?.into())
        }
        (Value::DateTime(value), Value::YearsMonthsDuration(duration)) => {
            Some(value.plus_months(duration.0)?.into())
        }
        (Value::Time(time), Value::DaysTimeDuration(duration)) => {
            Some(time.plus(duration.0).into())
        }
        _ => None,
    }
}

fn subtract(left: &Value, right: &Value, dialect: Dialect) -> Option<Value> {
    let difference = match (left, right) {
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => {
            left.0.checked_sub(right.0)?
        }
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => {
            let months = left.0.checked_sub(right.0)?;
            return Some(Value::YearsMonthsDuration(YearsMonthsDuration(months)));
        }
        (Value::Time(left), Value::Time(right)) => left.since(right)?,
        (Value::Date(left), Value::Date(right)) => {
            let days = left.epoch_days() - right.epoch_days();
            jiff::SignedDuration::from_secs(days.checked_mul(86_400)?)
        }
        (Value::DateTime(left), Value::DateTime(right)) => left.since(right)?,
        (Value::DateTime(left), Value::Date(right)) if dialect.is_dmn() => {
            left.since(&DateTime::midnight(*right))?
        }
        (Value::Date(left), Value::DateTime(right)) if dialect.is_dmn() => {
            DateTime::midnight(*left).since(right)?
        }
        (point, Value::DaysTimeDuration(duration)) => {
            return shift(point, &Value::DaysTimeDuration(duration.checked_neg()?));
        }
        (point, Value::YearsMonthsDuration(duration)) => {
            return shift(point, &Value::YearsMonthsDuration(duration.checked_neg()?));
        }
        _ => return None,
    };
    Some(Value::DaysTimeDuration(DaysTimeDuration(difference)))
}

fn multiply(left: &Value, right: &Value, dialect: Dialect) -> Option<Value> {
    let (duration, factor) = match (left, right) {
        (duration, Value::Number(factor)) | (Value::Number(factor), duration) => {
            (duration, *factor)
        }
        _ => return None,
    };
    // Camunda's dialect takes a factor without its fraction.
    let factor = if dialect.is_dmn() { factor } else { Number::from(factor.truncate_to_i64()?) };
    match duration {
        Value::DaysTimeDuration(duration) => {
            duration.checked_mul(factor).map(Value::DaysTimeDuration)
        }
        Value::YearsMonthsDuration(duration) => {
            duration.checked_mul(factor).map(Value::YearsMonthsDuration)
        }
        _ => None,
    }
}

fn divide(left: &Value, right: &Value, dialect: Dialect) -> Option<Value> {
    let ratio = match (left, right) {
        (Value::DaysTimeDuration(duration), Value::Number(divisor)) => {
            return duration.checked_div(*divisor).map(Value::DaysTimeDuration);
        }
        (Value::YearsMonthsDuration(duration), Value::Number(divisor)) => {
            return duration.checked_div(*divisor).map(Value::YearsMonthsDuration);
        }
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => {
            left.to_seconds()?.checked_div(right.to_seconds()?)?
        }
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => {
            Number::from(left.0).checked_div(Number::from(right.0))?
        }
        _ => return None,
    };
    // In Camunda's dialect: how often one fits into the other.
    let ratio = if dialect.is_dmn() { ratio } else { ratio.round(0, Rounding::Down)? };
    Some(Value::Number(ratio))
}
