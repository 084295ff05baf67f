//! What evaluations without a server share: variables, time, dialect, and warnings with a caret.

use std::collections::BTreeMap;
use std::ops::Range;

use clap::ValueEnum;
use skep_env::{Clock, SystemClock};
use skep_feel::{Dialect, Environment, ParseError, Value};

use crate::failure::Failure;
use crate::variables;

/// The dialect of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DialectName {
    /// As Camunda 8 and this server evaluate
    Camunda,
    /// As the DMN standard says
    Dmn,
}

impl DialectName {
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Camunda => Dialect::Camunda,
            Self::Dmn => Dialect::Dmn,
        }
    }
}

/// Variables as an evaluation reads them.
pub(super) fn read_variables(argument: Option<&str>) -> Result<BTreeMap<String, Value>, Failure> {
    let text = variables::read(argument)?;
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let value = Value::from_json(&text);
    let context = value.as_ref().and_then(Value::as_context);
    let context = context
        .ok_or_else(|| Failure::Usage("the variables nest too deeply; flatten them".to_owned()))?;
    Ok(context.entries().iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
}

/// Now, and a seed that is another one for each run.
pub(super) fn environment() -> Environment {
    let clock = SystemClock;
    Environment { random_seed: clock.monotonic_us(), ..Environment::at(clock.now_ms()) }
}

/// A warning with the line and a caret under the part of the expression that it is about.
pub(super) fn with_caret(message: &str, text: &str, span: Range<usize>) -> String {
    ParseError { message: message.to_owned(), span, text: text.to_owned() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_under_the_part() {
        let shown = with_caret("nobody knows b", "a +\n  b", 6..7);
        assert_eq!(shown, "nobody knows b (line 2, column 3)\n    b\n    ^");
    }

    #[test]
    fn variables_become_values() {
        let variables = read_variables(Some(r#"{"a": [1, "x"], "b": null}"#)).expect("an object");
        assert_eq!(variables["a"].to_json(), r#"[1,"x"]"#);
        assert!(variables["b"].is_null());
        assert!(read_variables(None).expect("none").is_empty());
    }
}
