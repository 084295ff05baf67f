//! Start, intermediate, boundary and end events.

use crate::model::{
    BoundaryEvent, BoundaryTrigger, CatchEvent, ElementIndex, ElementKind, EndEvent, TimerEvent,
    TimerKind,
};
use crate::read::draft::ProcessDraft;
use crate::read::extensions::{Extensions, Host};
use crate::read::globals::{Globals, MessageUse};
use crate::read::report::Report;
use crate::read::tag::{Tag, refused_child};
use crate::read::tasks::job_task;
use crate::read::value::{required_value, shorten};
use crate::xml::{Node, bpmn_children, construct_of, is_bpmn, text_of};
use crate::{model::Value, timer};

/// The one event definition of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Definition<'a> {
    None,
    Message(Node<'a>),
    Timer(Node<'a>),
    Error(Node<'a>),
    Terminate(Node<'a>),
    /// Refused already.
    Refused,
}

/// Finds the event definition of an event and refuses what cannot run anywhere.
pub(crate) fn definition<'a>(report: &mut Report, event: Node<'a>) -> Definition<'a> {
    let mut definitions = bpmn_children(event).filter(|child| {
        let name = child.tag_name().name();
        name.ends_with("EventDefinition") || name == "eventDefinitionRef"
    });
    let Some(definition) = definitions.next() else { return Definition::None };
    if definitions.next().is_some() {
        let reason = "has more than one event definition; an event can have one trigger";
        report.refuse(event, reason);
        return Definition::Refused;
    }
    let refused = match definition.tag_name().name() {
        "messageEventDefinition" => return Definition::Message(definition),
        "timerEventDefinition" => return Definition::Timer(definition),
        "errorEventDefinition" => return Definition::Error(definition),
        "terminateEventDefinition" => return Definition::Terminate(definition),
        "signalEventDefinition" => "signal events are not supported yet; use a message event",
        "escalationEventDefinition" => {
            "escalation events are not supported yet; use an error or a message event"
        }
        "linkEventDefinition" => {
            "link events are not supported yet; connect the two places with a sequence flow"
        }
        "compensateEventDefinition" => {
            "compensation events are not supported yet; call the compensating tasks on an explicit path"
        }
        "conditionalEventDefinition" => {
            "conditional events are not supported yet; use a message event"
        }
        "cancelEventDefinition" => {
            "cancel events are not supported, as transactions are not; use an error event"
        }
        "eventDefinitionRef" => {
            "references to shared event definitions are not supported; put the definition into the event"
        }
        _ => "this event definition is not known here; remove it",
    };
    report.refuse(event, refused);
    Definition::Refused
}

/// Refuses unknown children of an event definition; `known` are its own ones.
fn check_definition(report: &mut Report, definition: Node<'_>, known: &[&str]) {
    Extensions::read(report, definition, Host::Other);
    for child in bpmn_children(definition) {
        let name = child.tag_name().name();
        if !known.contains(&name) && !matches!(name, "documentation" | "extensionElements") {
            report.refuse(child, refused_child(name));
        }
    }
}

fn refuse_trigger(report: &mut Report, event: Node<'_>, trigger: &str, instead: &str) {
    let position = construct_of(event);
    report.refuse(event, format!("a {position} cannot have {trigger}; {instead}"));
}

/// Reads a start event. Those of sub-processes have no trigger.
pub(crate) fn start_event<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    event: Node<'a>,
    is_in_process: bool,
) -> Option<ElementKind> {
    let definition = definition(report, event);
    if !is_in_process && !matches!(definition, Definition::None | Definition::Refused) {
        let reason = "a start event of an embedded sub-process cannot have a trigger; put an intermediate catch event behind a start event without one";
        report.refuse(event, reason);
        return None;
    }
    let catch = match definition {
        Definition::None => CatchEvent::None,
        Definition::Message(definition) => {
            check_definition(report, definition, &[]);
            let used_by = MessageUse::ProcessStart;
            CatchEvent::Message(globals.message(report, event, definition, used_by)?)
        }
        Definition::Timer(definition) => {
            let timer = timer_event(report, event, definition)?;
            if timer.kind == TimerKind::Duration {
                let reason = "a start event cannot have a timeDuration, as there is nothing that it counts from; use timeDate or timeCycle";
                report.refuse(event, reason);
                return None;
            }
            CatchEvent::Timer(timer)
        }
        Definition::Error(_) => {
            let instead = "errors are caught by boundary events";
            refuse_trigger(report, event, "an error trigger", instead);
            return None;
        }
        Definition::Terminate(_) => {
            refuse_trigger(report, event, "a terminate trigger", "use an end event");
            return None;
        }
        Definition::Refused => return None,
    };
    Some(ElementKind::StartEvent(catch))
}

