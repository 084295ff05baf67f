//! What only the dialect of the standard has must be as bounded as everything else.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use skep_feel::{
    Dialect, Environment, Evaluation, EvaluationError, Expression, Names, ParseError, Syntax,
};

fn parse(text: &str, names: &Names) -> Result<Expression, ParseError> {
    Expression::parse_in(text, &Syntax { dialect: Dialect::Dmn, names })
}

fn evaluate(text: &str) -> Result<Evaluation, EvaluationError> {
    let expression = parse(text, &Names::none()).unwrap();
    expression.evaluate(&BTreeMap::new(), &Environment::at(0))
}

#[test]
fn patterns_that_refer_back_take_no_exponential_time() {
    let text = "a".repeat(64);
    for pattern in
        [r"^(a*)*\1b", r"^(a|aa)+\1b", r"^(a?){64}\1b", r"(((a*)*)*)\1b", r"^(.*)*(.*)*\1\2c"]
    {
        let evaluation = evaluate(&format!(r#"matches("{text}", "{pattern}")"#)).unwrap();
        assert!(
            evaluation.value.is_null() || evaluation.value.as_bool() == Some(false),
            "{pattern}"
        );
    }
    let evaluation = evaluate(&format!(r#"matches("{text}", "^(a|aa)+\1b")"#)).unwrap();
    let warning = &evaluation.warnings.first().unwrap().message;
    assert!(warning.contains("too many steps"), "{warning}");
}

#[test]
fn patterns_that_are_too_large_are_invalid() {
    let groups = format!("{}a{}", "(".repeat(100), ")".repeat(100));
    let classes = format!("{}a{}", "[a-z-".repeat(100), "]".repeat(100));
    let empty = format!("{}{}\\1", "(?:".repeat(20), "){1000}".repeat(20));
    for pattern in [
        &groups,
        &classes,
        &format!("(){empty}"),
        r"(a)\1{1000000}",
        r"((a{1000}){1000}){1000}",
        r"(a){4294967296}",
        r"(?:){4000000000}\1",
    ] {
        let evaluation = evaluate(&format!(r#"matches("aa", "{pattern}")"#)).unwrap();
        assert!(evaluation.value.is_null(), "{pattern}: {:?}", evaluation.value);
    }
}

#[test]
fn values_that_explode_exceed_the_budget() {
    for last in [
        "is([V], [V])",
        "V in [V, V]",
        "(function(a: list<list<Any>>) a)(V)",
        "V instance of list<list<Any>>",
        "string(V)",
        "V = [V]",
        "list replace([V, V], function(a, b) a = b, V)",
    ] {
        let mut text = String::from("{v0: [1]");
        for level in 0..100 {
            text.push_str(&format!(", v{}: [v{level}, v{level}]", level + 1));
        }
        let text = format!("{text}, r: {}}}.r", last.replace('V', "v100"));
        assert!(evaluate(&text).is_err(), "{last}");
    }
    assert!(evaluate("for d in @\"0001-01-01\"..@\"999999999-01-01\" return 1").is_err());
    assert!(evaluate("count(for d in [@\"0001-01-01\"..@\"999999999-01-01\"] return d)").is_err());
}

#[test]
fn chains_and_nesting_have_the_limit_of_all_nesting() {
    for (text, allowed) in [
        (format!("1{}", " = 1".repeat(100)), true),
        (format!("1{}", " = 1".repeat(10_000)), false),
        (format!("{}1{}", "(< ".repeat(50), ")".repeat(50)), true),
        (format!("{}1{}", "(< ".repeat(10_000), ")".repeat(10_000)), false),
        (format!("1 in {}1", "(1 in ".repeat(10_000)), false),
        (format!("x instance of {}number", "list<".repeat(10_000)), false),
    ] {
        assert_eq!(parse(&text, &Names::none()).is_ok(), allowed, "{}", &text[..20]);
    }
}

#[test]
fn long_names_do_not_make_parsing_slow() {
    // Would take minutes if every place looked ahead to the end.
    let sum = vec!["a"; 50_000].join("+");
    let names: Names = [&*sum, "a+a+b"].into_iter().collect();
    assert!(parse(&sum, &names).is_ok());
    assert!(parse(&vec!["every"; 50_000].join("+"), &names).is_ok());
    let entries: Vec<String> = (0..20_000).map(|number| format!("key {number}: 1")).collect();
    let text = format!("{{{}, last: key 1}}", entries.join(", "));
    assert!(parse(&text, &names).is_ok());
}

#[test]
fn texts_of_ranges_are_only_literals() {
    let deep = format!("[{}1{}..2]", "(".repeat(5_000), ")".repeat(5_000));
    for text in ["[a..b]", "[1..(function() 1)()]", "[sum(1)..2]", "[1..2][1]", &deep] {
        assert!(evaluate(&format!("range(\"{text}\")")).unwrap().value.is_null(), "{text}");
    }
}
