//! What is measured: the same texts, variables and models for both engines.

use std::fmt::Write;

/// What one figure measures.
pub enum Work {
    /// Evaluate the expression, prepared before.
    Evaluate(&'static str),
    /// Parse the expression and prepare it.
    Prepare(&'static str),
    /// Evaluate the decision of [`table`], prepared before; traced, it says which rules matched, which the
    /// rival does not do.
    Table { traced: bool },
}

/// One row of the table.
pub struct Case {
    pub name: &'static str,
    pub work: Work,
    /// What Skep wants to need at most, in nanoseconds.
    pub target_ns: Option<f64>,
}

const fn case(name: &'static str, work: Work, target_ns: Option<f64>) -> Case {
    Case { name, work, target_ns }
}

/// One-line expressions of the size that processes have.
const CONDITION: &str = r#"x > 10 and y = "a""#;
const LINE: &str = r#"if order.total > 100 and order.customer.tier = "gold" then order.total * 0.9 else order.total"#;

pub static CASES: [Case; 16] = [
    case("condition", Work::Evaluate(CONDITION), Some(80.0)),
    case("filter over 20 contexts", Work::Evaluate("built_items[price > 100]"), Some(1_000.0)),
    case("the same, read from MessagePack", Work::Evaluate("items[price > 100]"), Some(1_000.0)),
    case("table of 10 rules, the last one hit", Work::Table { traced: false }, Some(400.0)),
    case("the same, with its trace", Work::Table { traced: true }, Some(400.0)),
    case("reference to a list of 10 000", Work::Evaluate("big"), Some(50.0)),
    case("its first element", Work::Evaluate("big[1]"), Some(50.0)),
    case("parse and prepare the condition", Work::Prepare(CONDITION), Some(5_000.0)),
    case("parse and prepare a longer line", Work::Prepare(LINE), Some(5_000.0)),
    case("evaluate the longer line", Work::Evaluate(LINE), None),
    case("some", Work::Evaluate("some i in numbers satisfies i > 18"), None),
    case("every", Work::Evaluate("every i in items satisfies i.price >= 0"), None),
    case("for", Work::Evaluate("for i in numbers return i * 2"), None),
    case("text", Work::Evaluate(r#""order-" + y + "-" + string(x)"#), None),
    case("context", Work::Evaluate(r#"{a: x + 1, b: y, c: {d: [1, 2, 3], e: "z"}}"#), None),
    case("arithmetic", Work::Evaluate("(x * 1.19 - 2) / 3"), None),
];

/// Name and FEEL text of each variable; both engines evaluate them before anything is measured.
pub fn variables() -> Vec<(&'static str, String)> {
    let item = |i: u32| format!(r#"{{name: "item-{i}", price: {}, n: {i}}}"#, i * 10);
    let list = |texts: Vec<String>| format!("[{}]", texts.join(", "));
    vec![
        ("x", "11".to_owned()),
        ("y", "\"a\"".to_owned()),
        ("items", list((0..20).map(item).collect())),
        // Skep keeps what begins with `built` in memory, all others in MessagePack.
        ("built_items", list((0..20).map(item).collect())),
        ("numbers", list((0..20).map(|i| i.to_string()).collect())),
        ("big", list((0..10_000).map(|i| i.to_string()).collect())),
        ("order", r#"{id: "o-1", customer: {name: "Ada", tier: "gold"}, total: 250.5}"#.to_owned()),
    ]
}

pub const TABLE_NAMESPACE: &str = "https://example.invalid/bench";
pub const TABLE_NAME: &str = "Bench";
pub const TABLE_DECISION: &str = "Discount";

/// A decision with a table of ten rules over two inputs, of which the last one hits for `x` and `y`.
pub fn table() -> String {
    let mut rules = String::new();
    for rule in 1..=10 {
        let (x, y) = if rule == 10 {
            ("> 10".to_owned(), "\"a\"".to_owned())
        } else {
            (format!("[{}..{})", rule, rule + 1), format!("\"b\", \"c{rule}\""))
        };
        write!(
            rules,
            "<rule id=\"r{rule}\"><inputEntry id=\"r{rule}x\"><text>{}</text></inputEntry>\
             <inputEntry id=\"r{rule}y\"><text>{y}</text></inputEntry>\
             <outputEntry id=\"r{rule}o\"><text>{rule}</text></outputEntry></rule>",
            x.replace('>', "&gt;")
        )
        .expect("a string takes everything");
    }
    let input = |name: &str, kind: &str| {
        format!(
            "<inputData id=\"in-{name}\" name=\"{name}\"><variable id=\"v-{name}\" name=\"{name}\" typeRef=\"{kind}\"/></inputData>"
        )
    };
    let requirement = |name: &str| {
        format!(
            "<informationRequirement id=\"req-{name}\"><requiredInput href=\"#in-{name}\"/></informationRequirement>"
        )
    };
    let column = |name: &str, kind: &str| {
        format!(
            "<input id=\"col-{name}\" label=\"{name}\"><inputExpression id=\"e-{name}\" typeRef=\"{kind}\"><text>{name}</text></inputExpression></input>"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <definitions xmlns=\"https://www.omg.org/spec/DMN/20191111/MODEL/\" id=\"bench\" name=\"{TABLE_NAME}\" namespace=\"{TABLE_NAMESPACE}\">\
         {}{}<decision id=\"discount\" name=\"{TABLE_DECISION}\"><variable id=\"v-out\" name=\"{TABLE_DECISION}\" typeRef=\"number\"/>{}{}\
         <decisionTable id=\"table\" hitPolicy=\"FIRST\">{}{}<output id=\"out\" name=\"out\" typeRef=\"number\"/>{rules}</decisionTable></decision></definitions>",
        input("x", "number"),
        input("y", "string"),
        requirement("x"),
        requirement("y"),
        column("x", "number"),
        column("y", "string"),
    )
}
