//! Nothing that anybody writes may end the process: nesting, recursion, endless ranges, explosive
//! values, and thousands of mutated expressions. Test threads have 2 MiB of stack, as those of the
//! runtime have.
#![allow(clippy::unwrap_used, reason = "a test")]

mod random;
mod tables;

use std::collections::BTreeMap;

use random::choices::Random;
use random::mutation::PIECES;

use skep_feel::{
    Budget, Environment, EvaluationError, Expression, NoVariables, Number, Value, Variables,
};

fn environment() -> Environment {
    let budget = Budget { steps_max: 50_000, bytes_max: 4 * 1024 * 1024, ..Budget::default() };
    Environment { budget, ..Environment::at(0) }
}

fn evaluate(text: &str) -> Result<Value, EvaluationError> {
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{error}"));
    Ok(expression.evaluate(&NoVariables, &environment())?.value)
}

#[test]
fn nesting_beyond_the_limit_is_a_normal_error() {
    let nestings = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{a: ", "1", "}"),
        ("not(", "true", ")"),
        ("-", "1", ""),
        ("if true then ", "1", " else 2"),
        ("for i in [1] return ", "1", ""),
        ("some i in [true] satisfies ", "true", ""),
        ("function(x) ", "1", ""),
        ("[1,2][", "1", "]"),
        ("1 in ", "1", ""),
        ("1 in (", "1", ")"),
        ("1 + (", "1", ")"),
        ("x instance of list<", "number", ">"),
        ("f(", "1", ")"),
        ("[1..", "2", "]"),
        ("", "1", "[1]"),
        ("", "x", ".a"),
        ("", "f", "()"),
        ("date and time(", "1", ")"),
    ];
    for (open, inner, close) in nestings {
        for depth in [10usize, 190, 250, 20_000] {
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let parsed = Expression::parse(&text);
            if depth > 200 {
                assert!(parsed.is_err(), "{open} {depth}");
            }
            if let Ok(expression) = parsed {
                let _ = expression.evaluate(&NoVariables, &environment());
            }
            let _ = Expression::parse_unary_tests(&text);
            let _ = Expression::parse(&open.repeat(depth));
        }
    }
}

#[test]
fn long_chains_do_not_nest() {
    for operator in ["+", "-", "*", "/", "and", "or"] {
        let operand = if operator.len() > 1 { "true" } else { "1" };
        let text = vec![operand; 20_000].join(&format!(" {operator} "));
        assert!(evaluate(&text).is_ok(), "{operator}");
    }
    assert_eq!(evaluate(&vec!["1"; 20_000].join("+")).unwrap(), 20_000i64.into());
    let list = format!("count([{}])", vec!["1"; 20_000].join(","));
    assert_eq!(evaluate(&list).unwrap(), 20_000i64.into());
}

#[test]
fn endless_work_exceeds_the_budget() {
    for text in [
        "for i in 1..9223372036854775807 return i",
        "some i in 1..9223372036854775807 satisfies i < 0",
        "every i in [1..9223372036854775807] satisfies i > 0",
        "for i in 1..100000, j in 1..100000 return i",
        "for i in 1..100000 return partial",
        "(function(f) f(f))(function(f) f(f))",
        "{s: function(f, n) f(f, n + 1), r: s(s, 0)}.r",
    ] {
        let result = evaluate(text);
        assert!(result.is_err(), "{text}: {result:?}");
    }
}

#[test]
fn recursion_through_every_construct_is_bounded() {
    for body in [
        "f(f)",
        "sort([2, 1], function(x, y) f(f))",
        "[1, 2][f(f)]",
        "[1, 2][item = f(f)]",
        "for i in [1] return f(f)",
        "for i in f(f) return i",
        "for i in 1..2, j in 1..2 return f(f)",
        "some i in [1] satisfies f(f)",
        "every i in [1] satisfies f(f)",
        "[f(f)]",
        "{a: f(f)}",
        "1 in (f(f), 2)",
        "f(f) in 1",
        "1 + 2 * f(f)",
        "\"a\" + string(f(f))",
        "if f(f) then 1 else 2",
        "if true then f(f) else 2",
        "[1..f(f)]",
        "f(f).a.b",
        "-f(f)",
        "f(f) between 1 and 2",
        "true and f(f)",
        "false or f(f)",
        "f(f) = 1",
        "f(f) instance of number",
        "{g: function(x) f(x), r: g(f)}.r",
    ] {
        let text = format!("{{s: function(f) {body}, r: s(s)}}.r");
        assert!(matches!(evaluate(&text), Err(EvaluationError::DepthExceeded(_))), "{body}");
    }
}

