//! Dates with a time of day, local, with an offset or in a zone.

use std::fmt;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::duration::from_nanos;
use super::time::{DAY_NANOSECONDS, DAY_SECONDS, SECOND_NANOSECONDS};
use super::zone::LocalOffset;
use super::{Date, Time, TimeOfDay, Zone, text};

/// A date with a time of day.
#[derive(Clone, Debug, PartialEq)]
pub struct DateTime {
    /// The date as read from a calendar on the wall.
    pub date: Date,
    /// The time as read from a clock on the wall.
    pub time: TimeOfDay,
    /// Where they hang, if it is known.
    pub zone: Option<Zone>,
    /// Seconds east of UTC at that moment, if a zone is known.
    offset_seconds: i32,
}

impl DateTime {
    /// A date-time without zone.
    pub fn local(date: Date, time: TimeOfDay) -> DateTime {
        DateTime { date, time, zone: None, offset_seconds: 0 }
    }

    /// The beginning of the day in UTC: what a date is where a date-time is needed (DMN 10.3.2.3.5).
    pub fn midnight(date: Date) -> DateTime {
        let zone = Some(Zone::Offset(0));
        DateTime { date, time: TimeOfDay::MIDNIGHT, zone, offset_seconds: 0 }
    }

    /// A date-time in a zone. A time that a named zone skips is moved behind the gap; of a time that
    /// it has twice the first is meant. None outside of the calendar.
    pub fn zoned(date: Date, time: TimeOfDay, zone: Zone) -> Option<DateTime> {
        match zone.offset_of_local(date, time) {
            LocalOffset::Sure(offset_seconds) => {
                Some(DateTime { date, time, zone: Some(zone), offset_seconds })
            }
            LocalOffset::Skipped(offset_seconds) => {
                let skipped = DateTime { date, time, zone: Some(zone.clone()), offset_seconds };
                DateTime::at(skipped.utc_nanoseconds(), zone)
            }
        }
    }

    /// The date-time of an instant (nanoseconds since 1970-01-01T00:00:00Z) in a zone; none outside
    /// of the calendar.
    pub fn at(epoch_nanoseconds: i128, zone: Zone) -> Option<DateTime> {
        let (epoch_seconds, nanosecond) = seconds(epoch_nanoseconds)?;
        let offset_seconds = zone.offset_at(epoch_seconds);
        let local_seconds = epoch_seconds.checked_add(i64::from(offset_seconds))?;
        let (date, time) = split(local_seconds, nanosecond)?;
        Some(DateTime { date, time, zone: Some(zone), offset_seconds })
    }

    /// The date-time of an instant in a zone of the database.
    pub fn at_epoch_ms(epoch_ms: i64, zone: &TimeZone) -> Option<DateTime> {
        DateTime::at(i128::from(epoch_ms) * 1_000_000, Zone::from(zone))
    }

    /// Seconds east of UTC; none for a local date-time.
    pub fn offset_seconds(&self) -> Option<i32> {
        self.zone.as_ref().map(|_| self.offset_seconds)
    }

    /// The instant in nanoseconds since 1970-01-01T00:00:00Z; none for a local date-time.
    pub fn epoch_nanoseconds(&self) -> Option<i128> {
        self.zone.as_ref().map(|_| self.utc_nanoseconds())
    }

    /// The instant in milliseconds since 1970-01-01T00:00:00Z; none for a local date-time, and for
    /// one that is some 292 million years away from 1970.
    pub fn epoch_ms(&self) -> Option<i64> {
        i64::try_from(self.epoch_nanoseconds()?.div_euclid(1_000_000)).ok()
    }

    /// A local date-time taken in this zone; another keeps its instant and is shown in this zone.
    pub fn in_zone(&self, zone: &TimeZone) -> Option<DateTime> {
        self.with_zone(Zone::from(zone))
    }

    pub(crate) fn with_zone(&self, zone: Zone) -> Option<DateTime> {
        match self.epoch_nanoseconds() {
            Some(epoch_nanoseconds) => DateTime::at(epoch_nanoseconds, zone),
            None => DateTime::zoned(self.date, self.time, zone),
        }
    }

    /// The time of day with its zone.
    pub(crate) fn to_time(&self) -> Time {
        Time::of(self.time, self.zone.clone(), self.offset_seconds)
    }

    /// Nanoseconds since 1970 on the clock that the date-time was read from.
    pub(super) fn local_nanoseconds(&self) -> i128 {
        let days = i128::from(self.date.epoch_days());
        days * i128::from(DAY_NANOSECONDS) + i128::from(self.time.nanoseconds())
    }

    /// Nanoseconds since 1970 in UTC for a date-time with a zone, of the local time without.
    pub(super) fn utc_nanoseconds(&self) -> i128 {
        self.local_nanoseconds() - i128::from(self.offset_seconds) * i128::from(SECOND_NANOSECONDS)
    }

    /// The date-time so much later, exactly; none outside of the calendar.
    pub(crate) fn plus(&self, duration: SignedDuration) -> Option<DateTime> {
        let nanoseconds = self.utc_nanoseconds().checked_add(duration.as_nanos())?;
        match &self.zone {
            Some(zone) => DateTime::at(nanoseconds, zone.clone()),
            None => {
                let (seconds, nanosecond) = seconds(nanoseconds)?;
                let (date, time) = split(seconds, nanosecond)?;
                Some(DateTime::local(date, time))
            }
        }
    }

    /// The date-time so many months later by the calendar; none outside of it.
    pub(crate) fn plus_months(&self, months: i64) -> Option<DateTime> {
        let date = self.date.plus_months(months)?;
        match &self.zone {
            Some(zone) => DateTime::zoned(date, self.time, zone.clone()),
            None => Some(DateTime::local(date, self.time)),
        }
    }

    /// How much later than `earlier` this is; none if only one has a zone.
    pub(crate) fn since(&self, earlier: &DateTime) -> Option<SignedDuration> {
        if self.zone.is_some() != earlier.zone.is_some() {
            return None;
        }
        from_nanos(self.utc_nanoseconds() - earlier.utc_nanoseconds())
    }
}

/// Nanoseconds as seconds and what is left of nanoseconds; none beyond 64 bits of seconds.
fn seconds(nanoseconds: i128) -> Option<(i64, i64)> {
    let second = i128::from(SECOND_NANOSECONDS);
    let seconds = i64::try_from(nanoseconds.div_euclid(second)).ok()?;
    Some((seconds, (nanoseconds - i128::from(seconds) * second) as i64))
}

/// Seconds since 1970 as date and time; none outside of the calendar.
fn split(seconds: i64, nanosecond: i64) -> Option<(Date, TimeOfDay)> {
    let date = Date::from_epoch_days(seconds.div_euclid(DAY_SECONDS))?;
    Some((date, TimeOfDay::of_day(seconds.rem_euclid(DAY_SECONDS), nanosecond)))
}

impl fmt::Display for DateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_date_time(formatter, self)
    }
}
