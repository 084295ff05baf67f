//! The two durations of FEEL, and the calendar duration of timers that holds both.

use std::fmt;

use jiff::SignedDuration;

use crate::Number;

/// A duration of days and below, exact to the nanosecond: a day is 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DaysTimeDuration(pub SignedDuration);

/// A duration in whole months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct YearsMonthsDuration(pub i64);

/// A duration as timers know it: calendar months and days, and an exact rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DurationValue {
    /// Calendar months (a year is twelve).
    pub months: i64,
    /// Calendar days (a week is seven).
    pub days: i64,
    /// Hours and below.
    pub exact: SignedDuration,
}

impl DurationValue {
    /// Whether adding it goes back in time.
    pub fn is_negative(&self) -> bool {
        /// Average length, good enough to tell the sign of a mixed duration.
        const MONTH_SECONDS: i128 = 2_629_746;
        const DAY_SECONDS: i128 = 86_400;
        let seconds = i128::from(self.months) * MONTH_SECONDS
            + i128::from(self.days) * DAY_SECONDS
            + i128::from(self.exact.as_secs());
        seconds < 0 || (seconds == 0 && self.exact.is_negative())
    }

    /// Whether it is no time at all.
    pub fn is_zero(&self) -> bool {
        self.months == 0 && self.days == 0 && self.exact.is_zero()
    }
}

impl From<DaysTimeDuration> for DurationValue {
    fn from(duration: DaysTimeDuration) -> DurationValue {
        DurationValue { months: 0, days: 0, exact: duration.0 }
    }
}

impl From<YearsMonthsDuration> for DurationValue {
    fn from(duration: YearsMonthsDuration) -> DurationValue {
        DurationValue { months: duration.0, days: 0, exact: SignedDuration::ZERO }
    }
}

const DAY_SECONDS: i64 = 86_400;
const HOUR_SECONDS: i64 = 3_600;
const MINUTE_SECONDS: i64 = 60;

impl DaysTimeDuration {
    /// The whole days of it, towards zero.
    pub fn days(self) -> i64 {
        self.0.as_secs() / DAY_SECONDS
    }

    /// Days, hours, minutes and seconds, each with the sign of the whole.
    pub(crate) fn components(self) -> (i64, i64, i64, i64) {
        let seconds = self.0.as_secs();
        (
            seconds / DAY_SECONDS,
            seconds % DAY_SECONDS / HOUR_SECONDS,
            seconds % HOUR_SECONDS / MINUTE_SECONDS,
            seconds % MINUTE_SECONDS,
        )
    }

    /// All of it in seconds, fractions included.
    pub fn to_seconds(self) -> Option<Number> {
        Number::from_scaled(self.0.as_nanos(), -9)
    }

    /// Seconds as a duration; none beyond its range.
    pub fn from_seconds(seconds: Number) -> Option<DaysTimeDuration> {
        let nanoseconds = seconds
            .checked_mul(Number::from(1_000_000_000i64))?
            .round(0, crate::number::Rounding::Down)?
            .to_i128()?;
        from_nanos(nanoseconds).map(DaysTimeDuration)
    }

    /// The duration so many times; none beyond its range.
    pub(crate) fn checked_mul(self, factor: i64) -> Option<DaysTimeDuration> {
        from_nanos(self.0.as_nanos().checked_mul(i128::from(factor))?).map(DaysTimeDuration)
    }

    /// The duration divided by a number; none for zero and beyond its range.
    pub(crate) fn checked_div(self, divisor: Number) -> Option<DaysTimeDuration> {
        DaysTimeDuration::from_seconds(self.to_seconds()?.checked_div(divisor)?)
    }

    pub(crate) fn abs(self) -> DaysTimeDuration {
        if self.0.is_negative() {
            DaysTimeDuration(self.0.checked_neg().unwrap_or(self.0))
        } else {
            self
        }
    }
}

