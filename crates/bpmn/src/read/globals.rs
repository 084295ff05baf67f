//! What the processes of a file share: messages and errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{MessageEvent, Value};
use crate::read::extensions::{Extensions, Host};
use crate::read::report::Report;
use crate::read::scope::{find_by_reference, is_true};
use crate::read::value::{expression, expression_text, required_value, shorten, static_text};
use crate::xml::{Node, bpmn_children};

/// Messages and errors of a file by their id.
#[derive(Debug, Default)]
pub(crate) struct Globals<'a> {
    messages: BTreeMap<&'a str, Node<'a>>,
    errors: BTreeMap<&'a str, Node<'a>>,
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
        let extensions = Extensions::read(report, message, Host::Message);
        let name = required_value(report, message, "the message name", message.attribute("name"));
        let name = match (name, used_by) {
            (Some(Value::Expression(name)), MessageUse::ProcessStart) => {
                constant_name(report, message, &name)
            }
            (name, _) => name,
        };
        let subscription = extensions.one(report, "subscription");
        let correlation_key = subscription.map(|subscription| {
            let key = subscription.attribute("correlationKey").unwrap_or_default();
            expression(report, subscription, "the correlation key", key)
        });
        let correlation_key = match (correlation_key, used_by) {
            (Some(key), _) => Some(key?),
            (None, MessageUse::ProcessStart) => None,
            (None, MessageUse::Catch) => {
                let reason = format!(
                    "waits for the message `{}`, which has no correlation key; add a zeebe:subscription with a correlationKey to it",
                    shorten(message.attribute("name").unwrap_or_default())
                );
                report.refuse(event, reason);
                return None;
            }
        };
        Some(MessageEvent { name: name?, correlation_key })
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
        let error = self.error(report, event, reference)?;
        match error.attribute("errorCode") {
            None | Some("") => Some(None),
            Some(code) if expression_text(code).is_some() => {
                let reason = format!(
                    "catches an error whose code is the expression `{}`; only static codes can be caught",
                    shorten(code)
                );
                report.refuse(event, reason);
                None
            }
            Some(code) => Some(Some(static_text(report, error, "the error code", code)?)),
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
        let error = self.error(report, event, reference)?;
        required_value(report, error, "the error code", error.attribute("errorCode"))
    }

    fn error(&self, report: &mut Report, event: Node<'a>, reference: &str) -> Option<Node<'a>> {
        let found = find_by_reference(&self.errors, reference);
        match found {
            Some(error) => {
                Extensions::read(report, error, Host::Other);
            }
            None => {
                let reason = format!(
                    "errorRef names `{}`, which is not a bpmn:error of this file",
                    shorten(reference)
                );
                report.refuse(event, reason);
            }
        }
        found
    }
}

/// A start event of a process is subscribed when nothing runs yet: its message name is evaluated
/// once, at deployment, without variables (rule 12).
fn constant_name(
    report: &mut Report,
    message: Node<'_>,
    name: &skep_feel::Expression,
) -> Option<Value> {
    let environment = skep_feel::Environment::at(0);
    match name.evaluate(&skep_feel::NoVariables, &environment) {
        Ok(skep_feel::Evaluation { value: skep_feel::Value::String(text), .. }) => {
            static_text(report, message, "the message name", &text).map(Value::Static)
        }
        _ => {
            let reason = "the name of a message that starts a process has to be a string without variables; write it as static text";
            report.refuse(message, reason);
            None
        }
    }
}
