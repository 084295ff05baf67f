//! Tests of dates, times and durations, by what they are about.

mod arithmetic;
mod calendar;
mod comparison;
mod texts;
mod timers;
mod zones;

use crate::{Dialect, Environment, Expression, Names, NoVariables, Syntax, Value};

/// What an expression gives in a dialect.
fn value(text: &str, dialect: Dialect) -> Value {
    let names = Names::none();
    let syntax = Syntax { dialect, names: &names };
    let expression = Expression::parse_in(text, &syntax).unwrap();
    expression.evaluate(&NoVariables, &Environment::at(0)).unwrap().value
}

/// Checks what expressions give, by their texts, first in Camunda's dialect and then in DMN's.
fn check(cases: &[(&str, &str, &str)]) {
    for (text, camunda, dmn) in cases {
        for (dialect, expected) in [(Dialect::Camunda, camunda), (Dialect::Dmn, dmn)] {
            let shown = value(text, dialect).shown_in(dialect).to_string();
            assert_eq!(shown, **expected, "{text} in {dialect:?}");
        }
    }
}

/// Checks what expressions give in both dialects.
fn check_both(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        check(&[(text, expected, expected)]);
    }
}
