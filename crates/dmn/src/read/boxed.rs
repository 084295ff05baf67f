//! Boxed expressions, except tables and functions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::reader::{Invocable, Reader, id_of, normalized, shorten};
use crate::logic::{Boxed, Entries, Entry, Invocation, Iteration, Logic, Relation};
use crate::types::TypeRef;
use crate::xml::{self, Node, child, children, children_named, tag};

/// The names of the elements that are expressions.
pub(super) const EXPRESSIONS: [&str; 12] = [
    "literalExpression",
    "decisionTable",
    "context",
    "relation",
    "list",
    "functionDefinition",
    "invocation",
    "conditional",
    "filter",
    "for",
    "some",
    "every",
];

/// The children of the node that are expressions.
pub(super) fn expressions<'a>(node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    children(node).filter(|child| EXPRESSIONS.contains(&tag(*child)))
}

/// The one expression in the node; refuses the node if there is none or more than one.
pub(super) fn only<'a>(reader: &mut Reader, node: Node<'a>) -> Option<Node<'a>> {
    let mut found = expressions(node);
    let first = found.next();
    if found.next().is_some() {
        reader.refuse(node, "there is more than one expression; keep one");
    }
    if first.is_none() {
        reader.refuse(node, "there is no expression; add one, such as a literalExpression");
    }
    first
}

/// The one expression in the node, read.
pub(super) fn inner(reader: &mut Reader, node: Node<'_>) -> Option<Boxed> {
    let expression = only(reader, node)?;
    read(reader, expression)
}

/// Reads an expression.
pub(super) fn read(reader: &mut Reader, node: Node<'_>) -> Option<Boxed> {
    let type_ref = reader.type_of(node, "typeRef");
    let logic = match tag(node) {
        "literalExpression" => return literal(reader, node, type_ref),
        "decisionTable" => Logic::Table(Box::new(super::decision_table::read(reader, node)?)),
        "context" => Logic::Context(Box::new(context(reader, node)?)),
        "relation" => Logic::Relation(Box::new(relation(reader, node)?)),
        "list" => Logic::List(list(reader, node)?),
        "functionDefinition" => {
            Logic::Function(Arc::new(super::function::definition(reader, node)?))
        }
        "invocation" => Logic::Invocation(Box::new(invocation(reader, node)?)),
        "conditional" => Logic::Conditional(conditional(reader, node)?),
        "filter" => Logic::Filter(filter(reader, node)?),
        "for" => Logic::For(Box::new(iteration(reader, node, "return")?)),
        "some" => Logic::Some(Box::new(iteration(reader, node, "satisfies")?)),
        _ => Logic::Every(Box::new(iteration(reader, node, "satisfies")?)),
    };
    Some(Boxed { id: id_of(node), type_ref, logic })
}

fn literal(reader: &mut Reader, node: Node<'_>, type_ref: TypeRef) -> Option<Boxed> {
    reader.check_children(node, &["text", "importedValues"]);
    if let Some(imported) = child(node, "importedValues") {
        reader
            .refuse(imported, "imported values are not supported; write them as FEEL into `text`");
        return None;
    }
    // By the standard the text is optional: it is not decided yet.
    if reader.is_dmn() && child(node, "text").is_none_or(|text| xml::text_of(text).is_empty()) {
        reader.check_language(node);
        return null(reader, node);
    }
    let text = reader.text(node)?;
    if text.is_empty() {
        reader.refuse(node, "the text of the expression is empty; write FEEL, such as `null`");
        return None;
    }
    let expression = reader.expression(node, "the expression", &text)?;
    Some(Boxed { id: id_of(node), type_ref, logic: Logic::Literal(expression) })
}

