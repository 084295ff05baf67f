//! Times and date-times, local, with an offset or in a zone.

use std::fmt;

use jiff::civil::{self, Date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::duration::from_nanos;

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

impl Zone {
    /// The zone of the database with this name.
    pub fn named(name: &str) -> Option<Zone> {
        // The database answers case-insensitively; a wrong case would print differently from what
        // was read, so it is taken as unknown, like in Camunda.
        let zone = TimeZone::get(name).ok()?;
        (zone.iana_name()? == name).then_some(Zone::Named(zone))
    }
}

impl fmt::Display for Zone {
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

/// A time of day.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// The time of day as read from a clock on the wall.
    pub local: civil::Time,
    /// Where that clock hangs, if it is known.
    pub zone: Option<Zone>,
}

/// Nanoseconds of a day.
const DAY_NANOSECONDS: i64 = 86_400_000_000_000;

impl Time {
    /// Seconds east of UTC; of a named zone, as on 1970-01-01 (a time has no date).
    pub fn offset_seconds(&self) -> Option<i32> {
        match self.zone.as_ref()? {
            Zone::Offset(seconds) => Some(*seconds),
            Zone::Named(zone) => Some(zone.to_offset(Timestamp::UNIX_EPOCH).seconds()),
        }
    }

    fn local_nanoseconds(&self) -> i64 {
        let seconds = i64::from(self.local.hour()) * 3600
            + i64::from(self.local.minute()) * 60
            + i64::from(self.local.second());
        seconds * 1_000_000_000 + i64::from(self.local.subsec_nanosecond())
    }

    /// Nanoseconds since midnight in UTC for a time with a zone, since local midnight without.
    pub(crate) fn comparable_nanoseconds(&self) -> i64 {
        self.local_nanoseconds() - i64::from(self.offset_seconds().unwrap_or(0)) * 1_000_000_000
    }

    /// The time so much later, around midnight if need be.
    pub(crate) fn plus(&self, duration: SignedDuration) -> Time {
        let shift = (duration.as_nanos() % i128::from(DAY_NANOSECONDS)) as i64;
        let total = (self.local_nanoseconds() + shift).rem_euclid(DAY_NANOSECONDS);
        let local = civil::Time::midnight()
            .checked_add(SignedDuration::from_nanos(total))
            .unwrap_or(self.local);
        Time { local, zone: self.zone.clone() }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_time(formatter, self.local)?;
        match &self.zone {
            Some(zone) => write!(formatter, "{zone}"),
            None => Ok(()),
        }
    }
}

fn write_time(formatter: &mut fmt::Formatter<'_>, time: civil::Time) -> fmt::Result {
    write!(formatter, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
    let nanosecond = time.subsec_nanosecond();
    if nanosecond != 0 {
        let digits = format!("{nanosecond:09}");
        write!(formatter, ".{}", digits.trim_end_matches('0'))?;
    }
    Ok(())
}

/// A date with a time of day.
#[derive(Clone, Debug, PartialEq)]
pub struct DateTime {
    /// Date and time as read from calendar and clock on the wall.
    pub local: civil::DateTime,
    /// Where they hang, if it is known.
    pub zone: Option<Zone>,
    /// Seconds east of UTC at that moment, if a zone is known.
    offset_seconds: i32,
}

impl DateTime {
    /// A date-time without zone.
    pub fn local(local: civil::DateTime) -> DateTime {
        DateTime { local, zone: None, offset_seconds: 0 }
    }

    /// A date-time in a zone. A time that a named zone skips is moved behind the gap; of a time that
    /// it has twice the first is meant.
    pub fn zoned(local: civil::DateTime, zone: Zone) -> Option<DateTime> {
        match zone {
            Zone::Offset(offset_seconds) => {
                Some(DateTime { local, zone: Some(zone), offset_seconds })
            }
            Zone::Named(ref named) => {
                let timestamp = named.to_ambiguous_timestamp(local).compatible().ok()?;
                DateTime::at(timestamp, zone)
            }
        }
    }

    /// The date-time of an instant in a zone.
    pub fn at(timestamp: Timestamp, zone: Zone) -> Option<DateTime> {
        let offset = match &zone {
            Zone::Offset(seconds) => Offset::from_seconds(*seconds).ok()?,
            Zone::Named(named) => named.to_offset(timestamp),
        };
        Some(DateTime {
            local: offset.to_datetime(timestamp),
            zone: Some(zone),
            offset_seconds: offset.seconds(),
        })
    }

    /// The date-time of an instant in a zone of the database.
    pub fn at_epoch_ms(epoch_ms: i64, zone: &TimeZone) -> Option<DateTime> {
        let zone = match zone.iana_name() {
            Some(_) => Zone::Named(zone.clone()),
            None => Zone::Offset(zone.to_fixed_offset().ok()?.seconds()),
        };
        DateTime::at(Timestamp::from_millisecond(epoch_ms).ok()?, zone)
    }

    /// Seconds east of UTC; none for a local date-time.
    pub fn offset_seconds(&self) -> Option<i32> {
        self.zone.as_ref().map(|_| self.offset_seconds)
    }

    /// The instant; none for a local date-time.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.zone.as_ref()?;
        Offset::from_seconds(self.offset_seconds).ok()?.to_timestamp(self.local).ok()
    }

    /// The instant in milliseconds since 1970-01-01T00:00:00Z; none for a local date-time.
    pub fn epoch_ms(&self) -> Option<i64> {
        Some(self.timestamp()?.as_millisecond())
    }

    /// A local date-time taken in this zone; another keeps its instant and is shown in this zone.
    pub fn in_zone(&self, zone: &TimeZone) -> Option<DateTime> {
        self.with_zone(Zone::Named(zone.clone()))
    }

    pub(crate) fn with_zone(&self, zone: Zone) -> Option<DateTime> {
        match self.timestamp() {
            Some(timestamp) => DateTime::at(timestamp, zone),
            None => DateTime::zoned(self.local, zone),
        }
    }

    /// Nanoseconds since 1970 in UTC for a date-time with a zone, of the local time without.
    pub(crate) fn comparable_nanoseconds(&self) -> i128 {
        let days = i128::from(epoch_days(self.local.date()));
        let time = Time { local: self.local.time(), zone: None };
        days * i128::from(DAY_NANOSECONDS) + i128::from(time.local_nanoseconds())
            - i128::from(self.offset_seconds) * 1_000_000_000
    }

    /// The date-time so much later, exactly; none beyond year 9999.
    pub(crate) fn plus(&self, duration: SignedDuration) -> Option<DateTime> {
        match (&self.zone, self.timestamp()) {
            (Some(zone), Some(timestamp)) => {
                DateTime::at(timestamp.checked_add(duration).ok()?, zone.clone())
            }
            _ => Some(DateTime::local(self.local.checked_add(duration).ok()?)),
        }
    }

    /// The date-time so many months later by the calendar; none beyond year 9999.
    pub(crate) fn plus_months(&self, months: i64) -> Option<DateTime> {
        let local = plus_months(self.local.date(), months)?.to_datetime(self.local.time());
        match &self.zone {
            Some(zone) => DateTime::zoned(local, zone.clone()),
            None => Some(DateTime::local(local)),
        }
    }

    /// How much later than `earlier` this is; none if only one has a zone.
    pub(crate) fn since(&self, earlier: &DateTime) -> Option<SignedDuration> {
        if self.zone.is_some() != earlier.zone.is_some() {
            return None;
        }
        from_nanos(self.comparable_nanoseconds() - earlier.comparable_nanoseconds())
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_local(formatter, self.local)?;
        match &self.zone {
            Some(zone) => write!(formatter, "{zone}"),
            None => Ok(()),
        }
    }
}

fn write_local(formatter: &mut fmt::Formatter<'_>, local: civil::DateTime) -> fmt::Result {
    write_date(formatter, local.date())?;
    formatter.write_str("T")?;
    write_time(formatter, local.time())
}

/// `2026-01-02`, years before 0 with a minus sign.
pub(crate) fn write_date(formatter: &mut fmt::Formatter<'_>, date: Date) -> fmt::Result {
    let sign = if date.year() < 0 { "-" } else { "" };
    let year = date.year().unsigned_abs();
    write!(formatter, "{sign}{year:04}-{:02}-{:02}", date.month(), date.day())
}

/// Days since 1970-01-01.
pub(crate) fn epoch_days(date: Date) -> i64 {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    date.duration_since(EPOCH).as_hours() / 24
}

/// The date so many months later, on the last day of the month if the day does not exist.
pub(crate) fn plus_months(date: Date, months: i64) -> Option<Date> {
    let total = (i64::from(date.year()) * 12 + i64::from(date.month()) - 1).checked_add(months)?;
    let year = i16::try_from(total.div_euclid(12)).ok()?;
    let first = Date::new(year, (total.rem_euclid(12) + 1) as i8, 1).ok()?;
    Date::new(year, first.month(), date.day().min(first.days_in_month())).ok()
}

/// The date so many days later.
pub(super) fn plus_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(SignedDuration::from_secs(days.checked_mul(86_400)?)).ok()
}

/// Whole months from one date to another, negative backwards.
pub(crate) fn months_between(from: Date, to: Date) -> i64 {
    let months = (i64::from(to.year()) - i64::from(from.year())) * 12
        + (i64::from(to.month()) - i64::from(from.month()));
    if months > 0 && to.day() < from.day() {
        months - 1
    } else if months < 0 && to.day() > from.day() {
        months + 1
    } else {
        months
    }
}

/// The last day of the date's month.
pub(crate) fn last_of_month(date: Date) -> Date {
    date.last_of_month()
}
