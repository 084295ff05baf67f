//! Dates, times and durations: from texts and parts, of the clock, and what can be said of them.

use super::{Call, Outcome, Overload, null};
use crate::evaluate::{Failure, shown};
use crate::number::Rounding;
use crate::temporal::{
    self, Date, DateTime, DaysTimeDuration, OFFSET_SECONDS_MAX, Time, TimeOfDay,
    YearsMonthsDuration, Zone,
};
use crate::{Number, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("date", &["from"], date),
    Overload::new("date", &["year", "month", "day"], date_of_parts),
    Overload::new("time", &["from"], time),
    Overload::new("time", &["hour", "minute", "second"], time_of_parts),
    Overload::new("time", &["hour", "minute", "second", "offset"], time_of_parts),
    Overload::new("date and time", &["from"], date_and_time),
    Overload::new("date and time", &["date", "time"], date_and_time_of_parts),
    Overload::new("date and time", &["date", "timezone"], date_and_time_of_parts),
    Overload::new("duration", &["from"], duration),
    Overload::new("years and months duration", &["from", "to"], years_and_months_duration),
    Overload::impure("now", &[], now),
    Overload::impure("today", &[], today),
    Overload::new("day of year", &["date"], |call| {
        Ok(i64::from(date_argument(call, 0)?.day_of_year()).into())
    }),
    Overload::new("day of week", &["date"], day_of_week),
    Overload::new("month of year", &["date"], month_of_year),
    Overload::new("week of year", &["date"], |call| {
        Ok(i64::from(date_argument(call, 0)?.week_of_year()).into())
    }),
    Overload::new("last day of month", &["date"], |call| {
        Ok(Value::Date(date_argument(call, 0)?.last_of_month()))
    }),
    Overload::new("cycle", &["interval"], cycle),
    Overload::new("cycle", &["repetitions", "interval"], cycle),
];

fn date(call: &mut Call<'_, '_>) -> Outcome {
    match call.argument(0) {
        Value::String(text) => Ok(temporal::date(text).map_or(Value::Null, Value::Date)),
        Value::Date(date) => Ok(Value::Date(*date)),
        Value::DateTime(value) => Ok(Value::Date(value.date)),
        _ => Err(Failure::Arguments),
    }
}

fn date_of_parts(call: &mut Call<'_, '_>) -> Outcome {
    let (year, month, day) = (call.integer(0)?, call.integer(1)?, call.integer(2)?);
    match Date::new(year, month, day) {
        Some(date) => Ok(Value::Date(date)),
        None => null(format!("Failed to parse date from: year={year}, month={month}, day={day}")),
    }
}

fn time(call: &mut Call<'_, '_>) -> Outcome {
    match call.argument(0) {
        Value::String(text) => Ok(temporal::time(text, call.dialect()).into()),
        Value::Time(time) => Ok(Value::Time(time.clone())),
        Value::DateTime(value) => Ok(value.to_time().into()),
        Value::Date(date) => Ok(DateTime::midnight(*date).to_time().into()),
        _ => Err(Failure::Arguments),
    }
}

fn time_of_parts(call: &mut Call<'_, '_>) -> Outcome {
    let (hour, minute, second) = (call.integer(0)?, call.integer(1)?, call.number(2)?);
    let offset = match call.argument(3) {
        Value::Null => None,
        Value::DaysTimeDuration(offset) => Some(*offset),
        _ => return Err(Failure::Arguments),
    };
    match time_from_parts(hour, minute, second, offset) {
        Some(time) => Ok(time.into()),
        None => {
            let offset = offset.map_or(String::new(), |offset| format!(", offset={offset}"));
            null(format!(
                "Failed to parse time from: hour={hour}, minute={minute}, second={second}{offset}"
            ))
        }
    }
}

fn time_from_parts(
    hour: i64,
    minute: i64,
    second: Number,
    offset: Option<DaysTimeDuration>,
) -> Option<Time> {
    const SECOND_NANOSECONDS: i64 = 1_000_000_000;
    let nanoseconds = second
        .checked_mul(SECOND_NANOSECONDS.into())?
        .round(0, Rounding::Down)?
        .to_i64()
        .filter(|nanoseconds| *nanoseconds >= 0)?;
    let (second, nanosecond) = (nanoseconds / SECOND_NANOSECONDS, nanoseconds % SECOND_NANOSECONDS);
    let local = TimeOfDay::new(hour, minute, second, nanosecond)?;
    let Some(offset) = offset else { return Some(Time::local(local)) };
    let offset = i32::try_from(offset.0.as_secs()).ok()?;
    let fits = (-OFFSET_SECONDS_MAX..=OFFSET_SECONDS_MAX).contains(&offset);
    fits.then(|| Time::zoned(local, Zone::Offset(offset)))
}

