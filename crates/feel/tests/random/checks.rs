//! What must hold for every text and every evaluation. That nothing panics and the stack suffices is
//! checked by running at all.

use std::collections::BTreeMap;

use skep_feel::{
    Budget, Dialect, Environment, Evaluation, EvaluationError, Expression, Names, NoVariables,
    ParseError, Syntax, Value,
};

use super::choices::Choices;
use super::{expressions, literals, values};

/// What most evaluations may use, so that thousands of them are done in a second.
const QUICK: Budget = Budget { steps_max: 1_000, bytes_max: 64 * 1024, depth_max: 600 };

/// What the evaluations may use that are repeated.
const SMALL: Budget = Budget { steps_max: 4_000, bytes_max: 128 * 1024, depth_max: 600 };

/// The larger budget in which they are done once more; in one of eight it is the default.
const LARGE: Budget = Budget { steps_max: 40_000, bytes_max: 1024 * 1024, depth_max: 600 };

pub const DIALECTS: [Dialect; 2] = [Dialect::Camunda, Dialect::Dmn];

/// Names that no identifiers are, as a DMN model declares them.
const DECLARED: [&str; 5] = ["is it", "Applicant Age", "a-b", "x.y", "n + 1"];

/// How often something came out; a test that nothing comes out of tests nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub texts: u32,
    pub parsed: u32,
    pub with_value: u32,
    pub without_null: u32,
    pub stopped: u32,
}

/// A text in both dialects, as an expression and as unary tests.
pub fn text_is_parsed_or_refused(text: &str, counts: &mut Counts) {
    let names: Names = DECLARED.into_iter().collect();
    for dialect in DIALECTS {
        let syntax = Syntax { dialect, names: &names };
        for unary in [false, true] {
            counts.texts += 1;
            match parse(text, &syntax, unary) {
                Ok(expression) => {
                    counts.parsed += 1;
                    assert_eq!(expression.text(), text);
                    let mut variables = expression.variables().to_vec();
                    variables.sort();
                    variables.dedup();
                    assert_eq!(variables.len(), expression.variables().len(), "a slot each");
                }
                Err(error) => {
                    assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                    assert!(error.to_string().starts_with(&error.message));
                    assert_eq!(parse(text, &syntax, unary).unwrap_err(), error);
                }
            }
        }
    }
}

/// An expression, made of the choices like its variables, holds all that is said in this file. One in
/// eight is evaluated again and again, the others once.
pub fn generated_expression(choices: &mut Choices<'_>, counts: &mut Counts) {
    let head = choices.byte();
    let unary = head & 7 == 7;
    let dialect = DIALECTS[usize::from(head >> 3 & 1)];
    let length = usize::from(choices.byte() % 64);
    let mut of_variables = choices.fork(length);
    let text =
        if unary { expressions::unary_tests(choices) } else { expressions::expression(choices) };
    let text = if head >> 4 == 15 { super::mutation::mutated(&text, choices) } else { text };
    evaluation(&text, dialect, unary, head >> 5 == 3, &mut of_variables, counts);
}

