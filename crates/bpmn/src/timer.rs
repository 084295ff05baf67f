//! Texts of timers: dates, durations, cycles. Used for static values at deployment and by the engine
//! for the results of expressions at run time.
//!
//! Times are milliseconds since 1970-01-01T00:00:00Z. Nothing here reads a clock: time and zone come
//! in. A time beyond what the calendar can express becomes the nearest one that it can (the years
//! -9999 to 9999), so that a due time is always there.

mod calendar;
mod cron;
mod cycle;
mod interval;

use std::fmt;

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

pub use cron::Cron;
pub use cycle::{Cycle, Schedule};
pub use interval::Interval;

use crate::limits::TIMER_BYTES_MAX;

/// Why a text is not a date, duration or cycle. Displays with the text and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerError {
    /// What is wrong and what to do.
    pub reason: String,
}

impl TimerError {
    fn new(reason: impl Into<String>) -> TimerError {
        TimerError { reason: reason.into() }
    }
}

impl fmt::Display for TimerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for TimerError {}

/// When a timer with this ISO-8601 duration that starts now is due. Negative durations are allowed:
/// the timer is due at once.
///
/// # Errors
/// When the text is not a duration.
pub fn parse_duration_due(text: &str, now_ms: i64, zone: &TimeZone) -> Result<i64, TimerError> {
    Ok(Interval::parse(text)?.add_to(now_ms, zone))
}

/// Reads an ISO-8601 date-time, which has to say where it is: an offset (`2026-01-01T00:00:00Z`,
/// `+01:00`), an offset and a zone (`+01:00[Europe/Berlin]`) or, as FEEL writes it, a zone
/// (`@Europe/Berlin`).
///
/// # Errors
/// When the text is not such a date-time.
pub fn parse_date(text: &str) -> Result<i64, TimerError> {
    let invalid = || {
        TimerError::new(format!(
            "`{}` is not a date-time with an offset or a zone; write it as 2026-01-31T13:00:00Z",
            shorten(text)
        ))
    };
    let trimmed = checked(text)?;
    // The reader below takes more than ISO-8601 has: a space or `t` instead of `T`, for example.
    let is_iso = trimmed.split_once('T').is_some_and(|(date, time)| {
        date.chars().all(|character| character.is_ascii_digit() || "+-".contains(character))
            && date.contains('-')
            && time.contains(':')
    });
    if !is_iso {
        return Err(invalid());
    }
    if let Some((local, zone)) = trimmed.split_once('@') {
        let zone = TimeZone::get(zone).map_err(|_| invalid())?;
        let local: jiff::civil::DateTime =
            if has_offset(local) { None } else { local.parse().ok() }.ok_or_else(invalid)?;
        return zone.to_timestamp(local).map(Timestamp::as_millisecond).map_err(|_| invalid());
    }
    let bracket = trimmed.find('[');
    let before_bracket = bracket.and_then(|at| trimmed.get(..at)).unwrap_or(trimmed);
    if !has_offset(before_bracket) {
        return Err(invalid());
    }
    let instant = match bracket {
        Some(_) => trimmed.parse::<ZonedDateTime>().map(|zoned| zoned.timestamp()),
        None => trimmed.parse::<Timestamp>(),
    };
    instant.map(Timestamp::as_millisecond).map_err(|_| invalid())
}

/// Whether the time of a date-time ends in `Z` or an offset.
fn has_offset(date_time: &str) -> bool {
    let time = date_time.split_once('T').map_or("", |(_, time)| time);
    time.ends_with(['Z', 'z']) || time.contains(['+', '-'])
}

/// The text without the spaces around it, if it is not too long.
fn checked(text: &str) -> Result<&str, TimerError> {
    if text.len() > TIMER_BYTES_MAX {
        let bytes = text.len();
        return Err(TimerError::new(format!(
            "a timer text has {bytes} bytes, at most {TIMER_BYTES_MAX} are allowed"
        )));
    }
    Ok(text.trim())
}

fn shorten(text: &str) -> String {
    crate::read::shorten(text)
}

#[cfg(test)]
mod tests;
