//! Builds small BPMN files and looks at the outcome.

use skep_bpmn::model::Element;
use skep_bpmn::{Process, Violation, parse};

/// A file with these children of the definitions: BPMN is the default namespace, `z` is Zeebe.
pub(crate) fn file(body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:z="http://camunda.org/schema/zeebe/1.0"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="definitions">
{body}
</definitions>"#
    )
}

/// A file with one executable process `process`.
pub(crate) fn process(body: &str) -> String {
    process_and(body, "")
}

/// A file with one executable process and messages, errors, ... beside it.
pub(crate) fn process_and(body: &str, globals: &str) -> String {
    file(&format!(
        r#"<process id="process" isExecutable="true">
{body}
</process>
{globals}"#
    ))
}

/// A process that starts, does one thing with the id `it`, and ends.
pub(crate) fn doing(it: &str) -> String {
    doing_and(it, "")
}

/// As [`doing`], with messages, errors, ... beside the process.
pub(crate) fn doing_and(it: &str, globals: &str) -> String {
    let body = format!(
        r#"<startEvent id="start"/>
{}
{it}
{}
<endEvent id="end"/>"#,
        flow("in", "start", "it"),
        flow("out", "it", "end"),
    );
    process_and(&body, globals)
}

/// A process with a boundary event `it` (these are its children) on a service task `work`.
pub(crate) fn with_boundary(attributes: &str, children: &str, globals: &str) -> String {
    let body = format!(
        r#"<startEvent id="start"/>
{}
{}
<boundaryEvent id="it" attachedToRef="work" {attributes}>{children}</boundaryEvent>
{}
<endEvent id="end"/>"#,
        flow("in", "start", "work"),
        job("work"),
        flow("out", "it", "end"),
    );
    process_and(&body, globals)
}

/// A sequence flow.
pub(crate) fn flow(id: &str, source: &str, target: &str) -> String {
    format!(r#"<sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}"/>"#)
}

/// A sequence flow with a condition.
pub(crate) fn flow_if(id: &str, source: &str, target: &str, condition: &str) -> String {
    format!(
        r#"<sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}"><conditionExpression xsi:type="tFormalExpression">{condition}</conditionExpression></sequenceFlow>"#
    )
}

/// A service task with a job type.
pub(crate) fn job(id: &str) -> String {
    format!(
        r#"<serviceTask id="{id}">{}</serviceTask>"#,
        extensions(r#"<z:taskDefinition type="work"/>"#)
    )
}

/// Extension elements around Zeebe extensions.
pub(crate) fn extensions(inner: &str) -> String {
    format!("<extensionElements>{inner}</extensionElements>")
}

/// A message with a correlation key.
pub(crate) fn message(id: &str, name: &str) -> String {
    format!(
        r#"<message id="{id}" name="{name}">{}</message>"#,
        extensions(r#"<z:subscription correlationKey="=&quot;key&quot;"/>"#)
    )
}

/// The only process of a file that has to be accepted.
pub(crate) fn accepted(xml: &str) -> Process {
    match parse(xml) {
        Ok(mut processes) if processes.len() == 1 => processes.remove(0),
        Ok(processes) => panic!("{} processes instead of one", processes.len()),
        Err(violations) => panic!("refused:\n{violations}\nin\n{xml}"),
    }
}

/// The element `it` of a process.
pub(crate) fn it(process: &Process) -> &Element {
    process.find("it").expect("the process has the element `it`").1
}

/// All violations of a file that has to be refused.
pub(crate) fn refusals(xml: &str) -> Vec<Violation> {
    match parse(xml) {
        Ok(_) => panic!("accepted:\n{xml}"),
        Err(violations) => {
            assert!(!violations.violations.is_empty(), "refused without a reason");
            violations.violations
        }
    }
}

/// The file is refused for exactly one reason, which is about this element and contains this text.
#[track_caller]
pub(crate) fn assert_refused(xml: &str, element_id: &str, reason: &str) {
    let violations = refusals(xml);
    let [violation] = violations.as_slice() else {
        panic!("{} violations instead of one: {violations:#?}", violations.len());
    };
    assert_eq!(violation.element_id, element_id, "{violation}");
    assert!(violation.reason.contains(reason), "`{reason}` is not in: {violation}");
    assert!(violation.line > 0, "no line: {violation}");
    assert!(!violation.construct.is_empty(), "no construct: {violation}");
}

/// The process is accepted, and a warning contains this text.
#[track_caller]
pub(crate) fn assert_warned(xml: &str, text: &str) {
    let process = accepted(xml);
    let found = process.warnings.iter().any(|warning| warning.contains(text));
    assert!(found, "`{text}` is not in: {:#?}", process.warnings);
}
