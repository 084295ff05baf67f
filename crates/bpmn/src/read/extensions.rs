//! The Zeebe extension elements of a node: which of them are known where, and which are refused.

use crate::read::attributes;
use crate::read::report::Report;
use crate::read::tag::Tag;
use crate::xml::{BPMN, CAMUNDA_7, Node, ZEEBE, bpmn_children, construct_of, is_bpmn};

/// Where extension elements are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// On a flow node or process.
    Element(Tag),
    /// On an end event with a message event definition, which is a job.
    MessageEndEvent,
    /// On a `bpmn:message`.
    Message,
    /// On anything else (a flow, an event definition, a participant, ...).
    Other,
}

/// The supported Zeebe extension elements of one node.
#[derive(Debug)]
pub(crate) struct Extensions<'a> {
    found: Vec<Node<'a>>,
}

impl<'a> Extensions<'a> {
    /// Collects what is supported on this host. Refuses everything else of the Zeebe namespace, and
    /// unknown attributes of the node.
    pub(crate) fn read(report: &mut Report, node: Node<'a>, host: Host) -> Extensions<'a> {
        attributes::check(report, node);
        for child in node.children().filter(|child| child.tag_name().namespace() == Some(ZEEBE)) {
            report.refuse(child, "has to be inside bpmn:extensionElements; move it there");
        }
        let mut found = Vec::new();
        let mut has_camunda_7 = false;
        let holders = bpmn_children(node).filter(|child| is_bpmn(*child, "extensionElements"));
        for child in holders.flat_map(|holder| holder.children().filter(Node::is_element)) {
            match child.tag_name().namespace() {
                Some(ZEEBE) => match judge(host, child.tag_name().name()) {
                    Judgement::Supported(attributes) => {
                        check_extension_attributes(report, child, attributes);
                        found.push(child);
                    }
                    Judgement::Ignored => {}
                    Judgement::Refused(reason) => report.refuse(child, reason),
                },
                Some(BPMN) => {
                    let reason = format!(
                        "{} has no meaning inside bpmn:extensionElements; move it into the element itself",
                        construct_of(child)
                    );
                    report.refuse(child, reason);
                }
                Some(CAMUNDA_7) => has_camunda_7 = true,
                _ => {}
            }
        }
        if has_camunda_7 {
            report.warn(node, "extension elements of Camunda 7 have no meaning here");
        }
        Extensions { found }
    }

    /// All elements of this name, in the order of the file.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = Node<'a>> {
        self.found.iter().copied().filter(move |node| node.tag_name().name() == name)
    }

    /// The element of this name; a second one is refused.
    pub(crate) fn one(&self, report: &mut Report, name: &str) -> Option<Node<'a>> {
        let mut all = self.all(name);
        let first = all.next();
        for more in all {
            report.refuse(more, format!("there is more than one zeebe:{name}; keep one"));
        }
        first
    }

    /// Whether there is an element of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

enum Judgement {
    /// Supported with these attributes.
    Supported(&'static [&'static str]),
    /// Known to have no meaning for the execution.
    Ignored,
    /// Refused with this reason.
    Refused(&'static str),
}

