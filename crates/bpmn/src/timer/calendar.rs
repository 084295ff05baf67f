//! Instants and the calendar, without failure: what is out of range becomes the end of the range.

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

/// The instant, or the nearest that the calendar can express. A day is kept free at both ends, so
/// that every zone can express it.
pub(crate) fn timestamp(ms: i64) -> Timestamp {
    let (first, last) = range();
    Timestamp::from_millisecond(ms.clamp(first, last)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// First and last instant that are used, in milliseconds.
pub(crate) fn range() -> (i64, i64) {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    (
        Timestamp::MIN.as_millisecond().saturating_add(2 * DAY_MS),
        Timestamp::MAX.as_millisecond().saturating_sub(2 * DAY_MS),
    )
}

pub(crate) fn zoned(ms: i64, zone: &TimeZone) -> ZonedDateTime {
    timestamp(ms).to_zoned_datetime(zone.clone())
}
