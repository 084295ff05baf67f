//! BPMN and Zeebe constructs that Skep does not run are refused, each with the element and a way out.

use crate::common::*;

fn end(definition: &str) -> String {
    process(&format!(
        r#"<startEvent id="s"/><endEvent id="it">{definition}</endEvent>{}"#,
        flow("f", "s", "it")
    ))
}

#[test]
fn flow_nodes() {
    for (element, reason) in [
        ("inclusiveGateway", "inclusive gateways are not supported yet"),
        ("complexGateway", "complex gateways are not supported"),
        ("adHocSubProcess", "ad-hoc sub-processes are not supported yet"),
        ("transaction", "transaction sub-processes are not supported"),
        ("choreographyTask", "choreographies are not supported"),
        ("implicitThrowEvent", "events of unknown position"),
    ] {
        assert_refused(&doing(&format!(r#"<{element} id="it"/>"#)), "it", reason);
    }
}

#[test]
fn what_is_inside_a_refused_element_is_not_looked_at() {
    let inner = r#"<serviceTask id="broken"/>"#;
    let xml = doing(&format!(r#"<adHocSubProcess id="it">{inner}</adHocSubProcess>"#));
    assert_refused(&xml, "it", "ad-hoc");
}

#[test]
fn event_sub_processes() {
    let xml = process(
        r#"<startEvent id="s"/><subProcess id="it" triggeredByEvent="true"><startEvent id="x"><signalEventDefinition/></startEvent></subProcess>"#,
    );
    assert_refused(&xml, "it", "event sub-processes are not supported yet");
}

#[test]
fn markers_on_activities() {
    for (marker, reason) in [
        ("multiInstanceLoopCharacteristics", "multi-instance markers are not supported yet"),
        ("standardLoopCharacteristics", "standard loop markers are not supported"),
    ] {
        let task = format!(r#"<task id="it"><{marker}/></task>"#);
        assert_refused(&doing(&task), "it", reason);
        let sub_process =
            format!(r#"<subProcess id="it"><{marker}/><startEvent id="inner"/></subProcess>"#);
        assert_refused(&doing(&sub_process), "it", reason);
    }
    let xml = doing(r#"<task id="it" isForCompensation="true"/>"#);
    assert_refused(&xml, "it", "compensation handlers are not supported yet");
    let xml = doing(r#"<task id="it" startQuantity="2"/>"#);
    assert_refused(&xml, "it", "`startQuantity` other than 1");
}

#[test]
fn event_definitions() {
    for (definition, reason) in [
        ("signal", "signal events are not supported yet"),
        ("escalation", "escalation events are not supported yet"),
        ("link", "link events are not supported yet"),
        ("compensate", "compensation events are not supported yet"),
        ("conditional", "conditional events are not supported yet"),
        ("cancel", "cancel events are not supported"),
    ] {
        let definition = format!("<{definition}EventDefinition/>");
        for xml in [
            end(&definition),
            with_boundary("", &definition, ""),
            process(&format!(r#"<startEvent id="it">{definition}</startEvent>"#)),
            doing(&format!(
                r#"<intermediateCatchEvent id="it">{definition}</intermediateCatchEvent>"#
            )),
            doing(&format!(
                r#"<intermediateThrowEvent id="it">{definition}</intermediateThrowEvent>"#
            )),
        ] {
            assert_refused(&xml, "it", reason);
        }
    }
}

#[test]
fn events_in_unusual_forms() {
    assert_refused(&end("<eventDefinitionRef>x</eventDefinitionRef>"), "it", "shared event");
    assert_refused(&end("<fancyEventDefinition/>"), "it", "not known here");
    let xml = doing(
        r#"<intermediateThrowEvent id="it"><messageEventDefinition/></intermediateThrowEvent>"#,
    );
    assert_refused(&xml, "it", "message throw events are not supported yet");
    let timer = "<timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition>";
    let xml = doing(&format!(
        r#"<intermediateCatchEvent id="it" parallelMultiple="true">{timer}</intermediateCatchEvent>"#
    ));
    assert_refused(&xml, "it", "parallel multiple");
}

#[test]
fn operations_of_messages() {
    let xml = doing_and(
        r#"<intermediateCatchEvent id="it"><messageEventDefinition messageRef="m"><operationRef>x</operationRef></messageEventDefinition></intermediateCatchEvent>"#,
        &message("m", "go"),
    );
    assert_refused(&xml, "it", "not known here");
}

#[test]
fn elements_that_start_the_process_without_being_start_events() {
    let xml = doing_and(
        r#"<receiveTask id="it" messageRef="m" instantiate="true"/>"#,
        &message("m", "go"),
    );
    assert_refused(&xml, "it", "starts the process");
    let timer = "<timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition>";
    let event = |id: &str| {
        format!(r#"<intermediateCatchEvent id="{id}">{timer}</intermediateCatchEvent>"#)
            + &flow(&format!("to_{id}"), "it", id)
    };
    let gateway = |attribute: &str| {
        process(&format!(
            r#"<startEvent id="s"/><eventBasedGateway id="it" {attribute}/>{}{}{}"#,
            flow("f", "s", "it"),
            event("a"),
            event("b"),
        ))
    };
    assert_refused(&gateway(r#"instantiate="true""#), "it", "starts the process");
    assert_refused(&gateway(r#"eventGatewayType="Parallel""#), "it", "eventGatewayType");
}

#[test]
fn resource_roles_and_unknown_elements() {
    for (child, reason) in [
        ("potentialOwner", "zeebe:assignmentDefinition"),
        ("performer", "zeebe:assignmentDefinition"),
        ("fancy", "not known here"),
    ] {
        let xml = doing(&format!(r#"<userTask id="it"><{child}/></userTask>"#));
        assert_refused(&xml, "it", reason);
    }
    let xml = process(r#"<startEvent id="s"/><fancyTask id="it"/>"#);
    assert_refused(&xml, "it", "not known here");
    let xml = process(r#"<startEvent id="s"/><correlationSubscription id="it"/>"#);
    assert_refused(&xml, "it", "correlation subscriptions are not supported");
    let xml = process_and(r#"<startEvent id="s"/>"#, r#"<fancy id="it"/>"#);
    assert_refused(&xml, "it", "not known here");
    let xml = process_and(
        r#"<startEvent id="s"/>"#,
        r#"<extension definition="x" mustUnderstand="true"/>"#,
    );
    assert_refused(&xml, "definitions", "has to be understood");
}

#[test]
fn zeebe_extensions() {
    for (extension, reason) in [
        ("userTask", "native user tasks are not supported yet"),
        ("priorityDefinition", "priorities of native user tasks"),
        ("jobPriorityDefinition", "job priorities are not supported yet"),
        ("executionListeners", "execution listeners are not supported yet"),
        ("taskListeners", "task listeners are not supported yet"),
        ("linkedResources", "linked resources are not supported yet"),
        ("loopCharacteristics", "multi-instance markers are not supported yet"),
        ("adHoc", "ad-hoc sub-processes are not supported yet"),
        ("conditionalFilter", "conditional events are not supported yet"),
        ("publishMessage", "publishing a message"),
        ("fancy", "not known; remove it"),
        ("calledElement", "has no meaning on this element"),
        ("calledDecision", "has no meaning on this element"),
        ("versionTag", "has no meaning on this element"),
    ] {
        let inner = format!("<z:{extension}/>");
        let xml = doing(&format!(r#"<userTask id="it">{}</userTask>"#, extensions(&inner)));
        assert_refused(&xml, "it", reason);
    }
}

#[test]
fn job_extensions_on_elements_without_a_job() {
    for extension in [r#"<z:taskDefinition type="work"/>"#, "<z:taskHeaders/>"] {
        let xml = doing(&format!(r#"<manualTask id="it">{}</manualTask>"#, extensions(extension)));
        assert_refused(&xml, "it", "has no meaning on this element");
    }
    let xml = doing(&format!(
        r#"<exclusiveGateway id="it">{}</exclusiveGateway>"#,
        extensions("<z:ioMapping/>")
    ));
    assert_refused(&xml, "it", "has no meaning on this element");
    for (element, implementation) in [
        ("scriptTask", r#"<z:script expression="=1" resultVariable="x"/>"#),
        ("businessRuleTask", r#"<z:calledDecision decisionId="d" resultVariable="x"/>"#),
    ] {
        let inner = extensions(&format!("{implementation}<z:taskHeaders/>"));
        let xml = doing(&format!(r#"<{element} id="it">{inner}</{element}>"#));
        assert_refused(&xml, "it", "no meaning without a job");
    }
}

#[test]
fn attributes_of_zeebe_extensions() {
    let task = |attribute: &str| {
        doing(&format!(
            r#"<serviceTask id="it">{}</serviceTask>"#,
            extensions(&format!(r#"<z:taskDefinition type="work" {attribute}/>"#))
        ))
    };
    assert_refused(&task(r#"backoff="PT1S""#), "it", "attribute `backoff` is not known");
    let xml = doing(&format!(
        r#"<callActivity id="it">{}</callActivity>"#,
        extensions(r#"<z:calledElement processId="p" businessId="=1"/>"#)
    ));
    assert_refused(&xml, "it", "`businessId` is not supported yet");
    let xml = doing(r#"<task id="it" z:fancy="1"/>"#);
    assert_refused(&xml, "it", "attribute `zeebe:fancy`");
}

#[test]
fn extensions_at_the_wrong_place() {
    let xml = doing(r#"<serviceTask id="it"><z:properties/></serviceTask>"#);
    let reasons: Vec<_> = refusals(&xml).into_iter().map(|violation| violation.reason).collect();
    assert!(reasons.iter().any(|reason| reason.contains("inside bpmn:extensionElements")));
    let xml = doing(&format!(r#"<task id="it">{}</task>"#, extensions("<ioSpecification/>")));
    assert_refused(&xml, "it", "no meaning inside bpmn:extensionElements");
}

#[test]
fn forms_by_id() {
    let task = |attribute: &str| {
        doing(&format!(
            r#"<userTask id="it">{}</userTask>"#,
            extensions(&format!("<z:formDefinition {attribute}/>"))
        ))
    };
    assert_refused(&task(r#"formId="f""#), "it", "forms cannot be deployed yet");
    assert_refused(&task(r#"externalReference="f""#), "it", "native user tasks");
}
