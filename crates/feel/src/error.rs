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

/// Characters of the line that an error shows before and behind its place.
const SHOWN_CHARACTERS_MAX: usize = 80;

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.text.floor_char_boundary(self.span.start.min(self.text.len()));
        let end = self.text.floor_char_boundary(self.span.end.min(self.text.len())).max(start);
        let before = self.text.get(..start).unwrap_or("");
        let line_number = before.matches('\n').count() + 1;
        let before = before.rsplit('\n').next().unwrap_or("");
        let column = before.chars().count();
        let first_line = |text: &'_ str| text.lines().next().unwrap_or("").to_owned();
        let place = first_line(self.text.get(start..end).unwrap_or(""));
        let behind = first_line(self.text.get(start..).unwrap_or(""));
        // Only what is near the place: a line may be as long as the text is allowed to be.
        let skipped = column.saturating_sub(SHOWN_CHARACTERS_MAX);
        let mut shown: String = before.chars().skip(skipped).collect();
        if skipped > 0 {
            shown.insert_str(0, "...");
        }
        let indent = " ".repeat(shown.chars().count());
        shown.extend(behind.chars().take(SHOWN_CHARACTERS_MAX));
        if behind.chars().nth(SHOWN_CHARACTERS_MAX).is_some() {
            shown.push_str("...");
        }
        let carets = place.chars().count().clamp(1, SHOWN_CHARACTERS_MAX);
        writeln!(formatter, "{} (line {line_number}, column {})", self.message, column + 1)?;
        writeln!(formatter, "  {shown}")?;
        write!(formatter, "  {indent}{}", "^".repeat(carets))
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

/// The part of an expression that a span is about; none if that is all of it, or nothing.
pub fn part_of<'t>(expression: &'t str, span: &Range<usize>) -> Option<&'t str> {
    let part = expression.get(span.clone())?.trim();
    (!part.is_empty() && part != expression.trim()).then_some(part)
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use crate::Expression;

    #[test]
    fn an_error_shows_the_line_near_its_place() {
        let error = Expression::parse("1 +\n2 + * 3").unwrap_err();
        assert!(error.to_string().ends_with("(line 2, column 5)\n  2 + * 3\n      ^"), "{error}");
    }

    #[test]
    fn an_error_in_a_long_line_is_short() {
        let text = format!("{}) + {}", "1 + ".repeat(50_000), "1 + ".repeat(50_000));
        let error = Expression::parse(&text).unwrap_err().to_string();
        assert!(error.contains("column 200001"), "{error}");
        assert!(error.len() < 500, "{error}");
        let long = format!("\"{}", "a".repeat(100_000));
        assert!(Expression::parse(&long).unwrap_err().to_string().len() < 500);
    }
}
