//! `skep evaluate expression TEXT`, without a server.

use clap::Args;
use serde_json::json;
use skep_feel::{Evaluation, Expression, Names, ParseError, Syntax, Value};

use super::local::{DialectName, environment, read_variables, with_caret};
use super::trace::{json_or_null, print_warnings};
use crate::failure::Failure;
use crate::output::{Format, print_line};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep evaluate expression 'sum(prices) * 1.19' --variables '{\"prices\": [10, 20]}'
  skep evaluate expression '> 10, \"none\"' --unary-tests --input 12")]
pub(crate) struct ExpressionArgs {
    /// FEEL, with or without the leading =
    #[arg(value_name = "FEEL")]
    expression: String,

    /// Variables: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,

    /// Rules where Camunda and the standard differ
    #[arg(long, value_enum, default_value_t = DialectName::Camunda)]
    dialect: DialectName,

    /// The text is the cell of a decision table
    #[arg(long)]
    unary_tests: bool,

    /// Value that the unary tests look at, JSON
    #[arg(long, value_name = "JSON", requires = "unary_tests")]
    input: Option<String>,
}

impl ExpressionArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let mut variables = read_variables(self.variables.as_deref())?;
        if self.unary_tests {
            let input = self.input.as_deref().unwrap_or("null");
            let value = Value::from_json(input)
                .ok_or_else(|| Failure::Usage(format!("the input {input:?} is no JSON")))?;
            variables.insert("?".to_owned(), value);
        }
        let text = self.expression.trim_start();
        let text = text.strip_prefix('=').unwrap_or(text).trim();
        let expression = parse(text, self.dialect, self.unary_tests, variables.keys())
            .map_err(|error| Failure::Usage(format!("this is not valid FEEL: {error}")))?;
        let evaluation = expression
            .evaluate(&variables, &environment())
            .map_err(|error| Failure::Answer(error.to_string()))?;
        print(&evaluation, text, format)
    }
}

fn parse<'a>(
    text: &str,
    dialect: DialectName,
    unary_tests: bool,
    variables: impl Iterator<Item = &'a String>,
) -> Result<Expression, ParseError> {
    let mut names = Names::none();
    for name in variables {
        names.insert(name);
    }
    let syntax = Syntax { dialect: dialect.dialect(), names: &names };
    if unary_tests {
        Expression::parse_unary_tests_in(text, &syntax)
    } else {
        Expression::parse_in(text, &syntax)
    }
}

fn print(evaluation: &Evaluation, text: &str, format: Format) -> Result<(), Failure> {
    let warnings = evaluation.warnings.iter();
    match format {
        Format::Json => format.record(&json!({
            "result": json_or_null(&evaluation.value.to_json()),
            "type": evaluation.value.type_name(),
            "warnings": warnings.map(|warning| json!({
                "message": warning.message,
                "start": warning.span.start,
                "end": warning.span.end,
            })).collect::<Vec<_>>(),
        })),
        Format::Table => {
            // As FEEL writes it: JSON has no durations, ranges and functions.
            print_line(&match &evaluation.value {
                Value::String(_) => evaluation.value.to_json(),
                other => other.to_string(),
            })?;
            let shown = |warning: &skep_feel::Warning| {
                with_caret(&warning.message, text, warning.span.clone())
            };
            print_warnings(warnings.map(shown).collect());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(expression: &str) -> ExpressionArgs {
        ExpressionArgs {
            expression: expression.to_owned(),
            variables: Some(r#"{"a": 2}"#.to_owned()),
            dialect: DialectName::Camunda,
            unary_tests: false,
            input: None,
        }
    }

    #[test]
    fn an_expression_is_evaluated_with_or_without_the_sign() {
        for text in ["a + 1", "= a + 1", "missing + 1"] {
            assert!(args(text).run(Format::Table).is_ok(), "{text}");
        }
        let tests = ExpressionArgs {
            unary_tests: true,
            input: Some("3".to_owned()),
            ..args("> a, \"none\"")
        };
        assert!(tests.run(Format::Json).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let Err(Failure::Usage(message)) = args("a +").run(Format::Table) else {
            panic!("no FEEL")
        };
        assert!(message.contains("a +\n"), "{message}");
        assert!(message.ends_with('^'), "{message}");
        let endless = "count(for i in 1..1000000000 return i)";
        assert!(matches!(args(endless).run(Format::Table), Err(Failure::Answer(_))));
        let input = ExpressionArgs { unary_tests: true, input: Some("{".to_owned()), ..args("1") };
        assert!(matches!(input.run(Format::Table), Err(Failure::Usage(_))));
    }
}
