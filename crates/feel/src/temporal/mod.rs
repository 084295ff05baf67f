//! Dates, times, durations: the values of FEEL, their texts, and what timers need of them.
//!
//! Zones come from the time zone database that is compiled in; nothing here reads the clock.

mod date_time;
mod duration;
mod iso;
mod parse;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use date_time::{DateTime, Time, Zone};
pub(crate) use date_time::{last_of_month, months_between, plus_months, write_date};
pub use duration::{DaysTimeDuration, DurationValue, YearsMonthsDuration};
pub(crate) use iso::Iso;
pub use jiff::civil::Date;
pub(crate) use parse::{at_literal, date, date_time, duration_value, parse_zone as zone, time};

use crate::Value;

/// Reads an ISO-8601 duration as timers know it: `PT10S`, `P1D`, `P1Y2M3DT4H`, `-P1W`.
pub fn parse_duration(text: &str) -> Option<DurationValue> {
    duration::parse_iso(text)
}

/// Reads a date-time with an offset or a zone (`2026-01-01T00:00:00Z`, `...+01:00`,
/// `...@Europe/Berlin`, `...+01:00[Europe/Berlin]`) as milliseconds since 1970-01-01T00:00:00Z.
///
/// None also for a date-time without offset and zone: it is no instant.
pub fn parse_date_time(text: &str) -> Option<i64> {
    date_time(text)?.epoch_ms()
}

/// Reads a date-time like [`parse_date_time`], taking `zone` where the text has neither offset nor
/// zone.
pub fn parse_date_time_in(text: &str, zone: &TimeZone) -> Option<i64> {
    let value = date_time(text)?;
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
    let local = zone.to_datetime(Timestamp::from_millisecond(now_ms).ok()?);
    let date = plus_months(local.date(), duration.months)?;
    let date = date_time::plus_days(date, duration.days)?;
    Some(zone.to_timestamp(date.to_datetime(local.time())).ok()?.as_millisecond())
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
