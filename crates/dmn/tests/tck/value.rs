//! The values of the cases: XML to FEEL.

use std::sync::Arc;

use skep_feel::{Context, Value};

pub type Node<'a> = roxmltree::Node<'a, 'a>;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The value in an `inputNode`, `expected`, `item` or `component`.
pub fn of(node: Node<'_>) -> Value {
    if is_nil(node) {
        return Value::Null;
    }
    let parts = || node.children().filter(|child| child.is_element());
    let components: Vec<(Arc<str>, Value)> = parts()
        .filter(|child| child.tag_name().name() == "component")
        .map(|child| (child.attribute("name").unwrap_or("").into(), of(child)))
        .collect();
    if !components.is_empty() {
        return Value::Context(Context::from(components));
    }
    if let Some(list) = parts().find(|child| child.tag_name().name() == "list") {
        if is_nil(list) {
            return Value::Null;
        }
        let items = list.children().filter(|child| child.tag_name().name() == "item");
        return items.map(of).collect::<Vec<Value>>().into();
    }
    parts().find(|child| child.tag_name().name() == "value").map_or(Value::Null, simple)
}

fn is_nil(node: Node<'_>) -> bool {
    matches!(node.attribute((INSTANCE, "nil")), Some("true" | "1"))
}

fn simple(node: Node<'_>) -> Value {
    if is_nil(node) {
        return Value::Null;
    }
    let text = node.text().unwrap_or("");
    let Some(kind) = node.attribute((INSTANCE, "type")) else { return untyped(text) };
    let trimmed = text.trim();
    match kind.rsplit(':').next().unwrap_or(kind) {
        "decimal" | "double" | "integer" | "int" | "float" | "long" => super::feel(trimmed),
        "boolean" => Value::Boolean(matches!(trimmed, "true" | "1")),
        "date" => super::feel(&format!("date({trimmed:?})")),
        "time" => super::feel(&format!("time({trimmed:?})")),
        "dateTime" => super::feel(&format!("date and time({trimmed:?})")),
        "duration" | "dayTimeDuration" | "yearMonthDuration" => {
            super::feel(&format!("duration({trimmed:?})"))
        }
        _ => Value::from(text),
    }
}

/// A value of which the case does not tell the type: what it looks like.
fn untyped(text: &str) -> Value {
    let trimmed = text.trim();
    match trimmed {
        "" => return Value::Null,
        "true" => return Value::Boolean(true),
        "false" => return Value::Boolean(false),
        _ => {}
    }
    if let Ok(number) = trimmed.parse() {
        return Value::Number(number);
    }
    let is_date_time = trimmed.len() >= 19 && trimmed.as_bytes().get(10) == Some(&b'T');
    match is_date_time {
        true => super::feel(&format!("date and time({trimmed:?})")),
        false => Value::from(text),
    }
}
