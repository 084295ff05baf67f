//! The decisions, inputs, functions and services of a model, with their logic.

use std::sync::Arc;

use super::boxed::{self, EXPRESSIONS};
use super::cycles;
use super::elements::{Elements, Head};
use super::free_names;
use super::function;
use super::reader::{Invocable, Reader, normalized};
use super::requirements::{self, Requirements};
use crate::logic::FunctionLogic;
use crate::model::{
    Binding, Decision, Graph, InputData, Knowledge, Place, Service, Source, Target,
};
use crate::types::TypeRef;
use crate::xml::{Node, ZEEBE, child, children_named};

/// What a decision may contain besides its expression.
const DECISION_CHILDREN: [&str; 12] = [
    "question",
    "allowedAnswers",
    "variable",
    "informationRequirement",
    "knowledgeRequirement",
    "authorityRequirement",
    "supportedObjective",
    "impactedPerformanceIndicator",
    "decisionMaker",
    "decisionOwner",
    "usingProcess",
    "usingTask",
];

/// Reads everything that can be evaluated.
pub(super) fn read<'a>(reader: &mut Reader, elements: &Elements<'a>, root: Node<'a>) -> Graph {
    boxed::declare_entries(reader, root);
    for (index, head) in elements.knowledge.iter().enumerate() {
        let logic = children_named(head.node, "encapsulatedLogic").next();
        let parameters =
            logic.into_iter().flat_map(|logic| children_named(logic, "formalParameter"));
        let parameters =
            parameters.filter_map(|found| found.attribute("name").map(normalized)).collect();
        reader.functions.insert(head.name.clone(), Invocable { index, parameters });
    }
    let inputs = elements.inputs.iter().map(|head| input(reader, head)).collect();
    let required: Vec<Requirements> = elements
        .decisions
        .iter()
        .map(|head| requirements::read(reader, elements, head.node))
        .collect();
    cycles::check(reader, &elements.decisions, &required);
    let mut graph = Graph { inputs, ..Graph::default() };
    for (head, required) in elements.decisions.iter().zip(required) {
        graph.decisions.extend(decision(reader, elements, head, required));
    }
    let required: Vec<Requirements> = elements
        .knowledge
        .iter()
        .map(|head| requirements::read(reader, elements, head.node))
        .collect();
    if !reader.is_dmn() {
        cycles::check(reader, &elements.knowledge, &required);
    }
    for (index, (head, required)) in elements.knowledge.iter().zip(required).enumerate() {
        graph.knowledge.extend(knowledge(reader, elements, index, head, required));
    }
    if !reader.is_dmn() {
        free_names::spread(reader, &elements.knowledge, &mut graph.knowledge);
    }
    for head in &elements.services {
        for name in ["inputData", "inputDecision", "outputDecision"] {
            reader.check_entries(head.node, name);
        }
        graph.services.push(service(reader, elements, head));
    }
    for node in children_named(root, "knowledgeSource") {
        requirements::authority(reader, elements, node);
    }
    graph
}

fn input(reader: &mut Reader, head: &Head<'_>) -> InputData {
    reader.check_children(head.node, &["variable"]);
    let type_ref = variable_type(reader, head.node);
    InputData { id: head.id.clone(), name: head.variable.clone(), type_ref }
}

fn variable_type(reader: &mut Reader, node: Node<'_>) -> TypeRef {
    child(node, "variable").map_or_else(TypeRef::any, |variable| reader.variable_type(variable))
}

fn decision<'a>(
    reader: &mut Reader,
    elements: &Elements<'a>,
    head: &Head<'a>,
    required: Requirements,
) -> Option<Decision> {
    let allowed: Vec<&str> = EXPRESSIONS.into_iter().chain(DECISION_CHILDREN).collect();
    reader.check_children(head.node, &allowed);
    let type_ref = variable_type(reader, head.node);
    let mut bindings = requirements::bindings(reader, elements, &required);
    if !reader.is_dmn() {
        requirements::bind_invoked(reader, head.node, &mut bindings);
    }
    let scope = reader.enter();
    declare(reader, &bindings);
    if !reader.is_dmn()
        && let Some(function) = child(head.node, "functionDefinition")
    {
        let reason = "a decision cannot be a function; use a businessKnowledgeModel";
        reader.refuse(function, reason);
    }
    // By the standard a decision may be undecided yet; then it is null.
    let undecided = reader.is_dmn() && boxed::expressions(head.node).next().is_none();
    let logic = match undecided {
        true => Some(None),
        false => boxed::inner(reader, head.node).map(Some),
    };
    reader.leave(scope);
    Some(Decision {
        id: head.id.clone(),
        name: head.name.clone(),
        version_tag: version_tag(head.node),
        variable: head.variable.clone(),
        type_ref,
        required: required.information.into(),
        bindings: bindings.into(),
        logic: logic?,
    })
}

