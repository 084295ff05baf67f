//! What timers need: durations that mix calendar and clock, and instants in milliseconds.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{DateTime, DurationValue, date_time, iso};
use crate::{Dialect, Value};

/// Reads an ISO-8601 duration as timers know it: `PT10S`, `P1D`, `P1Y2M3DT4H`, `-P1W`.
pub fn parse_duration(text: &str) -> Option<DurationValue> {
    iso::parse_duration(text)
}

/// Reads a date-time with an offset or a zone (`2026-01-01T00:00:00Z`, `...+01:00`,
/// `...@Europe/Berlin`, `...+01:00[Europe/Berlin]`) as milliseconds since 1970-01-01T00:00:00Z.
///
/// None also for a date-time without offset and zone: it is no instant.
pub fn parse_date_time(text: &str) -> Option<i64> {
    from_text(text)?.epoch_ms()
}

/// Reads a date-time like [`parse_date_time`], taking `zone` where the text has neither offset nor
/// zone.
pub fn parse_date_time_in(text: &str, zone: &TimeZone) -> Option<i64> {
    let value = from_text(text)?;
    match value.epoch_ms() {
        Some(epoch_ms) => Some(epoch_ms),
        None => value.in_zone(zone)?.epoch_ms(),
    }
}

/// The instant `duration` after `now_ms`: years, months and days by the calendar of `zone`, hours
/// and below exactly. Beyond the range of instants it stops at the first or last one.
pub fn add_duration(now_ms: i64, duration: &DurationValue, zone: &TimeZone) -> i64 {
    let limit_ms = if duration.is_negative() {
        Timestamp::MIN.as_millisecond()
    } else {
        Timestamp::MAX.as_millisecond()
    };
    let calendar_ms = if duration.months == 0 && duration.days == 0 {
        now_ms
    } else {
        match calendar_ms(now_ms, duration, zone) {
            Some(calendar_ms) => calendar_ms,
            None => return limit_ms,
        }
    };
    let exact_ms = i64::try_from(duration.exact.as_millis()).unwrap_or(limit_ms);
    calendar_ms.checked_add(exact_ms).unwrap_or(limit_ms)
}

fn calendar_ms(now_ms: i64, duration: &DurationValue, zone: &TimeZone) -> Option<i64> {
    let now = DateTime::at_epoch_ms(now_ms, zone)?;
    let date = now.date.plus_months(duration.months)?.plus_days(duration.days)?;
    let epoch_ms = DateTime::local(date, now.time).in_zone(zone)?.epoch_ms()?;
    Timestamp::from_millisecond(epoch_ms).ok().map(Timestamp::as_millisecond)
}

/// A date-time as `java.time` writes and reads it: years of more than four digits with `+`.
fn from_text(text: &str) -> Option<DateTime> {
    let text = match text.strip_prefix('+') {
        Some(rest) if rest.find('-').is_some_and(|digits| digits > 4) => rest,
        _ => text,
    };
    date_time(text, Dialect::Camunda)
}

impl Value {
    /// The duration of a timer: a FEEL duration, or its ISO-8601 text.
    pub fn to_duration(&self) -> Option<DurationValue> {
        match self {
            Value::DaysTimeDuration(duration) => Some(DurationValue::from(*duration)),
            Value::YearsMonthsDuration(duration) => Some(DurationValue::from(*duration)),
            Value::String(text) => parse_duration(text),
            _ => None,
        }
    }

    /// The instant of a timer in milliseconds since 1970-01-01T00:00:00Z: a FEEL date-time, or its
    /// text; `zone` is taken where the value has neither offset nor zone.
    pub fn to_epoch_ms(&self, zone: &TimeZone) -> Option<i64> {
        match self {
            Value::DateTime(value) => match value.epoch_ms() {
                Some(epoch_ms) => Some(epoch_ms),
                None => value.in_zone(zone)?.epoch_ms(),
            },
            Value::String(text) => parse_date_time_in(text, zone),
            _ => None,
        }
    }
}
