//! Walks processes and sub-processes: finds the elements and sequence flows and connects them.

use std::collections::BTreeMap;

use crate::model::{ElementIndex, FlowIndex};
use crate::read::draft::{ElementDraft, FlowDraft, ProcessDraft, count};
use crate::read::extensions::{Extensions, Host};
use crate::read::report::Report;
use crate::read::tag::{ScopeChild, Tag, refused_child, scope_child, unsupported_flow_node};
use crate::read::value::{expression, shorten};
use crate::xml::{Node, bpmn_children, construct_of, is_bpmn, text_of};

/// Finds everything in a process and connects it.
pub(crate) fn read<'a>(report: &mut Report, process: Node<'a>) -> ProcessDraft<'a> {
    let root = ElementDraft::new(process, Tag::Process, None);
    let mut draft = ProcessDraft {
        elements: Vec::new(),
        flows: Vec::new(),
        elements_by_id: std::iter::once((root.id, ElementIndex::PROCESS)).collect(),
        flows_by_id: BTreeMap::new(),
        version_tag: None,
    };
    draft.elements.push(root);
    walk(report, &mut draft, ElementIndex::PROCESS, process);
    connect(report, &mut draft);
    draft
}

/// Adds the children of a scope. Recurses into sub-processes; [`crate::xml::read`] has checked the
/// depth.
fn walk<'a>(
    report: &mut Report,
    draft: &mut ProcessDraft<'a>,
    scope: ElementIndex,
    node: Node<'a>,
) {
    for child in bpmn_children(node) {
        let name = child.tag_name().name();
        match scope_child(name) {
            ScopeChild::FlowNode(tag) => add_element(report, draft, scope, child, tag),
            ScopeChild::SequenceFlow => add_flow(draft, scope, child),
            ScopeChild::Ignored => {}
            ScopeChild::Refused(reason) => report.refuse(child, reason),
        }
    }
}

fn add_element<'a>(
    report: &mut Report,
    draft: &mut ProcessDraft<'a>,
    scope: ElementIndex,
    node: Node<'a>,
    tag: Tag,
) {
    let refused = unsupported_flow_node(node.tag_name().name()).or_else(|| {
        (tag == Tag::SubProcess && is_true(node, "triggeredByEvent"))
            .then_some("event sub-processes are not supported yet; use boundary events")
    });
    let tag = if refused.is_some() { Tag::Unsupported } else { tag };
    let index = ElementIndex(count(draft.elements.len()));
    let element = ElementDraft::new(node, tag, Some(scope));
    if !element.id.is_empty() {
        draft.elements_by_id.entry(element.id).or_insert(index);
    }
    draft.elements.push(element);
    if let Some(parent) = draft.element_mut(scope) {
        parent.children.push(index);
    }
    if let Some(reason) = refused {
        report.refuse(node, reason);
        return;
    }
    check_common(report, node, tag);
    if tag == Tag::SubProcess {
        walk(report, draft, index, node);
    }
}

fn add_flow<'a>(draft: &mut ProcessDraft<'a>, scope: ElementIndex, node: Node<'a>) {
    let id = node.attribute("id").unwrap_or_default();
    let index = FlowIndex(count(draft.flows.len()));
    if !id.is_empty() {
        draft.flows_by_id.entry(id).or_insert(index);
    }
    draft.flows.push(FlowDraft {
        node,
        id,
        scope,
        source: None,
        target: None,
        condition: None,
        has_condition: false,
    });
}

/// What is refused on every flow node.
fn check_common(report: &mut Report, node: Node<'_>, tag: Tag) {
    if is_true(node, "isForCompensation") {
        let reason = "compensation handlers are not supported yet; call the compensating task on an explicit path";
        report.refuse(node, reason);
    }
    for attribute in ["startQuantity", "completionQuantity"] {
        if node.attribute(attribute).is_some_and(|quantity| quantity.trim() != "1") {
            report.refuse(node, format!("`{attribute}` other than 1 is not supported; remove it"));
        }
    }
    if tag != Tag::ExclusiveGateway && node.attribute("default").is_some() {
        let text = "a default flow has no meaning here: only exclusive gateways have conditions to fall back from";
        report.warn(node, text);
    }
    // The children of a sub-process are sorted when it is walked.
    if tag == Tag::SubProcess {
        return;
    }
    for child in bpmn_children(node) {
        let name = child.tag_name().name();
        let is_common = matches!(
            name,
            "documentation"
                | "extensionElements"
                | "auditing"
                | "monitoring"
                | "categoryValueRef"
                | "incoming"
                | "outgoing"
                | "property"
                | "ioSpecification"
                | "ioBinding"
                | "dataInputAssociation"
                | "dataOutputAssociation"
        );
        if !is_common && !tag.allows_child(name) {
            report.refuse(child, refused_child(name));
        }
    }
}

