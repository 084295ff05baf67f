//! What each element is: one case per kind.

use crate::model::{ElementIndex, ElementKind, ExclusiveGateway};
use crate::read::draft::ProcessDraft;
use crate::read::events;
use crate::read::extensions::{Extensions, Host};
use crate::read::globals::Globals;
use crate::read::mappings;
use crate::read::references;
use crate::read::report::Report;
use crate::read::scope::is_true;
use crate::read::scope_of;
use crate::read::tag::Tag;
use crate::read::tasks;
use crate::read::value::{shorten, static_text};
use crate::xml::Node;

/// Reads all elements of a process. Boundary events are attached, scopes know their start events.
pub(crate) fn read<'a>(report: &mut Report, globals: &Globals<'a>, draft: &mut ProcessDraft<'a>) {
    for index in draft.indexes() {
        let Some((node, tag)) = draft.element(index).map(|element| (element.node, element.tag))
        else {
            continue;
        };
        if tag == Tag::Unsupported {
            continue;
        }
        if node.attribute("id").is_none() {
            report.refuse(node, "has no id; set a unique id");
        }
        let host = match tag {
            Tag::EndEvent if events::is_message_event(node) => Host::MessageEndEvent,
            tag => Host::Element(tag),
        };
        let extensions = Extensions::read(report, node, host);
        let (inputs, outputs) = mappings::read(report, &extensions, tag);
        let kind = kind(report, globals, draft, index, node, tag, &extensions);
        if let Some(ElementKind::BoundaryEvent(boundary)) = &kind
            && let Some(activity) = draft.element_mut(boundary.attached_to)
        {
            activity.boundary_events.push(index);
        }
        if let Some(element) = draft.element_mut(index) {
            element.inputs = inputs;
            element.outputs = outputs;
            element.kind = kind;
        }
    }
    read_scopes(draft);
    for flow in &draft.flows {
        if flow.id.is_empty() {
            report.refuse(flow.node, "has no id; set a unique id");
        }
    }
}

/// Processes and sub-processes need the kinds of their start events, which come after them.
fn read_scopes(draft: &mut ProcessDraft<'_>) {
    for index in draft.indexes() {
        let Some(element) = draft.element(index) else { continue };
        let tag = element.tag;
        if !matches!(tag, Tag::Process | Tag::SubProcess) {
            continue;
        }
        let scope = scope_of(draft, &element.children);
        if let Some(element) = draft.element_mut(index) {
            element.kind = Some(match tag {
                Tag::Process => ElementKind::Process(scope),
                _ => ElementKind::SubProcess(scope),
            });
        }
    }
}

fn kind<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    draft: &mut ProcessDraft<'a>,
    index: ElementIndex,
    node: Node<'a>,
    tag: Tag,
    extensions: &Extensions<'a>,
) -> Option<ElementKind> {
    let scope = draft.element(index).and_then(|element| element.scope);
    match tag {
        Tag::Process => {
            draft.version_tag = version_tag(report, extensions);
            None
        }
        Tag::SubProcess | Tag::Unsupported => None,
        Tag::StartEvent => {
            start_form(report, extensions);
            let is_in_process = scope == Some(ElementIndex::PROCESS);
            events::start_event(report, globals, node, is_in_process)
        }
        Tag::IntermediateCatchEvent => {
            refuse_parallel_multiple(report, node);
            events::catch_event(report, globals, node)
        }
        Tag::IntermediateThrowEvent => events::throw_event(report, node),
        Tag::BoundaryEvent => {
            refuse_parallel_multiple(report, node);
            events::boundary_event(report, globals, draft, node, scope)
                .map(ElementKind::BoundaryEvent)
        }
        Tag::EndEvent => events::end_event(report, globals, node, extensions),
        Tag::ServiceTask => tasks::job_task(report, node, extensions).map(ElementKind::ServiceTask),
        Tag::SendTask => tasks::job_task(report, node, extensions).map(ElementKind::SendTask),
        Tag::ScriptTask => tasks::script_task(report, node, extensions),
        Tag::BusinessRuleTask => references::business_rule_task(report, node, extensions),
        Tag::UserTask => tasks::user_task(report, extensions),
        Tag::ReceiveTask => {
            tasks::receive_task(report, globals, node).map(ElementKind::ReceiveTask)
        }
        Tag::ManualTask => Some(ElementKind::ManualTask),
        Tag::UndefinedTask => Some(ElementKind::UndefinedTask),
        Tag::CallActivity => references::call_activity(report, node, extensions),
        Tag::ExclusiveGateway => exclusive_gateway(report, draft, index, node),
        Tag::ParallelGateway => Some(ElementKind::ParallelGateway),
        Tag::EventBasedGateway => event_based_gateway(report, draft, index, node),
    }
}

fn version_tag(report: &mut Report, extensions: &Extensions<'_>) -> Option<std::sync::Arc<str>> {
    let tag = extensions.one(report, "versionTag")?;
    // Tools write an empty one when the field is left empty.
    let value = tag.attribute("value").filter(|value| !value.is_empty())?;
    static_text(report, tag, "the version tag", value)
}

/// The form of a start event is for the user interface that starts the process; nothing here shows
/// it yet.
fn start_form(report: &mut Report, extensions: &Extensions<'_>) {
    if let Some(form) = extensions.one(report, "formDefinition")
        && tasks::form_key(report, form).is_some()
    {
        report.warn(form, "start forms are not shown yet; the process starts without it");
    }
}

fn refuse_parallel_multiple(report: &mut Report, node: Node<'_>) {
    if is_true(node, "parallelMultiple") {
        let reason = "parallel multiple events are not supported; use a parallel gateway and one event for each trigger";
        report.refuse(node, reason);
    }
}

fn exclusive_gateway<'a>(
    report: &mut Report,
    draft: &ProcessDraft<'a>,
    index: ElementIndex,
    node: Node<'a>,
) -> Option<ElementKind> {
    let Some(default) = node.attribute("default").filter(|default| !default.is_empty()) else {
        return Some(ElementKind::ExclusiveGateway(ExclusiveGateway { default_flow: None }));
    };
    let outgoing = &draft.element(index)?.outgoing;
    let found = super::scope::find_by_reference(&draft.flows_by_id, default);
    let Some(flow) = found.filter(|flow| outgoing.contains(flow)) else {
        let reason = format!(
            "the default flow `{}` does not leave this gateway; name one of its outgoing flows",
            shorten(default)
        );
        report.refuse(node, reason);
        return None;
    };
    if draft.flow(flow)?.has_condition {
        let reason = format!("the default flow `{default}` has a condition; remove the condition");
        report.refuse(node, reason);
        return None;
    }
    Some(ElementKind::ExclusiveGateway(ExclusiveGateway { default_flow: Some(flow) }))
}

fn event_based_gateway<'a>(
    report: &mut Report,
    draft: &ProcessDraft<'a>,
    index: ElementIndex,
    node: Node<'a>,
) -> Option<ElementKind> {
    if is_true(node, "instantiate") {
        let reason = "an event-based gateway that starts the process is not supported; use message start events";
        report.refuse(node, reason);
    }
    if node.attribute("eventGatewayType").is_some_and(|kind| kind != "Exclusive") {
        let reason = "only exclusive event-based gateways are supported; remove eventGatewayType";
        report.refuse(node, reason);
    }
    let targets = draft.targets_of(draft.element(index)?);
    Some(ElementKind::EventBasedGateway { targets })
}
