//! FEEL numbers: 34 decimal digits, rounded half to even, as in IEEE 754 decimal128.
//!
//! Trailing zeros are kept through arithmetic the way `java.math.BigDecimal` keeps them (they show
//! in `string(1.10)`), and never matter for comparison. A number is 16 bytes: sign, 14 bits of
//! exponent, 113 bits of coefficient.

mod arithmetic;
mod convert;
mod functions;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

pub use convert::ParseNumberError;
pub use functions::Rounding;

/// A decimal number: `coefficient * 10^exponent`, at most 34 digits.
///
/// Equality and order are numeric: `1.0` equals `1`.
#[derive(Clone, Copy)]
pub struct Number {
    /// Sign (bit 63), biased exponent (bits 49 to 62), upper 49 bits of the coefficient.
    high: u64,
    /// Lower 64 bits of the coefficient.
    low: u64,
}

/// Digits of a coefficient.
pub(crate) const DIGITS_MAX: u32 = 34;
/// The first coefficient with too many digits.
const COEFFICIENT_END: u128 = 10u128.pow(DIGITS_MAX);
const COEFFICIENT_HIGH_BITS: u32 = 49;
const COEFFICIENT_HIGH_MASK: u64 = (1 << COEFFICIENT_HIGH_BITS) - 1;
const EXPONENT_MASK: u64 = (1 << 14) - 1;
const EXPONENT_BIAS: i32 = 8192;
const EXPONENT_MIN: i32 = -8192;
const EXPONENT_MAX: i32 = 8191;
const SIGN_BIT: u64 = 1 << 63;
/// `high` of a non-negative integer below 2^64.
const SMALL_INTEGER: u64 = (EXPONENT_BIAS as u64) << COEFFICIENT_HIGH_BITS;

/// The fields of a number, unpacked for calculation.
#[derive(Clone, Copy, Debug)]
struct Parts {
    negative: bool,
    coefficient: u128,
    exponent: i32,
}

impl Number {
    /// Zero.
    pub const ZERO: Number = Number { high: SMALL_INTEGER, low: 0 };
    /// One.
    pub const ONE: Number = Number { high: SMALL_INTEGER, low: 1 };

    #[inline]
    fn parts(self) -> Parts {
        Parts {
            negative: self.high & SIGN_BIT != 0,
            coefficient: (u128::from(self.high & COEFFICIENT_HIGH_MASK) << 64)
                | u128::from(self.low),
            exponent: ((self.high >> COEFFICIENT_HIGH_BITS) & EXPONENT_MASK) as i32 - EXPONENT_BIAS,
        }
    }

    /// Packs a coefficient of at most 34 digits and an exponent in range.
    #[inline]
    fn pack(negative: bool, coefficient: u128, exponent: i32) -> Number {
        debug_assert!(coefficient < COEFFICIENT_END);
        debug_assert!((EXPONENT_MIN..=EXPONENT_MAX).contains(&exponent));
        let sign = if negative && coefficient != 0 { SIGN_BIT } else { 0 };
        Number {
            high: sign
                | (((exponent + EXPONENT_BIAS) as u64) << COEFFICIENT_HIGH_BITS)
                | (coefficient >> 64) as u64,
            low: coefficient as u64,
        }
    }

    /// Rounds to 34 digits and packs; none if the exponent is beyond the format.
    fn round_and_pack(negative: bool, mut coefficient: u128, mut exponent: i32) -> Option<Number> {
        if coefficient >= COEFFICIENT_END {
            let excess = arithmetic::digits(coefficient) - DIGITS_MAX;
            coefficient = arithmetic::shift_right_half_even(coefficient, excess, false);
            exponent = exponent.checked_add(excess as i32)?;
            if coefficient == COEFFICIENT_END {
                coefficient /= 10;
                exponent = exponent.checked_add(1)?;
            }
        }
        while exponent > EXPONENT_MAX && coefficient != 0 && coefficient < COEFFICIENT_END / 10 {
            coefficient *= 10;
            exponent -= 1;
        }
        if exponent < EXPONENT_MIN {
            let excess = (EXPONENT_MIN - exponent) as u32;
            coefficient = arithmetic::shift_right_half_even(coefficient, excess, false);
            exponent = EXPONENT_MIN;
        }
        if coefficient == 0 {
            exponent = exponent.clamp(EXPONENT_MIN, 0);
        }
        (exponent <= EXPONENT_MAX).then(|| Number::pack(negative, coefficient, exponent))
    }

    /// Whether the number is zero.
    pub fn is_zero(self) -> bool {
        self.low == 0 && self.high & COEFFICIENT_HIGH_MASK == 0
    }

    /// Whether the number is below zero.
    pub fn is_negative(self) -> bool {
        self.high & SIGN_BIT != 0
    }

    /// Whether the number has no fraction.
    pub fn is_integer(self) -> bool {
        let Parts { coefficient, exponent, .. } = self.parts();
        if exponent >= 0 || coefficient == 0 {
            return true;
        }
        let places = exponent.unsigned_abs();
        places < DIGITS_MAX && coefficient.is_multiple_of(arithmetic::power_of_ten(places))
    }
}

impl PartialEq for Number {
    #[inline]
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    #[inline]
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    #[inline]
    fn cmp(&self, other: &Number) -> Ordering {
        if self.high == SMALL_INTEGER && other.high == SMALL_INTEGER {
            return self.low.cmp(&other.low);
        }
        arithmetic::compare(self.parts(), other.parts())
    }
}

impl std::fmt::Debug for Number {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}
