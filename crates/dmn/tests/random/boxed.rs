//! Random boxed expressions of every kind, inside one another, and decision tables of every policy.

use std::fmt::Write;

use super::models::Writer;
use crate::feel::expressions;
use crate::feel::values::KEYS;

/// Bytes of a file after which only literals follow.
const BYTES: usize = 2_000;

const POLICIES: [&str; 12] = [
    "",
    " hitPolicy=\"UNIQUE\"",
    " hitPolicy=\"FIRST\"",
    " hitPolicy=\"ANY\"",
    " hitPolicy=\"COLLECT\"",
    " hitPolicy=\"COLLECT\" aggregation=\"SUM\"",
    " hitPolicy=\"COLLECT\" aggregation=\"COUNT\"",
    " hitPolicy=\"COLLECT\" aggregation=\"MIN\"",
    " hitPolicy=\"COLLECT\" aggregation=\"MAX\"",
    " hitPolicy=\"RULE ORDER\"",
    " hitPolicy=\"OUTPUT ORDER\"",
    " hitPolicy=\"PRIORITY\"",
];

/// Simple tests and values, so that rules match.
const TESTS: [&str; 12] = [
    "-",
    "1",
    "> 0",
    "[0..10]",
    "\"a\"",
    "not(1)",
    "true",
    "? != null",
    "< 3, > 5",
    "null",
    "\"a\", \"b\"",
    "",
];
const OUTPUTS: [&str; 10] =
    ["1", "2", "\"a\"", "\"b\"", "3", "true", "null", "[1, 2]", "{a: 1}", "-1.5"];

const VARIABLES: [&str; 10] = ["n", "s", "x", "c2", "l", "a", "b", "l2", "item", "count(l)"];

/// An expression with at most so many inside one another.
pub(super) fn expression(writer: &mut Writer<'_, '_>, depth: u32) {
    if depth == 0 || writer.out.len() > BYTES || writer.choices.is_exhausted() {
        return literal(writer);
    }
    let depth = depth - 1;
    match writer.choices.below(20) {
        0..=4 => literal(writer),
        5..=9 => table(writer),
        10 | 11 => context(writer, depth),
        12 | 13 => invocation(writer, depth),
        14 => {
            let count = writer.choices.below(4);
            element(writer, "list", "", |writer| {
                (0..count).for_each(|_| expression(writer, depth));
            });
        }
        15 => relation(writer, depth),
        16 => parts(writer, "conditional", "", &["if", "then", "else"], depth),
        17 => parts(writer, "filter", "", &["in", "match"], depth),
        18 => {
            let (kind, body) = writer.choices.pick(&[
                ("for", "return"),
                ("some", "satisfies"),
                ("every", "satisfies"),
            ]);
            let name = writer.choices.pick(&["i", "x", "n", "is it"]);
            let attribute = format!(" iteratorVariable=\"{name}\"");
            parts(writer, kind, &attribute, &["in", body], depth);
        }
        _ => {
            let kind = writer.choices.pick(&["", "", "", " kind=\"FEEL\"", " kind=\"Java\""]);
            element(writer, "functionDefinition", kind, |writer| {
                for parameter in ["a", "n"].iter().take(writer.choices.below(3)) {
                    let _ = write!(writer.out, "<formalParameter name=\"{parameter}\"/>");
                }
                expression(writer, depth);
            });
        }
    }
}

fn element(
    writer: &mut Writer<'_, '_>,
    name: &str,
    attributes: &str,
    content: impl FnOnce(&mut Writer<'_, '_>),
) {
    let _ = write!(writer.out, "<{name}{attributes}");
    writer.id();
    writer.type_ref();
    writer.push(">");
    content(writer);
    let _ = write!(writer.out, "</{name}>");
}

fn literal(writer: &mut Writer<'_, '_>) {
    let text = feel(writer);
    element(writer, "literalExpression", "", |writer| writer.text(&text));
}

/// The text of an expression, or a call of business knowledge or of a function in a context.
fn feel(writer: &mut Writer<'_, '_>) -> String {
    if writer.choices.is_exhausted() {
        return OUTPUTS[writer.ids as usize % OUTPUTS.len()].to_owned();
    }
    let text = match writer.choices.below(3) {
        0 => writer.choices.pick(&VARIABLES).to_owned(),
        _ => expressions::expression(writer.choices),
    };
    if !writer.choices.once_in(5) {
        return text;
    }
    let name = writer.function();
    match writer.choices.below(6) {
        0 => format!("{name}({text})"),
        1 => format!("{name}({text}, {text})"),
        2 => format!("{name}(a: {text}, n: 1)"),
        3 => format!("[1, 2, 3][{name}(item)]"),
        4 => format!("if n > 0 then {name}(n - 1) else {text}"),
        _ => format!("other.{name}({text})"),
    }
}

