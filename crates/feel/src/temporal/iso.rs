//! The texts of temporal values as variables hold them: those of `java.time`, which clients of
//! Zeebe read. (`string(value)` gives others: `P1DT1H` there is `PT25H` here.) And the durations of
//! timers, which mix calendar and clock.

use std::fmt::{self, Write};

use super::duration::from_nanos;
use super::{
    DateTime, DaysTimeDuration, DurationValue, Time, TimeOfDay, YearsMonthsDuration, Zone, parse,
    text,
};
use crate::Dialect;

/// A temporal value as variables hold it.
pub(crate) trait Iso {
    /// Appends the text.
    fn write_iso(&self, out: &mut String) -> fmt::Result;

    /// The text.
    fn to_iso(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_iso(&mut text);
        text
    }
}

impl Iso for DateTime {
    /// `2020-01-01T10:00+01:00[Europe/Berlin]`: seconds only if there are some.
    fn write_iso(&self, out: &mut String) -> fmt::Result {
        text::write_date(out, self.date, Dialect::Camunda)?;
        out.push('T');
        write_time(self.time, out)?;
        match (&self.zone, self.offset_seconds()) {
            (Some(zone), Some(seconds)) => {
                write!(out, "{}", Zone::Offset(seconds))?;
                zone.name().map_or(Ok(()), |name| write!(out, "[{name}]"))
            }
            _ => Ok(()),
        }
    }
}

impl Iso for Time {
    /// `10:00`; with a zone `10:00:00@Europe/Berlin`.
    fn write_iso(&self, out: &mut String) -> fmt::Result {
        match self.zone {
            Some(_) => write!(out, "{self}"),
            None => write_time(self.local, out),
        }
    }
}

/// Hours and minutes; seconds if there are some, with 3, 6 or 9 digits of fraction.
fn write_time(time: TimeOfDay, out: &mut String) -> fmt::Result {
    write!(out, "{:02}:{:02}", time.hour(), time.minute())?;
    let nanosecond = time.nanosecond();
    if time.second() == 0 && nanosecond == 0 {
        return Ok(());
    }
    write!(out, ":{:02}", time.second())?;
    match nanosecond {
        0 => Ok(()),
        _ if nanosecond.is_multiple_of(1_000_000) => write!(out, ".{:03}", nanosecond / 1_000_000),
        _ if nanosecond.is_multiple_of(1_000) => write!(out, ".{:06}", nanosecond / 1_000),
        _ => write!(out, ".{nanosecond:09}"),
    }
}

impl Iso for DaysTimeDuration {
    /// `PT25H`, `PT-26H`, `PT1.5S`: never days.
    fn write_iso(&self, out: &mut String) -> fmt::Result {
        let (total, nanoseconds) = (self.0.as_secs(), self.0.subsec_nanos());
        let (hours, minutes, seconds) = (total / 3600, total % 3600 / 60, total % 60);
        out.push_str("PT");
        if hours != 0 {
            write!(out, "{hours}H")?;
        }
        if minutes != 0 {
            write!(out, "{minutes}M")?;
        }
        if seconds == 0 && nanoseconds == 0 && total != 0 {
            return Ok(());
        }
        let sign = if seconds == 0 && nanoseconds < 0 { "-" } else { "" };
        write!(out, "{sign}{seconds}")?;
        text::write_fraction(out, nanoseconds.unsigned_abs())?;
        out.push('S');
        Ok(())
    }
}

impl Iso for YearsMonthsDuration {
    /// `P1Y2M`, `P-1Y-2M`, `P0D`.
    fn write_iso(&self, out: &mut String) -> fmt::Result {
        let (years, months) = (self.0 / 12, self.0 % 12);
        out.push('P');
        if years != 0 {
            write!(out, "{years}Y")?;
        }
        if months != 0 {
            write!(out, "{months}M")?;
        }
        if self.0 == 0 {
            out.push_str("0D");
        }
        Ok(())
    }
}

/// Reads `[+-]PnYnMnWnDTnHnMn.nS` with at least one field; each number may carry a sign of its own.
pub(super) fn parse_duration(text: &str) -> Option<DurationValue> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let rest = rest.strip_prefix('P')?;
    let (date_part, time_part) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date_part, time_part)) => (date_part, time_part),
        None => (rest, ""),
    };
    if date_part.is_empty() && time_part.is_empty() {
        return None;
    }
    let sign: i64 = if negative { -1 } else { 1 };
    let (mut months, mut days, mut nanoseconds) = (0i64, 0i64, 0i128);
    read_fields(date_part, &['Y', 'M', 'W', 'D'], |unit, whole, fraction| {
        let value = sign.checked_mul(whole)?;
        let (total, factor) = match unit {
            'Y' => (&mut months, 12),
            'M' => (&mut months, 1),
            'W' => (&mut days, 7),
            _ => (&mut days, 1),
        };
        *total = total.checked_add(value.checked_mul(factor)?)?;
        (fraction == 0).then_some(())
    })?;
    read_fields(time_part, &['H', 'M', 'S'], |unit, whole, fraction| {
        let seconds = match unit {
            'H' => 3_600,
            'M' => 60,
            _ => 1,
        };
        if fraction != 0 && unit != 'S' {
            return None;
        }
        let value = i128::from(whole) * i128::from(seconds) * 1_000_000_000 + i128::from(fraction);
        nanoseconds = nanoseconds.checked_add(i128::from(sign) * value)?;
        Some(())
    })?;
    Some(DurationValue { months, days, exact: from_nanos(nanoseconds)? })
}

/// Reads fields like `12H3.5S` in the order of `units`, each at most once.
fn read_fields(
    mut text: &str,
    units: &[char],
    mut add: impl FnMut(char, i64, i64) -> Option<()>,
) -> Option<()> {
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|character: char| character.is_ascii_alphabetic())?;
        let unit = text.get(end..)?.chars().next()?;
        units.find(|candidate| **candidate == unit)?;
        let number = text.get(..end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let value: i64 = whole.parse().ok()?;
        let nanoseconds = parse::fraction_nanoseconds(fraction)?;
        let fraction = if whole.starts_with('-') { -nanoseconds } else { nanoseconds };
        add(unit, value, fraction)?;
        text = text.get(end + 1..)?;
    }
    Some(())
}
