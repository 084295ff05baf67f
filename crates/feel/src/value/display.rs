//! The text of values, as `string(value)` gives it.

use std::fmt::{self, Write};

use super::{Range, Value};
use crate::{Dialect, temporal};

impl fmt::Display for Value {
    /// The text in Camunda's dialect, see [`Value::shown_in`].
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown_in(Dialect::Camunda).fmt(formatter)
    }
}

impl Value {
    /// The text of the value as `string(value)` gives it in a dialect. A string is its characters;
    /// inside of lists and contexts strings are quoted.
    pub fn shown_in(&self, dialect: Dialect) -> impl fmt::Display {
        ShownIn { value: self, dialect }
    }
}

struct ShownIn<'a> {
    value: &'a Value,
    dialect: Dialect,
}

impl fmt::Display for ShownIn<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::String(text) => formatter.write_str(text),
            other => write_nested(other, self.dialect, formatter),
        }
    }
}

fn write_nested(value: &Value, dialect: Dialect, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Null => out.write_str("null"),
        Value::Boolean(value) => write!(out, "{value}"),
        Value::Number(value) => write!(out, "{value}"),
        Value::String(text) => write_text(text, dialect, out),
        Value::List(list) => {
            out.write_str("[")?;
            for (index, element) in list.iter().enumerate() {
                out.write_str(if index > 0 { ", " } else { "" })?;
                write_nested(&element, dialect, out)?;
            }
            out.write_str("]")
        }
        Value::Context(context) => {
            out.write_str("{")?;
            for (index, (key, element)) in context.entries().iter().enumerate() {
                out.write_str(if index > 0 { ", " } else { "" })?;
                write_key(key, dialect, out)?;
                write_nested(element, dialect, out)?;
            }
            out.write_str("}")
        }
        Value::Date(date) => temporal::write_date(out, *date, dialect),
        Value::Time(time) => write!(out, "{time}"),
        Value::DateTime(value) => write!(out, "{value}"),
        Value::DaysTimeDuration(value) => temporal::write_days_time(out, *value, dialect),
        Value::YearsMonthsDuration(value) => temporal::write_years_months(out, *value, dialect),
        Value::Range(range) => write_range(range, dialect, out),
        Value::Function(function) => {
            write!(out, "function({})", function.parameters().join(", "))
        }
    }
}

/// A string in quotes; what ends it or begins an escape is escaped in DMN's dialect.
fn write_text(text: &str, dialect: Dialect, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !dialect.is_dmn() {
        return write!(out, "\"{text}\"");
    }
    out.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            other => out.write_char(other)?,
        }
    }
    out.write_str("\"")
}

/// A key and its colon; in DMN's dialect a key that is no name is a string.
fn write_key(key: &str, dialect: Dialect, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !dialect.is_dmn() {
        return write!(out, "{key}:");
    }
    let mut words = key.split(' ');
    if words.all(|word| {
        !word.is_empty() && word.chars().all(|part| part.is_alphanumeric() || part == '_')
    }) && !key.starts_with(|first: char| first.is_numeric())
    {
        return write!(out, "{key}: ");
    }
    write_text(key, dialect, out)?;
    out.write_str(": ")
}

fn write_range(range: &Range, dialect: Dialect, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(operator) = range.operator {
        write!(out, "({} ", operator.symbol())?;
        write_nested(range.bound(), dialect, out)?;
        return out.write_str(")");
    }
    out.write_str(if range.start_included { "[" } else { "(" })?;
    if !range.start.is_null() {
        write_nested(&range.start, dialect, out)?;
    }
    out.write_str("..")?;
    if !range.end.is_null() {
        write_nested(&range.end, dialect, out)?;
    }
    out.write_str(if range.end_included { "]" } else { ")" })
}

/// A value for a message: strings quoted, cut after so many characters.
pub(crate) struct Shortened<'a>(pub(crate) &'a Value, pub(crate) usize);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cut = Cut { text: String::new(), left: self.1 };
        // An error only says that the cut was reached.
        let complete = write!(cut, "{}", Nested(self.0)).is_ok();
        formatter.write_str(&cut.text)?;
        if complete { Ok(()) } else { formatter.write_str("...") }
    }
}

struct Nested<'a>(&'a Value);

impl fmt::Display for Nested<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_nested(self.0, Dialect::Camunda, formatter)
    }
}

struct Cut {
    text: String,
    left: usize,
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.left == 0 {
                return Err(fmt::Error);
            }
            self.left -= 1;
            self.text.push(character);
        }
        Ok(())
    }
}
