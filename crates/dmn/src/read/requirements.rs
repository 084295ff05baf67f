//! What decisions and functions require, and under which names they see it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::boxed;
use super::elements::{Elements, Head};
use super::reader::Reader;
use crate::limits::ENTRIES_MAX;
use crate::model::{Binding, Place, Source, Target};
use crate::xml::{Node, child, children, children_named, tag};

/// The requirements of one element.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    /// Whether they are those of a decision.
    pub(super) is_of_decision: bool,
    /// Decisions and inputs, in the order of the file.
    pub(super) information: Vec<Target>,
    /// Business knowledge models and decision services, in the order of the file.
    pub(super) knowledge: Vec<Target>,
}

/// Reads the requirements of a decision or a business knowledge model.
pub(super) fn read<'a>(
    reader: &mut Reader,
    elements: &Elements<'a>,
    node: Node<'a>,
) -> Requirements {
    let mut requirements =
        Requirements { is_of_decision: tag(node) == "decision", ..Requirements::default() };
    let kinds = ["informationRequirement", "knowledgeRequirement"];
    if !kinds.map(|kind| reader.check_entries(node, kind)).iter().all(|few| *few) {
        return requirements;
    }
    for requirement in children_named(node, "informationRequirement") {
        let (decisions, inputs) = ("requiredDecision", "requiredInput");
        reader.check_children(requirement, &[decisions, inputs]);
        let required = child(requirement, decisions).or(child(requirement, inputs));
        let Some(required) = required else {
            let reason =
                "the requirement names nothing; add a `requiredDecision` or `requiredInput`";
            reader.refuse(requirement, reason);
            continue;
        };
        let wanted = if tag(required) == decisions { "a decision" } else { "an input data" };
        let target = elements.resolve(reader, required, wanted);
        let fits = matches!(
            (tag(required), target),
            ("requiredDecision", Some(Target::Decision(_)))
                | ("requiredInput", Some(Target::Input(_)))
        );
        match target {
            Some(target) if fits => push(&mut requirements.information, target),
            Some(_) => {
                let reason =
                    format!("the element that it points at is not {wanted}; correct the href");
                reader.refuse(required, reason);
            }
            None => {}
        }
    }
    for requirement in children_named(node, "knowledgeRequirement") {
        reader.check_children(requirement, &["requiredKnowledge"]);
        let Some(required) = child(requirement, "requiredKnowledge") else {
            reader.refuse(requirement, "the requirement names nothing; add a `requiredKnowledge`");
            continue;
        };
        let wanted = "a business knowledge model or decision service";
        match elements.resolve(reader, required, wanted) {
            Some(target @ (Target::Knowledge(_) | Target::Service(_))) => {
                push(&mut requirements.knowledge, target);
            }
            Some(_) => {
                let reason =
                    format!("the element that it points at is not {wanted}; correct the href");
                reader.refuse(required, reason);
            }
            None => {}
        }
    }
    authority(reader, elements, node);
    requirements
}

/// Authority only documents, but may not point nowhere.
pub(super) fn authority<'a>(reader: &mut Reader, elements: &Elements<'a>, node: Node<'a>) {
    for requirement in children_named(node, "authorityRequirement") {
        for required in children(requirement).filter(|child| child.has_attribute("href")) {
            let href = required.attribute("href").unwrap_or_default();
            if !elements.is_documentation(href) {
                elements.resolve(reader, required, "a knowledge source, decision or input data");
            }
        }
    }
}

fn push(list: &mut Vec<Target>, target: Target) {
    if !list.contains(&target) {
        list.push(target);
    }
}

/// The names under which an element sees what it requires: those of the variables.
pub(super) fn bindings(
    reader: &Reader,
    elements: &Elements<'_>,
    requirements: &Requirements,
) -> Vec<Binding> {
    let mut bindings = Vec::new();
    let all = requirements.information.iter().chain(&requirements.knowledge);
    for target in all {
        // Camunda's dialect sees all variables, whatever inputs are declared.
        if !reader.is_dmn() && matches!(target, Target::Input(_)) {
            continue;
        }
        add(reader, elements, &mut bindings, *target);
    }
    bindings
}

/// Binds the functions that the element invokes without a requirement, as Camunda finds them too.
pub(super) fn bind_invoked(reader: &mut Reader, node: Node<'_>, bindings: &mut Vec<Binding>) {
    let mut seen: BTreeSet<Arc<str>> =
        bindings.iter().map(|binding| binding.name.clone()).collect();
    for invocation in node.descendants().filter(|inner| tag(*inner) == "invocation") {
        let Some(name) = boxed::invoked(invocation) else { continue };
        let Some(invocable) = reader.functions.get(&name) else { continue };
        if seen.insert(name.clone()) {
            let source = Source::Element(Target::Knowledge(Place::own(invocable.index)));
            bindings.push(Binding { name, source });
        }
    }
    if bindings.len() > ENTRIES_MAX {
        let reason = format!("it requires and invokes more than {ENTRIES_MAX} elements; split it");
        reader.refuse(node, reason);
    }
}

fn add(reader: &Reader, elements: &Elements<'_>, bindings: &mut Vec<Binding>, target: Target) {
    if let Some(import) = target.place().import {
        let Some((alias, model)) = elements.imports.get(import as usize) else { return };
        let Some(name) = model.variable_of(target) else { return };
        let inner = Binding { name, source: Source::Element(target) };
        if alias.is_empty() {
            bindings.push(inner);
            return;
        }
        let existing = bindings.iter_mut().find(|binding| binding.name == *alias);
        match existing.map(|binding| &mut binding.source) {
            Some(Source::Import(members)) => members.push(inner),
            _ => {
                let source = Source::Import(vec![inner]);
                bindings.push(Binding { name: alias.clone(), source });
            }
        }
        return;
    }
    let Some(head) = head_of(elements, target) else { return };
    let mut names: Vec<&Arc<str>> = vec![&head.variable];
    // Camunda calls a function by the name of its element.
    if !reader.is_dmn() && matches!(target, Target::Knowledge(_) | Target::Service(_)) {
        names.push(&head.name);
    }
    for name in names {
        if !bindings.iter().any(|binding| binding.name == *name) {
            bindings.push(Binding { name: name.clone(), source: Source::Element(target) });
        }
    }
}

/// The element of this file that the target is.
pub(super) fn head_of<'e, 'a>(elements: &'e Elements<'a>, target: Target) -> Option<&'e Head<'a>> {
    let list = match target {
        Target::Decision(_) => &elements.decisions,
        Target::Input(_) => &elements.inputs,
        Target::Knowledge(_) => &elements.knowledge,
        Target::Service(_) => &elements.services,
    };
    let place = target.place();
    list.get(place.index as usize).filter(|_| place.import.is_none())
}
