//! Times of day, local, with an offset or in a zone.

use std::fmt;

use jiff::SignedDuration;

use super::{Zone, text};

/// Nanoseconds of a second.
pub(super) const SECOND_NANOSECONDS: i64 = 1_000_000_000;

/// Seconds of a day.
pub(super) const DAY_SECONDS: i64 = 86_400;

/// Nanoseconds of a day.
pub(super) const DAY_NANOSECONDS: i64 = DAY_SECONDS * SECOND_NANOSECONDS;

/// What a clock on the wall shows, from 00:00:00 to 23:59:59.999999999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    nanoseconds: i64,
}

impl TimeOfDay {
    /// 00:00:00, the first time of a day.
    pub const MIDNIGHT: TimeOfDay = TimeOfDay { nanoseconds: 0 };

    /// The time of these parts; none if a clock does not show it.
    pub fn new(hour: i64, minute: i64, second: i64, nanosecond: i64) -> Option<TimeOfDay> {
        let fits = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && (0..SECOND_NANOSECONDS).contains(&nanosecond);
        let seconds = || hour * 3600 + minute * 60 + second;
        fits.then(|| TimeOfDay { nanoseconds: seconds() * SECOND_NANOSECONDS + nanosecond })
    }

    /// The time so many nanoseconds after midnight, of this or any other day.
    pub(super) fn from_nanoseconds(nanoseconds: i128) -> TimeOfDay {
        let nanoseconds = nanoseconds.rem_euclid(i128::from(DAY_NANOSECONDS));
        TimeOfDay { nanoseconds: nanoseconds as i64 }
    }

    /// The time at a second of the day and a nanosecond of that.
    pub(super) fn of_day(second: i64, nanosecond: i64) -> TimeOfDay {
        TimeOfDay { nanoseconds: second * SECOND_NANOSECONDS + nanosecond }
    }

    /// Nanoseconds since midnight.
    pub fn nanoseconds(self) -> i64 {
        self.nanoseconds
    }

    /// The hour from 0 to 23.
    pub fn hour(self) -> u8 {
        (self.nanoseconds / SECOND_NANOSECONDS / 3600) as u8
    }

    /// The minute from 0 to 59.
    pub fn minute(self) -> u8 {
        (self.nanoseconds / SECOND_NANOSECONDS / 60 % 60) as u8
    }

    /// The second from 0 to 59, without its fraction.
    pub fn second(self) -> u8 {
        (self.nanoseconds / SECOND_NANOSECONDS % 60) as u8
    }

    /// The fraction of the second in nanoseconds.
    pub fn nanosecond(self) -> u32 {
        (self.nanoseconds % SECOND_NANOSECONDS) as u32
    }
}

/// A time of day.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// The time of day as read from a clock on the wall.
    pub local: TimeOfDay,
    /// Where that clock hangs, if it is known.
    pub zone: Option<Zone>,
    /// Seconds east of UTC, if a zone is known.
    offset_seconds: i32,
}

impl Time {
    /// A time without zone.
    pub fn local(local: TimeOfDay) -> Time {
        Time { local, zone: None, offset_seconds: 0 }
    }

    /// A time in a zone, taken as on 1970-01-01 as it has no date of its own.
    pub fn zoned(local: TimeOfDay, zone: Zone) -> Time {
        let offset_seconds = zone.offset_at(0);
        Time { local, zone: Some(zone), offset_seconds }
    }

    /// The time of a date-time, which knows its offset.
    pub(super) fn of(local: TimeOfDay, zone: Option<Zone>, offset_seconds: i32) -> Time {
        Time { local, zone, offset_seconds }
    }

    /// Seconds east of UTC; none for a local time.
    pub fn offset_seconds(&self) -> Option<i32> {
        self.zone.as_ref().map(|_| self.offset_seconds)
    }

    /// Nanoseconds since midnight in UTC for a time with a zone, since local midnight without.
    pub(super) fn utc_nanoseconds(&self) -> i64 {
        self.local.nanoseconds() - i64::from(self.offset_seconds) * SECOND_NANOSECONDS
    }

    /// The time so much later, around midnight if need be.
    pub(crate) fn plus(&self, duration: SignedDuration) -> Time {
        let total = duration.as_nanos() + i128::from(self.local.nanoseconds());
        Time { local: TimeOfDay::from_nanoseconds(total), ..self.clone() }
    }

    /// How much later than `earlier` this is; none if only one has a zone.
    pub(crate) fn since(&self, earlier: &Time) -> Option<SignedDuration> {
        if self.zone.is_some() != earlier.zone.is_some() {
            return None;
        }
        Some(SignedDuration::from_nanos(self.utc_nanoseconds() - earlier.utc_nanoseconds()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_time(formatter, self.local)?;
        text::write_zone(formatter, self.zone.as_ref())
    }
}
