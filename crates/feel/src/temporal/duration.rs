//! The two durations of FEEL, and the calendar duration of timers that holds both.

use jiff::SignedDuration;

use super::time::DAY_SECONDS;
use crate::{Dialect, Number};

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

/// A days-time duration as its text has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) days: i64,
    pub(crate) hours: i64,
    pub(crate) minutes: i64,
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i32,
}

const HOUR_SECONDS: i64 = 3_600;
const MINUTE_SECONDS: i64 = 60;

impl DaysTimeDuration {
    /// The whole days of it, towards zero.
    pub fn days(self) -> i64 {
        self.0.as_secs() / DAY_SECONDS
    }

    /// The whole days of it, downwards: of an hour backwards that is the day before.
    pub(crate) fn days_down(self) -> i64 {
        let days = self.0.as_secs().div_euclid(DAY_SECONDS);
        let is_whole = self.0.as_secs() % DAY_SECONDS == 0;
        if is_whole && self.0.subsec_nanos() < 0 { days - 1 } else { days }
    }

    /// Days, hours, minutes and seconds, each with the sign of the whole. Camunda's dialect looks at
    /// whole seconds only, downwards: half a second backwards is a second backwards.
    pub(crate) fn parts(self, dialect: Dialect) -> Parts {
        let (whole, fraction) = (self.0.as_secs(), self.0.subsec_nanos());
        let (whole, nanoseconds) = match (dialect, fraction) {
            (Dialect::Dmn, fraction) => (whole, fraction),
            (Dialect::Camunda, ..0) => (whole.saturating_sub(1), 0),
            (Dialect::Camunda, _) => (whole, 0),
        };
        Parts {
            days: whole / DAY_SECONDS,
            hours: whole % DAY_SECONDS / HOUR_SECONDS,
            minutes: whole % HOUR_SECONDS / MINUTE_SECONDS,
            seconds: whole % MINUTE_SECONDS,
            nanoseconds,
        }
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
    pub(crate) fn checked_mul(self, factor: Number) -> Option<DaysTimeDuration> {
        DaysTimeDuration::from_seconds(self.to_seconds()?.checked_mul(factor)?)
    }

    /// The duration divided by a number; none for zero and beyond its range.
    pub(crate) fn checked_div(self, divisor: Number) -> Option<DaysTimeDuration> {
        DaysTimeDuration::from_seconds(self.to_seconds()?.checked_div(divisor)?)
    }

    /// The duration backwards; none for the most negative one.
    pub(crate) fn checked_neg(self) -> Option<DaysTimeDuration> {
        self.0.checked_neg().map(DaysTimeDuration)
    }

    /// The duration without its sign; none for the most negative one.
    pub(crate) fn checked_abs(self) -> Option<DaysTimeDuration> {
        if self.0.is_negative() { self.checked_neg() } else { Some(self) }
    }
}

/// Nanoseconds as a duration; none beyond 64 bits of seconds.
pub(crate) fn from_nanos(nanoseconds: i128) -> Option<SignedDuration> {
    const SECOND_NANOSECONDS: i128 = 1_000_000_000;
    let seconds = i64::try_from(nanoseconds / SECOND_NANOSECONDS).ok()?;
    Some(SignedDuration::new(seconds, (nanoseconds % SECOND_NANOSECONDS) as i32))
}

impl YearsMonthsDuration {
    /// The duration so many times, without the fraction of a month; none beyond its range.
    pub(crate) fn checked_mul(self, factor: Number) -> Option<YearsMonthsDuration> {
        let months = Number::from(self.0).checked_mul(factor)?;
        months.truncate_to_i64().map(YearsMonthsDuration)
    }

    /// The duration divided by a number, without the fraction of a month; none for zero and beyond
    /// its range.
    pub(crate) fn checked_div(self, divisor: Number) -> Option<YearsMonthsDuration> {
        let months = Number::from(self.0).checked_div(divisor)?;
        months.truncate_to_i64().map(YearsMonthsDuration)
    }

    /// The duration backwards; none for the most negative one.
    pub(crate) fn checked_neg(self) -> Option<YearsMonthsDuration> {
        self.0.checked_neg().map(YearsMonthsDuration)
    }

    /// The duration without its sign; none for the most negative one.
    pub(crate) fn checked_abs(self) -> Option<YearsMonthsDuration> {
        self.0.checked_abs().map(YearsMonthsDuration)
    }
}