/// Reads an intermediate catch event.
pub(crate) fn catch_event<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    event: Node<'a>,
) -> Option<ElementKind> {
    let catch = match definition(report, event) {
        Definition::Message(definition) => {
            check_definition(report, definition, &[]);
            CatchEvent::Message(globals.message(report, event, definition, MessageUse::Catch)?)
        }
        Definition::Timer(definition) => {
            let timer = timer_event(report, event, definition)?;
            if timer.kind == TimerKind::Cycle {
                let reason = "an intermediate catch event cannot have a timeCycle, as it fires once; use timeDuration or timeDate";
                report.refuse(event, reason);
                return None;
            }
            CatchEvent::Timer(timer)
        }
        Definition::None => {
            let reason = "an intermediate catch event needs a trigger; add a message or timer event definition";
            report.refuse(event, reason);
            return None;
        }
        Definition::Error(_) => {
            let instead = "errors are caught by boundary events";
            refuse_trigger(report, event, "an error trigger", instead);
            return None;
        }
        Definition::Terminate(_) => {
            refuse_trigger(report, event, "a terminate trigger", "use an end event");
            return None;
        }
        Definition::Refused => return None,
    };
    Some(ElementKind::IntermediateCatchEvent(catch))
}

/// Reads an intermediate throw event, which passes through.
pub(crate) fn throw_event(report: &mut Report, event: Node<'_>) -> Option<ElementKind> {
    match definition(report, event) {
        Definition::None => return Some(ElementKind::IntermediateThrowEvent),
        Definition::Message(_) => {
            let reason = "message throw events are not supported yet; use a send task";
            report.refuse(event, reason);
        }
        Definition::Timer(_) => {
            let instead = "use an intermediate catch event";
            refuse_trigger(report, event, "a timer", instead);
        }
        Definition::Error(_) => {
            refuse_trigger(report, event, "an error", "use an error end event");
        }
        Definition::Terminate(_) => {
            refuse_trigger(report, event, "a terminate trigger", "use an end event");
        }
        Definition::Refused => {}
    }
    None
}

/// Reads an end event.
pub(crate) fn end_event<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    event: Node<'a>,
    extensions: &Extensions<'a>,
) -> Option<ElementKind> {
    let end = match definition(report, event) {
        Definition::None => EndEvent::None,
        Definition::Terminate(definition) => {
            check_definition(report, definition, &[]);
            EndEvent::Terminate
        }
        Definition::Error(definition) => {
            check_definition(report, definition, &[]);
            EndEvent::Error { code: globals.thrown_error(report, event, definition)? }
        }
        Definition::Message(definition) => {
            check_definition(report, definition, &[]);
            EndEvent::Message(job_task(report, event, extensions)?)
        }
        Definition::Timer(_) => {
            let instead = "put an intermediate catch event before the end event";
            refuse_trigger(report, event, "a timer", instead);
            return None;
        }
        Definition::Refused => return None,
    };
    Some(ElementKind::EndEvent(end))
}

/// Whether an event has a message event definition.
pub(crate) fn is_message_event(event: Node<'_>) -> bool {
    bpmn_children(event).any(|child| is_bpmn(child, "messageEventDefinition"))
}

