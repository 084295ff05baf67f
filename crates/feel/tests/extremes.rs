//! Arguments at their extremes, in both dialects: huge numbers and exponents, endless ranges, patterns that
//! explode, long texts, deep nesting. Whatever the answer, it comes within the budget, and the test ends.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use skep_feel::{Budget, Dialect, Environment, EvaluationError, Expression, Names, Syntax, Value};

const DIALECTS: [Dialect; 2] = [Dialect::Camunda, Dialect::Dmn];

fn parse(text: &str, dialect: Dialect) -> Result<Expression, skep_feel::ParseError> {
    Expression::parse_in(text, &Syntax { dialect, names: &Names::none() })
}

fn evaluate_with(
    text: &str,
    dialect: Dialect,
    variables: &BTreeMap<String, Value>,
) -> Result<Value, EvaluationError> {
    let budget = Budget { steps_max: 50_000, bytes_max: 4 * 1024 * 1024, ..Budget::default() };
    let environment = Environment { budget, ..Environment::at(0) };
    let expression = parse(text, dialect).unwrap_or_else(|error| panic!("{error}"));
    Ok(expression.evaluate(variables, &environment)?.value)
}

fn evaluate(text: &str, dialect: Dialect) -> Result<Value, EvaluationError> {
    evaluate_with(text, dialect, &BTreeMap::new())
}

#[test]
fn powers_beyond_the_range_are_null_or_nothing() {
    for dialect in DIALECTS {
        for (text, expected) in [
            ("10 ** 6144 > 10 ** 6143", "true"),
            ("2 ** 99999999", "null"),
            ("99999999999 ** 99999999999", "null"),
            ("exp(99999999)", "null"),
            ("1.000000001 ** 0", "1"),
            ("string length(string(10 ** 6144)) < 10000", "true"),
        ] {
            assert_eq!(
                evaluate(text, dialect).unwrap().to_string(),
                expected,
                "{dialect:?} {text}"
            );
        }
        // These have an answer or none; they do not count up to it.
        for text in [
            "(-1) ** 9007199254740993",
            "2 ** -99999999",
            "exp(-99999999)",
            "(10 ** -6176) / 10",
            "(10 ** 6144) * 10",
            "modulo(10 ** 6144, 7)",
            "modulo(10 ** 6144, 10 ** -6144)",
            "floor(10 ** 6144)",
            "decimal(1 / 3, 999999999)",
            "decimal(1 / 3, -999999999)",
            "round up(10 ** 6144, 6176)",
            "log(10 ** 6144)",
            "stddev([10 ** 6144, -(10 ** 6144)])",
            "even(10 ** 6144)",
            "product(for i in 1..100 return 10 ** 100)",
            "sqrt(10 ** 6144)",
            "0 ** -1",
            "(10 ** 6144) + 10 ** -6176",
            "substring(\"abc\", 10 ** 30)",
            "sublist([1, 2, 3], 10 ** 30)",
            "insert before([1], 10 ** 30, 2)",
            "partition([1, 2, 3], 10 ** 30)",
            "duration(\"P1D\") * 10 ** 30",
            "date(10 ** 30, 1, 1)",
            "time(10 ** 30, 0, 0)",
            "date(\"2024-01-01\") + duration(\"P999999999Y\")",
            "date(\"999999999-12-31\") + duration(\"P1D\")",
            "@\"-999999999-01-01\" - @\"P1M\"",
            "years and months duration(@\"-999999999-01-01\", @\"999999999-12-31\")",
        ] {
            assert!(evaluate(text, dialect).is_ok(), "{dialect:?} {text}");
        }
    }
}

#[test]
fn endless_ranges_are_not_walked() {
    for dialect in DIALECTS {
        for text in [
            "for i in [1..10 ** 30] return i",
            "for i in 1..10 ** 30 return i",
            "for i in 10 ** 30..1 return i",
            "for i in -(10 ** 30)..10 ** 30 return i",
            "some i in [1..10 ** 30] satisfies i < 0",
            "every i in 1..10 ** 30 satisfies i > 0",
            "count(for i in 1..10 ** 15 return i)",
            "for i in 1..100000, j in 1..100000 return null",
            "for i in @\"0001-01-01\"..@\"9999-12-31\" return i",
        ] {
            match evaluate(text, dialect) {
                // Bounds that are no integers of 64 bits are no range to walk.
                Ok(value) => assert!(value.to_string().len() < 100, "{dialect:?} {text}: {value}"),
                Err(error) => assert!(
                    matches!(
                        error,
                        EvaluationError::StepsExceeded(_) | EvaluationError::BytesExceeded(_)
                    ),
                    "{dialect:?} {text}: {error}"
                ),
            }
        }
        assert_eq!(evaluate("10 ** 29 in [1..10 ** 30]", dialect).unwrap(), true.into());
        assert_eq!(
            evaluate("before(10 ** 31, [10 ** 32..10 ** 33])", dialect).unwrap(),
            true.into()
        );
    }
}

