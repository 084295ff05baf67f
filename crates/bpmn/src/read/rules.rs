//! Rules about how elements stand to each other.

use std::collections::BTreeMap;

use crate::limits::TEXT_BYTES_MAX;
use crate::model::{BoundaryTrigger, ElementIndex, ElementKind};
use crate::read::draft::{ElementDraft, ProcessDraft};
use crate::read::globals::Globals;
use crate::read::report::Report;
use crate::read::tag::Tag;
use crate::read::value::shorten;
use crate::xml::{Node, bpmn_children, is_bpmn};

mod loops;

/// Checks a process whose elements have been read. An element that could not be read has its reason
/// already; rules that need its kind leave it out.
pub(crate) fn check<'a>(report: &mut Report, globals: &Globals<'a>, draft: &mut ProcessDraft<'a>) {
    for index in draft.indexes() {
        let Some(element) = draft.element(index) else { continue };
        match element.tag {
            Tag::Process => {
                check_process_starts(report, draft, element);
                check_process_message_starts(report, globals, draft, element);
            }
            Tag::SubProcess => check_sub_process_start(report, draft, element),
            Tag::StartEvent => refuse_incoming(report, element, "a start event"),
            Tag::BoundaryEvent => {
                refuse_incoming(report, element, "a boundary event");
                if element.outgoing.is_empty() {
                    let reason = "a boundary event needs an outgoing sequence flow; connect it";
                    report.refuse(element.node, reason);
                }
            }
            Tag::EndEvent if !element.outgoing.is_empty() => {
                let reason = "an end event cannot have outgoing sequence flows; use an intermediate throw event";
                report.refuse(element.node, reason);
            }
            Tag::ExclusiveGateway => check_conditions(report, draft, element),
            Tag::EventBasedGateway => check_event_based_gateway(report, globals, draft, element),
            _ => {}
        }
        if element.tag.is_activity() {
            check_boundary_events(report, globals, draft, element);
        }
    }
    refuse_stray_conditions(report, draft);
    warn_of_unreached(report, draft);
    loops::warn(report, draft);
}

fn refuse_incoming(report: &mut Report, element: &ElementDraft<'_>, what: &str) {
    if !element.incoming.is_empty() {
        let reason = format!("{what} cannot have incoming sequence flows; remove them");
        report.refuse(element.node, reason);
    }
}

fn start_events<'d, 'a>(
    draft: &'d ProcessDraft<'a>,
    scope: &'d ElementDraft<'a>,
) -> impl Iterator<Item = &'d ElementDraft<'a>> {
    let children = draft.select(&scope.children).map(|(_, child)| child);
    children.filter(|child| child.tag == Tag::StartEvent)
}

fn has_trigger(event: Node<'_>) -> bool {
    bpmn_children(event).any(|child| child.tag_name().name().ends_with("EventDefinition"))
}

/// Rule 3: at least one start event, at most one without a trigger.
fn check_process_starts(report: &mut Report, draft: &ProcessDraft<'_>, process: &ElementDraft<'_>) {
    if start_events(draft, process).next().is_none() {
        report.refuse(process.node, "the process has no start event; add one");
    }
    let without_trigger = start_events(draft, process).filter(|start| !has_trigger(start.node));
    for start in without_trigger.skip(1) {
        let reason = "the process has more than one start event without a trigger; keep one";
        report.refuse(start.node, reason);
    }
}

/// Rule 12: a message name starts a process at one place.
fn check_process_message_starts<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    draft: &ProcessDraft<'a>,
    process: &ElementDraft<'a>,
) {
    let starts = start_events(draft, process).map(|start| start.node);
    refuse_repeated_messages(report, globals, starts, "of another start event of this process");
}

/// Rule 4: exactly one start event, without a trigger.
fn check_sub_process_start(
    report: &mut Report,
    draft: &ProcessDraft<'_>,
    sub_process: &ElementDraft<'_>,
) {
    let starts = start_events(draft, sub_process).count();
    if starts != 1 {
        let reason = format!(
            "a sub-process needs exactly one start event without a trigger, this has {starts}"
        );
        report.refuse(sub_process.node, reason);
    }
}

/// Rule 10: with several ways out each but the default one needs a condition.
fn check_conditions(report: &mut Report, draft: &ProcessDraft<'_>, gateway: &ElementDraft<'_>) {
    if gateway.outgoing.len() < 2 {
        return;
    }
    let default = gateway.node.attribute("default").unwrap_or_default();
    for flow in gateway.outgoing.iter().filter_map(|flow| draft.flow(*flow)) {
        if !flow.has_condition && (flow.id.is_empty() || flow.id != default) {
            let reason = format!(
                "leaves the exclusive gateway `{}`, which has several ways out, without a condition; add a conditionExpression or make it the default flow",
                gateway.id
            );
            report.refuse(flow.node, reason);
        }
    }
}

