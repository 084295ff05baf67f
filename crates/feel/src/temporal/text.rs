//! The texts of temporal values as `string(value)` gives them.
//!
//! The dialects differ: Camunda's writes `+` before the year of a date (but not of a date-time) with
//! more than four digits, and durations in whole seconds, rounded down; DMN's texts are exact and
//! those that its functions read.

use std::fmt;

use super::duration::Parts;
use super::{Date, DateTime, DaysTimeDuration, TimeOfDay, YearsMonthsDuration, Zone};
use crate::Dialect;

/// `2026-01-02`, years before 0 with a minus sign, years of more than four digits in Camunda's
/// dialect with a plus sign.
pub(crate) fn write_date(out: &mut dyn fmt::Write, date: Date, dialect: Dialect) -> fmt::Result {
    if date.year() > 9_999 && !dialect.is_dmn() {
        out.write_str("+")?;
    }
    write_plain_date(out, date)
}

fn write_plain_date(out: &mut dyn fmt::Write, date: Date) -> fmt::Result {
    let sign = if date.year() < 0 { "-" } else { "" };
    let year = date.year().unsigned_abs();
    write!(out, "{sign}{year:04}-{:02}-{:02}", date.month(), date.day())
}

/// `03:04:05.678`.
pub(super) fn write_time(out: &mut dyn fmt::Write, time: TimeOfDay) -> fmt::Result {
    write!(out, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
    write_fraction(out, time.nanosecond())
}

pub(super) fn write_zone(out: &mut dyn fmt::Write, zone: Option<&Zone>) -> fmt::Result {
    match zone {
        Some(zone) => write!(out, "{zone}"),
        None => Ok(()),
    }
}

/// `2026-01-02T03:04:05.678@Europe/Berlin`.
pub(crate) fn write_date_time(out: &mut dyn fmt::Write, value: &DateTime) -> fmt::Result {
    write_plain_date(out, value.date)?;
    out.write_str("T")?;
    write_time(out, value.time)?;
    write_zone(out, value.zone.as_ref())
}

/// A fraction of a second, without zeros at its end; nothing for none.
pub(super) fn write_fraction(out: &mut dyn fmt::Write, nanosecond: u32) -> fmt::Result {
    if nanosecond == 0 {
        return Ok(());
    }
    let digits = format!("{nanosecond:09}");
    write!(out, ".{}", digits.trim_end_matches('0'))
}

/// `P1DT2H3M4S`; nothing at all is `P0D` in Camunda's dialect, `PT0S` in DMN's.
pub(crate) fn write_days_time(
    out: &mut dyn fmt::Write,
    duration: DaysTimeDuration,
    dialect: Dialect,
) -> fmt::Result {
    let parts @ Parts { days, hours, minutes, seconds, nanoseconds } = duration.parts(dialect);
    if parts == Parts::default() {
        return out.write_str(if dialect.is_dmn() { "PT0S" } else { "P0D" });
    }
    out.write_str(if duration.0.is_negative() { "-P" } else { "P" })?;
    if days != 0 {
        write!(out, "{}D", days.unsigned_abs())?;
    }
    if hours != 0 || minutes != 0 || seconds != 0 || nanoseconds != 0 {
        out.write_str("T")?;
    }
    for (value, unit) in [(hours, "H"), (minutes, "M")] {
        if value != 0 {
            write!(out, "{}{unit}", value.unsigned_abs())?;
        }
    }
    if seconds != 0 || nanoseconds != 0 {
        write!(out, "{}", seconds.unsigned_abs())?;
        write_fraction(out, nanoseconds.unsigned_abs())?;
        out.write_str("S")?;
    }
    Ok(())
}

/// `P1Y2M`; nothing at all is `P0Y` in Camunda's dialect, `P0M` in DMN's.
pub(crate) fn write_years_months(
    out: &mut dyn fmt::Write,
    duration: YearsMonthsDuration,
    dialect: Dialect,
) -> fmt::Result {
    if duration.0 == 0 {
        return out.write_str(if dialect.is_dmn() { "P0M" } else { "P0Y" });
    }
    out.write_str(if duration.0 < 0 { "-P" } else { "P" })?;
    let months = duration.0.unsigned_abs();
    if months >= 12 {
        write!(out, "{}Y", months / 12)?;
    }
    if !months.is_multiple_of(12) {
        write!(out, "{}M", months % 12)?;
    }
    Ok(())
}

impl fmt::Display for DaysTimeDuration {
    /// As in Camunda's dialect.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_days_time(formatter, *self, Dialect::Camunda)
    }
}

impl fmt::Display for YearsMonthsDuration {
    /// As in Camunda's dialect.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_years_months(formatter, *self, Dialect::Camunda)
    }
}
