//! `+ - * / **` on numbers, strings, dates and durations.

use super::{Evaluated, Evaluator, shown};
use crate::node::{Arithmetic, Node, Operator, Span};
use crate::temporal::{Date, DateTime, DaysTimeDuration, Time, YearsMonthsDuration, plus_months};
use crate::{Number, Value, WarningKind};

impl Evaluator<'_> {
    pub(super) fn arithmetic(&mut self, arithmetic: &Arithmetic, span: Span) -> Evaluated {
        let mut rest = arithmetic.rest.iter();
        let mut result = match rest.as_slice() {
            [(operator, right), ..]
                if self.is_at_hand(&arithmetic.first) & self.is_at_hand(right) =>
            {
                rest.next();
                let (left, right) = (self.peek(&arithmetic.first), self.peek(right));
                match numbers(*operator, left, right) {
                    Some(number) => number.into(),
                    None => {
                        let (left, right) = (left.clone(), right.clone());
                        self.apply(*operator, &left, &right, span)?
                    }
                }
            }
            _ => self.eval(&arithmetic.first)?,
        };
        for (operator, right_node) in rest {
            if self.is_at_hand(right_node)
                && let Some(number) = numbers(*operator, &result, self.peek(right_node))
            {
                result = number.into();
                continue;
            }
            let right = self.eval(right_node)?;
            result = self.apply(*operator, &result, &right, span)?;
        }
        Ok(result)
    }

    fn apply(&mut self, operator: Operator, left: &Value, right: &Value, span: Span) -> Evaluated {
        if let (Operator::Add, Value::String(left), Value::String(right)) = (operator, left, right)
        {
            return self.concatenate(left, right);
        }
        match apply(operator, left, right) {
            Some(value) => Ok(value),
            None => Ok(self.warn_operator(operator, left, right, span)),
        }
    }

    fn concatenate(&mut self, left: &str, right: &str) -> Evaluated {
        self.bytes((left.len() + right.len()) as u64)?;
        let mut text = String::with_capacity(left.len() + right.len());
        text.push_str(left);
        text.push_str(right);
        Ok(text.into())
    }

    #[cold]
    fn warn_operator(
        &mut self,
        operator: Operator,
        left: &Value,
        right: &Value,
        span: Span,
    ) -> Value {
        let (left, right) = (shown(left), shown(right));
        let kind = WarningKind::InvalidType;
        match operator {
            Operator::Add => self.warn(kind, span, format_args!("Can't add '{right}' to '{left}'")),
            Operator::Subtract => {
                self.warn(kind, span, format_args!("Can't subtract '{right}' from '{left}'"));
            }
            Operator::Multiply => {
                self.warn(kind, span, format_args!("Can't multiply '{left}' by '{right}'"));
            }
            Operator::Divide => {
                self.warn(kind, span, format_args!("Can't divide '{left}' by '{right}'"));
            }
            Operator::Power => {
                self.warn(kind, span, format_args!("Can't raise '{left}' to '{right}'"));
            }
        }
        Value::Null
    }

    pub(super) fn negate(&mut self, operand: &Node, span: Span) -> Evaluated {
        let value = self.eval(operand)?;
        match value {
            Value::Number(number) => Ok(number.negate().into()),
            other => {
                self.warn_type("number", &other, span);
                Ok(Value::Null)
            }
        }
    }
}

/// The result for two numbers; none for other values, and beyond the range of numbers.
#[inline]
fn numbers(operator: Operator, left: &Value, right: &Value) -> Option<Number> {
    let (Value::Number(left), Value::Number(right)) = (left, right) else { return None };
    match operator {
        Operator::Add => left.checked_add(*right),
        Operator::Subtract => left.checked_sub(*right),
        Operator::Multiply => left.checked_mul(*right),
        Operator::Divide => left.checked_div(*right),
        Operator::Power => left.checked_pow(*right),
    }
}