/// Conditions are for the flows behind exclusive gateways. Behind anything else nobody would
/// evaluate them.
fn refuse_stray_conditions(report: &mut Report, draft: &ProcessDraft<'_>) {
    for flow in draft.flows.iter().filter(|flow| flow.has_condition) {
        let source = flow.source.and_then(|source| draft.element(source));
        let allowed = source
            .is_none_or(|source| matches!(source.tag, Tag::ExclusiveGateway | Tag::Unsupported));
        if !allowed {
            let reason = "has a condition, but does not leave an exclusive gateway; put an exclusive gateway before it";
            report.refuse(flow.node, reason);
        }
    }
}

/// An element that nothing leads to is valid, but never runs.
fn warn_of_unreached(report: &mut Report, draft: &ProcessDraft<'_>) {
    for element in draft.elements.iter().filter(|element| element.incoming.is_empty()) {
        let starts_itself = matches!(
            element.tag,
            Tag::Process | Tag::StartEvent | Tag::BoundaryEvent | Tag::Unsupported
        );
        if !starts_itself {
            report.warn(element.node, "no sequence flow leads here, so that it never runs");
        }
    }
}

/// Rule 9, and of rule 12 the part about event-based gateways.
fn check_event_based_gateway<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    draft: &ProcessDraft<'a>,
    gateway: &ElementDraft<'a>,
) {
    if gateway.outgoing.len() < 2 {
        let reason = "an event-based gateway needs at least two outgoing sequence flows";
        report.refuse(gateway.node, reason);
    }
    let targets = draft.targets_of(gateway);
    for (_, target) in draft.select(&targets) {
        match target.tag {
            Tag::IntermediateCatchEvent if target.incoming.len() > 1 => {
                let reason = format!(
                    "is behind the event-based gateway `{}` and has other incoming sequence flows too; use an event of its own for them",
                    gateway.id
                );
                report.refuse(target.node, reason);
            }
            Tag::IntermediateCatchEvent | Tag::Unsupported => {}
            _ => {
                let reason = format!(
                    "is behind the event-based gateway `{}`, where only message and timer intermediate catch events can be",
                    gateway.id
                );
                report.refuse(target.node, reason);
            }
        }
    }
    let events = draft.select(&targets).map(|(_, target)| target.node);
    let place = format!("of another event behind the event-based gateway `{}`", gateway.id);
    refuse_repeated_messages(report, globals, events, &place);
}

/// Of rules 12 and 13 the parts about boundary events of one activity.
fn check_boundary_events<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    draft: &ProcessDraft<'a>,
    activity: &ElementDraft<'a>,
) {
    let events: Vec<_> = draft.select(&activity.boundary_events).map(|(_, event)| event).collect();
    let own_message = (activity.tag == Tag::ReceiveTask).then_some(activity.node);
    let waiting = own_message.into_iter().chain(events.iter().map(|event| event.node));
    let place = format!("of `{}` or of another boundary event of it", activity.id);
    refuse_repeated_messages(report, globals, waiting, &place);

    let mut codes: BTreeMap<Option<&str>, ElementIndex> = BTreeMap::new();
    for (index, event) in draft.select(&activity.boundary_events) {
        let Some(ElementKind::BoundaryEvent(boundary)) = &event.kind else { continue };
        let BoundaryTrigger::Error { code } = &boundary.trigger else { continue };
        if codes.insert(code.as_deref(), index).is_none() {
            continue;
        }
        let reason = match code {
            Some(code) => format!(
                "catches the error code `{}`, which another boundary event of `{}` catches already; keep one",
                shorten(code),
                activity.id
            ),
            None => format!(
                "catches all errors, which another boundary event of `{}` does already; keep one",
                activity.id
            ),
        };
        report.refuse(event.node, reason);
    }
}

/// Refuses the second and later ones of the nodes that wait for the same message name.
fn refuse_repeated_messages<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    waiting: impl Iterator<Item = Node<'a>>,
    place: &str,
) {
    let mut names = std::collections::BTreeSet::new();
    for node in waiting {
        let definition =
            bpmn_children(node).find(|child| is_bpmn(*child, "messageEventDefinition"));
        let Some(name) = globals.message_name(definition.unwrap_or(node)) else { continue };
        if name.len() <= TEXT_BYTES_MAX && !names.insert(name) {
            let reason = format!(
                "the message name `{}` is that {place}; give each its own message",
                shorten(name)
            );
            report.refuse(node, reason);
        }
    }
}
