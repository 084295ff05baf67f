//! From the XML tree to processes. Everything wrong is collected, so that one deployment attempt
//! shows all of it.

mod attributes;
mod draft;
mod elements;
mod events;
mod extensions;
mod globals;
mod mappings;
mod references;
mod report;
mod rules;
mod scope;
mod tag;
mod tasks;
mod value;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::limits::ID_CHARACTERS_MAX;
use crate::model::{Element, ElementKind, Process, Scope, SequenceFlow};
use crate::violation::Violations;
use crate::xml::{self, BPMN, Node, bpmn_children, construct_of, is_bpmn};

use draft::ProcessDraft;
use globals::Globals;
use report::Report;
use tag::Tag;
pub(crate) use value::shorten;

/// Reads a whole file.
pub(crate) fn read(text: &str) -> Result<Vec<Process>, Violations> {
    let document = xml::read(text)?;
    let mut report = Report::new(text);
    let definitions = document.root_element();
    if !is_bpmn(definitions, "definitions") {
        let found = construct_of(definitions);
        let reason = format!(
            "this is not a BPMN 2.0 file: its root is `{}`, not `definitions` of the namespace {BPMN}",
            shorten(&found)
        );
        return Err(Violations::of_file(0, reason));
    }
    check_ids(&mut report, definitions);
    let globals = Globals::read(&mut report, definitions);
    let executable = bpmn_children(definitions)
        .filter(|child| is_bpmn(*child, "process") && scope::is_true(*child, "isExecutable"));
    let mut drafts = Vec::new();
    for process in executable {
        let mut draft = scope::read(&mut report, process);
        elements::read(&mut report, &globals, &mut draft);
        rules::check(&mut report, &globals, &mut draft);
        let warnings = report.take_warnings();
        drafts.push((draft, warnings));
    }
    if drafts.is_empty() {
        let reason =
            "the file has no executable process; set isExecutable=\"true\" on a bpmn:process";
        report.refuse(definitions, reason);
    }
    // A draft that cannot be finished has its reason in the report; keep the nodes until then.
    let mut processes = Vec::new();
    for (draft, warnings) in drafts {
        let node = draft.elements.first().map(|root| root.node);
        match finish(draft, warnings) {
            Some(process) => processes.push(process),
            None => {
                if report.violations_count() == 0 {
                    let reason = "the process cannot be read; please report this file as a bug";
                    report.refuse(node.unwrap_or(definitions), reason);
                }
            }
        }
    }
    report.finish()?;
    Ok(processes)
}

/// Ids of BPMN elements are there, unique in the file, and short enough to be keys.
fn check_ids(report: &mut Report, definitions: Node<'_>) {
    let mut seen = BTreeSet::new();
    let nodes = definitions.descendants().filter(|node| node.tag_name().namespace() == Some(BPMN));
    for node in nodes {
        let Some(id) = node.attribute("id") else { continue };
        if id.trim().is_empty() {
            report.refuse(node, "the id is empty; set a unique id");
        } else if id.chars().count() > ID_CHARACTERS_MAX {
            let reason = format!(
                "the id `{}` is longer than {ID_CHARACTERS_MAX} characters; shorten it",
                shorten(id)
            );
            report.refuse(node, reason);
        }
        if !seen.insert(id) {
            let reason = format!("the id `{}` is used more than once in this file", shorten(id));
            report.refuse(node, reason);
        }
    }
}

/// Turns a draft without violations into a process; nothing if something is missing.
fn finish(draft: ProcessDraft<'_>, warnings: Vec<String>) -> Option<Process> {
    let mut elements = Vec::with_capacity(draft.elements.len());
    for element in draft.elements {
        let id: Arc<str> = Arc::from(element.id);
        let name = element.node.attribute("name").filter(|name| !name.is_empty());
        elements.push(Element {
            name: name.map_or_else(|| Arc::clone(&id), Arc::from),
            id,
            kind: element.kind?,
            scope: element.scope,
            incoming: element.incoming,
            outgoing: element.outgoing,
            inputs: element.inputs,
            outputs: element.outputs,
            boundary_events: element.boundary_events,
            children: element.children,
        });
    }
    let mut flows = Vec::with_capacity(draft.flows.len());
    for flow in draft.flows {
        flows.push(SequenceFlow {
            id: Arc::from(flow.id),
            source: flow.source?,
            target: flow.target?,
            condition: flow.condition,
        });
    }
    let ids = elements.iter().enumerate();
    let elements_by_id = ids
        .map(|(position, element)| {
            (Arc::clone(&element.id), crate::model::ElementIndex(draft::count(position)))
        })
        .collect();
    let root = elements.first()?;
    Some(Process {
        id: Arc::clone(&root.id),
        name: Arc::clone(&root.name),
        version_tag: draft.version_tag.unwrap_or_default(),
        elements,
        flows,
        elements_by_id,
        warnings,
    })
}

/// The start events of a scope, from the kinds that were read.
fn scope_of(draft: &ProcessDraft<'_>, children: &[crate::model::ElementIndex]) -> Scope {
    let mut scope = Scope::default();
    for (index, child) in draft.select(children).filter(|(_, child)| child.tag == Tag::StartEvent) {
        match &child.kind {
            Some(ElementKind::StartEvent(crate::model::CatchEvent::None)) => {
                scope.none_start.get_or_insert(index);
            }
            Some(_) => scope.event_starts.push(index),
            None => {}
        }
    }
    scope
}
