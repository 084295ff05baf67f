//! Function definitions, boxed and of business knowledge models.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::boxed::{self, EXPRESSIONS};
use super::reader::{Reader, normalized};
use crate::logic::FunctionLogic;
use crate::types::TypeRef;
use crate::xml::{Node, children_named};

/// Reads a function definition.
pub(super) fn definition(reader: &mut Reader, node: Node<'_>) -> Option<FunctionLogic> {
    let allowed: Vec<&str> = EXPRESSIONS.iter().copied().chain(["formalParameter"]).collect();
    reader.check_children(node, &allowed);
    if !reader.check_entries(node, "formalParameter") {
        return None;
    }
    let scope = reader.enter();
    let (parameters, complete) = parameters(reader, node);
    let body = match node.attribute("kind").unwrap_or("FEEL") {
        "FEEL" => boxed::inner(reader, node).map(Some),
        kind @ ("Java" | "PMML") => external(reader, node, kind),
        kind => {
            let reason = format!("there is no kind of function `{kind}`; write FEEL");
            reader.refuse(node, reason);
            None
        }
    };
    reader.leave(scope);
    let body = body?;
    let mut free = BTreeSet::new();
    if let Some(body) = &body {
        body.collect_variables(&mut free);
    }
    let (parameters, parameter_types): (Vec<Arc<str>>, Vec<TypeRef>) =
        parameters.into_iter().unzip();
    let free: Vec<Arc<str>> = free.into_iter().filter(|name| !parameters.contains(name)).collect();
    complete.then(|| FunctionLogic {
        parameters: parameters.into(),
        parameter_types: parameter_types.into(),
        body,
        free: free.into(),
    })
}

/// The parameters with their types, and whether all of them could be read.
fn parameters(reader: &mut Reader, node: Node<'_>) -> (Vec<(Arc<str>, TypeRef)>, bool) {
    let (mut parameters, mut complete) = (Vec::new(), true);
    for parameter in children_named(node, "formalParameter") {
        let type_ref = reader.variable_type(parameter);
        let Some(name) = reader.required(parameter, "name").map(normalized) else {
            complete = false;
            continue;
        };
        if parameters.iter().any(|(existing, _)| *existing == name) {
            let reason = format!("the parameter `{name}` is declared more than once; rename one");
            reader.refuse(parameter, reason);
            complete = false;
        }
        reader.declare(&name);
        parameters.push((name, type_ref));
    }
    (parameters, complete)
}

/// A function of another language: null by the standard where it cannot be called.
fn external<T>(reader: &mut Reader, node: Node<'_>, kind: &str) -> Option<Option<T>> {
    if reader.is_dmn() {
        return Some(None);
    }
    let reason = format!("functions of the kind {kind} cannot be called here; write FEEL");
    reader.refuse(node, reason);
    None
}
