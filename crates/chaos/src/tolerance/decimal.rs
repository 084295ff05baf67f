//! Exact comparison of decimal numbers, as Python's `Decimal` does it.

use std::cmp::Ordering;

use serde_json::Value;

/// A number without rounding: digits, and how many of them stand behind the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    /// The power of ten of the last digit.
    exponent: i64,
}

/// Furthest exponent that is compared digit by digit: a comparison writes out as many digits.
const EXPONENT_MAX: i64 = 10_000;

impl Decimal {
    /// Reads `Decimal(value)`: numbers, truths, and texts that are a number with space around it.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Self::parse(if *truth { "1" } else { "0" }),
            Value::Number(number) if number.is_f64() => {
                // A double is a sum of powers of two, which has an end as a decimal number.
                Self::parse(&format!("{:.1074}", number.as_f64()?))
            }
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace('_', "");
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Some(Self { negative, digits, exponent }.trimmed())
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        let zeros = self.digits.iter().take_while(|digit| **digit == b'0').count();
        self.digits.drain(..zeros);
        if self.digits.is_empty() {
            self.negative = false;
            self.exponent = 0;
        }
        self
    }

    /// The power of ten above the first digit.
    fn magnitude(&self) -> i64 {
        self.exponent.saturating_add(i64::try_from(self.digits.len()).unwrap_or(i64::MAX))
    }

    fn order_of_sizes(&self, other: &Self) -> Ordering {
        if self.digits.is_empty() || other.digits.is_empty() {
            return self.digits.len().cmp(&other.digits.len());
        }
        let sizes = self.magnitude().clamp(-EXPONENT_MAX, EXPONENT_MAX);
        let others = other.magnitude().clamp(-EXPONENT_MAX, EXPONENT_MAX);
        // Without zeros at either end, digits are compared as texts are.
        sizes.cmp(&others).then_with(|| self.digits.cmp(&other.digits))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.order_of_sizes(other),
            (true, true) => other.order_of_sizes(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_texts_are_compared_exactly() {
        let decimal = |value: Value| Decimal::of(&value).expect("a number");
        for (a, b, order) in [
            (json!(1), json!("1.0"), Ordering::Equal),
            (json!(" 12\n"), json!(12), Ordering::Equal),
            (json!("1e3"), json!(1000), Ordering::Equal),
            (json!(0.1), json!("0.1"), Ordering::Greater),
            (json!("-5"), json!(3), Ordering::Less),
            (json!("-5"), json!("-6"), Ordering::Greater),
            (json!("0.09"), json!("0.1"), Ordering::Less),
            (json!("99999999999999999999.1"), json!("99999999999999999999.2"), Ordering::Less),
            (json!(0), json!("-0"), Ordering::Equal),
            (json!(0), json!("0.001"), Ordering::Less),
            (json!(true), json!(1), Ordering::Equal),
            (json!("1_000"), json!(1000), Ordering::Equal),
        ] {
            assert_eq!(decimal(a.clone()).cmp(&decimal(b.clone())), order, "{a} and {b}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for value in [json!("x"), json!(""), json!(null), json!([1]), json!("1.2.3"), json!("--1")]
        {
            assert_eq!(Decimal::of(&value), None, "{value}");
        }
    }
}
