//! The texts of dates, times and durations.
//!
//! Both dialects read what XML Schema has (DMN 10.3.4.1): years of four digits or more without
//! leading zeros, up to nine digits of fraction, `Z`, `+01:00` and FEEL's own `@Europe/Berlin`.
//! Camunda's reads more: times without seconds, offsets as names of zones, zones in brackets. DMN's
//! reads offsets with seconds, as it writes them, and 24:00:00 of a date as the next day.

use super::zone::OFFSET_SECONDS_MAX;
use super::{Date, DateTime, DaysTimeDuration, Time, TimeOfDay, YearsMonthsDuration, Zone, iso};
use crate::{Dialect, Value};

/// Reads whatever `@"..."` may hold; none if it is nothing of it.
pub(crate) fn at_literal(text: &str, dialect: Dialect) -> Option<Value> {
    if let Some(duration) = duration(text, dialect) {
        return Some(duration);
    }
    if text.contains('T')
        && !text.starts_with('T')
        && let Some(value) = date_time(text, dialect)
    {
        return Some(Value::DateTime(value.into()));
    }
    date(text).map(Value::Date).or_else(|| Some(Value::Time(time(text, dialect)?.into())))
}

/// Reads a duration of FEEL: either years and months or days and time, no weeks.
pub(crate) fn duration(text: &str, dialect: Dialect) -> Option<Value> {
    if !text.starts_with(['P', '-']) || text.contains('W') {
        return None;
    }
    let (_, unsigned) = text.split_once('P')?;
    if dialect.is_dmn() && unsigned.contains(['-', '+']) {
        return None;
    }
    let date_part = unsigned.split('T').next()?;
    let is_months = date_part.contains(['Y', 'M']);
    if is_months && (date_part.contains('D') || text.contains('T')) {
        return None;
    }
    let duration = iso::parse_duration(text)?;
    if is_months {
        // Camunda's dialect counts years and months in 32 bits each.
        let mut numbers = date_part.split(['Y', 'M']).filter(|number| !number.is_empty());
        if !dialect.is_dmn() && !numbers.all(|number| number.parse::<i32>().is_ok()) {
            return None;
        }
        return Some(Value::YearsMonthsDuration(YearsMonthsDuration(duration.months)));
    }
    let days_nanoseconds = i128::from(duration.days) * i128::from(super::time::DAY_NANOSECONDS);
    let total = duration.exact.as_nanos().checked_add(days_nanoseconds)?;
    Some(Value::DaysTimeDuration(DaysTimeDuration(super::duration::from_nanos(total)?)))
}

/// Reads `2026-01-02`, `-0044-03-15`, `999999999-12-31`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut fields = rest.split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() || (year.len() > 4 && year.starts_with('0')) {
        return None;
    }
    let year = digits(year, 4..=9)?;
    if sign < 0 && year == 0 {
        return None;
    }
    Date::new(sign * year, digits(month, 2..=2)?, digits(day, 2..=2)?)
}

/// Reads `2026-01-02T03:04:05.678` without or with an offset or `@Zone`, in Camunda's dialect also
/// `[Zone]`; a date alone is its midnight.
pub(crate) fn date_time(text: &str, dialect: Dialect) -> Option<DateTime> {
    let Some((date_text, rest)) = text.split_once('T') else {
        return Some(DateTime::local(date(text)?, TimeOfDay::MIDNIGHT));
    };
    let mut date = date(date_text)?;
    let (time_text, zone_text) = split_zone(rest);
    let time = match local_time(time_text, !dialect.is_dmn())? {
        Clock::Shows(time) => time,
        // Camunda's dialect knows 24:00:00 only in times.
        Clock::EndOfDay if !dialect.is_dmn() => return None,
        Clock::EndOfDay => {
            date = date.plus_days(1)?;
            TimeOfDay::MIDNIGHT
        }
    };
    if zone_text.is_empty() {
        return Some(DateTime::local(date, time));
    }
    if let Some((offset, name)) = bracketed(zone_text, dialect) {
        let zone = Zone::named(name)?;
        return match offset {
            "" => DateTime::zoned(date, time, zone),
            offset => DateTime::zoned(date, time, self::zone(offset, dialect)?)?.with_zone(zone),
        };
    }
    DateTime::zoned(date, time, zone(zone_text, dialect)?)
}