fn context(reader: &mut Reader, node: Node<'_>) -> Option<Entries> {
    reader.check_children(node, &["contextEntry"]);
    if !reader.check_entries(node, "contextEntry") {
        return None;
    }
    let scope = reader.enter();
    let mut named = Vec::new();
    let (mut result, mut complete) = (None, true);
    let entries: Vec<Node<'_>> = children_named(node, "contextEntry").collect();
    for (position, entry) in entries.iter().enumerate() {
        let allowed: Vec<&str> = EXPRESSIONS.iter().copied().chain(["variable"]).collect();
        reader.check_children(*entry, &allowed);
        let variable = child(*entry, "variable");
        // Its own value may read the name only if it is a function, which may call itself.
        let value = match variable {
            Some(variable) => {
                let Some(name) = reader.required(variable, "name") else {
                    complete = false;
                    continue;
                };
                let name = normalized(name);
                reader.declare(&name);
                let type_ref = reader.type_of(variable, "typeRef");
                inner(reader, *entry).map(|value| named.push(Entry { name, type_ref, value }))
            }
            None if position + 1 < entries.len() => {
                let reason =
                    "only the last entry may have no variable; add a `variable` with a name";
                reader.refuse(*entry, reason);
                None
            }
            None => inner(reader, *entry).map(|value| result = Some(value)),
        };
        complete &= value.is_some();
    }
    reader.leave(scope);
    complete.then(|| Entries { named: named.into(), result })
}

fn relation(reader: &mut Reader, node: Node<'_>) -> Option<Relation> {
    reader.check_children(node, &["column", "row"]);
    if !reader.check_entries(node, "column") {
        return None;
    }
    let mut columns = Vec::new();
    for column in children_named(node, "column") {
        let name = reader.required(column, "name")?;
        columns.push((normalized(name), reader.type_of(column, "typeRef")));
    }
    let (mut rows, mut complete) = (Vec::new(), true);
    for row in children_named(node, "row") {
        reader.check_children(row, &EXPRESSIONS);
        let count = expressions(row).count();
        if count != columns.len() {
            let expected = columns.len();
            let reason =
                format!("the row has {count} cells, but the relation has {expected} columns");
            reader.refuse(row, reason);
            complete = false;
        }
        match all(reader, row) {
            Some(cells) => rows.push(cells),
            None => complete = false,
        }
    }
    complete.then(|| Relation { columns: columns.into(), rows: rows.into() })
}

fn list(reader: &mut Reader, node: Node<'_>) -> Option<Box<[Boxed]>> {
    reader.check_children(node, &EXPRESSIONS);
    all(reader, node)
}

/// Every expression in the node; none if one of them is broken, after all of them were looked at.
fn all(reader: &mut Reader, node: Node<'_>) -> Option<Box<[Boxed]>> {
    let read: Vec<Option<Boxed>> = expressions(node).map(|child| read(reader, child)).collect();
    read.into_iter().collect()
}

fn invocation(reader: &mut Reader, node: Node<'_>) -> Option<Invocation> {
    let allowed: Vec<&str> = EXPRESSIONS.iter().copied().chain(["binding"]).collect();
    reader.check_children(node, &allowed);
    let function = inner(reader, node);
    if !reader.check_entries(node, "binding") {
        return None;
    }
    if !reader.is_dmn() {
        check_invocation(reader, node);
    }
    let (mut bindings, mut complete) = (Vec::new(), true);
    for binding in children_named(node, "binding") {
        let allowed: Vec<&str> = EXPRESSIONS.iter().copied().chain(["parameter"]).collect();
        reader.check_children(binding, &allowed);
        let Some(parameter) = child(binding, "parameter") else {
            reader.refuse(binding, "the binding has no parameter; add a `parameter` with a name");
            complete = false;
            continue;
        };
        let name = reader.required(parameter, "name").map(normalized);
        // A binding without an expression leaves the parameter null.
        let value = match expressions(binding).next() {
            Some(_) => inner(reader, binding),
            None => null(reader, binding),
        };
        match (name, value) {
            (Some(name), Some(value)) => {
                if bindings.iter().any(|(existing, _)| *existing == name) {
                    let reason =
                        format!("the parameter `{name}` is bound more than once; keep one");
                    reader.refuse(parameter, reason);
                }
                bindings.push((name, value));
            }
            _ => complete = false,
        }
    }
    let function = function?;
    complete.then(|| Invocation { function, bindings: bindings.into() })
}

