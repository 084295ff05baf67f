//! Functions on numbers.

use super::{Call, Outcome, Overload, null, number_value};
use crate::evaluate::Failure;
use crate::number::Rounding;
use crate::{Dialect, Number, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("decimal", &["n", "scale"], |call| rounded(call, Rounding::HalfEven)),
    Overload::new("floor", &["n"], |call| rounded(call, Rounding::Floor)),
    Overload::new("floor", &["n", "scale"], |call| rounded(call, Rounding::Floor)),
    Overload::new("ceiling", &["n"], |call| rounded(call, Rounding::Ceiling)),
    Overload::new("ceiling", &["n", "scale"], |call| rounded(call, Rounding::Ceiling)),
    Overload::new("round up", &["n", "scale"], |call| rounded(call, Rounding::Up)),
    Overload::new("round down", &["n", "scale"], |call| rounded(call, Rounding::Down)),
    Overload::new("round half up", &["n", "scale"], |call| rounded(call, Rounding::HalfUp)),
    Overload::new("round half down", &["n", "scale"], |call| rounded(call, Rounding::HalfDown)),
    Overload::new("abs", &["n"], abs),
    Overload::new("abs", &["number"], abs).only(Dialect::Camunda),
    Overload::new("modulo", &["dividend", "divisor"], modulo),
    Overload::new("sqrt", &["number"], sqrt),
    Overload::new("log", &["number"], log),
    Overload::new("exp", &["number"], exp),
    Overload::new("odd", &["number"], |call| Ok(Value::Boolean(parity(call)? == Some(1)))),
    Overload::new("even", &["number"], |call| Ok(Value::Boolean(parity(call)? == Some(0)))),
    Overload::impure("random number", &[], random_number),
];

fn rounded(call: &mut Call<'_, '_>, rounding: Rounding) -> Outcome {
    let places = match call.arguments.len() {
        1 => 0,
        _ => call.integer(1)?,
    };
    /// The scales that the standard allows.
    const SCALES: std::ops::RangeInclusive<i64> = -6111..=6176;
    call.in_domain(SCALES.contains(&places), "The scale")?;
    match i32::try_from(places) {
        Ok(places) => number_value(call.number(0)?.round(places, rounding)),
        Err(_) => null(format!("The scale {places} is out of range")),
    }
}

fn abs(call: &mut Call<'_, '_>) -> Outcome {
    let result = match call.argument(0) {
        Value::Number(number) => Some(Value::Number(number.abs())),
        Value::DaysTimeDuration(value) => value.checked_abs().map(Value::DaysTimeDuration),
        Value::YearsMonthsDuration(value) => value.checked_abs().map(Value::YearsMonthsDuration),
        _ => return Err(Failure::Arguments),
    };
    match result {
        Some(value) => Ok(value),
        None => null("The result is out of the range of durations"),
    }
}

fn modulo(call: &mut Call<'_, '_>) -> Outcome {
    let (dividend, divisor) = (call.number(0)?, call.number(1)?);
    if divisor.is_zero() {
        return null("Division by zero");
    }
    number_value(dividend.modulo(divisor))
}

fn sqrt(call: &mut Call<'_, '_>) -> Outcome {
    let number = call.number(0)?;
    if number.is_negative() {
        return Ok(Value::Null);
    }
    number_value(if call.dialect().is_dmn() { number.root() } else { number.sqrt() })
}

fn log(call: &mut Call<'_, '_>) -> Outcome {
    number_value(call.number(0)?.ln())
}

fn exp(call: &mut Call<'_, '_>) -> Outcome {
    number_value(call.number(0)?.exp())
}

/// 0 for even, 1 for odd whole numbers, none for others.
fn parity(call: &mut Call<'_, '_>) -> Result<Option<i64>, Failure> {
    let number = call.number(0)?;
    Ok(number.modulo(Number::from(2)).and_then(Number::to_i64))
}

/// At least 0 and below 1, with 53 random bits.
fn random_number(call: &mut Call<'_, '_>) -> Outcome {
    let bits = call.evaluator.random_u64() >> 11;
    number_value(Number::from_f64(bits as f64 / (1u64 << 53) as f64))
}
