//! The texts of dates, times and durations.

use jiff::civil::{self, Date};

use super::duration::parse_iso;
use super::{DateTime, DaysTimeDuration, Time, YearsMonthsDuration, Zone};
use crate::Value;

/// Reads whatever `@"..."` may hold; none if it is nothing of it.
pub(crate) fn at_literal(text: &str) -> Option<Value> {
    if let Some(duration) = duration_value(text) {
        return Some(duration);
    }
    if text.contains('T')
        && !text.starts_with('T')
        && let Some(value) = date_time(text)
    {
        return Some(Value::DateTime(value.into()));
    }
    date(text).map(Value::Date).or_else(|| Some(Value::Time(time(text)?.into())))
}

/// Reads a duration of FEEL: either years and months or days and time, no weeks.
pub(crate) fn duration_value(text: &str) -> Option<Value> {
    if !text.starts_with(['P', '-']) || text.contains('W') {
        return None;
    }
    let date_part = text.split('T').next()?;
    let is_months = date_part.contains(['Y', 'M']);
    if is_months && (date_part.contains('D') || text.contains('T')) {
        return None;
    }
    let duration = parse_iso(text)?;
    if is_months {
        return Some(Value::YearsMonthsDuration(YearsMonthsDuration(duration.months)));
    }
    let days_nanoseconds = i128::from(duration.days) * 86_400_000_000_000;
    let total = duration.exact.as_nanos().checked_add(days_nanoseconds)?;
    Some(Value::DaysTimeDuration(DaysTimeDuration(super::duration::from_nanos(total)?)))
}

/// Reads `2026-01-02`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut fields = rest.split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() || year.len() != 4 {
        return None;
    }
    let year = i16::try_from(fixed_digits(year, 4)?).ok()?;
    let year = if negative { -year } else { year };
    Date::new(year, fixed_digits(month, 2)? as i8, fixed_digits(day, 2)? as i8).ok()
}

/// Reads `2026-01-02T03:04:05.678` without or with an offset, `@Zone` or `[Zone]`; a date alone is
/// its midnight.
pub(crate) fn date_time(text: &str) -> Option<DateTime> {
    let Some((date_text, rest)) = text.split_once('T') else {
        return Some(DateTime::local(date(text)?.to_datetime(civil::Time::midnight())));
    };
    let date = date(date_text)?;
    let (time_text, zone_text) = split_zone(rest);
    let local = date.to_datetime(local_time(time_text)?);
    if zone_text.is_empty() {
        return Some(DateTime::local(local));
    }
    if let Some((offset, name)) = bracketed(zone_text) {
        let value = DateTime::zoned(local, Zone::named(name)?)?;
        return match offset {
            "" => Some(value),
            offset => DateTime::zoned(local, parse_zone(offset)?)?.with_zone(Zone::named(name)?),
        };
    }
    DateTime::zoned(local, parse_zone(zone_text)?)
}

/// Reads `03:04:05.678` without or with an offset or `@Zone`, also with a leading `T`.
pub(crate) fn time(text: &str) -> Option<Time> {
    let (time_text, zone_text) = split_zone(text.strip_prefix('T').unwrap_or(text));
    let local = local_time(time_text)?;
    if zone_text.is_empty() {
        return Some(Time { local, zone: None });
    }
    let zone = match bracketed(zone_text) {
        Some(("", name)) => Zone::named(name)?,
        Some(_) => return None,
        None => parse_zone(zone_text)?,
    };
    Some(Time { local, zone: Some(zone) })
}

/// `+01:00[Europe/Berlin]` as offset and name.
fn bracketed(zone_text: &str) -> Option<(&str, &str)> {
    let (offset, name) = zone_text.split_once('[')?;
    Some((offset, name.strip_suffix(']')?))
}

fn split_zone(text: &str) -> (&str, &str) {
    match text.find(['Z', '+', '-', '@', '[']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    }
}

/// Reads `Z`, `+01:00`, `-0530`, `@Europe/Berlin`.
pub(crate) fn parse_zone(text: &str) -> Option<Zone> {
    if let Some(name) = text.strip_prefix('@') {
        return Zone::named(name);
    }
    if text == "Z" {
        return Some(Zone::Offset(0));
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if rest.len() == 4 => rest.split_at(2),
        None => (rest, "00"),
    };
    let (hours, minutes) = (fixed_digits(hours, 2)? as i32, fixed_digits(minutes, 2)? as i32);
    let seconds = hours * 3600 + minutes * 60;
    /// The range of offsets in ISO-8601 and Java: 18 hours.
    const OFFSET_SECONDS_MAX: i32 = 18 * 3600;
    (minutes < 60 && seconds <= OFFSET_SECONDS_MAX).then_some(Zone::Offset(sign * seconds))
}

fn local_time(text: &str) -> Option<civil::Time> {
    let mut fields = text.split(':');
    let (hour, minute) = (fields.next()?, fields.next()?);
    let second = fields.next().unwrap_or("00");
    if fields.next().is_some() {
        return None;
    }
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let nanosecond = fraction_nanoseconds(fraction)?;
    civil::Time::new(
        fixed_digits(hour, 2)? as i8,
        fixed_digits(minute, 2)? as i8,
        fixed_digits(second, 2)? as i8,
        nanosecond,
    )
    .ok()
}

/// The digits behind a decimal point of seconds as nanoseconds; at most nine digits.
pub(super) fn fraction_nanoseconds(fraction: &str) -> Option<i32> {
    if fraction.len() > 9 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<9}").parse().ok()
}

fn fixed_digits(text: &str, length: usize) -> Option<u32> {
    if text.len() != length || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