fn parts(writer: &mut Writer<'_, '_>, name: &str, attributes: &str, parts: &[&str], depth: u32) {
    element(writer, name, attributes, |writer| {
        for part in parts {
            let _ = write!(writer.out, "<{part}>");
            expression(writer, depth);
            let _ = write!(writer.out, "</{part}>");
        }
    });
}

fn context(writer: &mut Writer<'_, '_>, depth: u32) {
    element(writer, "context", "", |writer| {
        for _ in 0..writer.choices.below(4) {
            let name = writer.choices.pick(&KEYS);
            let _ = write!(writer.out, "<contextEntry><variable name=\"{name}\"");
            writer.type_ref();
            writer.push("/>");
            expression(writer, depth);
            writer.push("</contextEntry>");
        }
        if writer.choices.below(2) == 1 {
            writer.push("<contextEntry>");
            expression(writer, depth);
            writer.push("</contextEntry>");
        }
    });
}

fn invocation(writer: &mut Writer<'_, '_>, depth: u32) {
    let name = writer.function();
    element(writer, "invocation", "", |writer| {
        if writer.choices.once_in(8) {
            expression(writer, depth);
        } else {
            element(writer, "literalExpression", "", |writer| writer.text(name));
        }
        for parameter in ["a", "b", "n"].iter().take(writer.choices.below(4)) {
            let _ = write!(writer.out, "<binding><parameter name=\"{parameter}\"/>");
            expression(writer, depth);
            writer.push("</binding>");
        }
    });
}

fn relation(writer: &mut Writer<'_, '_>, depth: u32) {
    let (columns, rows) = (writer.choices.below(4), writer.choices.below(4));
    element(writer, "relation", "", |writer| {
        for name in KEYS.iter().take(columns) {
            let _ = write!(writer.out, "<column name=\"{name}\"/>");
        }
        for _ in 0..rows {
            writer.push("<row>");
            (0..columns).for_each(|_| expression(writer, depth));
            writer.push("</row>");
        }
    });
}

fn table(writer: &mut Writer<'_, '_>) {
    let policy = writer.choices.pick(&POLICIES);
    let inputs = writer.choices.below(4);
    let outputs = match policy.contains("aggregation") {
        true => 1,
        false => 1 + writer.choices.below(3),
    };
    let rules = writer.choices.below(6);
    element(writer, "decisionTable", policy, |writer| {
        for _ in 0..inputs {
            let simple = writer.choices.pick(&["n", "s", "b", "x", "c2", "l", ""]);
            let text = match simple {
                "" => expressions::expression(writer.choices),
                simple => simple.to_owned(),
            };
            element(writer, "input", "", |writer| {
                element(writer, "inputExpression", "", |writer| writer.text(&text));
                if writer.choices.once_in(8) {
                    let test = writer.choices.pick(&TESTS);
                    writer.push("<inputValues>");
                    writer.text(test);
                    writer.push("</inputValues>");
                }
            });
        }
        for name in KEYS.iter().take(outputs) {
            element(writer, "output", &format!(" name=\"{name}\""), |writer| {
                if policy.contains("OUTPUT") || policy.contains("PRIO") || writer.choices.once_in(8)
                {
                    writer.push("<outputValues><text>1, 2, 3, \"a\", \"b\"</text></outputValues>");
                }
                if writer.choices.once_in(8) {
                    let text = writer.choices.pick(&OUTPUTS);
                    writer.push("<defaultOutputEntry>");
                    writer.text(text);
                    writer.push("</defaultOutputEntry>");
                }
            });
        }
        for _ in 0..rules {
            element(writer, "rule", "", |writer| {
                (0..inputs).for_each(|_| cell(writer, "inputEntry", &TESTS));
                (0..outputs).for_each(|_| cell(writer, "outputEntry", &OUTPUTS));
            });
        }
    });
}

fn cell(writer: &mut Writer<'_, '_>, name: &str, simple: &[&str]) {
    let text = match writer.choices.below(4) {
        3 if name == "inputEntry" => expressions::unary_tests(writer.choices),
        3 => feel(writer),
        _ => writer.choices.pick(simple).to_owned(),
    };
    let _ = write!(writer.out, "<{name}");
    writer.id();
    writer.push(">");
    writer.text(&text);
    let _ = write!(writer.out, "</{name}>");
}
