//! Dates, times, durations: the values of FEEL, their texts, and what timers need of them.
//!
//! Zones come from the time zone database that is compiled in; nothing here reads the clock.

mod compare;
mod date;
mod date_time;
mod duration;
mod iso;
mod parse;
mod text;
mod time;
mod timer;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use compare::Moment;
pub use date::{Date, YEAR_MAX};
pub use date_time::DateTime;
pub use duration::{DaysTimeDuration, DurationValue, YearsMonthsDuration};
pub(crate) use iso::Iso;
pub(crate) use parse::{at_literal, date, date_time, duration, time, zone};
pub(crate) use text::{write_date, write_days_time, write_years_months};
pub use time::{Time, TimeOfDay};
pub use timer::{add_duration, parse_date_time, parse_date_time_in, parse_duration};
pub(crate) use zone::OFFSET_SECONDS_MAX;
pub use zone::Zone;