#[test]
fn looking_things_up_in_large_variables_is_bounded_and_amortised() {
    let numbers: Vec<Value> = (0..100_000i64).map(Value::from).collect();
    let entries = (0..20_000i64).map(|key| (format!("k{key}").into(), Value::from(key)));
    let context = Value::Context(entries.collect());
    let nested = Value::from(vec![context.clone(), context.clone()]);
    let packed = |value: Value| Value::from_msgpack(&value.to_msgpack()).unwrap();
    let variables = BTreeMap::from([
        ("list".to_string(), packed(numbers.into())),
        ("context".to_string(), packed(context)),
        ("nested".to_string(), packed(nested)),
    ]);
    let run = |text: &str| {
        let expression = Expression::parse(text).unwrap();
        expression.evaluate(&variables, &environment()).map(|evaluation| evaluation.value)
    };
    assert_eq!(run("list[100000]").unwrap(), 99_999i64.into());
    assert_eq!(run("count(for i in 1..2000 return list[i * 40])").unwrap(), 2_000i64.into());
    assert_eq!(run("count(for i in 1..2000 return context.k19999)").unwrap(), 2_000i64.into());
    assert_eq!(run("context = nested[1]").unwrap(), true.into());
    assert_eq!(run("nested.k19999").unwrap().to_string(), "[19999, 19999]");
    // Elements are read anew in each round, and each round is counted.
    assert!(run("for i in 1..100000, c in nested return c.k19999").is_err());
}

#[test]
fn expressions_and_values_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug>() {}
    shared::<Expression>();
    shared::<Value>();
}

/// Comparing megabytes is cheap once; again and again it would hold a partition for minutes.
#[test]
fn comparing_long_texts_again_and_again_exceeds_the_budget() {
    let long = || Value::from("x".repeat(1 << 20));
    let variables = BTreeMap::from([
        ("a".to_owned(), long()),
        ("b".to_owned(), long()),
        (
            "keys".to_owned(),
            Value::Context([("x".repeat(1 << 20).into(), long())].into_iter().collect()),
        ),
    ]);
    for condition in [
        "a = b",
        "not(a != b)",
        "a <= b",
        "a in (b)",
        "a in (>= b)",
        "a in [b..b]",
        "a between b and b",
        "list contains([a], b)",
        "[{e: a}][e = b] != []",
        "get value(keys, a) != null",
        "contains(a, b)",
        "starts with(a, b)",
    ] {
        let text = format!("every i in 1..1000000 satisfies {condition}");
        let expression = Expression::parse(&text).unwrap();
        let result = expression.evaluate(&variables, &Environment::at(0));
        assert!(
            matches!(
                result,
                Err(EvaluationError::StepsExceeded(_) | EvaluationError::BytesExceeded(_))
            ),
            "{condition}: {:?}",
            result.map(|evaluation| evaluation.value)
        );
    }
}

