//! The fields of a cron expression.

use jiff::civil::{Date, Weekday};

/// Names of the months, from 1.
pub(crate) const MONTH_NAMES: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// Names of the days of the week, from 1.
const DAY_NAMES: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// Numbers from 0 to 63, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Set(u64);

impl Set {
    /// Whether the number is in the set.
    pub(crate) fn has(self, number: u8) -> bool {
        number < 64 && self.0 & (1 << number) != 0
    }

    /// Reads a list of `*`, `3`, `1-5`, `*/2`, `1-5/2`, `3/2`; names stand for numbers from 1.
    pub(crate) fn parse(text: &str, first: u8, last: u8, names: &[&str]) -> Option<Set> {
        let mut set = Set(0);
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(number(step, &[])?)),
                None => (item, None),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (first, last),
                Some((from, to)) => (number(from, names)?, number(to, names)?),
                // `3/2` goes on to the end, `3` does not.
                None if step.is_some() => (number(range, names)?, last),
                None => (number(range, names)?, number(range, names)?),
            };
            let step = usize::from(step.unwrap_or(1));
            let is_valid = |number| (first..=last).contains(&number);
            if !is_valid(from) || !is_valid(to) || step == 0 {
                return None;
            }
            // Months and days of the week go round: NOV-FEB, FRI-MON. Sunday is at both ends.
            let goes_round = from > to && !names.is_empty();
            if from > to && !goes_round {
                return None;
            }
            let after_end = if last == 7 && first == 0 { 1 } else { first };
            let numbers: Vec<u8> = if goes_round {
                (from..=last).chain(after_end..=to).collect()
            } else {
                (from..=to).collect()
            };
            for number in numbers.iter().step_by(step) {
                set.0 |= 1 << number;
            }
        }
        Some(set)
    }
}

fn number(text: &str, names: &[&str]) -> Option<u8> {
    if let Some(position) = names.iter().position(|name| *name == text) {
        return u8::try_from(position + 1).ok();
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// One item of the day of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayOfMonth {
    /// Plain numbers.
    Of(Set),
    /// `L`, or `L-3`: the last day, or so many days before it.
    FromLast(u8),
    /// `LW`: the last day from Monday to Friday.
    LastWeekday,
    /// `15W`: the day from Monday to Friday that is nearest to the 15th, in the same month.
    NearestWeekday(u8),
}

impl DayOfMonth {
    /// Reads the field.
    pub(crate) fn parse_list(text: &str) -> Option<Vec<DayOfMonth>> {
        let text = if text == "?" { "*" } else { text };
        if !text.contains(['L', 'W']) {
            return Some(vec![DayOfMonth::Of(Set::parse(text, 1, 31, &[])?)]);
        }
        text.split(',').map(DayOfMonth::parse).collect()
    }

    fn parse(item: &str) -> Option<DayOfMonth> {
        if item == "L" {
            return Some(DayOfMonth::FromLast(0));
        }
        if item == "LW" {
            return Some(DayOfMonth::LastWeekday);
        }
        if let Some(days) = item.strip_prefix("L-") {
            return number(days, &[])
                .filter(|days| (1..=30).contains(days))
                .map(DayOfMonth::FromLast);
        }
        if let Some(day) = item.strip_suffix('W') {
            return number(day, &[])
                .filter(|day| (1..=31).contains(day))
                .map(DayOfMonth::NearestWeekday);
        }
        Set::parse(item, 1, 31, &[]).map(DayOfMonth::Of)
    }

    /// Whether the day is one of these.
    pub(crate) fn matches(self, date: Date) -> bool {
        let day = date.day().unsigned_abs();
        let last = date.days_in_month().unsigned_abs();
        let weekday = date.weekday();
        let is_weekday = !matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        match self {
            DayOfMonth::Of(days) => days.has(day),
            DayOfMonth::FromLast(days) => day.checked_add(days) == Some(last),
            DayOfMonth::LastWeekday => {
                is_weekday && (day == last || (weekday == Weekday::Friday && day + 2 >= last))
            }
            DayOfMonth::NearestWeekday(wanted) => {
                (day == wanted && is_weekday)
                    || (weekday == Weekday::Friday && day + 1 == wanted && wanted <= last)
                    || (weekday == Weekday::Monday && day == wanted + 1)
                    // The nearest to a Saturday the 1st, and to a Sunday at the end, without
                    // leaving the month.
                    || (weekday == Weekday::Monday && wanted == 1 && day == 3)
                    || (weekday == Weekday::Friday && wanted == last && day + 2 == wanted)
            }
        }
    }
}

/// One item of the day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayOfWeek {
    /// Plain numbers, Sunday as 0 and as 7.
    Of(Set),
    /// `5L`: the last Friday of the month.
    Last(u8),
    /// `5#2`: the second Friday of the month.
    Nth {
        /// Monday is 1, Sunday 7.
        day: u8,
        /// From 1.
        nth: u8,
    },
}

impl DayOfWeek {
    /// Reads the field.
    pub(crate) fn parse_list(text: &str) -> Option<Vec<DayOfWeek>> {
        let text = if text == "?" { "*" } else { text };
        if !text.contains(['L', '#']) {
            return Some(vec![DayOfWeek::Of(parse_days(text)?)]);
        }
        text.split(',').map(DayOfWeek::parse).collect()
    }

    fn parse(item: &str) -> Option<DayOfWeek> {
        let day_number = |text: &str| match number(text, &DAY_NAMES)? {
            0 => Some(7),
            day => (day <= 7).then_some(day),
        };
        if let Some((day, nth)) = item.split_once('#') {
            let (day, nth) = (day_number(day)?, number(nth, &[])?);
            return (1..=5).contains(&nth).then_some(DayOfWeek::Nth { day, nth });
        }
        if let Some(day) = item.strip_suffix('L') {
            return day_number(day).map(DayOfWeek::Last);
        }
        parse_days(item).map(DayOfWeek::Of)
    }

    /// Whether the day is one of these.
    pub(crate) fn matches(self, date: Date) -> bool {
        let weekday = date.weekday().to_monday_one_offset().unsigned_abs();
        let day = date.day().unsigned_abs();
        match self {
            DayOfWeek::Of(days) => days.has(weekday) || (weekday == 7 && days.has(0)),
            DayOfWeek::Last(wanted) => {
                weekday == wanted && day + 7 > date.days_in_month().unsigned_abs()
            }
            DayOfWeek::Nth { day: wanted, nth } => {
                weekday == wanted && (day.saturating_sub(1)) / 7 + 1 == nth
            }
        }
    }
}

fn parse_days(text: &str) -> Option<Set> {
    Set::parse(text, 0, 7, &DAY_NAMES)
}
