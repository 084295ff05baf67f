//! Dates of the proleptic Gregorian calendar, with all the years that FEEL has.

use std::fmt;

use super::text;

/// The first and the last year are this far from year 0 (DMN 10.3.2.3.5).
pub const YEAR_MAX: i32 = 999_999_999;

/// Days of 400 years: after them leap years and weekdays repeat.
const CYCLE_DAYS: i64 = 146_097;

/// A date, without time and zone. Year 0 is the year before year 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// The first date of the calendar.
    pub const MIN: Date = Date { year: -YEAR_MAX, month: 1, day: 1 };
    /// The last date of the calendar.
    pub const MAX: Date = Date { year: YEAR_MAX, month: 12, day: 31 };

    /// The date of these parts; none if the calendar does not have it.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Date> {
        let year = i32::try_from(year).ok().filter(|year| (-YEAR_MAX..=YEAR_MAX).contains(year))?;
        let month = u8::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
        let day = u8::try_from(day).ok()?;
        (1..=days_in_month(year, month)).contains(&day).then_some(Date { year, month, day })
    }

    /// The year, negative before year 0.
    pub fn year(self) -> i32 {
        self.year
    }

    /// The month from 1 on.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month from 1 on.
    pub fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01.
    pub fn epoch_days(self) -> i64 {
        // Years are counted from March on, so that the leap day is the last day of a year.
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let year_of_cycle = year.rem_euclid(400);
        let day_of_cycle =
            year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
        year.div_euclid(400) * CYCLE_DAYS + day_of_cycle - MARCH_OF_YEAR_0
    }

    /// The date so many days after 1970-01-01; none outside of the calendar.
    pub fn from_epoch_days(days: i64) -> Option<Date> {
        let days = days.checked_add(MARCH_OF_YEAR_0)?;
        let (cycle, day_of_cycle) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
        let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
        let year_of_cycle = (day_of_cycle - leap_days) / 365;
        let first_of_year = 365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100;
        let day_of_year = day_of_cycle - first_of_year;
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
        Date::new(year, month, day)
    }

    /// The day of the week: 1 is Monday, 7 is Sunday.
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        ((self.epoch_days() + 3).rem_euclid(7) + 1) as u8
    }

    /// The day of the year from 1 on.
    pub fn day_of_year(self) -> u16 {
        let first = Date { year: self.year, month: 1, day: 1 };
        (self.epoch_days() - first.epoch_days() + 1) as u16
    }

    /// The week of ISO-8601: the first one has the first Thursday of the year.
    pub fn week_of_year(self) -> u8 {
        let week = (i32::from(self.day_of_year()) - i32::from(self.weekday()) + 10) / 7;
        if week < 1 {
            weeks_in_year(self.year - 1)
        } else if week > i32::from(weeks_in_year(self.year)) {
            1
        } else {
            week as u8
        }
    }

    /// The last day of the month.
    pub fn last_of_month(self) -> Date {
        Date { day: days_in_month(self.year, self.month), ..self }
    }

    /// The date so many days later; none outside of the calendar.
    pub fn plus_days(self, days: i64) -> Option<Date> {
        Date::from_epoch_days(self.epoch_days().checked_add(days)?)
    }

    /// The date so many months later, on the last day of the month if the day does not exist; none
    /// outside of the calendar.
    pub fn plus_months(self, months: i64) -> Option<Date> {
        let total = self.total_months().checked_add(months)?;
        let first = Date::new(total.div_euclid(12), total.rem_euclid(12) + 1, 1)?;
        let day = self.day.min(days_in_month(first.year, first.month));
        Some(Date { day, ..first })
    }

    /// Whole months from this date to another, negative backwards.
    pub fn months_until(self, to: Date) -> i64 {
        let months = to.total_months() - self.total_months();
        if months > 0 && to.day < self.day {
            months - 1
        } else if months < 0 && to.day > self.day {
            months + 1
        } else {
            months
        }
    }

    fn total_months(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const MARCH_OF_YEAR_0: i64 = 719_468;

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 53 if the year begins or ends with a Thursday, else 52.
fn weeks_in_year(year: i32) -> u8 {
    let weekday_of_last = |year: i32| {
        (year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)).rem_euclid(7)
    };
    if weekday_of_last(year) == 4 || weekday_of_last(year - 1) == 3 { 53 } else { 52 }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_date(formatter, *self, crate::Dialect::Camunda)
    }
}
