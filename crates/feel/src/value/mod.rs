//! The values of FEEL: 24 bytes, cheap to clone, lists and contexts shared and read lazily from
//! MessagePack.

mod compare;
mod context;
mod display;
mod elements;
mod extent;
mod json;
mod list;
pub(crate) mod msgpack;
mod range;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::limits::TEXT_STEP_BYTES;
pub(crate) use compare::{equal, identical, order, same};
pub use context::Context;
pub(crate) use display::Shortened;
pub(crate) use extent::Extent;
pub(crate) use json::{parse_json, write_json};
pub use list::{List, ListIter};
pub use range::Range;

pub use crate::function::Function;
use crate::temporal::{Date, DateTime, DaysTimeDuration, Iso, Time, YearsMonthsDuration};
use crate::{Dialect, Number};

/// A FEEL value. Cloning never copies contents.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A decimal number.
    Number(Number),
    /// A text.
    String(Arc<str>),
    /// A list.
    List(List),
    /// Keys and values in the order of insertion.
    Context(Context),
    /// A date.
    Date(Date),
    /// A time of day.
    Time(Arc<Time>),
    /// A date with a time of day.
    DateTime(Arc<DateTime>),
    /// A duration of days and below.
    DaysTimeDuration(DaysTimeDuration),
    /// A duration of months.
    YearsMonthsDuration(YearsMonthsDuration),
    /// An interval.
    Range(Arc<Range>),
    /// A function that the expression defines.
    Function(Function),
}

impl Value {
    /// The name of the type, as Camunda's messages say it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Boolean(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "list",
            Value::Context(_) => "context",
            Value::Date(_) => "date",
            Value::Time(_) => "time",
            Value::DateTime(_) => "date time",
            Value::DaysTimeDuration(_) => "day-time-duration",
            Value::YearsMonthsDuration(_) => "year-month-duration",
            Value::Range(_) => "range",
            Value::Function(_) => "function",
        }
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Value::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(value) => Some(value),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Value::List(value) => Some(value),
            _ => None,
        }
    }

    /// The context, if it is one.
    pub fn as_context(&self) -> Option<&Context> {
        match self {
            Value::Context(value) => Some(value),
            _ => None,
        }
    }

    /// The function, if it is one.
    pub fn as_function(&self) -> Option<&Function> {
        match self {
            Value::Function(value) => Some(value),
            _ => None,
        }
    }

    /// How deep and how large the value is.
    pub(crate) fn extent(&self) -> Extent {
        match self {
            Value::String(text) => Extent::of_text(text),
            Value::List(list) => list.extent(),
            Value::Context(context) => context.extent(),
            Value::Range(range) => range.extent(),
            Value::Function(function) => function.extent(),
            _ => Extent::default(),
        }
    }

    /// The text of a temporal value as variables hold it; of others that of `string(value)`.
    fn to_variable_text(&self) -> String {
        match self {
            Value::Time(value) => value.to_iso(),
            Value::DateTime(value) => value.to_iso(),
            Value::DaysTimeDuration(value) => value.to_iso(),
            Value::YearsMonthsDuration(value) => value.to_iso(),
            other => other.to_string(),
        }
    }

    /// Steps that looking something up in the value costs, because it is not read yet, or looking
    /// it up elsewhere, because it is a long text.
    #[inline]
    pub(crate) fn scan_steps(&self) -> u64 {
        /// Bytes of MessagePack that are passed over in about the time of a step.
        const STEP_BYTES: u64 = 128;
        match self {
            Value::List(list) => list.unread_bytes() as u64 / STEP_BYTES,
            Value::Context(context) => context.unread_bytes() as u64 / STEP_BYTES,
            Value::String(text) => (text.len() / TEXT_STEP_BYTES) as u64,
            _ => 0,
        }
    }

    /// The value for a message: strings quoted, cut after so many characters.
    pub fn shown(&self, characters_max: usize) -> String {
        Shortened(self, characters_max).to_string()
    }

    /// The value as JSON text. Temporal values are their texts, functions and ranges null.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        write_json(self, |_| None, &mut text);
        text
    }

    /// Reads JSON text; none if it is not JSON or nests too deeply.
    pub fn from_json(text: &str) -> Option<Value> {
        parse_json(text)
    }
}

/// Equality as `=` in Camunda's FEEL; values that FEEL cannot compare are not equal.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        same(self, other, Dialect::Camunda)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Boolean(value)
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Value {
        Value::Number(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Number(value.into())
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        Value::Number(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::String(value.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Value {
        Value::List(values.into())
    }
}

impl From<Context> for Value {
    fn from(context: Context) -> Value {
        Value::Context(context)
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Value {
        Value::Time(Arc::new(value))
    }
}

impl From<DateTime> for Value {
    fn from(value: DateTime) -> Value {
        Value::DateTime(Arc::new(value))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}
