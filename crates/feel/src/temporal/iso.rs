//! The texts of temporal values as variables hold them: those of `java.time`, which clients of
//! Zeebe read. (`string(value)` gives others: `P1DT1H` there is `PT25H` here.)

use std::fmt::{self, Write};

use jiff::civil;

use super::{DateTime, DaysTimeDuration, Time, YearsMonthsDuration, Zone};

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
        write!(out, "{}T", crate::Value::Date(self.local.date()))?;
        write_time(self.local.time(), out)?;
        match (&self.zone, self.offset_seconds()) {
            (Some(Zone::Named(zone)), Some(seconds)) => {
                let name = zone.iana_name().unwrap_or("UTC");
                write!(out, "{}[{name}]", Zone::Offset(seconds))
            }
            (Some(zone), _) => write!(out, "{zone}"),
            (None, _) => Ok(()),
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
fn write_time(time: civil::Time, out: &mut String) -> fmt::Result {
    write!(out, "{:02}:{:02}", time.hour(), time.minute())?;
    let nanosecond = time.subsec_nanosecond();
    if time.second() == 0 && nanosecond == 0 {
        return Ok(());
    }
    write!(out, ":{:02}", time.second())?;
    match nanosecond {
        0 => Ok(()),
        _ if nanosecond % 1_000_000 == 0 => write!(out, ".{:03}", nanosecond / 1_000_000),
        _ if nanosecond % 1_000 == 0 => write!(out, ".{:06}", nanosecond / 1_000),
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
        if nanoseconds != 0 {
            let digits = format!("{:09}", nanoseconds.unsigned_abs());
            write!(out, ".{}", digits.trim_end_matches('0'))?;
        }
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
