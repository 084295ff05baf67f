//! The errors and warnings of the crate.

use std::fmt;
use std::ops::Range;

/// Why a text is not an expression. Displays with the line and a caret under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What was expected and what was found.
    pub message: String,
    /// Bytes of the text that the message is about.
    pub span: Range<usize>,
    /// The text that was parsed.
    pub text: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.text.floor_char_boundary(self.span.start.min(self.text.len()));
        let end = self.text.floor_char_boundary(self.span.end.min(self.text.len())).max(start);
        let line_start =
            self.text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = self.text.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
        let column = self.text.get(line_start..start).unwrap_or("").chars().count();
        let line_number = self.text.get(..start).unwrap_or("").matches('\n').count() + 1;
        let width = self.text.get(start..end).unwrap_or("").lines().next().unwrap_or("");
        writeln!(formatter, "{} (line {line_number}, column {})", self.message, column + 1)?;
        writeln!(formatter, "  {line}")?;
        let carets = "^".repeat(width.chars().count().max(1));
        write!(formatter, "  {:column$}{carets}", "")
    }
}

impl std::error::Error for ParseError {}

/// Why an evaluation gave no value. Everything else is null plus a [`Warning`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// More steps than [`crate::Budget::steps_max`].
    #[error("the expression took more than {0} steps; make its lists or ranges smaller")]
    StepsExceeded(u64),
    /// More memory than [`crate::Budget::bytes_max`].
    #[error("the expression built more than {0} bytes of values; make its results smaller")]
    BytesExceeded(u64),
    /// Nested deeper than [`crate::Budget::depth_max`].
    #[error("the expression nests deeper than {0} levels; does a function call itself endlessly?")]
    DepthExceeded(u32),
    /// A value nested deeper than [`crate::limits::VALUE_DEPTH_MAX`].
    #[error("a value nests deeper than {0} levels; flatten it")]
    ValueDepthExceeded(u16),
    /// `assert` did not hold.
    #[error("assertion failed: {0}")]
    AssertionFailed(String),
    /// A function from outside, such as a decision table, that has no result.
    #[error("{0}")]
    FunctionFailed(String),
}

/// Why bytes are not a MessagePack value that FEEL can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MsgpackError {
    /// The bytes end inside a value.
    #[error("the MessagePack value ends early at byte {0}")]
    Truncated(usize),
    /// Bytes are left after the value.
    #[error("bytes follow the MessagePack value at byte {0}")]
    TrailingBytes(usize),
    /// A marker that JSON-like documents do not have (bin, ext) or that is not assigned.
    #[error("marker {1:#04x} at byte {0} is not of a JSON-like value")]
    UnsupportedMarker(usize, u8),
    /// A string that is not UTF-8.
    #[error("the string at byte {0} is not UTF-8")]
    InvalidText(usize),
    /// A map with a key that is not a string.
    #[error("the map key at byte {0} is not a string")]
    InvalidKey(usize),
    /// Nested deeper than [`crate::limits::VALUE_DEPTH_MAX`].
    #[error("the value nests deeper than {0} levels; flatten it")]
    DepthExceeded(u16),
}

/// What kind of thing went wrong quietly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// A name that no variable has.
    NoVariableFound,
    /// A key that a context does not have.
    NoContextEntryFound,
    /// A property that a value does not have.
    NoPropertyFound,
    /// A function that does not exist with this number or these names of arguments.
    NoFunctionFound,
    /// A function that could not give a value for its arguments.
    FunctionInvocationFailure,
    /// Values that cannot be compared.
    NotComparable,
    /// A value of another type than needed.
    InvalidType,
}

/// Something that made (a part of) the result null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing went wrong.
    pub kind: WarningKind,
    /// What went wrong, with the values.
    pub message: String,
    /// Bytes of the expression text that it is about.
    pub span: Range<usize>,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
