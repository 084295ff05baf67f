//! `slowest`: how long each built-in function and operator keeps a default budget busy at worst, the slowest first:
//! each is called over and over with heavy arguments until the budget ends. A time far above the others is a
//! function that counts too few steps for what it does.

use std::collections::BTreeMap;
use std::time::Instant;

use skep_feel::{Dialect, Environment, Expression, Names, Syntax, Value};
use skep_fuzz::feel::functions::{FUNCTIONS, Kind};

/// Variables that make functions work, by kind; each combination of one argument's variants is tried.
const HEAVY: [(Kind, &[&str]); 13] = [
    (Kind::Any, &["list", "deep"]),
    (Kind::Boolean, &["true"]),
    (Kind::Number, &["i", "digits", "huge", "tiny", "100"]),
    (Kind::Text, &["text", "unique", "pattern", "\"x\"", "large"]),
    (Kind::Date, &["day"]),
    (Kind::Time, &["zoned"]),
    (Kind::DateTime, &["zoned"]),
    (Kind::Days, &["duration(\"P99DT1.5S\")"]),
    (Kind::Months, &["duration(\"P99M\")"]),
    (Kind::List, &["list", "texts", "contexts", "numbers"]),
    (Kind::Context, &["context", "deep"]),
    (Kind::Range, &["[1..100]"]),
    (Kind::Function, &["function(a, b) a < b"]),
];

const OPERATORS: [&str; 28] = [
    "digits ** digits",
    "digits ** 99.5",
    "huge ** tiny",
    "huge + tiny",
    "digits * digits",
    "digits / 7",
    "tiny / huge",
    "text + text",
    "text = text2",
    "text < text2",
    "large = large2",
    "large < large2",
    "large in [large2..large]",
    "list = list2",
    "context = context2",
    "contexts[a = i]",
    "contexts[i]",
    "contexts.a",
    "numbers[item = i]",
    "zoned + duration(\"P1M\")",
    "zoned - zoned",
    "date and time(string(zoned))",
    "context.k999",
    "list instance of list<Any>",
    "deep instance of context<a: Any>",
    "i in numbers",
    "string(list)",
    "some j in numbers satisfies j = i",
];

fn main() {
    let only = std::env::args().nth(1);
    let mut texts: Vec<String> = OPERATORS.iter().map(|text| (*text).to_owned()).collect();
    for function in FUNCTIONS.iter() {
        let variants =
            |kind: Kind| HEAVY.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, v)| v);
        let most =
            function.parameters.iter().map(|(_, kind)| variants(*kind).len()).max().unwrap_or(1);
        for first in 0..most {
            for second in 0..most {
                let arguments: Vec<&str> = function
                    .parameters
                    .iter()
                    .enumerate()
                    .map(|(index, (_, kind))| {
                        let variants = variants(*kind);
                        let chosen = if index == 0 { first } else { second };
                        variants[chosen % variants.len()]
                    })
                    .collect();
                texts.push(format!("{}({})", function.name, arguments.join(", ")));
            }
        }
    }
    texts.sort();
    texts.dedup();
    let variables = variables();
    let names = Names::none();
    let mut measured = Vec::new();
    for text in texts.iter().filter(|text| only.as_ref().is_none_or(|only| text.contains(only))) {
        for dialect in [Dialect::Camunda, Dialect::Dmn] {
            let text = format!("every i in 1..10000000 satisfies [{text}] != []");
            let Ok(expression) = Expression::parse_in(&text, &Syntax { dialect, names: &names })
            else {
                continue;
            };
            let started = Instant::now();
            let outcome = expression.evaluate(&variables, &Environment::at(0));
            measured.push((started.elapsed().as_millis(), dialect, text, outcome.is_err()));
        }
    }
    measured.sort();
    for (milliseconds, dialect, text, ended) in measured.iter().rev().take(40) {
        println!(
            "{milliseconds:6} ms  {dialect:?}  {text}{}",
            if *ended { "" } else { "  (no budget needed)" }
        );
    }
}

fn variables() -> BTreeMap<String, Value> {
    let json = |text: &str| Value::from_json(text).expect("JSON");
    let of = |count: usize, element: &dyn Fn(usize) -> String| {
        (0..count).map(element).collect::<Vec<_>>().join(",")
    };
    let numbers = json(&format!("[{}]", of(1_000, &|n| n.to_string())));
    let contexts = json(&format!("[{}]", of(1_000, &|n| format!("{{\"a\":{n},\"b\":\"x\"}}"))));
    let context = json(&format!("{{{}}}", of(1_000, &|n| format!("\"k{n}\":{n}"))));
    let list = json(&format!(
        "[{}]",
        of(1_000, &|n| if n % 2 == 0 { n.to_string() } else { format!("[\"{n}\"]") })
    ));
    let texts = json(&format!("[{}]", of(1_000, &|n| format!("\"text {n}\""))));
    let deep = json(&format!("{}1{}", "{\"a\":[".repeat(200), "]}".repeat(200)));
    let feel = |text: &str| {
        let expression = Expression::parse(text).expect("FEEL");
        expression.evaluate(&BTreeMap::new(), &Environment::at(0)).expect("a value").value
    };
    let repacked = |value: &Value| Value::from_msgpack(&value.to_msgpack()).expect("MessagePack");
    BTreeMap::from(
        [
            ("numbers", numbers),
            ("contexts", repacked(&contexts)),
            ("context2", repacked(&context)),
            ("context", context),
            ("list2", repacked(&list)),
            ("list", list),
            ("texts", texts),
            ("deep", deep),
            ("text", Value::from("é x".repeat(3_000))),
            ("text2", Value::from("é x".repeat(3_000))),
            ("large", Value::from("é x".repeat(300_000))),
            ("large2", Value::from("é x".repeat(300_000))),
            ("unique", Value::from(of(1_000, &|n| format!("{n:04}")))),
            ("pattern", Value::from("(\\p{L}|\\w+){0,40}")),
            ("digits", feel("1.234567890123456789012345678901234")),
            ("huge", feel("9.99 * 10 ** 6144")),
            ("tiny", feel("10 ** -6140")),
            ("day", feel("date(\"2024-02-29\")")),
            ("zoned", feel("date and time(\"2024-02-29T01:02:03@Europe/Berlin\")")),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}