fn date_and_time(call: &mut Call<'_, '_>) -> Outcome {
    match call.argument(0) {
        Value::String(text) => Ok(temporal::date_time(text, call.dialect()).into()),
        Value::DateTime(value) => Ok(Value::DateTime(value.clone())),
        Value::Date(date) if call.dialect().is_dmn() => Ok(DateTime::midnight(*date).into()),
        _ => Err(Failure::Arguments),
    }
}

/// A date (or that of a date-time) with a time, or a date-time in a zone.
fn date_and_time_of_parts(call: &mut Call<'_, '_>) -> Outcome {
    let (first, second) = (call.argument(0), call.argument(1));
    if let (Value::DateTime(value), Value::String(name)) = (first, second) {
        return match Zone::named(name).or_else(|| temporal::zone(name, call.dialect())) {
            Some(zone) => Ok(value.with_zone(zone).into()),
            None => null(format!("There is no time zone '{}'", shown(second))),
        };
    }
    let Value::Time(time) = second else { return Err(Failure::Arguments) };
    let date = date_argument(call, 0)?;
    Ok(match &time.zone {
        Some(zone) => DateTime::zoned(date, time.local, zone.clone()).into(),
        None => DateTime::local(date, time.local).into(),
    })
}

fn duration(call: &mut Call<'_, '_>) -> Outcome {
    match call.argument(0) {
        Value::String(text) => Ok(temporal::duration(text, call.dialect()).unwrap_or(Value::Null)),
        value @ (Value::DaysTimeDuration(_) | Value::YearsMonthsDuration(_)) => Ok(value.clone()),
        _ => Err(Failure::Arguments),
    }
}

fn years_and_months_duration(call: &mut Call<'_, '_>) -> Outcome {
    let (from, to) = (date_argument(call, 0)?, date_argument(call, 1)?);
    Ok(Value::YearsMonthsDuration(YearsMonthsDuration(from.months_until(to))))
}

/// A date, or that of a date-time.
fn date_argument(call: &Call<'_, '_>, index: usize) -> Result<Date, Failure> {
    match call.argument(index) {
        Value::Date(date) => Ok(*date),
        Value::DateTime(value) => Ok(value.date),
        _ => Err(Failure::Arguments),
    }
}

fn current(call: &Call<'_, '_>) -> Result<DateTime, Failure> {
    let environment = call.evaluator.environment;
    match DateTime::at_epoch_ms(environment.now_ms, &environment.zone) {
        Some(now) => Ok(now),
        None => null("The clock is out of the range of date-times"),
    }
}

fn now(call: &mut Call<'_, '_>) -> Outcome {
    Ok(current(call)?.into())
}

fn today(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::Date(current(call)?.date))
}

fn day_of_week(call: &mut Call<'_, '_>) -> Outcome {
    const NAMES: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let weekday = usize::from(date_argument(call, 0)?.weekday());
    Ok(NAMES.get(weekday - 1).map(|name| Value::from(*name)).into())
}

fn month_of_year(call: &mut Call<'_, '_>) -> Outcome {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = usize::from(date_argument(call, 0)?.month());
    Ok(NAMES.get(month - 1).map(|name| Value::from(*name)).into())
}

/// The text of a repeating timer: `R3/PT1H`, without a number of repetitions `R/PT1H`.
fn cycle(call: &mut Call<'_, '_>) -> Outcome {
    let (repetitions, interval) = match call.arguments {
        [interval] => (&Value::Null, interval),
        _ => (call.argument(0), call.argument(1)),
    };
    let count = match repetitions {
        Value::Null => String::new(),
        Value::Number(number) => match number.truncate_to_i64() {
            Some(count) => count.to_string(),
            None => return Err(Failure::Arguments),
        },
        _ => return Err(Failure::Arguments),
    };
    match interval {
        Value::DaysTimeDuration(_) | Value::YearsMonthsDuration(_) => {
            call.text_value(format!("R{count}/{interval}"))
        }
        _ => Err(Failure::Arguments),
    }
}
