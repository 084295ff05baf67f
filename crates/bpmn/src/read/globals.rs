//! What the processes of a file share: messages and errors. Each is read once, however many events
//! refer to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use skep_feel::{Environment, Evaluation, Expression, NoVariables};

use crate::limits::CONSTANT_NAME_STEPS_MAX;
use crate::model::{MessageEvent, Value};
use crate::read::extensions::{Extensions, Host};
use crate::read::report::Report;
use crate::read::scope::{find_by_reference, is_true};
use crate::read::value::{expression, required_value, shorten, static_text, value};
use crate::xml::{Node, bpmn_children};

/// Messages and errors of a file by their id.
#[derive(Debug, Default)]
pub(crate) struct Globals<'a> {
    messages: BTreeMap<&'a str, Node<'a>>,
    errors: BTreeMap<&'a str, Node<'a>>,
    /// By where the message is in the file.
    read_messages: RefCell<BTreeMap<usize, Message>>,
    /// By where the error is in the file.
    read_errors: RefCell<BTreeMap<usize, ErrorCode>>,
}

/// A message that has been read. What is `None` was refused, unless said otherwise.
#[derive(Clone, Debug)]
struct Message {
    name: Option<Value>,
    /// The name if a process can start with it.
    constant_name: Option<Value>,
    correlation_key: CorrelationKey,
}

#[derive(Clone, Debug)]
enum CorrelationKey {
    /// There is no subscription, which some uses allow.
    Absent,
    Refused,
    Key(Expression),
}

/// The code of an error that has been read.
#[derive(Clone, Debug)]
enum ErrorCode {
    /// Missing or empty.
    Absent,
    Refused,
    Code(Value),
}

/// Which event uses a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageUse {
    /// Start event of a process: no correlation key needed, constant name.
    ProcessStart,
    /// Everything else that waits for a message.
    Catch,
}

