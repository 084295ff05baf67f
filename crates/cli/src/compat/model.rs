//! The BPMN and DMN of the probes.
//!
//! A failing expression raises an incident, at which an instance stands still. A timer around the
//! expressions ends it then, so that whoever waits for the result gets one without the variable.

use super::probe::{PATIENCE_VARIABLE, Probe, Question, TEXT_VARIABLE, VALUE_VARIABLE};

/// The id of a probe's process or decision.
pub(crate) fn id_of(probe: &Probe) -> String {
    format!("skep_compat_feel_{}", probe.case)
}

/// A resource to deploy with these probes, which are all expressions or all unary tests.
pub(crate) fn resource(probes: &[Probe]) -> (String, String) {
    let first = probes.first().map_or(0, |probe| probe.case);
    let name = format!("skep-compat-feel-{first}-{}", probes.len());
    let mut body = String::new();
    let mut decisions = false;
    for probe in probes {
        match &probe.question {
            Question::Expression { text, value, .. } => {
                body.push_str(&process(&id_of(probe), text, value.as_deref()));
            }
            Question::UnaryTests { input, tests } => {
                decisions = true;
                body.push_str(&decision(&id_of(probe), input, tests));
            }
        }
    }
    if decisions {
        let text = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="skep_compat_feel_graph_{first}"
    name="{name}" namespace="https://skep.example/compat">{body}
</definitions>
"#
        );
        (format!("{name}.dmn"), text)
    } else {
        let text = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="https://skep.example/compat">{body}
</definitions>
"#
        );
        (format!("{name}.bpmn"), text)
    }
}

fn process(id: &str, text: &str, value: Option<&str>) -> String {
    let script = |name: &str, expression: &str, variable: &str| {
        let expression = escaped(expression);
        format!(
            r#"
      <scriptTask id="{id}_{name}"><extensionElements>
        <zeebe:script expression="={expression}" resultVariable="{variable}"/>
      </extensionElements></scriptTask>"#
        )
    };
    let flow = |from: &str, to: &str| {
        let ids = format!(r#"sourceRef="{id}_{from}" targetRef="{id}_{to}""#);
        format!("\n      <sequenceFlow id=\"{id}_{from}_{to}\" {ids}/>")
    };
    let mut tasks = script("text", text, TEXT_VARIABLE) + &flow("in", "text");
    match value {
        Some(value) => {
            tasks += &script("value", value, VALUE_VARIABLE);
            tasks += &(flow("text", "value") + &flow("value", "out"));
        }
        None => tasks += &flow("text", "out"),
    }
    let (begin, end, late) = (flow("begin", "work"), flow("work", "end"), flow("late", "given_up"));
    format!(
        r#"
  <process id="{id}" isExecutable="true">
    <startEvent id="{id}_begin"/>
    <subProcess id="{id}_work">
      <startEvent id="{id}_in"/>{tasks}
      <endEvent id="{id}_out"/>
    </subProcess>
    <endEvent id="{id}_end"/>
    <boundaryEvent id="{id}_late" attachedToRef="{id}_work"><timerEventDefinition>
      <timeDuration>={PATIENCE_VARIABLE}</timeDuration>
    </timerEventDefinition></boundaryEvent>
    <endEvent id="{id}_given_up"/>{begin}{end}{late}
  </process>"#
    )
}

fn decision(id: &str, input: &str, tests: &str) -> String {
    let (input, tests) = (escaped(input), escaped(tests));
    let rule = |name: &str, tests: &str, output: bool| {
        format!(
            r#"
      <rule id="{id}_{name}">
        <inputEntry id="{id}_{name}_input"><text>{tests}</text></inputEntry>
        <outputEntry id="{id}_{name}_output"><text>{output}</text></outputEntry>
      </rule>"#
        )
    };
    let (hit, miss) = (rule("hit", &tests, true), rule("miss", "-", false));
    format!(
        r#"
  <decision id="{id}" name="{id}">
    <decisionTable id="{id}_table" hitPolicy="FIRST">
      <input id="{id}_column"><inputExpression id="{id}_expression"><text>{input}</text></inputExpression></input>
      <output id="{id}_result" name="hit"/>{hit}{miss}
    </decisionTable>
  </decision>"#
    )
}

/// Text as it stands in XML, in an attribute too, where a plain line break would become a space.
fn escaped(text: &str) -> String {
    skep_chaos::report::escaped(text)
        .replace('\n', "&#10;")
        .replace('\r', "&#13;")
        .replace('\t', "&#9;")
}