/// Reads a boundary event; the activity that it is attached to is in the same scope.
pub(crate) fn boundary_event<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    draft: &ProcessDraft<'a>,
    event: Node<'a>,
    scope: Option<ElementIndex>,
) -> Option<BoundaryEvent> {
    let attached_to = attached_activity(report, draft, event, scope);
    let interrupting = event
        .attribute("cancelActivity")
        .is_none_or(|value| !matches!(value.trim(), "false" | "0"));
    let trigger = match definition(report, event) {
        Definition::Message(definition) => {
            check_definition(report, definition, &[]);
            let message = globals.message(report, event, definition, MessageUse::Catch)?;
            BoundaryTrigger::Message(message)
        }
        Definition::Timer(definition) => {
            let timer = timer_event(report, event, definition)?;
            if interrupting && timer.kind == TimerKind::Cycle {
                let reason = "an interrupting boundary event cannot have a timeCycle, as it fires once; use timeDuration or timeDate, or set cancelActivity to false";
                report.refuse(event, reason);
                return None;
            }
            BoundaryTrigger::Timer(timer)
        }
        Definition::Error(definition) => {
            check_definition(report, definition, &[]);
            if !interrupting {
                let reason =
                    "an error boundary event is always interrupting; remove cancelActivity";
                report.refuse(event, reason);
            }
            BoundaryTrigger::Error { code: globals.caught_error(report, event, definition)? }
        }
        Definition::None => {
            let reason =
                "a boundary event needs a trigger; add a message, timer or error event definition";
            report.refuse(event, reason);
            return None;
        }
        Definition::Terminate(_) => {
            refuse_trigger(report, event, "a terminate trigger", "use an end event");
            return None;
        }
        Definition::Refused => return None,
    };
    Some(BoundaryEvent { attached_to: attached_to?, interrupting, trigger })
}

fn attached_activity<'a>(
    report: &mut Report,
    draft: &ProcessDraft<'a>,
    event: Node<'a>,
    scope: Option<ElementIndex>,
) -> Option<ElementIndex> {
    let reference = event.attribute("attachedToRef").unwrap_or_default();
    let found = crate::read::scope::find_by_reference(&draft.elements_by_id, reference)
        .and_then(|index| Some((index, draft.element(index)?)));
    match found {
        Some((index, activity)) if activity.scope == scope && activity.tag.is_activity() => {
            Some(index)
        }
        // What it is attached to is refused; that is enough.
        Some((_, activity)) if activity.tag == Tag::Unsupported => None,
        Some((_, activity)) => {
            let reason = format!(
                "is attached to `{reference}` ({}), which is not an activity of the same scope; attach it to a task, sub-process or call activity",
                construct_of(activity.node)
            );
            report.refuse(event, reason);
            None
        }
        None => {
            let reason = format!(
                "is attached to `{}`, which is not an element of this process; set attachedToRef to an activity",
                shorten(reference)
            );
            report.refuse(event, reason);
            None
        }
    }
}

/// Reads a timer. Static values are checked now, expressions when they are evaluated.
fn timer_event<'a>(
    report: &mut Report,
    event: Node<'a>,
    definition: Node<'a>,
) -> Option<TimerEvent> {
    check_definition(report, definition, &["timeDate", "timeDuration", "timeCycle"]);
    let kind_of = |node: Node<'a>| match node.tag_name().name() {
        "timeDate" => Some(TimerKind::Date),
        "timeDuration" => Some(TimerKind::Duration),
        "timeCycle" => Some(TimerKind::Cycle),
        _ => None,
    };
    let mut found = bpmn_children(definition).filter_map(|node| Some((kind_of(node)?, node)));
    let (Some((kind, node)), None) = (found.next(), found.next()) else {
        let reason = "a timer needs exactly one of timeDate, timeDuration and timeCycle";
        report.refuse(event, reason);
        return None;
    };
    let what = format!("the {}", node.tag_name().name());
    let value = required_value(report, event, &what, Some(&text_of(node)))?;
    if let Value::Static(text) = &value {
        let checked = match kind {
            TimerKind::Date => timer::parse_date(text).map(|_| ()),
            TimerKind::Duration => timer::Interval::parse(text).map(|_| ()),
            TimerKind::Cycle => timer::Cycle::parse(text).map(|_| ()),
        };
        if let Err(error) = checked {
            report.refuse(event, format!("{what} is not valid: {error}"));
            return None;
        }
    }
    Some(TimerEvent { kind, value })
}
