//! The files that clients deploy.

use serde::{Deserialize, Serialize};
use skep_protocol::ResourceRecord;

use crate::generated::chance::Chance;
use crate::generated::decisions;
use crate::generated::model::Model;
use crate::scenario::Models;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "file")]
pub enum File {
    /// A process of the scenario's models, in one of its versions.
    Process {
        /// Process id.
        id: String,
        /// Which version, from 0; taken modulo how many there are.
        version: usize,
    },
    /// A decision graph.
    Decisions {
        /// Which.
        seed: u64,
    },
    /// The process `versioned` in a version of this number, and the decision that it asks.
    Versioned {
        /// The number.
        number: u32,
    },
    /// The decision `numbered`, whose answer is this number.
    Numbered {
        /// The number.
        number: u32,
    },
}

impl File {
    /// The file as it is deployed; `None` when the models have no such process.
    pub(crate) fn resource(&self, models: Models) -> Option<ResourceRecord> {
        let (name, content) = match self {
            Self::Process { id, version } => {
                let versions = versions(models, id)?;
                let content = versions.get(version % versions.len().max(1))?.clone();
                (format!("{id}.bpmn"), content)
            }
            Self::Decisions { seed } => {
                (decisions::FILE.to_owned(), decisions::file(&mut Chance::new(*seed)))
            }
            Self::Versioned { number } => ("versioned.bpmn".to_owned(), versioned(*number)),
            Self::Numbered { number } => ("numbered.dmn".to_owned(), numbered(*number)),
        };
        Some(ResourceRecord { name, content: content.into() })
    }
}

/// The processes of these models.
pub(crate) fn processes(models: Models) -> Vec<String> {
    match models {
        Models::Random(_) => ["main", "callee", "late"].map(str::to_owned).to_vec(),
        Models::Fixed => FIXED.iter().map(|(id, _)| (*id).to_owned()).collect(),
    }
}

fn versions(models: Models, id: &str) -> Option<Vec<String>> {
    match models {
        Models::Random(seed) => {
            let (_, files) =
                Model::new(seed).processes.into_iter().find(|(other, _)| other == id)?;
            Some(files.iter().map(|file| shortened(file)).collect())
        }
        Models::Fixed => {
            let (_, body) = FIXED.iter().find(|(other, _)| *other == id)?;
            // Versions differ in a tag only.
            Some((1..=3).map(|tag| process(id, tag, body)).collect())
        }
    }
}