#[test]
fn patterns_do_not_explode() {
    let variables = BTreeMap::from([
        ("many".to_string(), Value::from(format!("{}!", "a".repeat(5_000)))),
        ("capitals".to_string(), Value::from("A".repeat(200_000))),
    ]);
    for dialect in DIALECTS {
        for pattern in [
            "(a+)+$",
            "(a|a)*b",
            "(a|aa)+$",
            "(.*)*x",
            "^(a?){50}a{50}$",
            "(a{1,100}){1,100}",
            "((a{1,100}){1,100}){1,100}",
            "(((((((((a*)*)*)*)*)*)*)*)*)*b",
            "(x+x+)+y",
            "(a*)\\\\1b",
            "[^b]*[^b]*[^b]*[^b]*[^b]*b",
            "\\\\p{L}{999}",
        ] {
            for text in [
                format!("matches(many, \"{pattern}\")"),
                format!("replace(many, \"{pattern}\", \"$0\")"),
                format!("split(many, \"{pattern}\")"),
                format!("for i in 1..1000000 return matches(many, \"{pattern}\" + string(i))"),
            ] {
                // A value, null, or the end of the budget.
                let _ = evaluate_with(&text, dialect, &variables);
            }
        }
        // Each search looks at all the rest before it knows where the first match ends.
        let quadratic = r#"count(split(capitals, ".*[^A-Z]|[A-Z]"))"#;
        let result = evaluate_with(quadratic, dialect, &variables);
        assert!(result.is_err(), "{dialect:?}: {result:?}");
    }
}

#[test]
fn looking_through_long_texts_counts() {
    let long = "é x".repeat(100_000);
    let variables =
        BTreeMap::from([("s".to_string(), Value::from(&*long)), ("s2".to_string(), long.into())]);
    for dialect in DIALECTS {
        for text in [
            "substring before(s, s2)",
            "substring after(s, s2)",
            "contains(s, s2)",
            "starts with(s, s2)",
            "ends with(s, s2)",
            "string length(s)",
            "substring(s, -1)",
            "upper case(s)",
            "trim(s)",
            "matches(s, \"^.*$\")",
            "number(s)",
        ] {
            assert!(evaluate_with(text, dialect, &variables).is_ok(), "{dialect:?} {text}");
            let repeated = format!("for i in 1..2000 return {text}");
            let result = evaluate_with(&repeated, dialect, &variables);
            assert!(result.is_err(), "{dialect:?} {text}");
        }
    }
}

#[test]
fn chains_and_nesting_of_every_kind_end() {
    for dialect in DIALECTS {
        for (open, inner, close) in [
            ("", "a", ".a"),
            ("", "{a: 1}", ".a"),
            ("", "[1]", "[1]"),
            ("", "f", "(f)"),
            ("if a then ", "1", " else 1"),
            ("if a then 1 else ", "1", ""),
            ("not(", "a", ")"),
            ("function(x) ", "x", ""),
            ("{a: ", "1", "}"),
            ("[", "", "]"),
            ("a = (", "a", ")"),
            ("a in (", "a", ")"),
            ("a in [", "1", "..2]"),
            ("a between ", "1", " and 2"),
            ("- ", "1", ""),
            ("a ** ", "1", ""),
            ("some x in a satisfies ", "x", ""),
            ("for x in a, y in x return ", "y", ""),
            ("a instance of list<", "Any", ">"),
            ("a instance of context<a: ", "Any", ">"),
            ("a instance of function<", "Any", "> -> Any"),
            ("`", "a", "`"),
            ("/*", "", "*/"),
            ("@\"", "", "\""),
        ] {
            for depth in [50usize, 199, 1_000, 50_000] {
                let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
                if let Ok(expression) = parse(&text, dialect) {
                    let _ = expression.evaluate(&BTreeMap::new(), &Environment::at(0));
                }
                let names = Names::none();
                let syntax = Syntax { dialect, names: &names };
                if let Ok(tests) = Expression::parse_unary_tests_in(&text, &syntax) {
                    let _ = tests.evaluate(&BTreeMap::new(), &Environment::at(0));
                }
            }
        }
        let chain = format!("{} true", "true and false or ".repeat(5_000));
        assert_eq!(evaluate(&chain, dialect).unwrap(), true.into());
        // Functions that are entries call each other.
        for text in [
            "{f: function(c, n) c.g(c, n + 1), g: function(c, n) c.f(c, n), r: f({f: f, g: g}, 0)}.r",
            "{f: function(c) c.f(c), r: f({f: f})}.r",
            "{y: function(f) f(f), r: y(y)}.r",
        ] {
            let error = evaluate(text, dialect).unwrap_err();
            assert!(
                matches!(error, EvaluationError::DepthExceeded(_)),
                "{dialect:?} {text}: {error}"
            );
        }
    }
}

#[test]
fn offsets_of_any_characters_are_no_zones() {
    for dialect in DIALECTS {
        for zone in ["+1Ћe", "+Ћe", "-é", "@é", "+é:é", "Zé", "[é", "[é]", "+01:0é", "+00é0"]
        {
            for text in [
                format!("@\"23:00:50{zone}\""),
                format!("time(\"23:00:50{zone}\")"),
                format!("date and time(\"2024-02-29T23:00:50{zone}\")"),
                format!("@\"2024-02-29T23:00:50{zone}\""),
            ] {
                assert!(evaluate(&text, dialect).unwrap().is_null(), "{dialect:?} {text}");
            }
        }
    }
}