/// Nanoseconds as a duration; none beyond 64 bits of seconds.
pub(crate) fn from_nanos(nanoseconds: i128) -> Option<SignedDuration> {
    const SECOND_NANOSECONDS: i128 = 1_000_000_000;
    let seconds = i64::try_from(nanoseconds / SECOND_NANOSECONDS).ok()?;
    Some(SignedDuration::new(seconds, (nanoseconds % SECOND_NANOSECONDS) as i32))
}

impl fmt::Display for DaysTimeDuration {
    /// `P1DT2H3M4S`; fractions of a second are not shown, nothing at all is `P0D` (as Camunda).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, hours, minutes, seconds) = self.components();
        if self.0.as_secs() == 0 {
            return formatter.write_str("P0D");
        }
        formatter.write_str(if self.0.is_negative() { "-P" } else { "P" })?;
        if days != 0 {
            write!(formatter, "{}D", days.unsigned_abs())?;
        }
        if hours != 0 || minutes != 0 || seconds != 0 {
            formatter.write_str("T")?;
        }
        for (value, unit) in [(hours, "H"), (minutes, "M"), (seconds, "S")] {
            if value != 0 {
                write!(formatter, "{}{unit}", value.unsigned_abs())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for YearsMonthsDuration {
    /// `P1Y2M`; nothing at all is `P0Y` (as Camunda).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return formatter.write_str("P0Y");
        }
        formatter.write_str(if self.0 < 0 { "-P" } else { "P" })?;
        let months = self.0.unsigned_abs();
        if months >= 12 {
            write!(formatter, "{}Y", months / 12)?;
        }
        if !months.is_multiple_of(12) {
            write!(formatter, "{}M", months % 12)?;
        }
        Ok(())
    }
}

/// Reads `[+-]PnYnMnWnDTnHnMn.nS` with at least one field; each number may carry a sign of its own.
pub(super) fn parse_iso(text: &str) -> Option<DurationValue> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let rest = rest.strip_prefix('P')?;
    let (date_part, time_part) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date_part, time_part)) => (date_part, time_part),
        None => (rest, ""),
    };
    if date_part.is_empty() && time_part.is_empty() {
        return None;
    }
    let sign: i64 = if negative { -1 } else { 1 };
    let (mut months, mut days, mut nanoseconds) = (0i64, 0i64, 0i128);
    read_fields(date_part, &['Y', 'M', 'W', 'D'], |unit, whole, fraction| {
        let value = sign.checked_mul(whole)?;
        let (total, factor) = match unit {
            'Y' => (&mut months, 12),
            'M' => (&mut months, 1),
            'W' => (&mut days, 7),
            _ => (&mut days, 1),
        };
        *total = total.checked_add(value.checked_mul(factor)?)?;
        (fraction == 0).then_some(())
    })?;
    read_fields(time_part, &['H', 'M', 'S'], |unit, whole, fraction| {
        let seconds = match unit {
            'H' => HOUR_SECONDS,
            'M' => MINUTE_SECONDS,
            _ => 1,
        };
        if fraction != 0 && unit != 'S' {
            return None;
        }
        let value = i128::from(whole) * i128::from(seconds) * 1_000_000_000 + i128::from(fraction);
        nanoseconds = nanoseconds.checked_add(i128::from(sign) * value)?;
        Some(())
    })?;
    Some(DurationValue { months, days, exact: from_nanos(nanoseconds)? })
}

/// Reads fields like `12H3.5S` in the order of `units`, each at most once.
fn read_fields(
    mut text: &str,
    units: &[char],
    mut add: impl FnMut(char, i64, i64) -> Option<()>,
) -> Option<()> {
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|character: char| character.is_ascii_alphabetic())?;
        let unit = text.get(end..)?.chars().next()?;
        units.find(|candidate| **candidate == unit)?;
        let number = text.get(..end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let value: i64 = whole.parse().ok()?;
        let nanoseconds = super::parse::fraction_nanoseconds(fraction)?;
        let fraction = if whole.starts_with('-') { -nanoseconds } else { nanoseconds };
        add(unit, value, i64::from(fraction))?;
        text = text.get(end + 1..)?;
    }
    Some(())
}
