//! Numbers from and to text, integers and binary floating point.

use std::fmt;
use std::str::FromStr;

use super::arithmetic::{digits, power_of_ten};
use super::{COEFFICIENT_END, DIGITS_MAX, Number, Parts, SIGN_BIT, SMALL_INTEGER};

/// The text is not a number, or beyond the range of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub struct ParseNumberError;

impl From<i64> for Number {
    #[inline]
    fn from(value: i64) -> Number {
        let sign = if value < 0 { SIGN_BIT } else { 0 };
        Number { high: SMALL_INTEGER | sign, low: value.unsigned_abs() }
    }
}

impl From<u64> for Number {
    #[inline]
    fn from(value: u64) -> Number {
        Number { high: SMALL_INTEGER, low: value }
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Number {
        Number::from(i64::from(value))
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Number {
        Number::from(u64::from(value))
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Number {
        Number::from(value as u64)
    }
}

impl Number {
    /// A number from a coefficient and a power of ten, rounded to 34 digits.
    pub fn from_scaled(value: i128, exponent: i32) -> Option<Number> {
        Number::round_and_pack(value < 0, value.unsigned_abs(), exponent)
    }

    /// The shortest decimal that reads back as this double; none for infinities and NaN.
    pub fn from_f64(value: f64) -> Option<Number> {
        /// Doubles below this are exact integers.
        const EXACT_END: f64 = 9_007_199_254_740_992.0;
        if !value.is_finite() {
            return None;
        }
        if value.fract() == 0.0 && value.abs() < EXACT_END {
            return Some(Number::from(value as i64));
        }
        format!("{value:e}").parse().ok()
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        let Parts { negative, coefficient, exponent } = self.parts();
        /// Coefficients up to 2^53 and powers up to 10^22 are exact doubles.
        const EXACT: u128 = 1 << 53;
        if coefficient <= EXACT && (-22..=22).contains(&exponent) {
            let power = power_of_ten(exponent.unsigned_abs()) as f64;
            let magnitude = coefficient as f64;
            let value = if exponent < 0 { magnitude / power } else { magnitude * power };
            return if negative { -value } else { value };
        }
        let text = format!("{}{coefficient}e{exponent}", if negative { "-" } else { "" });
        text.parse().unwrap_or(f64::NAN)
    }

    /// The number as a 64-bit integer; none with a fraction or beyond 64 bits.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        if self.high == SMALL_INTEGER {
            return i64::try_from(self.low).ok();
        }
        self.to_i128().and_then(|value| i64::try_from(value).ok())
    }

    /// The number as an unsigned 64-bit integer; none with a fraction, below zero or beyond 64 bits.
    pub fn to_u64(self) -> Option<u64> {
        self.to_i128().and_then(|value| u64::try_from(value).ok())
    }

    /// The number as a 128-bit integer; none with a fraction or beyond.
    pub fn to_i128(self) -> Option<i128> {
        let Parts { negative, coefficient, exponent } = self.parts();
        let magnitude = if coefficient == 0 {
            0
        } else if exponent >= 0 {
            let exponent = exponent.unsigned_abs();
            if digits(coefficient) + exponent > 38 {
                return None;
            }
            coefficient * power_of_ten(exponent)
        } else {
            let places = exponent.unsigned_abs();
            if places >= DIGITS_MAX || !coefficient.is_multiple_of(power_of_ten(places)) {
                return None;
            }
            coefficient / power_of_ten(places)
        };
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(if negative { -magnitude } else { magnitude })
    }
}

impl FromStr for Number {
    type Err = ParseNumberError;

    /// Reads `-12.50`, `.5`, `1e3`. Digits beyond 34 are rounded half to even.
    fn from_str(text: &str) -> Result<Number, ParseNumberError> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..)),
            Some(b'+') => (false, text.get(1..)),
            _ => (false, Some(text)),
        };
        parse_magnitude(rest.unwrap_or(""), negative).ok_or(ParseNumberError)
    }
}

fn parse_magnitude(text: &str, negative: bool) -> Option<Number> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, parse_exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut coefficient = 0u128;
    // Digits that no longer fit: how many, and whether any was not zero.
    let (mut dropped, mut sticky) = (0i32, false);
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        if coefficient < COEFFICIENT_END {
            coefficient = coefficient * 10 + u128::from(digit - b'0');
        } else {
            dropped = dropped.checked_add(1)?;
            sticky |= digit != b'0';
        }
    }
    let mut exponent =
        exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    if sticky {
        // 35 digits are kept; one more stands for everything that follows.
        coefficient = coefficient * 10 + 1;
        exponent = exponent.checked_sub(1)?;
    }
    Number::round_and_pack(negative, coefficient, exponent)
}

fn parse_exponent(text: &str) -> Option<i32> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let value: i32 = digits.parse().ok()?;
    Some(if negative { -value } else { value })
}

impl fmt::Display for Number {
    /// The text that `java.math.BigDecimal` gives, as Camunda's users see it: plain digits with
    /// trailing zeros kept (`1.10`), scientific below `0.000001` and above 34 digits (`1E-8`).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { negative, coefficient, exponent } = self.parts();
        if negative {
            formatter.write_str("-")?;
        }
        if exponent == 0 {
            return write!(formatter, "{coefficient}");
        }
        let adjusted = exponent + digits(coefficient) as i32 - 1;
        /// Below this power of ten plain digits would be mostly zeros.
        const PLAIN_MIN: i32 = -6;
        if exponent > 0 || adjusted < PLAIN_MIN {
            return write_scientific(formatter, coefficient, adjusted);
        }
        let places = exponent.unsigned_abs();
        let (whole, fraction) = if places > 38 {
            (0, coefficient)
        } else {
            (coefficient / power_of_ten(places), coefficient % power_of_ten(places))
        };
        write!(formatter, "{whole}.{fraction:0width$}", width = places as usize)
    }
}

fn write_scientific(
    formatter: &mut fmt::Formatter<'_>,
    coefficient: u128,
    adjusted: i32,
) -> fmt::Result {
    let power = power_of_ten(digits(coefficient) - 1);
    write!(formatter, "{}", coefficient / power)?;
    if power > 1 {
        let width = digits(coefficient) as usize - 1;
        write!(formatter, ".{:0width$}", coefficient % power)?;
    }
    write!(formatter, "E{adjusted:+}")
}