/// Timers of random models wait for hours; a simulated second costs a real millisecond.
fn shortened(file: &str) -> String {
    [
        ("P1D", "PT9S"),
        ("PT1H", "PT7S"),
        ("PT20M", "PT6S"),
        ("PT5M", "PT4S"),
        ("PT10S", "PT2S"),
        ("\"PT\" + string(x) + \"M\"", "\"PT\" + string(x) + \"S\""),
        (
            "&quot;PT&quot; + string(x) + &quot;M&quot;",
            "&quot;PT&quot; + string(x) + &quot;S&quot;",
        ),
    ]
    .iter()
    .fold(file.to_owned(), |file, (long, short)| file.replace(long, short))
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="urn:sim">
"#;

const MESSAGES: &str = r#"<message id="m1" name="m1"><extensionElements><z:subscription correlationKey="=key"/></extensionElements></message>
<message id="m2" name="m2"><extensionElements><z:subscription correlationKey="=key"/></extensionElements></message>
<message id="s1" name="s1"/>
"#;

fn process(id: &str, tag: u32, body: &str) -> String {
    format!(
        r#"{HEAD}<process id="{id}" isExecutable="true"><extensionElements><z:versionTag value="v{tag}"/></extensionElements>
{body}</process>
{MESSAGES}</definitions>"#
    )
}

/// Processes for what crosses partitions.
const FIXED: &[(&str, &str)] = &[
    (
        "order",
        r#"<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="pack"/>
<serviceTask id="pack"><extensionElements><z:taskDefinition type="t1"/></extensionElements></serviceTask>
<sequenceFlow id="f2" sourceRef="pack" targetRef="paid"/>
<intermediateCatchEvent id="paid"><messageEventDefinition messageRef="m1"/></intermediateCatchEvent>
<sequenceFlow id="f3" sourceRef="paid" targetRef="send"/>
<serviceTask id="send"><extensionElements><z:taskDefinition type="t2" retries="2"/></extensionElements></serviceTask>
<boundaryEvent id="late" attachedToRef="send"><timerEventDefinition><timeDuration>PT3S</timeDuration></timerEventDefinition></boundaryEvent>
<sequenceFlow id="f4" sourceRef="send" targetRef="end"/><endEvent id="end"/>
<sequenceFlow id="f5" sourceRef="late" targetRef="end2"/><endEvent id="end2"/>"#,
    ),
    (
        "parent",
        r#"<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="fork"/>
<parallelGateway id="fork"/><sequenceFlow id="f2" sourceRef="fork" targetRef="call"/>
<callActivity id="call"><extensionElements><z:calledElement processId="child" propagateAllChildVariables="false"/></extensionElements></callActivity>
<sequenceFlow id="f3" sourceRef="fork" targetRef="wait"/>
<receiveTask id="wait" messageRef="m2"/>
<sequenceFlow id="f4" sourceRef="call" targetRef="join"/><sequenceFlow id="f5" sourceRef="wait" targetRef="join"/>
<parallelGateway id="join"/><sequenceFlow id="f6" sourceRef="join" targetRef="end"/><endEvent id="end"/>"#,
    ),
    (
        "child",
        r#"<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="task"/>
<serviceTask id="task"><extensionElements><z:taskDefinition type="t3"/></extensionElements></serviceTask>
<sequenceFlow id="f2" sourceRef="task" targetRef="pause"/>
<intermediateCatchEvent id="pause"><timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent>
<sequenceFlow id="f3" sourceRef="pause" targetRef="end"/><endEvent id="end"/>"#,
    ),
    (
        "started",
        r#"<startEvent id="start"><messageEventDefinition messageRef="s1"/></startEvent>
<sequenceFlow id="f1" sourceRef="start" targetRef="task"/>
<serviceTask id="task"><extensionElements><z:taskDefinition type="t1"/></extensionElements></serviceTask>
<sequenceFlow id="f2" sourceRef="task" targetRef="end"/><endEvent id="end"/>"#,
    ),
    (
        "decide",
        r#"<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="rule"/>
<businessRuleTask id="rule"><extensionElements><z:calledDecision decisionId="grade" resultVariable="y"/></extensionElements></businessRuleTask>
<sequenceFlow id="f2" sourceRef="rule" targetRef="task"/>
<serviceTask id="task"><extensionElements><z:taskDefinition type="t2"/></extensionElements></serviceTask>
<sequenceFlow id="f3" sourceRef="task" targetRef="end"/><endEvent id="end"/>"#,
    ),
    (
        "reminded",
        r#"<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="task"/>
<serviceTask id="task"><extensionElements><z:taskDefinition type="t1"/></extensionElements></serviceTask>
<boundaryEvent id="remind" attachedToRef="task" cancelActivity="false"><timerEventDefinition><timeCycle>R2/PT1S</timeCycle></timerEventDefinition></boundaryEvent>
<boundaryEvent id="note" attachedToRef="task" cancelActivity="false"><messageEventDefinition messageRef="m1"/></boundaryEvent>
<boundaryEvent id="stop" attachedToRef="task"><messageEventDefinition messageRef="m2"/></boundaryEvent>
<sequenceFlow id="f2" sourceRef="task" targetRef="end"/><endEvent id="end"/>
<sequenceFlow id="f3" sourceRef="remind" targetRef="end2"/><endEvent id="end2"/>
<sequenceFlow id="f4" sourceRef="note" targetRef="end3"/><endEvent id="end3"/>
<sequenceFlow id="f5" sourceRef="stop" targetRef="end4"/><endEvent id="end4"/>"#,
    ),
    (
        "first",
        r#"<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="events"/>
<eventBasedGateway id="events"/>
<sequenceFlow id="f2" sourceRef="events" targetRef="one"/><sequenceFlow id="f3" sourceRef="events" targetRef="two"/>
<sequenceFlow id="f4" sourceRef="events" targetRef="three"/>
<intermediateCatchEvent id="one"><messageEventDefinition messageRef="m1"/></intermediateCatchEvent>
<intermediateCatchEvent id="two"><messageEventDefinition messageRef="m2"/></intermediateCatchEvent>
<intermediateCatchEvent id="three"><timerEventDefinition><timeDuration>PT5S</timeDuration></timerEventDefinition></intermediateCatchEvent>
<sequenceFlow id="f5" sourceRef="one" targetRef="end"/><sequenceFlow id="f6" sourceRef="two" targetRef="end"/>
<sequenceFlow id="f7" sourceRef="three" targetRef="end"/><endEvent id="end"/>"#,
    ),
];

fn versioned(number: u32) -> String {
    let body = r#"<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="rule"/>
<businessRuleTask id="rule"><extensionElements><z:calledDecision decisionId="numbered" resultVariable="y"/></extensionElements></businessRuleTask>
<sequenceFlow id="f2" sourceRef="rule" targetRef="end"/><endEvent id="end"/>"#;
    process("versioned", number, body)
}

fn numbered(number: u32) -> String {
    format!(
        r#"<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="numbers" name="Numbers" namespace="urn:sim">
<decision id="numbered" name="numbered"><literalExpression><text>{number}</text></literalExpression></decision>
</definitions>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_random_models_have_short_timers() {
        for seed in 0..300 {
            for id in processes(Models::Random(seed)) {
                for version in 0..2 {
                    let file = File::Process { id: id.clone(), version };
                    let resource = file.resource(Models::Random(seed)).expect("a file");
                    let text = String::from_utf8(resource.content.to_vec()).expect("text");
                    for long in ["P1D", "PT1H", "PT20M", "PT5M", "&quot;M&quot;"] {
                        assert!(!text.contains(long), "{long} in {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn versions_differ() {
        for id in processes(Models::Fixed) {
            let file = |version| File::Process { id: id.clone(), version }.resource(Models::Fixed);
            assert!(file(0).is_some() && file(0) != file(1) && file(0) == file(3));
        }
        assert_eq!(File::Process { id: "no".to_owned(), version: 0 }.resource(Models::Fixed), None);
    }
}
