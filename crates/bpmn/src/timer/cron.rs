//! Cron expressions of six fields, seconds first, as Spring 5.3 reads them.
//!
//! `second minute hour day-of-month month day-of-week`, both kinds of day have to match. Lists,
//! ranges, steps and names everywhere; `?` for `*` in the days; in the day of the month `L`, `L-3`,
//! `LW`, `15W`; in the day of the week `5L` (the last Friday) and `5#2` (the second Friday), where 0
//! and 7 are Sunday.

mod fields;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::{TimerError, calendar, shorten};
use crate::limits::CRON_MONTHS_AHEAD_MAX;
use fields::{DayOfMonth, DayOfWeek, Set};

/// A cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    seconds: Set,
    minutes: Set,
    hours: Set,
    /// One of these has to match.
    days_of_month: Vec<DayOfMonth>,
    months: Set,
    /// One of these has to match.
    days_of_week: Vec<DayOfWeek>,
}

impl Cron {
    /// Reads six fields or a macro: `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`,
    /// `@midnight`, `@hourly`.
    ///
    /// # Errors
    /// When the text is not such an expression; the reason names the field.
    pub fn parse(text: &str) -> Result<Cron, TimerError> {
        let text = text.trim();
        let resolved = match text.to_ascii_lowercase().as_str() {
            "@yearly" | "@annually" => "0 0 0 1 1 *",
            "@monthly" => "0 0 0 1 * *",
            "@weekly" => "0 0 0 * * 0",
            "@daily" | "@midnight" => "0 0 0 * * *",
            "@hourly" => "0 0 * * * *",
            _ => text,
        };
        let upper = resolved.to_ascii_uppercase();
        let parts: Vec<&str> = upper.split_ascii_whitespace().collect();
        let [second, minute, hour, day_of_month, month, day_of_week] = parts.as_slice() else {
            return Err(TimerError::new(format!(
                "`{}` is neither a cycle as R3/PT1H nor a cron expression; cron needs six fields with seconds first, as 0 0 9 * * MON-FRI",
                shorten(text)
            )));
        };
        let invalid = |field: &'static str| {
            move |value: &str| {
                TimerError::new(format!("the cron field {field} cannot be `{}`", shorten(value)))
            }
        };
        let set = |field: &'static str, value: &str, first: u8, last: u8, names: &[&str]| {
            Set::parse(value, first, last, names).ok_or_else(|| invalid(field)(value))
        };
        Ok(Cron {
            seconds: set("second", second, 0, 59, &[])?,
            minutes: set("minute", minute, 0, 59, &[])?,
            hours: set("hour", hour, 0, 23, &[])?,
            days_of_month: DayOfMonth::parse_list(day_of_month)
                .ok_or_else(|| invalid("day of month")(day_of_month))?,
            months: set("month", month, 1, 12, &fields::MONTH_NAMES)?,
            days_of_week: DayOfWeek::parse_list(day_of_week)
                .ok_or_else(|| invalid("day of week")(day_of_week))?,
        })
    }

    /// The first slot after an instant. `None` when there is none, as for 31 April.
    ///
    /// A slot in the hour that a change to summer time leaves out does not happen that day; one in
    /// the hour that the change back repeats happens twice.
    #[must_use]
    pub fn next_after(&self, after_ms: i64, zone: &TimeZone) -> Option<i64> {
        let (first_ms, last_ms) = calendar::range();
        let after_ms = after_ms.clamp(first_ms, last_ms);
        // Slots are whole seconds.
        let from_s = after_ms.div_euclid(1000).checked_add(1)?;
        let mut day = calendar::zoned(from_s.checked_mul(1000)?, zone).date();
        let mut months_left = CRON_MONTHS_AHEAD_MAX;
        loop {
            if self.matches_day(day)
                && let Some(slot_s) = self.first_in_day(day, from_s, zone)
            {
                return slot_s.checked_mul(1000);
            }
            let is_month_over = day.day() == day.days_in_month() || !self.has_month(day);
            if is_month_over {
                months_left = months_left.checked_sub(1)?;
                day = day.last_of_month().tomorrow().ok()?;
            } else {
                day = day.tomorrow().ok()?;
            }
        }
    }

    fn has_month(&self, day: Date) -> bool {
        self.months.has(day.month().unsigned_abs())
    }

    fn matches_day(&self, day: Date) -> bool {
        self.has_month(day)
            && self.days_of_month.iter().any(|field| field.matches(day))
            && self.days_of_week.iter().any(|field| field.matches(day))
    }

    fn matches_time(&self, time: DateTime) -> bool {
        self.hours.has(time.hour().unsigned_abs())
            && self.minutes.has(time.minute().unsigned_abs())
            && self.seconds.has(time.second().unsigned_abs())
    }

    /// The first slot of a day at or after an instant, in seconds. Walks instants, not local times,
    /// so that hours that are left out or repeated need no special case.
    fn first_in_day(&self, day: Date, from_s: i64, zone: &TimeZone) -> Option<i64> {
        const MINUTE_S: i64 = 60;
        const HOUR_S: i64 = 60 * MINUTE_S;
        let start = day.to_zoned_datetime(zone.clone()).ok()?.timestamp();
        let mut at_s = start.as_second().max(from_s);
        loop {
            let local = zone.to_datetime(calendar::timestamp(at_s.checked_mul(1000)?));
            if local.date() > day {
                return None;
            }
            // The clock may have been put back over midnight: then it is the day before once more.
            if self.matches_time(local) && (local.date() == day || self.matches_day(local.date())) {
                return Some(at_s);
            }
            let (minute, second) = (i64::from(local.minute()), i64::from(local.second()));
            let hour_matches = self.hours.has(local.hour().unsigned_abs());
            let next_hour_s = at_s + HOUR_S - minute * MINUTE_S - second;
            if !hour_matches && is_hour_later(local, next_hour_s, zone) {
                at_s = next_hour_s;
            } else if hour_matches && self.minutes.has(local.minute().unsigned_abs()) {
                at_s += 1;
            } else {
                at_s += MINUTE_S - second;
            }
        }
    }
}

/// Whether the instant is the start of the next local hour, so that no change of the offset is
/// jumped over.
fn is_hour_later(local: DateTime, at_s: i64, zone: &TimeZone) -> bool {
    let later = zone.to_datetime(calendar::timestamp(at_s.saturating_mul(1000)));
    let expected = (local.hour() + 1) % 24;
    later.hour() == expected && later.minute() == 0 && later.second() == 0
}