/// The result; none if the operator does not take such values, or beyond their range.
fn apply(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    if let Some(number) = numbers(operator, left, right) {
        return Some(number.into());
    }
    match operator {
        Operator::Add => add(left, right),
        Operator::Subtract => subtract(left, right),
        Operator::Multiply => multiply(left, right),
        Operator::Divide => divide(left, right),
        Operator::Power => None,
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
            let midnight = date.to_datetime(jiff::civil::Time::midnight());
            Some(Value::Date(midnight.checked_add(duration.0).ok()?.date()))
        }
        (Value::Date(date), Value::YearsMonthsDuration(duration)) => {
            Some(Value::Date(plus_months(*date, duration.0)?))
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

fn subtract(left: &Value, right: &Value) -> Option<Value> {
    let difference = match (left, right) {
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => {
            left.0.checked_sub(right.0)?
        }
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => {
            let months = left.0.checked_sub(right.0)?;
            return Some(Value::YearsMonthsDuration(YearsMonthsDuration(months)));
        }
        (Value::Time(left), Value::Time(right)) => time_difference(left, right)?,
        (Value::Date(left), Value::Date(right)) => left.duration_since(*right),
        (Value::DateTime(left), Value::DateTime(right)) => left.since(right)?,
        (Value::DateTime(left), Value::Date(right)) => left.since(&midnight(*right))?,
        (Value::Date(left), Value::DateTime(right)) => midnight(*left).since(right)?,
        (point, Value::DaysTimeDuration(duration)) => {
            let negative = DaysTimeDuration(duration.0.checked_neg()?);
            return shift(point, &Value::DaysTimeDuration(negative));
        }
        (point, Value::YearsMonthsDuration(duration)) => {
            let negative = YearsMonthsDuration(duration.0.checked_neg()?);
            return shift(point, &Value::YearsMonthsDuration(negative));
        }
        _ => return None,
    };
    Some(Value::DaysTimeDuration(DaysTimeDuration(difference)))
}

fn time_difference(left: &Time, right: &Time) -> Option<jiff::SignedDuration> {
    if left.zone.is_some() != right.zone.is_some() {
        return None;
    }
    let difference = left.comparable_nanoseconds() - right.comparable_nanoseconds();
    Some(jiff::SignedDuration::from_nanos(difference))
}

fn midnight(date: Date) -> DateTime {
    DateTime::local(date.to_datetime(jiff::civil::Time::midnight()))
}

fn multiply(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::DaysTimeDuration(duration), Value::Number(factor))
        | (Value::Number(factor), Value::DaysTimeDuration(duration)) => {
            Some(Value::DaysTimeDuration(duration.checked_mul(factor.truncate_to_i64()?)?))
        }
        (Value::YearsMonthsDuration(duration), Value::Number(factor))
        | (Value::Number(factor), Value::YearsMonthsDuration(duration)) => {
            let months = duration.0.checked_mul(factor.truncate_to_i64()?)?;
            Some(Value::YearsMonthsDuration(YearsMonthsDuration(months)))
        }
        _ => None,
    }
}

fn divide(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::DaysTimeDuration(duration), Value::Number(divisor)) => {
            Some(Value::DaysTimeDuration(duration.checked_div(*divisor)?))
        }
        (Value::DaysTimeDuration(left), Value::DaysTimeDuration(right)) => {
            left.to_seconds()?.checked_div(right.to_seconds()?).map(Value::Number)
        }
        (Value::YearsMonthsDuration(duration), Value::Number(divisor)) => {
            let months = Number::from(duration.0).checked_div(*divisor)?;
            let months = months.truncate_to_i64()?;
            Some(Value::YearsMonthsDuration(YearsMonthsDuration(months)))
        }
        (Value::YearsMonthsDuration(left), Value::YearsMonthsDuration(right)) => {
            let right = Number::from(right.0);
            Number::from(left.0).checked_div(right).map(Value::Number)
        }
        _ => None,
    }
}