#[test]
fn values_that_explode_exceed_the_budget() {
    let doubling = |first: &str, step: &str, last: &str| {
        let mut text = format!("{{v0: {first}");
        for level in 0..100 {
            let previous = format!("v{level}");
            text.push_str(&format!(", v{}: {}", level + 1, step.replace('V', &previous)));
        }
        format!("{text}, r: {}}}.r", last.replace('V', "v100"))
    };
    for (first, step, last) in [
        (r#""xxxxxxxx""#, "V + V", "V"),
        ("[1]", "concatenate(V, V)", "V"),
        ("[1]", "[V, V]", "string(V)"),
        ("[1]", "[V, V]", "V = V"),
        ("[1]", "[V, V]", "to json(V)"),
        ("[1]", "[V, V]", "flatten(V)"),
        ("[1]", "[V, V]", "V instance of list<list<Any>>"),
        ("[1]", "[V, V]", "list contains([V], V)"),
        ("[1]", "[V, V]", "index of([V], V)"),
        ("[1]", "[V, V]", "distinct values([V, V])"),
        ("[1]", "{a: V, b: V}", "V"),
        (r#""aaaaaaaa""#, r#"replace(V, "a", V)"#, "V"),
        (r#""aaaaaaaa""#, "string join([V, V, V, V], V)", "V"),
    ] {
        let result = evaluate(&doubling(first, step, last));
        assert!(result.is_err(), "{step} {last}: {:?}", result.map(|value| value.type_name()));
    }
}

#[test]
fn deep_values_are_refused() {
    let result = evaluate("for i in 1..100000 return if i = 1 then [] else [partial[-1]]");
    assert!(result.is_err(), "{result:?}");
    let result = evaluate(
        "{f: function(f, x, n) if n = 0 then x else f(f, [x], n - 1), r: f(f, 1, 100000)}.r",
    );
    assert!(result.is_err(), "{result:?}");
    let deep = format!("{}1{}", "[".repeat(499), "]".repeat(499));
    for text in ["x", "string(x)", "to json(x)", "x = x", "flatten(x)", "count(x[1][1])"] {
        for value in [
            Value::from_json(&deep).unwrap(),
            Value::from_msgpack(&Value::from_json(&deep).unwrap().to_msgpack()).unwrap(),
        ] {
            let variables = BTreeMap::from([("x".to_string(), value)]);
            let expression = Expression::parse(text).unwrap();
            let evaluation = expression.evaluate(&variables, &environment()).unwrap();
            assert!(!evaluation.value.is_null(), "{text}");
            assert!(!evaluation.value.to_msgpack().is_empty());
            assert!(!evaluation.value.to_string().is_empty());
        }
    }
    let nested = format!("from json(\"{}{}\")", "[".repeat(100_000), "]".repeat(100_000));
    assert!(evaluate(&nested).unwrap().is_null());
}

#[test]
fn bytes_that_promise_more_than_there_is_take_no_room() {
    for head in [[0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0xff, 0xff, 0xff, 0xff]] {
        assert!(Value::from_msgpack(&head).is_err());
        let trusted = Value::from_msgpack_trusted([&head[..], &[0xa1, b'a', 1, 2]].concat().into());
        let variables = BTreeMap::from([("x".to_string(), trusted)]);
        for text in [
            "for i in x return i",
            "x[1]",
            "x.a",
            "append(x, 1)",
            "x = x",
            "put(x, \"b\", 2)",
            "remove(x, 4)",
            "remove(x, -1)",
            "insert before(x, 4, 0)",
            "list replace(x, 4, 0)",
            "sublist(x, 4)",
            "x[4]",
            "x[-1]",
        ] {
            let expression = Expression::parse(text).unwrap();
            assert!(expression.evaluate(&variables, &environment()).is_ok(), "{text}");
        }
    }
}

#[test]
fn recursion_works_within_the_limit_and_fails_beyond() {
    let sum = |n: u32| {
        format!("{{s: function(f, n) if n = 0 then 0 else n + f(f, n - 1), r: s(s, {n})}}.r")
    };
    assert_eq!(evaluate(&sum(50)).unwrap(), (50 * 51i64 / 2).into());
    assert!(matches!(evaluate(&sum(100_000)), Err(EvaluationError::DepthExceeded(_))));
}

/// Variables that count how often they are read.
struct Counting(std::cell::RefCell<BTreeMap<String, u32>>);

impl Variables for Counting {
    fn get(&self, name: &str) -> Option<Value> {
        *self.0.borrow_mut().entry(name.into()).or_default() += 1;
        (name != "missing").then(|| 1i64.into())
    }
}

#[test]
fn variables_are_read_once_and_only_when_needed() {
    let variables = Counting(Default::default());
    let expression =
        Expression::parse("[x + x, x, missing, missing, if x = 1 then 2 else y]").unwrap();
    let names: Vec<&str> = expression.variables().iter().map(|name| &**name).collect();
    assert_eq!(names, ["x", "missing", "y"]);
    let evaluation = expression.evaluate(&variables, &environment()).unwrap();
    assert_eq!(evaluation.value.to_string(), "[2, 1, null, null, 2]");
    assert_eq!(evaluation.warnings.len(), 2);
    let read = variables.0.into_inner();
    assert_eq!(read, BTreeMap::from([("x".to_string(), 1), ("missing".to_string(), 1)]));
}

#[test]
fn the_same_inputs_give_the_same_result() {
    let expression = Expression::parse("[uuid(), random number(), now()]").unwrap();
    assert!(expression.as_literal().is_none());
    let run = |seed, now_ms| {
        let environment = Environment { random_seed: seed, ..Environment::at(now_ms) };
        expression.evaluate(&NoVariables, &environment).unwrap().value.to_string()
    };
    assert_eq!(run(1, 5), run(1, 5));
    assert_ne!(run(1, 5), run(2, 5));
    assert_ne!(run(1, 5), run(1, 6));
}

#[test]
fn what_depends_on_nothing_is_a_literal() {
    for text in ["1 + 2", "duration(\"PT1H\")", "[1, {a: -1}]", "\"a\" + \"b\"", "{a: 1, b: a}"] {
        assert!(Expression::parse(text).unwrap().as_literal().is_some(), "{text}");
    }
    for text in ["x", "now()", "1 + null", "today()"] {
        assert!(Expression::parse(text).unwrap().as_literal().is_none(), "{text}");
    }
}

#[test]
fn warnings_of_a_function_of_another_expression_have_no_place_in_this_one() {
    let function = evaluate("function(a, b) a < b").unwrap();
    let variables = BTreeMap::from([("f".to_string(), function)]);
    let spans = |text: &str| -> Vec<_> {
        let expression = Expression::parse(text).unwrap();
        let evaluation = expression.evaluate(&variables, &environment()).unwrap();
        evaluation
            .warnings
            .into_iter()
            .map(|warning| (warning.span.start, warning.span.end))
            .collect()
    };
    assert_eq!(spans("f([], [])"), vec![(0, 0)]);
    assert_eq!(spans("{g: function(a) a < a, r: g([])}.r"), vec![(16, 21)]);
}

#[test]
fn parse_errors_point_at_the_place() {
    let error = Expression::parse("if x > 1 then\n  2 +").unwrap_err();
    assert_eq!(error.span, 19..19);
    assert!(error.message.starts_with("expected an expression"), "{error}");
    let error = Expression::parse("a = = b").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected an expression, found '=' (line 1, column 5)\n  a = = b\n      ^"
    );
}

/// Expressions of the case tables, to be mixed and mutated.
fn corpus() -> Vec<String> {
    let mut corpus = Vec::new();
    for (_, table) in tables::files("cases") {
        for line in table.lines() {
            if let Some(text) = line.split(" | ").next().filter(|text| !text.starts_with('#')) {
                corpus.push(text.trim().to_string());
            }
        }
    }
    corpus
}

fn mutate(random: &mut Random, corpus: &[String]) -> String {
    let mut text: Vec<char> = corpus[random.below(corpus.len())].chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len() + 1);
        match random.below(5) {
            0 => {
                text.splice(at..at, PIECES[random.below(PIECES.len())].chars());
            }
            1 => {
                let end = (at + 1 + random.below(6)).min(text.len());
                text.drain(at.min(end)..end);
            }
            2 => {
                let other = &corpus[random.below(corpus.len())];
                text.splice(at..at, other.chars());
            }
            3 => {
                let other: Vec<char> = corpus[random.below(corpus.len())].chars().collect();
                let from = random.below(other.len());
                let to = (from + random.below(12)).min(other.len());
                text.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let end = (at + random.below(10)).min(text.len());
                let copy: Vec<char> = text[at.min(end)..end].to_vec();
                text.splice(at..at, copy);
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn mutated_expressions_never_panic() {
    let corpus = corpus();
    let mut random = Random(8_423);
    let variables = BTreeMap::from([
        ("x".to_string(), Value::from(5i64)),
        ("y".to_string(), Value::from("text")),
        ("?".to_string(), Value::from(3i64)),
        ("list".to_string(), Value::from_json("[1,2,{\"a\":[3]},null]").unwrap()),
        ("big".to_string(), Value::from("9".repeat(34).parse::<Number>().unwrap())),
    ]);
    let budget = Budget { steps_max: 5_000, bytes_max: 256 * 1024, ..Budget::default() };
    let environment = Environment { budget, ..Environment::at(i64::MAX) };
    let (mut parsed, mut evaluated) = (0, 0);
    for _ in 0..8_000 {
        let text = mutate(&mut random, &corpus);
        for result in [Expression::parse(&text), Expression::parse_unary_tests(&text)] {
            match result {
                Ok(expression) => {
                    parsed += 1;
                    if let Ok(evaluation) = expression.evaluate(&variables, &environment) {
                        evaluated += 1;
                        let _ = evaluation.value.to_msgpack();
                        let _ = evaluation.value.to_json();
                    }
                }
                Err(error) => {
                    let _ = error.to_string();
                }
            }
        }
    }
    assert!(parsed > 1_000 && evaluated > 1_000, "{parsed} parsed, {evaluated} evaluated");
}