impl<'a> Globals<'a> {
    /// Reads the children of `bpmn:definitions` but the processes.
    pub(crate) fn read(report: &mut Report, definitions: Node<'a>) -> Globals<'a> {
        let mut globals = Globals::default();
        for child in bpmn_children(definitions) {
            let id = child.attribute("id").unwrap_or_default();
            match child.tag_name().name() {
                "message" => {
                    globals.messages.entry(id).or_insert(child);
                }
                "error" => {
                    globals.errors.entry(id).or_insert(child);
                }
                "process"
                | "collaboration"
                | "documentation"
                | "import"
                | "signal"
                | "escalation"
                | "itemDefinition"
                | "dataStore"
                | "category"
                | "interface"
                | "resource"
                | "endPoint"
                | "partnerEntity"
                | "partnerRole"
                | "correlationProperty"
                | "extensionElements"
                | "relationship"
                | "conversation"
                | "globalConversation"
                | "choreography"
                | "globalChoreographyTask"
                | "cancelEventDefinition"
                | "compensateEventDefinition"
                | "conditionalEventDefinition"
                | "errorEventDefinition"
                | "escalationEventDefinition"
                | "linkEventDefinition"
                | "messageEventDefinition"
                | "signalEventDefinition"
                | "terminateEventDefinition"
                | "timerEventDefinition"
                | "globalTask"
                | "globalUserTask"
                | "globalManualTask"
                | "globalScriptTask"
                | "globalBusinessRuleTask" => {}
                "extension" if !is_true(child, "mustUnderstand") => {}
                "extension" => {
                    let name = shorten(child.attribute("definition").unwrap_or_default());
                    let reason = format!(
                        "the extension `{name}` has to be understood, but is not known here; remove mustUnderstand"
                    );
                    report.refuse(child, reason);
                }
                _ => report.refuse(child, "this element is not known here; remove it"),
            }
        }
        globals
    }

    /// Reads the message that `holder` refers to; `event` is named in the reasons.
    pub(crate) fn message(
        &self,
        report: &mut Report,
        event: Node<'a>,
        holder: Node<'a>,
        used_by: MessageUse,
    ) -> Option<MessageEvent> {
        let reference = holder.attribute("messageRef").unwrap_or_default();
        if reference.is_empty() {
            report.refuse(event, "has to name a message; set messageRef to a bpmn:message");
            return None;
        }
        let Some(message) = find_by_reference(&self.messages, reference) else {
            let reason = format!(
                "messageRef names `{}`, which is not a bpmn:message of this file",
                shorten(reference)
            );
            report.refuse(event, reason);
            return None;
        };
        let Message { name, constant_name, correlation_key } =
            self.read_message(report, message, used_by);
        let name = match used_by {
            MessageUse::ProcessStart => constant_name,
            MessageUse::Catch => name,
        };
        let correlation_key = match (correlation_key, used_by) {
            (CorrelationKey::Key(key), _) => Some(key),
            (CorrelationKey::Absent, MessageUse::ProcessStart) => None,
            (CorrelationKey::Absent, MessageUse::Catch) => {
                let reason = format!(
                    "waits for the message `{}`, which has no correlation key; add a zeebe:subscription with a correlationKey to it",
                    shorten(message.attribute("name").unwrap_or_default())
                );
                report.refuse(event, reason);
                return None;
            }
            (CorrelationKey::Refused, _) => return None,
        };
        Some(MessageEvent { name: name?, correlation_key })
    }

    /// Reads a message, or remembers it. The constant name is read when it is first needed.
    fn read_message(&self, report: &mut Report, message: Node<'a>, used_by: MessageUse) -> Message {
        let mut read_messages = self.read_messages.borrow_mut();
        let read = read_messages.entry(message.range().start).or_insert_with(|| {
            let extensions = Extensions::read(report, message, Host::Message);
            let name =
                required_value(report, message, "the message name", message.attribute("name"));
            let correlation_key = match extensions.one(report, "subscription") {
                None => CorrelationKey::Absent,
                Some(subscription) => {
                    let key = subscription.attribute("correlationKey").unwrap_or_default();
                    expression(report, subscription, "the correlation key", key)
                        .map_or(CorrelationKey::Refused, CorrelationKey::Key)
                }
            };
            Message { name, constant_name: None, correlation_key }
        });
        if used_by == MessageUse::ProcessStart && read.constant_name.is_none() {
            read.constant_name = match &read.name {
                Some(Value::Expression(name)) => constant_name(report, message, name),
                Some(Value::Static(name)) => Some(Value::Static(Arc::clone(name))),
                None => None,
            };
            // A name that is not constant is refused once, and not evaluated again.
            if read.constant_name.is_none() {
                read.name = None;
            }
        }
        read.clone()
    }

    /// The name of the message that `holder` refers to as it stands in the file.
    pub(crate) fn message_name(&self, holder: Node<'a>) -> Option<&'a str> {
        let message = find_by_reference(&self.messages, holder.attribute("messageRef")?)?;
        message.attribute("name")
    }

    /// Code of an error that is caught; `None` inside catches every code.
    pub(crate) fn caught_error(
        &self,
        report: &mut Report,
        event: Node<'a>,
        definition: Node<'a>,
    ) -> Option<Option<Arc<str>>> {
        let Some(reference) = definition.attribute("errorRef").filter(|text| !text.is_empty())
        else {
            return Some(None);
        };
        let (error, code) = self.error(report, event, reference)?;
        match code {
            ErrorCode::Absent => Some(None),
            ErrorCode::Code(Value::Static(code)) => Some(Some(code)),
            ErrorCode::Code(Value::Expression(_)) => {
                let reason = format!(
                    "catches an error whose code is the expression `{}`; only static codes can be caught",
                    shorten(error.attribute("errorCode").unwrap_or_default())
                );
                report.refuse(event, reason);
                None
            }
            ErrorCode::Refused => None,
        }
    }

    /// Code of an error that is thrown.
    pub(crate) fn thrown_error(
        &self,
        report: &mut Report,
        event: Node<'a>,
        definition: Node<'a>,
    ) -> Option<Value> {
        let Some(reference) = definition.attribute("errorRef").filter(|text| !text.is_empty())
        else {
            report.refuse(event, "has to name an error; set errorRef to a bpmn:error with a code");
            return None;
        };
        let (error, code) = self.error(report, event, reference)?;
        match code {
            ErrorCode::Code(code) => Some(code),
            ErrorCode::Absent => {
                report.refuse(error, "the error code is missing or empty, but is thrown; set it");
                None
            }
            ErrorCode::Refused => None,
        }
    }

    /// Finds an error and reads it, or remembers it.
    fn error(
        &self,
        report: &mut Report,
        event: Node<'a>,
        reference: &str,
    ) -> Option<(Node<'a>, ErrorCode)> {
        let Some(error) = find_by_reference(&self.errors, reference) else {
            let reason = format!(
                "errorRef names `{}`, which is not a bpmn:error of this file",
                shorten(reference)
            );
            report.refuse(event, reason);
            return None;
        };
        let mut read_errors = self.read_errors.borrow_mut();
        let code = read_errors.entry(error.range().start).or_insert_with(|| {
            Extensions::read(report, error, Host::Other);
            match error.attribute("errorCode") {
                None | Some("") => ErrorCode::Absent,
                Some(code) => value(report, error, "the error code", code)
                    .map_or(ErrorCode::Refused, ErrorCode::Code),
            }
        });
        Some((error, code.clone()))
    }
}

/// A start event of a process is subscribed when nothing runs yet: its message name is evaluated
/// once, at deployment, without variables (rule 12).
fn constant_name(report: &mut Report, message: Node<'_>, name: &Expression) -> Option<Value> {
    let mut environment = Environment::at(0);
    environment.budget.steps_max = CONSTANT_NAME_STEPS_MAX;
    match name.evaluate(&NoVariables, &environment) {
        Ok(Evaluation { value: skep_feel::Value::String(text), .. }) => {
            static_text(report, message, "the message name", &text).map(Value::Static)
        }
        _ => {
            let reason = "the name of a message that starts a process has to be a string without variables; write it as static text";
            report.refuse(message, reason);
            None
        }
    }
}
