//! The four operations, comparison and rounding on unpacked decimals.

use std::cmp::Ordering;

use super::{COEFFICIENT_END, DIGITS_MAX, Number, Parts, SMALL_INTEGER};

/// The largest power of ten in 128 bits.
const POWER_MAX: u32 = 38;
/// Half of the digits: products are built from halves so that 128 bits suffice.
const HALF: u128 = 10u128.pow(DIGITS_MAX / 2);

const POWERS: [u128; 39] = {
    let mut powers = [1u128; 39];
    let mut index = 1;
    while index < 39 {
        #[allow(clippy::indexing_slicing, reason = "constant evaluation checks the bounds")]
        {
            powers[index] = powers[index - 1] * 10;
        }
        index += 1;
    }
    powers
};

/// `10^exponent`, for exponents up to 38.
#[inline]
pub(super) fn power_of_ten(exponent: u32) -> u128 {
    debug_assert!(exponent <= POWER_MAX);
    POWERS.get(exponent as usize).copied().unwrap_or(u128::MAX)
}

/// Decimal digits of a coefficient; zero has one.
#[inline]
pub(super) fn digits(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().unwrap_or(0) + 1
}

/// Drops `places` digits, rounding half to even; `sticky` says that non-zero digits follow.
pub(super) fn shift_right_half_even(coefficient: u128, places: u32, sticky: bool) -> u128 {
    if places == 0 {
        return coefficient;
    }
    if places > POWER_MAX {
        return 0;
    }
    let power = power_of_ten(places);
    let (quotient, remainder) = (coefficient / power, coefficient % power);
    round_half_even(quotient, remainder, power, sticky)
}

fn round_half_even(quotient: u128, remainder: u128, divisor: u128, sticky: bool) -> u128 {
    let half = divisor - remainder;
    match remainder.cmp(&half) {
        Ordering::Greater => quotient + 1,
        Ordering::Equal if sticky || quotient % 2 == 1 => quotient + 1,
        _ => quotient,
    }
}

pub(super) fn compare(left: Parts, right: Parts) -> Ordering {
    if left.coefficient == 0 || right.coefficient == 0 || left.negative != right.negative {
        let sign = |parts: Parts| match (parts.coefficient, parts.negative) {
            (0, _) => 0,
            (_, true) => -1,
            _ => 1,
        };
        return sign(left).cmp(&sign(right));
    }
    let magnitude = compare_magnitude(left, right);
    if left.negative { magnitude.reverse() } else { magnitude }
}

fn compare_magnitude(left: Parts, right: Parts) -> Ordering {
    if left.exponent == right.exponent {
        return left.coefficient.cmp(&right.coefficient);
    }
    let top = |parts: Parts| digits(parts.coefficient) as i32 + parts.exponent;
    top(left).cmp(&top(right)).then_with(|| {
        // Equal tops: after alignment both have at most 34 digits.
        let difference = left.exponent - right.exponent;
        let power = power_of_ten(difference.unsigned_abs().min(POWER_MAX));
        if difference > 0 {
            (left.coefficient * power).cmp(&right.coefficient)
        } else {
            left.coefficient.cmp(&(right.coefficient * power))
        }
    })
}

fn add_parts(left: Parts, right: Parts) -> Option<Number> {
    let (upper, lower) =
        if left.exponent >= right.exponent { (left, right) } else { (right, left) };
    if upper.coefficient == 0 || lower.coefficient == 0 {
        let other = if upper.coefficient == 0 { lower } else { upper };
        return add_zero(other, lower.exponent);
    }
    let difference = (upper.exponent - lower.exponent) as u32;
    let room = 37 - digits(upper.coefficient);
    if difference <= room {
        let sum = signed(upper.negative, upper.coefficient * power_of_ten(difference))
            + signed(lower.negative, lower.coefficient);
        return Number::round_and_pack(sum < 0, sum.unsigned_abs(), lower.exponent);
    }
    // The lower operand starts below the digits that matter: keep it as far as they reach, and one
    // digit (the sticky one) for everything below.
    let scale = 36 - digits(upper.coefficient);
    let drop = difference - scale;
    let (kept, rest) = if drop > POWER_MAX {
        (0, true)
    } else {
        let power = power_of_ten(drop);
        (lower.coefficient / power, !lower.coefficient.is_multiple_of(power))
    };
    let upper_scaled = upper.coefficient * power_of_ten(scale) * 10;
    let lower_scaled = kept * 10 + u128::from(rest);
    let sum = signed(upper.negative, upper_scaled) + signed(lower.negative, lower_scaled);
    Number::round_and_pack(sum < 0, sum.unsigned_abs(), upper.exponent - scale as i32 - 1)
}