fn declare(reader: &mut Reader, bindings: &[Binding]) {
    for binding in bindings {
        reader.declare(&binding.name);
        if let Source::Import(members) = &binding.source {
            members.iter().for_each(|member| reader.declare(&member.name));
        }
    }
}

/// The value of the extension `zeebe:versionTag`, or empty.
fn version_tag(node: Node<'_>) -> Arc<str> {
    let extensions = child(node, "extensionElements");
    let tag = extensions.and_then(|extensions| {
        extensions.children().find(|extension| {
            let name = extension.tag_name();
            name.namespace() == Some(ZEEBE) && name.name() == "versionTag"
        })
    });
    tag.and_then(|tag| tag.attribute("value")).unwrap_or_default().into()
}

fn knowledge<'a>(
    reader: &mut Reader,
    elements: &Elements<'a>,
    index: usize,
    head: &Head<'a>,
    required: Requirements,
) -> Option<Knowledge> {
    let allowed = ["variable", "encapsulatedLogic", "knowledgeRequirement", "authorityRequirement"];
    reader.check_children(head.node, &allowed);
    let mut bindings = requirements::bindings(reader, elements, &required);
    // By the standard a function may call itself.
    let own = Target::Knowledge(Place::own(index));
    if reader.is_dmn() && !bindings.iter().any(|binding| binding.name == head.variable) {
        bindings.push(Binding { name: head.variable.clone(), source: Source::Element(own) });
    }
    let type_ref = variable_type(reader, head.node);
    let scope = reader.enter();
    declare(reader, &bindings);
    let logic = match child(head.node, "encapsulatedLogic") {
        Some(logic) => function::definition(reader, logic),
        // It is not decided yet how it works; a call of it is null.
        None => Some(FunctionLogic::missing()),
    };
    reader.leave(scope);
    let logic = logic?;
    Some(Knowledge {
        id: head.id.clone(),
        name: head.name.clone(),
        variable: head.variable.clone(),
        type_ref: reader.output_of(&type_ref),
        parameters: logic.parameters.clone(),
        free: logic.free.clone(),
        logic,
        bindings: bindings.into(),
    })
}

fn service<'a>(reader: &mut Reader, elements: &Elements<'a>, head: &Head<'a>) -> Service {
    let allowed =
        ["variable", "outputDecision", "encapsulatedDecision", "inputDecision", "inputData"];
    reader.check_children(head.node, &allowed);
    let mut list = |name: &'static str, wanted: &str| {
        let mut targets = Vec::new();
        for node in children_named(head.node, name) {
            match elements.resolve(reader, node, wanted) {
                Some(target @ Target::Input(_)) if name == "inputData" => targets.push(target),
                Some(target @ Target::Decision(_)) if name != "inputData" => targets.push(target),
                Some(_) => {
                    let reason =
                        format!("the element that it points at is not {wanted}; correct the href");
                    reader.refuse(node, reason);
                }
                None => {}
            }
        }
        targets
    };
    let mut inputs = list("inputData", "an input data");
    inputs.extend(list("inputDecision", "a decision"));
    list("encapsulatedDecision", "a decision");
    let outputs = list("outputDecision", "a decision");
    if outputs.is_empty() {
        reader.refuse(head.node, "the decision service has no `outputDecision`; add one");
    }
    let type_ref = variable_type(reader, head.node);
    let parameters = inputs.iter().filter_map(|target| name_of(elements, *target)).collect();
    let output_names = outputs.iter().filter_map(|target| name_of(elements, *target)).collect();
    Service {
        id: head.id.clone(),
        name: head.name.clone(),
        variable: head.variable.clone(),
        type_ref: reader.output_of(&type_ref),
        parameters,
        inputs: inputs.into(),
        outputs: outputs.into(),
        output_names,
    }
}

/// The name of the variable of an element, of this file or imported.
fn name_of(elements: &Elements<'_>, target: Target) -> Option<Arc<str>> {
    if let Some(import) = target.place().import {
        let (_, model) = elements.imports.get(import as usize)?;
        return model.variable_of(target);
    }
    requirements::head_of(elements, target).map(|head| head.variable.clone())
}
