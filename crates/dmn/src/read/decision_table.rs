//! Decision tables.

use std::sync::Arc;

use skep_feel::{Expression, Value};

use super::reader::{Reader, id_of, normalized, shorten};
use crate::limits::{ENTRIES_MAX, INPUT_NAME_CHARACTERS_MAX, RULES_MAX};
use crate::logic::{Aggregation, Cell, HitPolicy, InputClause, OutputClause, Rule, Table};
use crate::types::TypeRef;
use crate::xml::{Node, child, children_named};

/// Bytes of tests that are decided in about the time of a step.
const TEST_BYTES: u64 = 32;

/// Reads a decision table.
pub(super) fn read(reader: &mut Reader, node: Node<'_>) -> Option<Table> {
    reader.check_children(node, &["input", "output", "rule", "annotation"]);
    let policy = hit_policy(reader, node);
    if !reader.check_entries(node, "output") {
        return None;
    }
    let inputs: Vec<Option<InputClause>> =
        children_named(node, "input").map(|clause| input(reader, clause)).collect();
    let several = children_named(node, "output").nth(1).is_some();
    let mut outputs: Vec<Option<OutputClause>> = Vec::new();
    for clause in children_named(node, "output") {
        let policy = policy.unwrap_or(HitPolicy::Unique);
        outputs.push(output(reader, node, clause, policy, several));
    }
    if outputs.is_empty() {
        reader.refuse(node, "the table has no output; add an `output`");
        return None;
    }
    check_output_names(reader, node);
    let rules = rules(reader, node, inputs.len(), outputs.len());
    let rules = rules?;
    let tests = rules.iter().flat_map(|rule| rule.tests.iter().flatten());
    let bytes: usize = tests.map(|test| test.expression.text().len()).sum();
    let outputs: Box<[OutputClause]> = outputs.into_iter().collect::<Option<_>>()?;
    Some(Table {
        policy: policy?,
        inputs: inputs.into_iter().collect::<Option<_>>()?,
        has_default: outputs.iter().any(|output| output.default.is_some()),
        outputs,
        steps: rules.len() as u64 + bytes as u64 / TEST_BYTES,
        rules,
    })
}

/// The hit policy; an aggregation counts with COLLECT only, as the standard says.
fn hit_policy(reader: &mut Reader, node: Node<'_>) -> Option<HitPolicy> {
    let policy = match node.attribute("hitPolicy").unwrap_or("UNIQUE") {
        "UNIQUE" => HitPolicy::Unique,
        "FIRST" => HitPolicy::First,
        "ANY" => HitPolicy::Any,
        "PRIORITY" => HitPolicy::Priority,
        "RULE ORDER" => HitPolicy::RuleOrder,
        "OUTPUT ORDER" => HitPolicy::OutputOrder,
        "COLLECT" => return aggregation(reader, node).map(HitPolicy::Collect),
        other => {
            let reason = format!(
                "there is no hit policy `{}`; use UNIQUE, FIRST, ANY, PRIORITY, RULE ORDER, OUTPUT ORDER or COLLECT",
                shorten(other)
            );
            reader.refuse(node, reason);
            return None;
        }
    };
    Some(policy)
}

fn aggregation(reader: &mut Reader, node: Node<'_>) -> Option<Option<Aggregation>> {
    let aggregation = match node.attribute("aggregation") {
        None => return Some(None),
        Some("SUM") => Aggregation::Sum,
        Some("COUNT") => Aggregation::Count,
        Some("MIN") => Aggregation::Min,
        Some("MAX") => Aggregation::Max,
        Some(other) => {
            let reason =
                format!("there is no aggregation `{}`; use SUM, COUNT, MIN or MAX", shorten(other));
            reader.refuse(node, reason);
            return None;
        }
    };
    if children_named(node, "output").nth(1).is_some() {
        let reason = "an aggregation needs a table with one output; remove the aggregation or the other outputs";
        reader.refuse(node, reason);
        return None;
    }
    Some(Some(aggregation))
}

fn input(reader: &mut Reader, node: Node<'_>) -> Option<InputClause> {
    reader.check_children(node, &["inputExpression", "inputValues"]);
    let Some(expression) = child(node, "inputExpression") else {
        reader.refuse(node, "the input has no expression; add an `inputExpression`");
        return None;
    };
    let type_ref = reader.type_of(expression, "typeRef");
    let text = reader.text(expression)?;
    let label = node.attribute("label").map(str::trim).filter(|label| !label.is_empty());
    let name = label.map_or_else(|| input_name(&text), Arc::from);
    let allowed = allowed(reader, node, "inputValues");
    if text.is_empty() {
        reader.refuse(expression, "the text of the input expression is empty; write FEEL");
        return None;
    }
    let parsed = reader.expression(expression, "the input expression", &text)?;
    Some(InputClause { id: id_of(node), name, type_ref, expression: parsed, allowed: allowed? })
}

/// The beginning of the text of an input expression, which stands for a label.
fn input_name(text: &str) -> Arc<str> {
    match text.char_indices().nth(INPUT_NAME_CHARACTERS_MAX) {
        Some((at, _)) => text.get(..at).unwrap_or_default().into(),
        None => text.into(),
    }
}

/// The unary tests that the values of a column have to satisfy. Camunda does not look at them.
fn allowed(reader: &mut Reader, node: Node<'_>, name: &'static str) -> Option<Option<Expression>> {
    let values = child(node, name).filter(|_| reader.is_dmn());
    let Some(values) = values else { return Some(None) };
    let text = reader.text(values)?;
    if text.is_empty() {
        return Some(None);
    }
    reader.unary_tests(values, "the allowed values", &text).map(Some)
}

