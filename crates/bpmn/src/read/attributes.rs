//! Attributes of BPMN elements. A misspelt one (`cancelActivty`) would silently change what a process
//! does, so that unknown ones are refused, as the schema of BPMN 2.0 says.

use crate::read::report::Report;
use crate::read::value::shorten;
use crate::xml::{Node, ZEEBE};

/// Attributes that are `true` or `false`.
const BOOLEANS: [&str; 8] = [
    "isExecutable",
    "triggeredByEvent",
    "isForCompensation",
    "cancelActivity",
    "parallelMultiple",
    "isInterrupting",
    "instantiate",
    "isImmediate",
];

/// Refuses attributes that the element does not have. Those of other namespaces are left alone.
pub(crate) fn check(report: &mut Report, node: Node<'_>) {
    let own = own_attributes(node.tag_name().name());
    for attribute in node.attributes() {
        let name = attribute.name();
        let is_known = match (attribute.namespace(), own) {
            // Of element templates.
            (Some(ZEEBE), _) => name.starts_with("modelerTemplate"),
            (None, Some(own)) => matches!(name, "id" | "name") || own.contains(&name),
            (None, None) | (Some(_), _) => true,
        };
        let value = attribute.value().trim();
        let is_boolean = attribute.namespace().is_none() && BOOLEANS.contains(&name);
        if is_boolean && !matches!(value, "true" | "false" | "1" | "0") {
            let reason = format!("`{name}` is `{}`; set `true` or `false`", shorten(value));
            report.refuse(node, reason);
        }
        if !is_known {
            let prefix = if attribute.namespace().is_some() { "zeebe:" } else { "" };
            let name = shorten(name);
            let reason = format!("the attribute `{prefix}{name}` is not known here; remove it");
            report.refuse(node, reason);
        }
    }
}

/// Attributes of an element beside id and name; nothing for elements without a meaning.
fn own_attributes(element: &str) -> Option<&'static [&'static str]> {
    Some(match element {
        "process" => &["processType", "isClosed", "isExecutable", "definitionalCollaborationRef"],
        "subProcess" => &[
            "isForCompensation",
            "startQuantity",
            "completionQuantity",
            "default",
            "triggeredByEvent",
        ],
        "task" | "manualTask" => {
            &["isForCompensation", "startQuantity", "completionQuantity", "default"]
        }
        "userTask" | "businessRuleTask" => &[
            "isForCompensation",
            "startQuantity",
            "completionQuantity",
            "default",
            "implementation",
        ],
        "scriptTask" => {
            &["isForCompensation", "startQuantity", "completionQuantity", "default", "scriptFormat"]
        }
        "callActivity" => &[
            "isForCompensation",
            "startQuantity",
            "completionQuantity",
            "default",
            "calledElement",
        ],
        "serviceTask" | "sendTask" | "receiveTask" => &[
            "isForCompensation",
            "startQuantity",
            "completionQuantity",
            "default",
            "implementation",
            "operationRef",
            "messageRef",
            "instantiate",
        ],
        "startEvent" => &["parallelMultiple", "isInterrupting"],
        "intermediateCatchEvent" => &["parallelMultiple"],
        "boundaryEvent" => &["parallelMultiple", "cancelActivity", "attachedToRef"],
        "intermediateThrowEvent" | "endEvent" => &[],
        "exclusiveGateway" => &["gatewayDirection", "default"],
        "parallelGateway" => &["gatewayDirection"],
        "eventBasedGateway" => &["gatewayDirection", "instantiate", "eventGatewayType"],
        "sequenceFlow" => &["sourceRef", "targetRef", "isImmediate"],
        "messageEventDefinition" => &["messageRef"],
        "errorEventDefinition" => &["errorRef"],
        "timerEventDefinition" | "terminateEventDefinition" => &[],
        "message" => &["itemRef"],
        "error" => &["errorCode", "structureRef"],
        _ => return None,
    })
}
