//! Rounding to places, powers, modulo and the functions that go through binary floating point.

use super::arithmetic::{digits, power_of_ten};
use super::{DIGITS_MAX, Number, Parts, SMALL_INTEGER};

/// How a number is rounded to a number of decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// Towards positive infinity.
    Ceiling,
    /// Towards negative infinity.
    Floor,
    /// To the nearest, ties away from zero.
    HalfUp,
    /// To the nearest, ties towards zero.
    HalfDown,
    /// To the nearest, ties to the even neighbour.
    HalfEven,
}

impl Number {
    /// Rounds to `places` digits after the decimal point (negative: before it).
    ///
    /// None if the result would need more than 34 digits.
    pub fn round(self, places: i32, rounding: Rounding) -> Option<Number> {
        let Parts { negative, coefficient, exponent } = self.parts();
        let target = places.checked_neg()?;
        if exponent >= target {
            // Nothing to drop: pad with zeros as far as the digits allow.
            let pad = exponent.checked_sub(target)? as u32;
            if coefficient == 0 {
                return Number::round_and_pack(false, 0, target);
            }
            if pad + digits(coefficient) > DIGITS_MAX {
                return Some(self);
            }
            return Number::round_and_pack(negative, coefficient * power_of_ten(pad), target);
        }
        let drop = (i64::from(target) - i64::from(exponent)) as u64;
        let (quotient, remainder, half) = if drop > 37 {
            (0, coefficient, None)
        } else {
            let power = power_of_ten(drop as u32);
            (coefficient / power, coefficient % power, Some(power / 2))
        };
        let up = remainder != 0
            && match rounding {
                Rounding::Up => true,
                Rounding::Down => false,
                Rounding::Ceiling => !negative,
                Rounding::Floor => negative,
                Rounding::HalfUp => half.is_some_and(|half| remainder >= half),
                Rounding::HalfDown => half.is_some_and(|half| remainder > half),
                Rounding::HalfEven => half.is_some_and(|half| {
                    remainder > half || (remainder == half && quotient % 2 == 1)
                }),
            };
        Number::round_and_pack(negative, quotient + u128::from(up), target)
    }

    /// The largest integer that is not above the number.
    #[must_use]
    pub fn floor(self) -> Number {
        if self.parts().exponent >= 0 {
            return self;
        }
        self.round(0, Rounding::Floor).unwrap_or(self)
    }

    /// `self - other * floor(self / other)`: the sign follows the divisor. None for a zero divisor.
    pub fn modulo(self, other: Number) -> Option<Number> {
        let quotient = self.checked_div(other)?.floor();
        self.checked_sub(other.checked_mul(quotient)?)
    }

    /// The power: exact (to 34 digits) for whole exponents, by binary floating point otherwise.
    pub fn checked_pow(self, exponent: Number) -> Option<Number> {
        match exponent.to_i64() {
            Some(exponent) if exponent.unsigned_abs() <= 999_999_999 => {
                let power = self.power_of_whole(exponent.unsigned_abs())?;
                if exponent < 0 { Number::ONE.checked_div(power) } else { Some(power) }
            }
            Some(_) => None,
            None => Number::from_f64(self.to_f64().powf(exponent.to_f64())),
        }
    }

    fn power_of_whole(self, mut exponent: u64) -> Option<Number> {
        let mut base = self;
        let mut result = Number::ONE;
        while exponent > 0 {
            if exponent % 2 == 1 {
                result = result.checked_mul(base)?;
            }
            exponent /= 2;
            if exponent > 0 {
                base = base.checked_mul(base)?;
            }
        }
        Some(result)
    }

    /// The square root by binary floating point, as in Camunda; none below zero.
    pub fn sqrt(self) -> Option<Number> {
        Number::from_f64(self.to_f64().sqrt())
    }

    /// The square root to 34 digits; none below zero.
    pub fn root(self) -> Option<Number> {
        /// Each doubles the digits that are right, of which binary floating point has 15.
        const STEPS: usize = 2;
        if self.is_negative() || self.is_zero() {
            return self.is_zero().then_some(Number::ZERO);
        }
        // The root of the digits with an even exponent is far inside the range of floating point.
        let Parts { coefficient, exponent, .. } = self.parts();
        let odd = exponent.rem_euclid(2);
        let digits = Number::round_and_pack(false, coefficient, odd)?;
        let mut root = digits.sqrt()?;
        for _ in 0..STEPS {
            root = root.checked_add(digits.checked_div(root)?)?.checked_div(Number::from(2))?;
        }
        let Parts { coefficient, exponent: places, .. } = root.parts();
        Number::round_and_pack(false, coefficient, places + (exponent - odd) / 2)
    }

    /// The natural logarithm by binary floating point; none at and below zero.
    pub fn ln(self) -> Option<Number> {
        Number::from_f64(self.to_f64().ln())
    }

    /// Euler's number to this power by binary floating point.
    pub fn exp(self) -> Option<Number> {
        Number::from_f64(self.to_f64().exp())
    }

    /// The whole part as a 64-bit integer (fraction cut off), or none beyond 64 bits.
    pub fn truncate_to_i64(self) -> Option<i64> {
        if self.high == SMALL_INTEGER {
            return i64::try_from(self.low).ok();
        }
        self.round(0, Rounding::Down)?.to_i64()
    }
}