/// Camunda invokes business knowledge models of the file by their names, and nothing else.
fn check_invocation(reader: &mut Reader, node: Node<'_>) {
    let Some(name) = invoked(node) else { return };
    let Some(Invocable { parameters, .. }) = reader.functions.get(&name).cloned() else {
        let reason = format!(
            "there is no businessKnowledgeModel `{}` to invoke; correct the name",
            shorten(&name)
        );
        reader.refuse(node, reason);
        return;
    };
    for parameter in children_named(node, "binding").filter_map(|found| child(found, "parameter")) {
        let Some(bound) = parameter.attribute("name").map(normalized) else { continue };
        if !parameters.contains(&bound) {
            let reason = format!(
                "the business knowledge model `{}` has no parameter `{}`; its parameters are `{}`",
                shorten(&name),
                shorten(&bound),
                parameters.join("`, `")
            );
            reader.refuse(parameter, reason);
        }
    }
}

/// The text of the literal expression that an invocation invokes, which is a name in general.
pub(super) fn invoked(node: Node<'_>) -> Option<Arc<str>> {
    let text = text_child(child(node, "literalExpression")?, "text")?;
    Some(normalized(text.trim().trim_matches('`')))
}

fn null(reader: &mut Reader, node: Node<'_>) -> Option<Boxed> {
    let expression = reader.expression(node, "the expression", "null")?;
    Some(Boxed { id: id_of(node), type_ref: TypeRef::any(), logic: Logic::Literal(expression) })
}

/// The expression in the child of this name, which has to be there.
fn part(reader: &mut Reader, node: Node<'_>, name: &'static str) -> Option<Boxed> {
    match child(node, name) {
        Some(part) => {
            reader.check_children(part, &EXPRESSIONS);
            let type_ref = reader.type_of(part, "typeRef");
            let mut boxed = inner(reader, part)?;
            if !type_ref.is_any() {
                boxed.type_ref = type_ref;
            }
            Some(boxed)
        }
        None => {
            reader.refuse(node, format!("`{name}` is missing; add it with an expression"));
            None
        }
    }
}

fn conditional(reader: &mut Reader, node: Node<'_>) -> Option<Box<[Boxed; 3]>> {
    reader.check_children(node, &["if", "then", "else"]);
    let parts = ["if", "then", "else"].map(|name| part(reader, node, name));
    let [Some(condition), Some(then), Some(otherwise)] = parts else { return None };
    Some(Box::new([condition, then, otherwise]))
}

fn filter(reader: &mut Reader, node: Node<'_>) -> Option<Box<[Boxed; 2]>> {
    reader.check_children(node, &["in", "match"]);
    let domain = part(reader, node, "in");
    let saved = reader.names.clone();
    reader.names.take_keys_as_names();
    let condition = part(reader, node, "match");
    reader.names = saved;
    Some(Box::new([domain?, condition?]))
}

fn iteration(reader: &mut Reader, node: Node<'_>, body: &'static str) -> Option<Iteration> {
    reader.check_children(node, &["in", body]);
    let variable = reader.required(node, "iteratorVariable").map(normalized);
    let domain = part(reader, node, "in");
    let scope = reader.enter();
    if let Some(variable) = &variable {
        reader.declare(variable);
    }
    let body = part(reader, node, body);
    reader.leave(scope);
    let (domain, body) = (domain?, body?);
    let mut read = BTreeSet::new();
    body.collect_variables(&mut read);
    Some(Iteration { variable: variable?, domain, body, reads_partial: read.contains("partial") })
}

/// Declares the names of entries anywhere in the node, by which paths into its value go.
pub(super) fn declare_entries(reader: &mut Reader, node: Node<'_>) {
    for inner in node.descendants() {
        let name = match tag(inner) {
            "contextEntry" => child(inner, "variable").and_then(|found| found.attribute("name")),
            "column" | "itemComponent" => inner.attribute("name"),
            "output" => inner.attribute("name"),
            _ => None,
        };
        if let Some(name) = name {
            reader.declare_key(&normalized(name));
        }
    }
}

/// The text of a child that holds one, such as `typeRef` of an item definition.
pub(super) fn text_child(node: Node<'_>, name: &'static str) -> Option<String> {
    child(node, name).map(xml::text_of).filter(|text| !text.is_empty())
}