/// Reads `03:04:05.678` without or with an offset or `@Zone`, also with a leading `T`.
pub(crate) fn time(text: &str, dialect: Dialect) -> Option<Time> {
    let (time_text, zone_text) = split_zone(text.strip_prefix('T').unwrap_or(text));
    let without_seconds = !dialect.is_dmn() && zone_text.is_empty();
    let local = match local_time(time_text, without_seconds)? {
        Clock::Shows(time) => time,
        Clock::EndOfDay => TimeOfDay::MIDNIGHT,
    };
    if zone_text.is_empty() {
        return Some(Time::local(local));
    }
    let zone = match bracketed(zone_text, dialect) {
        Some(("", name)) => Zone::named(name)?,
        Some(_) => return None,
        None => zone(zone_text, dialect)?,
    };
    Some(Time::zoned(local, zone))
}

/// `+01:00[Europe/Berlin]` as offset and name.
fn bracketed(zone_text: &str, dialect: Dialect) -> Option<(&str, &str)> {
    if dialect.is_dmn() {
        return None;
    }
    let (offset, name) = zone_text.split_once('[')?;
    Some((offset, name.strip_suffix(']')?))
}

fn split_zone(text: &str) -> (&str, &str) {
    match text.find(['Z', 'z', '+', '-', '@', '[']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    }
}

/// Reads `Z`, `+01:00`, `@Europe/Berlin`; in Camunda's dialect also `@Z` and `@+01:00`, in DMN's
/// also `z` (as in its examples) and `+01:00:30`.
pub(crate) fn zone(text: &str, dialect: Dialect) -> Option<Zone> {
    match text.strip_prefix('@') {
        Some(name) if dialect.is_dmn() => Zone::named(name),
        Some(name) => Zone::named(name).or_else(|| offset(name, dialect)),
        None => offset(text, dialect),
    }
}

fn offset(text: &str, dialect: Dialect) -> Option<Zone> {
    if text == "Z" || (text == "z" && dialect.is_dmn()) {
        return Some(Zone::Offset(0));
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let mut fields = rest.split(':');
    let (hours, minutes) = (fields.next()?, fields.next()?);
    let seconds = match fields.next() {
        Some(_) if !dialect.is_dmn() => return None,
        seconds => seconds.unwrap_or("00"),
    };
    if fields.next().is_some() {
        return None;
    }
    let hours = digits(hours, 2..=2)?;
    let (minutes, seconds) = (digits(minutes, 2..=2)?, digits(seconds, 2..=2)?);
    let total = hours * 3600 + minutes * 60 + seconds;
    let fits = minutes < 60 && seconds < 60 && total <= i64::from(OFFSET_SECONDS_MAX);
    fits.then_some(Zone::Offset(sign * total as i32))
}

/// What a text says about the clock.
enum Clock {
    Shows(TimeOfDay),
    /// 24:00:00, which no clock shows.
    EndOfDay,
}

fn local_time(text: &str, without_seconds: bool) -> Option<Clock> {
    let mut fields = text.split(':');
    let (hour, minute) = (fields.next()?, fields.next()?);
    let second = match fields.next() {
        Some(second) => second,
        None if without_seconds => "00",
        None => return None,
    };
    if fields.next().is_some() {
        return None;
    }
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let nanosecond = fraction_nanoseconds(fraction)?;
    let (hour, minute, second) =
        (digits(hour, 2..=2)?, digits(minute, 2..=2)?, digits(second, 2..=2)?);
    if (hour, minute, second, nanosecond) == (24, 0, 0, 0) {
        return Some(Clock::EndOfDay);
    }
    TimeOfDay::new(hour, minute, second, nanosecond).map(Clock::Shows)
}

/// The digits behind a decimal point of seconds as nanoseconds; at most nine digits.
pub(super) fn fraction_nanoseconds(fraction: &str) -> Option<i64> {
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= 9)?;
    if places == 0 {
        return Some(0);
    }
    Some(digits(fraction, 1..=9)? * 10i64.pow(9 - places))
}

/// A number of so many decimal digits and nothing else.
fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    if !lengths.contains(&text.len()) || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl Date {
    /// Reads a date as the function `date` does.
    pub fn from_text(text: &str) -> Option<Date> {
        date(text)
    }
}

impl Time {
    /// Reads a time as the function `time` does.
    pub fn from_text(text: &str, dialect: Dialect) -> Option<Time> {
        time(text, dialect)
    }
}

impl DateTime {
    /// Reads a date-time as the function `date and time` does.
    pub fn from_text(text: &str, dialect: Dialect) -> Option<DateTime> {
        date_time(text, dialect)
    }
}

impl Value {
    /// Reads a duration as the function `duration` does: of days and time, or of years and months.
    pub fn duration_from_text(text: &str, dialect: Dialect) -> Option<Value> {
        duration(text, dialect)
    }
}