/// The evaluation of a text whose variables the choices decide.
pub fn evaluation(
    text: &str,
    dialect: Dialect,
    unary: bool,
    thorough: bool,
    of_variables: &mut Choices<'_>,
    counts: &mut Counts,
) {
    let names: Names = DECLARED.into_iter().collect();
    let syntax = Syntax { dialect, names: &names };
    counts.texts += 1;
    let Ok(expression) = parse(text, &syntax, unary) else { return };
    counts.parsed += 1;
    let variables = || {
        let names: Vec<&str> = expression.variables().iter().map(|name| &**name).collect();
        values::variables(&mut of_variables.clone(), &names)
    };
    let environment = Environment {
        random_seed: 7,
        budget: if thorough { SMALL } else { QUICK },
        ..Environment::at(clock(&mut of_variables.clone()))
    };

    let first_variables = variables();
    let first = expression.evaluate(&first_variables, &environment);

    // Bytes that nobody checked may say more than they hold, and are passed on as they are.
    let sound = |value: &Value| Value::from_msgpack(&value.to_msgpack()).is_ok();
    let sound = first_variables.values().all(sound);

    let mut of_large_budget = None;
    if thorough {
        let again = parse(text, &syntax, unary).unwrap();
        let second = again.evaluate(&variables(), &environment);
        assert_eq!(shown(&first), shown(&second), "{text}: the same inputs, another outcome");

        // What the first evaluation read and compiled costs less now, and changes nothing else.
        let warm = expression.evaluate(&first_variables, &environment);
        let is_default = of_variables.clone().once_in(8);
        let budget = if is_default { Budget::default() } else { LARGE };
        let of_large = Environment { budget, ..environment.clone() };
        let large = expression.evaluate(&variables(), &of_large);
        if first.is_ok() {
            assert_eq!(shown(&first), shown(&warm), "{text}: evaluated again, another outcome");
            assert_eq!(shown(&first), shown(&large), "{text}: a larger budget, another outcome");
            // How variables are held changes nothing either.
            let read = variables().into_iter();
            let read: BTreeMap<String, Value> =
                read.map(|(name, value)| (name, values::rebuilt(&value))).collect();
            let of_read = expression.evaluate(&read, &environment);
            if sound && of_read.is_ok() {
                let (first, of_read) = (shown(&first), shown(&of_read));
                assert_eq!(first, of_read, "{text}: read variables, another outcome");
            }
        }
        of_large_budget = Some(large);
    }
    for outcome in [Some(first), of_large_budget].into_iter().flatten() {
        match outcome {
            Ok(evaluation) => {
                counts.with_value += 1;
                counts.without_null += u32::from(!evaluation.value.is_null());
                for warning in &evaluation.warnings {
                    assert!(text.get(warning.span.clone()).is_some(), "{text}: {warning:?}");
                }
                if sound {
                    round_trips(&evaluation.value, text);
                }
            }
            Err(error) => {
                counts.stopped += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

fn parse(text: &str, syntax: &Syntax<'_>, unary: bool) -> Result<Expression, ParseError> {
    if unary {
        Expression::parse_unary_tests_in(text, syntax)
    } else {
        Expression::parse_in(text, syntax)
    }
}

fn clock(choices: &mut Choices<'_>) -> i64 {
    choices.pick(&[
        0,
        1_767_323_045_678,
        -62_135_596_800_000,
        253_402_300_799_999,
        i64::MAX,
        i64::MIN,
    ])
}

fn shown(outcome: &Result<Evaluation, EvaluationError>) -> String {
    format!("{outcome:?}")
}

/// What is written is read back: MessagePack, JSON, and literals.
fn round_trips(value: &Value, text: &str) {
    // A fraction near 2^53 is stored as a whole float, which is an integer from then on: the same
    // value in other bytes.
    let read = Value::from_msgpack(&value.to_msgpack());
    let read = values::rebuilt(&read.unwrap_or_else(|error| panic!("{text}: {error}")));
    let packed = read.to_msgpack();
    let again = values::rebuilt(&Value::from_msgpack(&packed).unwrap());
    assert_eq!(read, again, "{text}: packed again, another value");
    assert_eq!(again.to_msgpack(), packed, "{text}: packed again, other bytes");

    let json = value.to_json();
    let read = Value::from_json(&json).unwrap_or_else(|| panic!("{text}: no JSON: {json}"));
    assert_eq!(read.to_json(), json, "{text}: written again, other JSON");

    let _ = value.to_string();
    if let Some(literal) = literal(value) {
        // The dialects differ in the limits of what they read.
        let names = Names::none();
        let read = DIALECTS.map(|dialect| {
            let expression = parse(&literal, &Syntax { dialect, names: &names }, false)
                .unwrap_or_else(|error| panic!("{text}: {value:?} as {literal}: {error}"));
            expression.evaluate(&NoVariables, &Environment::at(0)).unwrap().value
        });
        let found = |read: &Value| format!("{read:?}") == format!("{value:?}");
        assert!(read.iter().any(found), "{text}: {value:?} as {literal}: {read:?}");
    }
}

/// The text of a literal of the value; none of containers, whose elements are checked elsewhere.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Boolean(_) => Some(value.to_string()),
        Value::Number(_) => Some(format!("number(\"{value}\")")),
        Value::String(text) => Some(format!("\"{}\"", literals::escaped(text))),
        Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::DaysTimeDuration(_)
        | Value::YearsMonthsDuration(_) => {
            // Years of more than four digits are written with a sign, as Java does, and read without.
            let text = value.to_json().replace("\"+", "\"");
            has_literal(value).then(|| format!("@{text}"))
        }
        Value::List(_) | Value::Context(_) | Value::Range(_) | Value::Function(_) => None,
    }
}

/// Whether what is written of a temporal value is a literal of it.
fn has_literal(value: &Value) -> bool {
    // Zones had offsets with seconds before there was standard time: they are written for people.
    let in_minutes = |offset: Option<i32>| offset.unwrap_or(0) % 60 == 0;
    match value {
        Value::DateTime(value) => in_minutes(value.offset_seconds()),
        // The time of a date-time has the offset of that, which its text does not say.
        Value::Time(time) => {
            in_minutes(time.offset_seconds())
                && time.zone.as_ref().is_none_or(|zone| zone.name().is_none())
        }
        // No months are written as no days, as Java does, and years are read in 32 bits.
        Value::YearsMonthsDuration(duration) => {
            duration.0 != 0 && i32::try_from(duration.0 / 12).is_ok()
        }
        _ => true,
    }
}

/// Bytes as MessagePack that nobody checked, and checked: no panic, and what was accepted is stable.
pub fn packed_bytes(bytes: &[u8]) {
    let trusted = Value::from_msgpack_trusted(bytes.to_vec().into());
    let _ = (format!("{trusted:?}"), trusted.to_json(), trusted.to_msgpack());
    if let Ok(value) = Value::from_msgpack(bytes) {
        let packed = value.to_msgpack();
        let again = Value::from_msgpack(&packed).unwrap();
        assert_eq!(values::rebuilt(&value), values::rebuilt(&again));
    }
}
