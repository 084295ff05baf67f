//! `value.name`: entries of contexts, also of each context of a list, and properties.

use super::{Evaluated, Evaluator, shown};
use crate::node::{Kind, Node, Path, Span};
use crate::temporal::{Date, DaysTimeDuration, TimeOfDay, YearsMonthsDuration, Zone};
use crate::{Context, Dialect, Number, Value, WarningKind};

impl Evaluator<'_> {
    pub(super) fn path(&mut self, path: &Path, span: Span) -> Evaluated {
        if self.is_present(&path.target) {
            self.steps(self.peek(&path.target).scan_steps())?;
        }
        if let Value::Context(context) = self.peek(&path.target)
            && let Some(value) = context.get(&path.key)
        {
            return Ok(value);
        }
        let target = self.eval(&path.target)?;
        if target.is_null() && self.begins_nowhere(&path.target) {
            // The warning of the missing variable says it all.
            return Ok(target);
        }
        self.steps(target.scan_steps())?;
        self.member(&target, &path.key, span)
    }

    /// Whether the path to the node begins with a variable that there is not.
    fn begins_nowhere(&mut self, node: &Node) -> bool {
        let mut node = node;
        while let Kind::Path(path) = &node.kind {
            node = &path.target;
        }
        matches!(&node.kind, Kind::Global(slot) if self.present(*slot).is_none())
    }

    fn member(&mut self, target: &Value, key: &str, span: Span) -> Evaluated {
        match target {
            Value::Context(context) => Ok(match context.get(key) {
                Some(value) => value,
                None => self.warn_no_entry(context, key, span),
            }),
            Value::List(list) => {
                self.enter()?;
                let mut values = Vec::with_capacity(list.len());
                for element in list {
                    self.steps(1)?;
                    values.push(self.member(&element, key, span)?);
                }
                self.meter.depth -= 1;
                self.list(values)
            }
            Value::Null => {
                let message =
                    format_args!("No context entry found with key '{key}'. The context is null");
                self.warn(WarningKind::NoContextEntryFound, span, message);
                Ok(Value::Null)
            }
            other => match property(other, key, self.dialect()) {
                Some(value) => Ok(value),
                None => {
                    self.warn_no_property(other, key, span);
                    Ok(Value::Null)
                }
            },
        }
    }

    #[cold]
    fn warn_no_entry(&mut self, context: &Context, key: &str, span: Span) -> Value {
        /// Keys that the warning lists.
        const KEYS_MAX: usize = 20;
        let keys = context.entries().iter().take(KEYS_MAX);
        let keys: Vec<String> = keys.map(|(key, _)| format!("'{key}'")).collect();
        let keys = keys.join(", ");
        self.warn(
            WarningKind::NoContextEntryFound,
            span,
            format_args!("No context entry found with key '{key}'. Available keys: {keys}"),
        );
        Value::Null
    }

    #[cold]
    fn warn_no_property(&mut self, value: &Value, key: &str, span: Span) {
        let names: Vec<String> =
            property_names(value).iter().map(|name| format!("'{name}'")).collect();
        let (value, names) = (shown(value), names.join(", "));
        self.warn(
            WarningKind::NoPropertyFound,
            span,
            format_args!(
                "No property found with name '{key}' of value '{value}'. Available properties: {names}"
            ),
        );
    }
}

fn property_names(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Date(_) => &["year", "month", "day", "weekday"],
        Value::Time(_) => &["hour", "minute", "second", "time offset", "timezone"],
        Value::DateTime(_) => &[
            "year",
            "month",
            "day",
            "weekday",
            "hour",
            "minute",
            "second",
            "time offset",
            "timezone",
        ],
        Value::DaysTimeDuration(_) => &["days", "hours", "minutes", "seconds"],
        Value::YearsMonthsDuration(_) => &["years", "months"],
        Value::Range(_) => &["start", "end", "start included", "end included"],
        _ => &[],
    }
}

fn property(value: &Value, key: &str, dialect: Dialect) -> Option<Value> {
    match value {
        Value::Date(date) => date_property(*date, key),
        Value::Time(time) => clock_property(time.local, key, dialect)
            .or_else(|| zone_property(time.zone.as_ref(), time.offset_seconds(), key)),
        Value::DateTime(value) => date_property(value.date, key)
            .or_else(|| clock_property(value.time, key, dialect))
            .or_else(|| zone_property(value.zone.as_ref(), value.offset_seconds(), key)),
        Value::DaysTimeDuration(duration) => days_time_property(*duration, key, dialect),
        Value::YearsMonthsDuration(YearsMonthsDuration(months)) => match key {
            "years" => Some((months / 12).into()),
            "months" => Some((months % 12).into()),
            _ => None,
        },
        Value::Range(range) => match key {
            "start" => Some(range.start.clone()),
            "end" => Some(range.end.clone()),
            "start included" => Some(range.start_included.into()),
            "end included" => Some(range.end_included.into()),
            _ => None,
        },
        _ => None,
    }
}

fn date_property(date: Date, key: &str) -> Option<Value> {
    let value = match key {
        "year" => i64::from(date.year()),
        "month" => i64::from(date.month()),
        "day" => i64::from(date.day()),
        "weekday" => i64::from(date.weekday()),
        _ => return None,
    };
    Some(value.into())
}

fn clock_property(time: TimeOfDay, key: &str, dialect: Dialect) -> Option<Value> {
    match key {
        "hour" => Some(i64::from(time.hour()).into()),
        "minute" => Some(i64::from(time.minute()).into()),
        "second" if dialect.is_dmn() => seconds(time.second().into(), time.nanosecond().into()),
        "second" => Some(i64::from(time.second()).into()),
        _ => None,
    }
}

/// Seconds with their fraction, as DMN's dialect has them (DMN Table 66).
fn seconds(whole: i64, nanoseconds: i64) -> Option<Value> {
    if nanoseconds == 0 {
        return Some(whole.into());
    }
    let mut total = i128::from(whole) * 1_000_000_000 + i128::from(nanoseconds);
    let mut exponent = -9;
    while total % 10 == 0 {
        total /= 10;
        exponent += 1;
    }
    Number::from_scaled(total, exponent).map(Value::Number)
}

fn zone_property(zone: Option<&Zone>, offset_seconds: Option<i32>, key: &str) -> Option<Value> {
    match key {
        "time offset" => Some(match offset_seconds {
            Some(seconds) => {
                let offset = jiff::SignedDuration::from_secs(i64::from(seconds));
                Value::DaysTimeDuration(DaysTimeDuration(offset))
            }
            None => Value::Null,
        }),
        "timezone" => Some(zone.and_then(Zone::name).into()),
        _ => None,
    }
}

fn days_time_property(duration: DaysTimeDuration, key: &str, dialect: Dialect) -> Option<Value> {
    let parts = duration.parts(dialect);
    match key {
        "days" => Some(parts.days.into()),
        "hours" => Some(parts.hours.into()),
        "minutes" => Some(parts.minutes.into()),
        "seconds" => seconds(parts.seconds, parts.nanoseconds.into()),
        _ => None,
    }
}