/// What to do with a Zeebe extension element on a host.
fn judge(host: Host, name: &str) -> Judgement {
    use Judgement::{Ignored, Refused, Supported};
    if let Some(reason) = not_supported_yet(name) {
        return Refused(reason);
    }
    let is_job = match host {
        Host::MessageEndEvent => true,
        Host::Element(tag) => matches!(
            tag,
            Tag::ServiceTask | Tag::SendTask | Tag::ScriptTask | Tag::BusinessRuleTask
        ),
        Host::Message | Host::Other => false,
    };
    let tag = match host {
        Host::Element(tag) => Some(tag),
        Host::MessageEndEvent => Some(Tag::EndEvent),
        Host::Message | Host::Other => None,
    };
    match name {
        "properties" => Ignored,
        "taskDefinition" if is_job => Supported(&["type", "retries"]),
        "taskDefinition" if tag == Some(Tag::UserTask) => Refused(
            "a user task has a fixed job type; remove the zeebe:taskDefinition or use a service task",
        ),
        "taskHeaders" if is_job || tag == Some(Tag::UserTask) => Supported(&[]),
        "ioMapping" if tag.is_some_and(allows_mappings) => Supported(&[]),
        "script" if tag == Some(Tag::ScriptTask) => Supported(&["expression", "resultVariable"]),
        "calledElement" if tag == Some(Tag::CallActivity) => Supported(&[
            "processId",
            "propagateAllChildVariables",
            "propagateAllParentVariables",
            "bindingType",
            "versionTag",
        ]),
        "calledDecision" if tag == Some(Tag::BusinessRuleTask) => {
            Supported(&["decisionId", "resultVariable", "bindingType", "versionTag"])
        }
        "assignmentDefinition" if tag == Some(Tag::UserTask) => {
            Supported(&["assignee", "candidateGroups", "candidateUsers"])
        }
        "taskSchedule" if tag == Some(Tag::UserTask) => Supported(&["dueDate", "followUpDate"]),
        "formDefinition" if matches!(tag, Some(Tag::UserTask | Tag::StartEvent)) => {
            Supported(&["formKey", "formId", "externalReference", "bindingType", "versionTag"])
        }
        "subscription" if host == Host::Message => Supported(&["correlationKey"]),
        "versionTag" if tag == Some(Tag::Process) => Supported(&["value"]),
        "userTaskForm" if tag == Some(Tag::Process) => Supported(&["id"]),
        "taskDefinition"
        | "taskHeaders"
        | "ioMapping"
        | "script"
        | "calledElement"
        | "calledDecision"
        | "assignmentDefinition"
        | "taskSchedule"
        | "formDefinition"
        | "subscription"
        | "versionTag"
        | "userTaskForm" => Refused("has no meaning on this element; remove it"),
        _ => Refused("this Zeebe extension is not known; remove it"),
    }
}

/// Extensions that Zeebe knows and Skep does not run yet, wherever they are.
fn not_supported_yet(name: &str) -> Option<&'static str> {
    Some(match name {
        "userTask" => {
            "native user tasks are not supported yet; remove zeebe:userTask to get a job-based user task"
        }
        "priorityDefinition" => {
            "priorities of native user tasks are not supported yet; remove zeebe:priorityDefinition"
        }
        "jobPriorityDefinition" => {
            "job priorities are not supported yet; remove zeebe:jobPriorityDefinition"
        }
        "executionListeners" => {
            "execution listeners are not supported yet; use service tasks before and after the element"
        }
        "taskListeners" => "task listeners are not supported yet; remove zeebe:taskListeners",
        "linkedResources" => {
            "linked resources are not supported yet; name the resource in a task header"
        }
        "loopCharacteristics" => "multi-instance markers are not supported yet; remove the marker",
        "adHoc" | "agentDefinition" => {
            "ad-hoc sub-processes are not supported yet; model the order with gateways"
        }
        "conditionalFilter" => "conditional events are not supported yet; use a message event",
        "publishMessage" => {
            "publishing a message from a model is not supported; use zeebe:taskDefinition and a job worker that publishes it"
        }
        _ => return None,
    })
}

/// Elements that can have `zeebe:ioMapping`.
fn allows_mappings(tag: Tag) -> bool {
    tag.is_activity()
        || matches!(
            tag,
            Tag::StartEvent
                | Tag::IntermediateCatchEvent
                | Tag::IntermediateThrowEvent
                | Tag::BoundaryEvent
                | Tag::EndEvent
        )
}

/// Refuses attributes of a Zeebe extension element that are not in the list: they would be ignored.
pub(crate) fn check_extension_attributes(report: &mut Report, node: Node<'_>, known: &[&str]) {
    for attribute in node.attributes() {
        let is_own = attribute.namespace().is_none_or(|namespace| namespace == ZEEBE);
        if is_own && !known.contains(&attribute.name()) {
            let name = attribute.name();
            let reason = match name {
                "businessId" => {
                    "the attribute `businessId` is not supported yet; remove it".to_owned()
                }
                _ => format!("the attribute `{name}` is not known here; remove it"),
            };
            report.refuse(node, reason);
        }
    }
}