fn output(
    reader: &mut Reader,
    table: Node<'_>,
    node: Node<'_>,
    policy: HitPolicy,
    several: bool,
) -> Option<OutputClause> {
    reader.check_children(node, &["outputValues", "defaultOutputEntry"]);
    let name = node.attribute("name").map_or_else(|| Arc::from(""), normalized);
    if several && name.is_empty() {
        let reason = "a table with several outputs needs a name for each; set the attribute `name`";
        reader.refuse(node, reason);
    }
    let label = node.attribute("label").map(str::trim).filter(|label| !label.is_empty());
    // Of a table with one output, the name and the type may be those of the table.
    let label = label.or(table.attribute("outputLabel").filter(|_| !several && name.is_empty()));
    let type_ref = reader.type_of(node, "typeRef");
    let allowed = allowed(reader, node, "outputValues");
    let priorities = match policy {
        HitPolicy::Priority | HitPolicy::OutputOrder => priorities(reader, node, &type_ref),
        _ => Some(Vec::new()),
    };
    let default = match child(node, "defaultOutputEntry") {
        Some(entry) => match reader.text(entry)?.as_str() {
            // What modelers write for no default.
            "" => None,
            text => Some(reader.expression(entry, "the default output", text)?),
        },
        None => None,
    };
    Some(OutputClause {
        id: id_of(node),
        label: label.map_or_else(|| name.clone(), Arc::from),
        name,
        type_ref,
        allowed: allowed?,
        priorities: priorities?.into(),
        default,
    })
}

/// The values of an output in the order of their priority: as the column lists them, else as its
/// type does.
fn priorities(reader: &mut Reader, node: Node<'_>, type_ref: &TypeRef) -> Option<Vec<Value>> {
    let listed = match child(node, "outputValues") {
        Some(values) => reader.text(values)?,
        None => String::new(),
    };
    let of_type = || reader.types.item(&type_ref.name).and_then(|item| item.allowed.as_ref());
    let text = match listed.is_empty() {
        true => of_type().map_or("", Expression::text).to_owned(),
        false => listed,
    };
    let list = reader.expression(node, "the list of output values", &format!("[{text}]"))?;
    match list.as_literal().and_then(Value::as_list) {
        Some(values) if values.len() <= ENTRIES_MAX => Some(values.iter().collect()),
        Some(_) => {
            let reason = format!("more than {ENTRIES_MAX} output values; shorten the list");
            reader.refuse(node, reason);
            None
        }
        None => {
            let reason =
                "the output values have to be constants, as their order is that of the priorities";
            reader.refuse(node, reason);
            None
        }
    }
}

fn check_output_names(reader: &mut Reader, node: Node<'_>) {
    let mut seen: Vec<&str> = Vec::new();
    for output in children_named(node, "output") {
        let Some(name) = output.attribute("name").filter(|name| !name.is_empty()) else { continue };
        if seen.contains(&name) {
            let reason =
                format!("the table has more than one output `{}`; rename one", shorten(name));
            reader.refuse(output, reason);
        }
        seen.push(name);
    }
}

fn rules(
    reader: &mut Reader,
    node: Node<'_>,
    inputs: usize,
    outputs: usize,
) -> Option<Box<[Rule]>> {
    let count = children_named(node, "rule").count();
    if count > RULES_MAX {
        let reason =
            format!("the table has {count} rules, at most {RULES_MAX} are allowed; split it");
        reader.refuse(node, reason);
        return None;
    }
    let read: Vec<Option<Rule>> = children_named(node, "rule")
        .map(|rule| {
            reader.check_children(rule, &["inputEntry", "outputEntry", "annotationEntry"]);
            let counts = check_count(reader, rule, "inputEntry", "input", inputs)
                & check_count(reader, rule, "outputEntry", "output", outputs);
            let tests = cells(reader, rule, "inputEntry");
            let outputs = cells(reader, rule, "outputEntry");
            counts.then_some(Rule { id: id_of(rule), tests: tests?, outputs: outputs? })
        })
        .collect();
    read.into_iter().collect()
}

fn check_count(
    reader: &mut Reader,
    rule: Node<'_>,
    entry: &'static str,
    clause: &str,
    expected: usize,
) -> bool {
    let count = children_named(rule, entry).count();
    if count != expected {
        let reason = format!(
            "the rule has {count} elements `{entry}`, but the table has {expected} of `{clause}`; add or remove some"
        );
        reader.refuse(rule, reason);
    }
    count == expected
}

/// The entries of a rule: tests of inputs or expressions of outputs.
fn cells(reader: &mut Reader, rule: Node<'_>, entry: &'static str) -> Option<Box<[Option<Cell>]>> {
    let read: Vec<Option<Option<Cell>>> =
        children_named(rule, entry).map(|node| cell(reader, node, entry == "inputEntry")).collect();
    read.into_iter().collect()
}

fn cell(reader: &mut Reader, node: Node<'_>, is_test: bool) -> Option<Option<Cell>> {
    reader.check_children(node, &["text"]);
    let text = reader.text(node)?;
    if is_test && matches!(text.as_str(), "" | "-") {
        return Some(None);
    }
    if text.is_empty() {
        if reader.is_dmn() {
            return Some(None);
        }
        reader.refuse(node, "the text of the output entry is empty; write FEEL, such as `null`");
        return None;
    }
    let expression = match is_test {
        true => reader.unary_tests(node, "the tests of the input", &text)?,
        false => reader.expression(node, "the output entry", &text)?,
    };
    Some(Some(Cell { id: id_of(node), expression }))
}
