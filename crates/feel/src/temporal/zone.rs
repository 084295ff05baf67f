//! Where a clock hangs: offsets from UTC and the zones of the time zone database.

use std::fmt;

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, civil};

use super::{Date, TimeOfDay};

/// The range of offsets in ISO-8601 and Java: 18 hours.
pub(crate) const OFFSET_SECONDS_MAX: i32 = 18 * 3600;

/// Where a time is meant: a fixed offset from UTC or a named zone.
#[derive(Clone, Debug)]
pub enum Zone {
    /// Seconds east of UTC.
    Offset(i32),
    /// A zone of the time zone database.
    Named(TimeZone),
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        match (self, other) {
            (Zone::Offset(left), Zone::Offset(right)) => left == right,
            (Zone::Named(left), Zone::Named(right)) => left.iana_name() == right.iana_name(),
            _ => false,
        }
    }
}

impl From<&TimeZone> for Zone {
    /// A zone without name (a fixed offset) is that offset.
    fn from(zone: &TimeZone) -> Zone {
        match (zone.iana_name(), zone.to_fixed_offset()) {
            (None, Ok(offset)) => Zone::Offset(offset.seconds()),
            _ => Zone::Named(zone.clone()),
        }
    }
}

impl Zone {
    /// The zone of the database with this name.
    pub fn named(name: &str) -> Option<Zone> {
        // The database answers case-insensitively; a wrong case would print differently from what
        // was read, so it is taken as unknown, like in Camunda.
        let zone = TimeZone::get(name).ok()?;
        (zone.iana_name()? == name).then_some(Zone::Named(zone))
    }

    /// The name in the database; none for an offset.
    pub fn name(&self) -> Option<&str> {
        match self {
            Zone::Offset(_) => None,
            Zone::Named(zone) => Some(zone.iana_name().unwrap_or("UTC")),
        }
    }

    /// The name in the database, or the offset as its text.
    pub(super) fn id(&self) -> String {
        self.name().map_or_else(|| self.to_string(), str::to_owned)
    }

    /// Seconds east of UTC, so many seconds after 1970-01-01T00:00:00Z.
    pub(super) fn offset_at(&self, epoch_seconds: i64) -> i32 {
        match self {
            Zone::Offset(seconds) => *seconds,
            Zone::Named(zone) => match Timestamp::from_second(known_second(epoch_seconds)) {
                Ok(timestamp) => zone.to_offset(timestamp).seconds(),
                Err(_) => 0,
            },
        }
    }

    /// Seconds east of UTC where a clock of the zone shows this. Of a time that the zone skips (a
    /// clock never shows it) or has twice, the offset before the change.
    pub(super) fn offset_of_local(&self, date: Date, time: TimeOfDay) -> LocalOffset {
        let zone = match self {
            Zone::Offset(seconds) => return LocalOffset::Sure(*seconds),
            Zone::Named(zone) => zone,
        };
        let Some(local) = known_local(date, time) else { return LocalOffset::Sure(0) };
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => LocalOffset::Sure(offset.seconds()),
            AmbiguousOffset::Fold { before, .. } => LocalOffset::Sure(before.seconds()),
            AmbiguousOffset::Gap { before, .. } => LocalOffset::Skipped(before.seconds()),
        }
    }
}

/// The offset of a local time, in seconds.
pub(super) enum LocalOffset {
    /// The zone has the time.
    Sure(i32),
    /// The zone skips the time; this was the offset before the gap.
    Skipped(i32),
}

// jiff knows the years -9999 to 9999. A year beyond is taken for one near the end that begins with
// the same weekday and is a leap year as well: after 400 years both repeat, and so do the rules of
// daylight saving time, which the database projects into the future. Long before the first rule all
// years of a zone are the same.

/// Years from 0 that are asked as they are.
const KNOWN_YEAR_MAX: i64 = 9_599;

/// Seconds of 400 years.
const CYCLE_SECONDS: i64 = 146_097 * 86_400;

/// Seconds from 1970 on (and back) that are asked as they are: 19 cycles, 7600 years.
const KNOWN_SECONDS_MAX: i64 = 19 * CYCLE_SECONDS;

fn known_second(epoch_seconds: i64) -> i64 {
    if (-KNOWN_SECONDS_MAX..=KNOWN_SECONDS_MAX).contains(&epoch_seconds) {
        return epoch_seconds;
    }
    let of_cycle = epoch_seconds.rem_euclid(CYCLE_SECONDS);
    if epoch_seconds > 0 { 18 * CYCLE_SECONDS + of_cycle } else { of_cycle - KNOWN_SECONDS_MAX }
}

fn known_local(date: Date, time: TimeOfDay) -> Option<civil::DateTime> {
    let year = i64::from(date.year());
    let year = match year {
        year if year > KNOWN_YEAR_MAX => 9_200 + year.rem_euclid(400),
        year if year < -KNOWN_YEAR_MAX => -9_600 + year.rem_euclid(400),
        year => year,
    };
    civil::DateTime::new(
        i16::try_from(year).ok()?,
        date.month() as i8,
        date.day() as i8,
        time.hour() as i8,
        time.minute() as i8,
        time.second() as i8,
        time.nanosecond() as i32,
    )
    .ok()
}

impl fmt::Display for Zone {
    /// `Z`, `+01:00`, `-00:44:30`, `@Europe/Berlin`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Offset(0) => formatter.write_str("Z"),
            Zone::Offset(seconds) => write_offset(formatter, *seconds),
            Zone::Named(zone) => write!(formatter, "@{}", zone.iana_name().unwrap_or("UTC")),
        }
    }
}

fn write_offset(formatter: &mut fmt::Formatter<'_>, seconds: i32) -> fmt::Result {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    write!(formatter, "{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
    if !seconds.is_multiple_of(60) {
        write!(formatter, ":{:02}", seconds % 60)?;
    }
    Ok(())
}
