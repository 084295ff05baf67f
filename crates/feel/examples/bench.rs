//! Measures evaluation: nanoseconds of the best of several rounds. Build with `--release`.
//! With an argument only that expression; with a number behind it just so many evaluations, for
//! tools that count instructions (`valgrind --tool=callgrind`) on a busy machine.
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use skep_feel::{Environment, Expression, Value};

const ROUNDS: u32 = 7;
const ROUND_MS: u128 = 60;

/// Nanoseconds of one call, the best round.
fn measure(mut call: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut calls = 0u32;
        while start.elapsed().as_millis() < ROUND_MS {
            for _ in 0..100 {
                call();
            }
            calls += 100;
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    best
}

fn json(text: &str) -> Value {
    Value::from_json(text).unwrap_or(Value::Null)
}

fn variables() -> BTreeMap<String, Value> {
    let items: Vec<String> =
        (0..20).map(|i| format!(r#"{{"name":"item-{i}","price":{},"n":{i}}}"#, i * 10)).collect();
    let items = json(&format!("[{}]", items.join(",")));
    let numbers = json(&format!("{:?}", (0..20).collect::<Vec<_>>()));
    let big = json(&format!("{:?}", (0..10_000).collect::<Vec<_>>())).to_msgpack();
    let packed = |value: &Value| Value::from_msgpack(&value.to_msgpack()).unwrap_or(Value::Null);
    BTreeMap::from([
        ("x".to_string(), 11i64.into()),
        ("y".to_string(), "a".into()),
        ("packed_items".to_string(), packed(&items)),
        ("items".to_string(), items),
        ("list".to_string(), numbers),
        ("big".to_string(), Value::from_msgpack(&big).unwrap_or(Value::Null)),
        ("order".to_string(), json(r#"{"id":"o-1","customer":{"tier":"gold"},"total":250.5}"#)),
    ])
}

fn main() {
    let mut out = std::io::stdout().lock();
    let variables = variables();
    let environment = Environment::at(0);
    let expressions = [
        "x",
        r#"x > 10 and y = "a""#,
        r#""order-" + y + "-" + string(x)"#,
        r#"order.customer.tier = "gold" and order.total > 100"#,
        "list[item > 10]",
        "items[price > 100]",
        "packed_items[price > 100]",
        "some i in list satisfies i > 18",
        "every i in items satisfies i.price >= 0",
        "for i in list return i * 2",
        r#"{a: x + 1, b: y, c: {d: [1, 2, 3], e: "z"}}"#,
        "big[1]",
        "big[9000]",
        "count(big)",
        "sum(list)",
        "x / 3",
        r#"matches(y, "^[a-z]+$")"#,
        r#"now() + duration("PT1H")"#,
    ];
    let only = std::env::args().nth(1);
    let times: Option<u32> = std::env::args().nth(2).and_then(|times| times.parse().ok());
    for text in expressions {
        if only.as_deref().is_some_and(|only| only != text) {
            continue;
        }
        let Ok(expression) = Expression::parse(text) else { continue };
        // Only what the expression reads, so that the map of the benchmark does not count.
        let read: BTreeMap<String, Value> = variables
            .iter()
            .filter(|(name, _)| expression.variables().iter().any(|read| **read == ***name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some(times) = times {
            for _ in 0..times {
                let _ = black_box(expression.evaluate(&read, &environment));
            }
            continue;
        }
        let evaluate = measure(|| {
            let _ = black_box(expression.evaluate(&read, &environment));
        });
        let parse = measure(|| {
            let _ = black_box(Expression::parse(text));
        });
        let _ = writeln!(out, "{evaluate:9.0} ns  parse {parse:6.0} ns  {text}");
    }
}
