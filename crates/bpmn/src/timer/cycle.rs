//! Cycles: ISO-8601 repeating intervals (`R3/PT1H`) and cron expressions.

use jiff::tz::TimeZone;

use super::{Cron, Interval, TimerError, checked, parse_date, shorten};

/// When something happens again and again, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// How often it fires; `None` is without end. 0 fires once, as 1 does: the first firing is not
    /// a repetition.
    pub repetitions: Option<u32>,
    /// When it fires.
    pub schedule: Schedule,
}

/// The times of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Every interval.
    Every {
        /// Time of the first firing; one interval from now if there is none.
        start_ms: Option<i64>,
        /// From one firing to the next.
        interval: Interval,
    },
    /// At the slots of a cron expression.
    Cron(Cron),
}

impl Cycle {
    /// Reads `R/PT1H`, `R3/PT1H`, `R3/2026-01-01T00:00:00Z/PT1H`, or a cron expression of six fields
    /// or a macro such as `@daily`.
    ///
    /// # Errors
    /// When the text is none of these, or would fire without end at one instant.
    pub fn parse(text: &str) -> Result<Cycle, TimerError> {
        let text = checked(text)?;
        match text.strip_prefix('R') {
            Some(rest) => parse_repeating(text, rest),
            None => Ok(Cycle { repetitions: None, schedule: Schedule::Cron(Cron::parse(text)?) }),
        }
    }

    /// Repetitions as timer records carry them: -1 is without end.
    #[must_use]
    pub fn repetitions_or_endless(&self) -> i32 {
        match self.repetitions {
            Some(repetitions) => i32::try_from(repetitions).unwrap_or(i32::MAX),
            None => -1,
        }
    }

    /// When the cycle fires for the first time if it starts now. `None`: never, which only a cron
    /// expression such as 31 April can be.
    #[must_use]
    pub fn first_due(&self, now_ms: i64, zone: &TimeZone) -> Option<i64> {
        match &self.schedule {
            Schedule::Every { start_ms: Some(start_ms), .. } => Some(*start_ms),
            Schedule::Every { start_ms: None, interval } => Some(interval.add_to(now_ms, zone)),
            Schedule::Cron(cron) => cron.next_after(now_ms, zone),
        }
    }

    /// When the cycle fires after a firing. Intervals count from when that was due, so that they do
    /// not drift; cron counts from now, so that missed slots are left out.
    #[must_use]
    pub fn next_due(&self, previous_due_ms: i64, now_ms: i64, zone: &TimeZone) -> Option<i64> {
        match &self.schedule {
            Schedule::Every { interval, .. } => Some(interval.add_to(previous_due_ms, zone)),
            Schedule::Cron(cron) => cron.next_after(now_ms, zone),
        }
    }
}

fn parse_repeating(text: &str, rest: &str) -> Result<Cycle, TimerError> {
    let invalid = || {
        TimerError::new(format!(
            "`{}` is not a cycle; write it as R/PT1H, R3/PT1H or R3/2026-01-31T13:00:00Z/PT1H",
            shorten(text)
        ))
    };
    // A start may contain slashes itself: `[Europe/Berlin]`.
    let (count, times) = rest.split_once('/').ok_or_else(invalid)?;
    let (start, interval) = match times.rsplit_once('/') {
        Some((start, interval)) => (Some(start), interval),
        None => (None, times),
    };
    let repetitions = match count {
        "" | "-1" => None,
        count if count.bytes().all(|byte| byte.is_ascii_digit()) => {
            let repetitions: i32 = count.parse().map_err(|_| invalid())?;
            Some(u32::try_from(repetitions).map_err(|_| invalid())?)
        }
        _ => return Err(invalid()),
    };
    // `R3//PT1H` has an empty start, which some tools write for none.
    let start_ms = match start {
        None | Some("") => None,
        Some(start) => Some(parse_date(start)?),
    };
    let interval = Interval::parse(interval)?;
    if repetitions.is_none() && !interval.is_positive() {
        return Err(TimerError::new(format!(
            "`{}` would fire without end at one instant; give it a positive interval or a number of repetitions",
            shorten(text)
        )));
    }
    Ok(Cycle { repetitions, schedule: Schedule::Every { start_ms, interval } })
}
