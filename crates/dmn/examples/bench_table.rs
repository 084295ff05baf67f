//! Evaluates a table of ten rules, of which the last one hits, over and over: what to count the
//! instructions of, or to time from outside.
//!
//! `cargo build --release --example bench_table -p skep-dmn`, then
//! `valgrind --tool=callgrind target/release/examples/bench_table 10000` or `perf stat ... bench_table 10000000`; with
//! anything behind the number it does not ask for the trace.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;

use skep_feel::{Environment, Number, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    let model = skep_dmn::parse(&table(), &skep_dmn::Options::default())?;
    let variables = BTreeMap::from([
        ("x".to_owned(), Value::Number(Number::from(11_i64))),
        ("y".to_owned(), Value::from("a")),
    ]);
    let environment = Environment::at(0);
    let traced = std::env::args().nth(2).is_none();
    let mut hits = 0_u64;
    for _ in 0..count {
        let variables = black_box(&variables);
        let output = match traced {
            true => model.evaluate("discount", variables, &environment).map(|found| found.output),
            false => model.output("discount", variables, &environment),
        };
        let output = output.ok_or("there is no decision")?;
        hits += u64::from(output? == Value::Number(Number::from(10_i64)));
    }
    println!("{hits} of {count} evaluations gave 10");
    Ok(())
}

/// Ten rules over a number and a text.
fn table() -> String {
    let rule = |number: u32, x: &str, y: &str| {
        format!(
            "<rule id=\"r{number}\"><inputEntry><text>{x}</text></inputEntry><inputEntry><text>{y}</text></inputEntry>\
             <outputEntry><text>{number}</text></outputEntry></rule>"
        )
    };
    let mut rules: String = (1..10)
        .map(|number| rule(number, &format!("[{number}..{})", number + 1), "\"b\", \"c\""))
        .collect();
    rules += &rule(10, "&gt; 10", "\"a\"");
    let input = |name: &str| {
        format!(
            "<input id=\"{name}\"><inputExpression><text>{name}</text></inputExpression></input>"
        )
    };
    format!(
        "<definitions xmlns=\"https://www.omg.org/spec/DMN/20191111/MODEL/\" id=\"bench\" name=\"Bench\" namespace=\"bench\">\
         <decision id=\"discount\" name=\"Discount\"><decisionTable id=\"table\" hitPolicy=\"FIRST\">{}{}\
         <output id=\"out\" name=\"out\"/>{rules}</decisionTable></decision></definitions>",
        input("x"),
        input("y"),
    )
}
