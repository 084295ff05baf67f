//! The processes of the load.

/// Type of the jobs that say that an instance exists.
pub(crate) const JOB_TYPE: &str = "cluster-test";

/// Name of the message that instances wait for.
pub(crate) const MESSAGE: &str = "cluster-test-go";

/// Process of one task.
pub(crate) const TASK: &str = "cluster-task";

/// Process that waits for a message, then has one task.
pub(crate) const WAIT: &str = "cluster-wait";

/// Process that is deployed over and over.
pub(crate) const ROLLED_OUT: &str = "cluster-rolled-out";

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="http://skep.example/cluster-test" id="cluster-test">"#;

const TASK_ELEMENT: &str = r#"<bpmn:serviceTask id="work"><bpmn:extensionElements><zeebe:taskDefinition type="cluster-test" retries="3" /></bpmn:extensionElements></bpmn:serviceTask>"#;

/// One task; its job carries the number of the instance.
pub(crate) fn task() -> String {
    format!(
        r#"{HEAD}<bpmn:process id="{TASK}" isExecutable="true"><bpmn:startEvent id="start" />
<bpmn:sequenceFlow id="a" sourceRef="start" targetRef="work" />{TASK_ELEMENT}
<bpmn:sequenceFlow id="b" sourceRef="work" targetRef="end" /><bpmn:endEvent id="end" /></bpmn:process></bpmn:definitions>"#
    )
}

/// A message with the key of the instance, then one task.
pub(crate) fn wait() -> String {
    format!(
        r#"{HEAD}<bpmn:message id="go" name="{MESSAGE}"><bpmn:extensionElements><zeebe:subscription correlationKey="=key" /></bpmn:extensionElements></bpmn:message>
<bpmn:process id="{WAIT}" isExecutable="true"><bpmn:startEvent id="start" />
<bpmn:sequenceFlow id="a" sourceRef="start" targetRef="catch" />
<bpmn:intermediateCatchEvent id="catch"><bpmn:messageEventDefinition id="definition" messageRef="go" /></bpmn:intermediateCatchEvent>
<bpmn:sequenceFlow id="b" sourceRef="catch" targetRef="work" />{TASK_ELEMENT}
<bpmn:sequenceFlow id="c" sourceRef="work" targetRef="end" /><bpmn:endEvent id="end" /></bpmn:process></bpmn:definitions>"#
    )
}

/// A process without any work, different for each `number` so that each deployment makes a version.
pub(crate) fn rolled_out(process: &str, number: u64) -> String {
    format!(
        r#"{HEAD}<bpmn:process id="{process}" name="Number {number}" isExecutable="true"><bpmn:startEvent id="start" />
<bpmn:sequenceFlow id="a" sourceRef="start" targetRef="end" /><bpmn:endEvent id="end" /></bpmn:process></bpmn:definitions>"#
    )
}

/// The model and decision of the field's deployment experiment: two forms that differ only where it does not matter, taken in turns, so
/// that each deployment makes a version of both.
pub(crate) fn multi_version(number: usize) -> [(&'static str, &'static str); 2] {
    if number.is_multiple_of(2) {
        [
            (
                "multiVersionModel.bpmn",
                include_str!("../../../../models/chaos/multiVersionModel.bpmn"),
            ),
            ("fancyDecision.dmn", include_str!("../../../../models/chaos/fancyDecision.dmn")),
        ]
    } else {
        [
            (
                "multiVersionModel_v2.bpmn",
                include_str!("../../../../models/chaos/multiVersionModel_v2.bpmn"),
            ),
            ("fancyDecision_v2.dmn", include_str!("../../../../models/chaos/fancyDecision_v2.dmn")),
        ]
    }
}
