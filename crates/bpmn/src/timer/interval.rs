//! ISO-8601 durations as timers use them: years and months together with days and times.

use jiff::{Span, tz::TimeZone};

use super::{TimerError, calendar, checked, shorten};

/// A duration. Years, months, weeks and days follow the calendar of a zone; hours, minutes and
/// seconds are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Years and months, in months.
    pub months: i64,
    /// Weeks and days, in days.
    pub days: i64,
    /// Hours, minutes and seconds, in milliseconds; what is finer is cut off.
    pub time_ms: i64,
}

impl Interval {
    /// Reads `P1Y2M3W4DT5H6M7.8S`, each part optional, with a sign before the whole or before a part.
    ///
    /// # Errors
    /// When the text is not a duration.
    pub fn parse(text: &str) -> Result<Interval, TimerError> {
        let invalid = || {
            TimerError::new(format!(
                "`{}` is not an ISO-8601 duration; write it as PT30S, PT1H30M or P1DT12H",
                shorten(text)
            ))
        };
        read(checked(text)?).ok_or_else(invalid)
    }

    /// The interval after an instant. Beyond the calendar the result is the end of the calendar.
    #[must_use]
    pub fn add_to(self, from_ms: i64, zone: &TimeZone) -> i64 {
        let (first_ms, last_ms) = calendar::range();
        if self.months == 0 && self.days == 0 {
            return from_ms.saturating_add(self.time_ms).clamp(first_ms, last_ms);
        }
        let span = Span::new().try_months(self.months).and_then(|span| span.try_days(self.days));
        let moved = match span {
            // Signs may differ, which one span cannot express.
            Ok(_) if self.months.signum() * self.days.signum() < 0 => {
                self.add_in_turn(from_ms, zone)
            }
            Ok(span) => calendar::zoned(from_ms, zone).checked_add(span).ok(),
            Err(_) => None,
        };
        match moved {
            Some(moved) => moved
                .timestamp()
                .as_millisecond()
                .saturating_add(self.time_ms)
                .clamp(first_ms, last_ms),
            None if self.is_backwards() => first_ms,
            None => last_ms,
        }
    }

    fn add_in_turn(self, from_ms: i64, zone: &TimeZone) -> Option<jiff::ZonedDateTime> {
        let months = Span::new().try_months(self.months).ok()?;
        let days = Span::new().try_days(self.days).ok()?;
        calendar::zoned(from_ms, zone).checked_add(months).ok()?.checked_add(days).ok()
    }

    /// Whether the interval takes time: an endless cycle of an interval that takes none would never
    /// stop firing.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.rough_ms() > 0
    }

    fn is_backwards(self) -> bool {
        self.rough_ms() < 0
    }

    /// Length when a month has 30 days, to compare with zero.
    fn rough_ms(self) -> i128 {
        const DAY_MS: i128 = 24 * 60 * 60 * 1000;
        (i128::from(self.months) * 30 + i128::from(self.days)) * DAY_MS + i128::from(self.time_ms)
    }
}

/// Reads a duration; nothing if the text is not one.
fn read(text: &str) -> Option<Interval> {
    let (is_negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let body = rest.strip_prefix('P')?;
    let (date, time) = match body.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None if body.is_empty() => return None,
        None => (body, ""),
    };
    let mut interval = Interval::default();
    for (units, part) in [("YMWD", date), ("HMS", time)] {
        let is_time = units == "HMS";
        read_parts(part, units, |unit, whole, fraction_ms| {
            match (is_time, unit) {
                (false, 'Y') => add(&mut interval.months, whole, 12)?,
                (false, 'M') => add(&mut interval.months, whole, 1)?,
                (false, 'W') => add(&mut interval.days, whole, 7)?,
                (false, 'D') => add(&mut interval.days, whole, 1)?,
                (true, 'H') => add(&mut interval.time_ms, whole, 3_600_000)?,
                (true, 'M') => add(&mut interval.time_ms, whole, 60_000)?,
                (true, 'S') => add(&mut interval.time_ms, whole, 1_000)?,
                _ => return None,
            }
            if fraction_ms != 0 {
                if !(is_time && unit == 'S') {
                    return None;
                }
                interval.time_ms = interval.time_ms.checked_add(fraction_ms)?;
            }
            Some(())
        })?;
    }
    if is_negative {
        interval = Interval {
            months: interval.months.checked_neg()?,
            days: interval.days.checked_neg()?,
            time_ms: interval.time_ms.checked_neg()?,
        };
    }
    Some(interval)
}

fn add(total: &mut i64, whole: i64, factor: i64) -> Option<()> {
    *total = total.checked_add(whole.checked_mul(factor)?)?;
    Some(())
}

/// Reads `12H-5M1.5S`: numbers with a unit each, units in the given order, each at most once.
fn read_parts(
    part: &str,
    units: &str,
    mut take: impl FnMut(char, i64, i64) -> Option<()>,
) -> Option<()> {
    let mut rest = part;
    let mut units_left = units;
    while !rest.is_empty() {
        let number_end = rest.find(|character: char| character.is_ascii_alphabetic())?;
        let unit = rest.get(number_end..)?.chars().next()?;
        let (whole, fraction_ms) = read_number(rest.get(..number_end)?, unit == 'S')?;
        let unit_at = units_left.find(unit)?;
        units_left = units_left.get(unit_at + 1..)?;
        take(unit, whole, fraction_ms)?;
        rest = rest.get(number_end + 1..)?;
    }
    Some(())
}

/// A whole number and, for seconds, the milliseconds of its fraction, both with the sign.
fn read_number(text: &str, may_have_fraction: bool) -> Option<(i64, i64)> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some(_) if !may_have_fraction => return None,
        Some((whole, fraction)) if fraction.len() <= 9 => (whole, fraction),
        Some(_) => return None,
        None => (digits, ""),
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: i64 = whole.parse().ok()?;
    let milliseconds: i64 = milliseconds.parse().ok()?;
    Some((sign * whole, sign * milliseconds))
}