/// A number plus zero keeps the number, with trailing zeros down to the exponent of the zero.
fn add_zero(other: Parts, exponent: i32) -> Option<Number> {
    let mut padded = other;
    while padded.exponent > exponent && padded.coefficient < COEFFICIENT_END / 10 {
        padded.coefficient *= 10;
        padded.exponent -= 1;
    }
    Number::round_and_pack(padded.negative, padded.coefficient, padded.exponent)
}

#[inline]
fn signed(negative: bool, coefficient: u128) -> i128 {
    if negative { -(coefficient as i128) } else { coefficient as i128 }
}

impl Number {
    /// The sum, or none beyond the range of numbers.
    #[inline]
    pub fn checked_add(self, other: Number) -> Option<Number> {
        if self.high == SMALL_INTEGER
            && other.high == SMALL_INTEGER
            && let Some(sum) = self.low.checked_add(other.low)
        {
            return Some(Number { high: SMALL_INTEGER, low: sum });
        }
        add_parts(self.parts(), other.parts())
    }

    /// The difference, or none beyond the range of numbers.
    #[inline]
    pub fn checked_sub(self, other: Number) -> Option<Number> {
        if self.high == SMALL_INTEGER
            && other.high == SMALL_INTEGER
            && let Some(difference) = self.low.checked_sub(other.low)
        {
            return Some(Number { high: SMALL_INTEGER, low: difference });
        }
        self.checked_add(other.negate())
    }

    /// The number with the other sign.
    #[inline]
    #[must_use]
    pub fn negate(self) -> Number {
        let Parts { negative, coefficient, exponent } = self.parts();
        Number::pack(!negative, coefficient, exponent)
    }

    /// The number without its sign.
    #[must_use]
    pub fn abs(self) -> Number {
        if self.is_negative() { self.negate() } else { self }
    }

    /// The product, or none beyond the range of numbers.
    #[inline]
    pub fn checked_mul(self, other: Number) -> Option<Number> {
        if self.high == SMALL_INTEGER
            && other.high == SMALL_INTEGER
            && let Some(product) = self.low.checked_mul(other.low)
        {
            return Some(Number { high: SMALL_INTEGER, low: product });
        }
        multiply(self.parts(), other.parts())
    }

    /// The quotient, or none for a zero divisor and beyond the range of numbers.
    pub fn checked_div(self, other: Number) -> Option<Number> {
        if other.is_zero() {
            return None;
        }
        divide(self.parts(), other.parts())
    }
}

fn multiply(left: Parts, right: Parts) -> Option<Number> {
    let negative = left.negative != right.negative;
    let exponent = left.exponent + right.exponent;
    if let Some(product) = left.coefficient.checked_mul(right.coefficient) {
        return Number::round_and_pack(negative, product, exponent);
    }
    // product = upper * 10^34 + lower, from halves of 17 digits.
    let (left_upper, left_lower) = (left.coefficient / HALF, left.coefficient % HALF);
    let (right_upper, right_lower) = (right.coefficient / HALF, right.coefficient % HALF);
    let middle = left_upper * right_lower + left_lower * right_upper;
    let mut upper = left_upper * right_upper + middle / HALF;
    let mut lower = left_lower * right_lower + (middle % HALF) * HALF;
    upper += lower / COEFFICIENT_END;
    lower %= COEFFICIENT_END;
    if upper == 0 {
        return Number::round_and_pack(negative, lower, exponent);
    }
    let drop = digits(upper);
    let power = power_of_ten(drop);
    let kept = upper * power_of_ten(DIGITS_MAX - drop) + lower / power;
    let rounded = round_half_even(kept, lower % power, power, false);
    Number::round_and_pack(negative, rounded, exponent + drop as i32)
}

fn divide(left: Parts, right: Parts) -> Option<Number> {
    let negative = left.negative != right.negative;
    let preferred = left.exponent - right.exponent;
    let divisor = right.coefficient;
    let mut exponent = preferred;
    let mut quotient = left.coefficient / divisor;
    let mut remainder = left.coefficient % divisor;
    // Long division, as many digits at a time as fit, until there are digits to round or none left.
    while remainder != 0 && quotient < COEFFICIENT_END {
        let step = (POWER_MAX - digits(remainder)).min(POWER_MAX - digits(quotient)).max(1);
        let scaled = remainder * power_of_ten(step);
        quotient = quotient * power_of_ten(step) + scaled / divisor;
        remainder = scaled % divisor;
        exponent -= step as i32;
    }
    if remainder == 0 {
        while exponent < preferred && quotient.is_multiple_of(10) && quotient != 0 {
            quotient /= 10;
            exponent += 1;
        }
        return Number::round_and_pack(negative, quotient, exponent);
    }
    let excess = digits(quotient) - DIGITS_MAX;
    let rounded = shift_right_half_even(quotient, excess, true);
    Number::round_and_pack(negative, rounded, exponent + excess as i32)
}