fn connect(report: &mut Report, draft: &mut ProcessDraft<'_>) {
    for position in 0..draft.flows.len() {
        let index = FlowIndex(count(position));
        let Some(flow) = draft.flow(index) else { continue };
        let (node, scope) = (flow.node, flow.scope);
        Extensions::read(report, node, Host::Other);
        let source = resolve(report, draft, node, scope, "sourceRef");
        let target = resolve(report, draft, node, scope, "targetRef");
        let condition_node = condition_of(report, node);
        let condition = condition_node
            .filter(|condition| is_feel(report, *condition))
            .and_then(|node| expression(report, node, "the condition", &text_of(node)));
        if let Some(source) = source.and_then(|source| draft.element_mut(source)) {
            source.outgoing.push(index);
        }
        if let Some(target) = target.and_then(|target| draft.element_mut(target)) {
            target.incoming.push(index);
        }
        if let Some(flow) = draft.flows.get_mut(position) {
            flow.source = source;
            flow.target = target;
            flow.condition = condition;
            flow.has_condition = condition_node.is_some();
        }
    }
    warn_of_stale_references(report, draft);
    order_outgoing(draft);
}

/// The order in which an exclusive gateway asks its conditions is that of its `bpmn:outgoing`
/// children, not of the flows (seen with Zeebe 8.6). Flows that it does not list come after.
fn order_outgoing(draft: &mut ProcessDraft<'_>) {
    let ProcessDraft { elements, flows_by_id, .. } = draft;
    for element in elements.iter_mut().filter(|element| element.outgoing.len() > 1) {
        let listed = bpmn_children(element.node).filter(|child| is_bpmn(*child, "outgoing"));
        let listed = listed.filter_map(|child| find_by_reference(flows_by_id, &text_of(child)));
        let mut places = BTreeMap::new();
        for (place, flow) in listed.enumerate() {
            places.entry(flow).or_insert(place);
        }
        element.outgoing.sort_by_key(|flow| places.get(flow).copied().unwrap_or(usize::MAX));
    }
}

/// Finds the element at one end of a flow, which has to be in the same scope as the flow.
fn resolve(
    report: &mut Report,
    draft: &ProcessDraft<'_>,
    flow: Node<'_>,
    scope: ElementIndex,
    attribute: &str,
) -> Option<ElementIndex> {
    let reference = flow.attribute(attribute).unwrap_or_default();
    if reference.is_empty() {
        report.refuse(flow, format!("`{attribute}` is missing; connect the sequence flow"));
        return None;
    }
    let found = draft.elements_by_id.get(reference).copied();
    let Some(index) = found.filter(|index| *index != ElementIndex::PROCESS) else {
        let reason = format!(
            "`{attribute}` names `{}`, which is not a flow node of this process; connect the sequence flow",
            shorten(reference)
        );
        report.refuse(flow, reason);
        return None;
    };
    if draft.element(index).and_then(|element| element.scope) != Some(scope) {
        let reason = format!(
            "`{attribute}` names `{reference}`, which is in another sub-process; a sequence flow cannot leave its scope"
        );
        report.refuse(flow, reason);
        return None;
    }
    Some(index)
}

/// The condition of a flow; its other children are checked on the way.
fn condition_of<'a>(report: &mut Report, flow: Node<'a>) -> Option<Node<'a>> {
    let mut condition = None;
    for child in bpmn_children(flow) {
        match child.tag_name().name() {
            "documentation" | "extensionElements" | "auditing" | "monitoring"
            | "categoryValueRef" => {}
            "conditionExpression" if condition.is_none() => condition = Some(child),
            "conditionExpression" => {
                report.refuse(child, "a sequence flow can have one condition; remove the others");
            }
            other => report.refuse(child, refused_child(other)),
        }
    }
    condition
}

/// Whether a condition is in the only language there is; refuses it if not.
fn is_feel(report: &mut Report, condition: Node<'_>) -> bool {
    match condition.attribute("language") {
        Some(language) if !language.to_ascii_lowercase().contains("feel") => {
            let language = shorten(language);
            let reason = format!("conditions in `{language}` are not supported; write FEEL");
            report.refuse(condition, reason);
            false
        }
        _ => true,
    }
}

/// `bpmn:incoming` and `bpmn:outgoing` repeat what the flows say. The flows decide; say so if the
/// file contradicts itself.
fn warn_of_stale_references(report: &mut Report, draft: &ProcessDraft<'_>) {
    let elements = draft.indexes().filter_map(|index| Some((index, draft.element(index)?)));
    for (index, element) in elements.filter(|(_, element)| element.tag != Tag::Unsupported) {
        for child in bpmn_children(element.node) {
            let is_incoming = is_bpmn(child, "incoming");
            if !is_incoming && !is_bpmn(child, "outgoing") {
                continue;
            }
            let reference = text_of(child);
            let flow =
                find_by_reference(&draft.flows_by_id, &reference).and_then(|flow| draft.flow(flow));
            let connected =
                flow.and_then(|flow| if is_incoming { flow.target } else { flow.source });
            if connected != Some(index) {
                let text = format!(
                    "{} names `{}`, but no such sequence flow is connected here; sourceRef and targetRef of the flows decide",
                    construct_of(child),
                    shorten(&reference)
                );
                report.warn(element.node, text);
            }
        }
    }
}

/// Looks up a reference, which may be a qualified name with a prefix.
pub(crate) fn find_by_reference<T: Copy>(map: &BTreeMap<&str, T>, reference: &str) -> Option<T> {
    let local = || reference.rsplit_once(':').map(|(_, local)| local);
    map.get(reference).or_else(|| map.get(local()?)).copied()
}

/// Whether a boolean attribute of XML is true.
pub(crate) fn is_true(node: Node<'_>, attribute: &str) -> bool {
    node.attribute(attribute).is_some_and(|value| matches!(value.trim(), "true" | "1"))
}
