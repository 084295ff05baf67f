//! One test for each rule of deployment that a file can break.

use crate::common::*;

const TIMER_PT1S: &str =
    "<timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition>";

fn timer(kind: &str, text: &str) -> String {
    format!("<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>")
}

fn catch(id: &str, definition: &str) -> String {
    format!(r#"<intermediateCatchEvent id="{id}">{definition}</intermediateCatchEvent>"#)
}

fn catch_message(id: &str, message: &str) -> String {
    catch(id, &format!(r#"<messageEventDefinition messageRef="{message}"/>"#))
}

fn service_task(inner: &str) -> String {
    doing(&format!(r#"<serviceTask id="it">{}</serviceTask>"#, extensions(inner)))
}

fn with_mapping(mapping: &str) -> String {
    service_task(&format!(r#"<z:taskDefinition type="work"/><z:ioMapping>{mapping}</z:ioMapping>"#))
}

// Files and processes.

#[test]
fn a_file_without_an_executable_process() {
    assert_refused(
        &file(r#"<process id="drawing"><startEvent id="start"/></process>"#),
        "definitions",
        "no executable process",
    );
}

#[test]
fn a_process_without_a_start_event() {
    assert_refused(&process(&job("work")), "process", "no start event");
}

#[test]
fn two_start_events_without_a_trigger() {
    let xml = process(r#"<startEvent id="one"/><startEvent id="two"/>"#);
    assert_refused(&xml, "two", "more than one start event");
}

#[test]
fn an_element_without_an_id() {
    let xml = process(r#"<startEvent id="start"/><task/>"#);
    assert_refused(&xml, "process", "has no id");
}

#[test]
fn a_flow_without_an_id() {
    let xml = process(
        r#"<startEvent id="a"/><endEvent id="b"/><sequenceFlow sourceRef="a" targetRef="b"/>"#,
    );
    assert_refused(&xml, "process", "has no id");
}

#[test]
fn a_misspelt_attribute() {
    let xml = with_boundary(r#"cancelActivty="false""#, TIMER_PT1S, "");
    assert_refused(&xml, "it", "attribute `cancelActivty` is not known");
    let xml = doing(r#"<task id="it" x:mine="1" xmlns:x="urn:x"/>"#);
    accepted(&xml);
    let end = r#"<endEvent id="it"><terminateEventDefinition now="true"/></endEvent>"#;
    let xml = process(&(r#"<startEvent id="s"/>"#.to_owned() + end + &flow("f", "s", "it")));
    assert_refused(&xml, "it", "attribute `now` is not known");
}

#[test]
fn a_boolean_that_is_neither_true_nor_false() {
    let xml = with_boundary(r#"cancelActivity="False""#, TIMER_PT1S, "");
    assert_refused(&xml, "it", "`cancelActivity` is `False`");
}

#[test]
fn an_id_used_twice() {
    let xml = process(r#"<startEvent id="start"/><task id="same"/><task id="same"/>"#);
    assert_refused(&xml, "same", "used more than once");
}

#[test]
fn a_process_id_used_twice() {
    let process = r#"<process id="same" isExecutable="true"><startEvent id="ID"/></process>"#;
    let xml = file(&(process.replace("ID", "a") + &process.replace("ID", "b")));
    assert_refused(&xml, "same", "used more than once");
}

#[test]
fn an_id_that_is_too_long() {
    let id = "x".repeat(256);
    let xml = process(&format!(r#"<startEvent id="{id}"/>"#));
    assert_refused(&xml, &id, "longer than 255 characters");
}

// Sequence flows.

#[test]
fn a_flow_to_nowhere() {
    let xml = process(&(r#"<startEvent id="start"/>"#.to_owned() + &flow("f", "start", "gone")));
    assert_refused(&xml, "f", "`gone`, which is not a flow node");
}

#[test]
fn a_flow_without_a_source() {
    let xml =
        process(r#"<startEvent id="start"/><task id="it"/><sequenceFlow id="f" targetRef="it"/>"#);
    assert_refused(&xml, "f", "`sourceRef` is missing");
}

#[test]
fn a_flow_to_the_process() {
    let xml = process(&(r#"<startEvent id="start"/>"#.to_owned() + &flow("f", "start", "process")));
    assert_refused(&xml, "f", "not a flow node");
}

#[test]
fn a_flow_into_a_sub_process() {
    let inner = r#"<startEvent id="inner"/><task id="deep"/>"#;
    let xml = doing(&format!(
        r#"<subProcess id="it">{inner}</subProcess>{}"#,
        flow("f", "start", "deep")
    ));
    assert_refused(&xml, "f", "in another sub-process");
}

#[test]
fn a_flow_into_a_start_event() {
    let xml = doing(&("<task id=\"it\"/>".to_owned() + &flow("f", "it", "start")));
    assert_refused(&xml, "start", "start event cannot have incoming");
}

#[test]
fn a_flow_out_of_an_end_event() {
    let xml = doing(&("<task id=\"it\"/>".to_owned() + &flow("f", "end", "it")));
    assert_refused(&xml, "end", "end event cannot have outgoing");
}

#[test]
fn two_conditions_on_a_flow() {
    let condition = "<conditionExpression>=true</conditionExpression>";
    let xml = doing(&format!(
        r#"<exclusiveGateway id="it"/><sequenceFlow id="f" sourceRef="it" targetRef="end">{condition}{condition}</sequenceFlow>"#
    ))
    .replace(&flow("out", "it", "end"), "");
    assert_refused(&xml, "f", "one condition");
}

// Gateways.

#[test]
fn several_ways_out_of_an_exclusive_gateway_without_conditions() {
    let xml =
        doing(&(r#"<exclusiveGateway id="it"/>"#.to_owned() + &flow_if("f", "it", "end", "=true")));
    assert_refused(&xml, "out", "without a condition");
}

#[test]
fn a_condition_that_is_not_an_expression() {
    let gateway = r#"<exclusiveGateway id="it" default="out"/>"#.to_owned();
    let xml = doing(&(gateway + &flow_if("f", "it", "end", "true")));
    assert_refused(&xml, "f", "static text `true`");
}

#[test]
fn a_condition_that_is_not_feel() {
    let gateway = r#"<exclusiveGateway id="it" default="out"/>"#.to_owned();
    let xml = doing(&(gateway + &flow_if("f", "it", "end", "=1 + ")));
    assert_refused(&xml, "f", "not valid FEEL");
}

#[test]
fn an_empty_condition() {
    let gateway = r#"<exclusiveGateway id="it" default="out"/>"#.to_owned();
    let xml = doing(&(gateway + &flow_if("f", "it", "end", "")));
    assert_refused(&xml, "f", "missing or empty");
}

#[test]
fn a_condition_in_another_language() {
    let gateway = r#"<exclusiveGateway id="it" default="out"/>"#.to_owned();
    let xml = doing(&(gateway + &flow_if("f", "it", "end", "=true")))
        .replace("<conditionExpression ", r#"<conditionExpression language="groovy" "#);
    assert_refused(&xml, "f", "`groovy`");
}

#[test]
fn a_default_flow_that_leaves_another_gateway() {
    let xml = doing(r#"<exclusiveGateway id="it" default="in"/>"#);
    assert_refused(&xml, "it", "does not leave this gateway");
}

#[test]
fn a_default_flow_with_a_condition() {
    let gateway = r#"<exclusiveGateway id="it" default="f"/>"#.to_owned();
    let xml = doing(&(gateway + &flow_if("f", "it", "end", "=true")))
        .replace(&flow("out", "it", "end"), "");
    assert_refused(&xml, "it", "has a condition");
}

#[test]
fn a_condition_behind_a_task() {
    let xml = doing(&(r#"<task id="it"/>"#.to_owned() + &flow_if("f", "it", "end", "=true")));
    assert_refused(&xml, "f", "does not leave an exclusive gateway");
}

fn event_based_gateway(events: &str, flows: &str) -> String {
    process_and(
        &format!(
            r#"<startEvent id="start"/><eventBasedGateway id="it"/>{}{events}{flows}"#,
            flow("in", "start", "it")
        ),
        &(message("m1", "same") + &message("m2", "same")),
    )
}

#[test]
fn an_event_based_gateway_with_one_event() {
    let xml = event_based_gateway(&catch("a", TIMER_PT1S), &flow("f", "it", "a"));
    assert_refused(&xml, "it", "at least two");
}

#[test]
fn a_task_behind_an_event_based_gateway() {
    let events = catch("a", TIMER_PT1S) + r#"<task id="b"/>"#;
    let xml = event_based_gateway(&events, &(flow("f", "it", "a") + &flow("g", "it", "b")));
    assert_refused(&xml, "b", "behind the event-based gateway `it`");
}

#[test]
fn an_event_behind_an_event_based_gateway_with_another_way_in() {
    let events = catch("a", TIMER_PT1S) + &catch("b", TIMER_PT1S);
    let flows = flow("f", "it", "a") + &flow("g", "it", "b") + &flow("h", "a", "b");
    assert_refused(&event_based_gateway(&events, &flows), "b", "other incoming sequence flows");
}

#[test]
fn the_same_message_twice_behind_an_event_based_gateway() {
    let events = catch_message("a", "m1") + &catch_message("b", "m2");
    let flows = flow("f", "it", "a") + &flow("g", "it", "b");
    assert_refused(&event_based_gateway(&events, &flows), "b", "message name `same`");
}

// Sub-processes.

#[test]
fn a_sub_process_without_a_start_event() {
    assert_refused(&doing(r#"<subProcess id="it"/>"#), "it", "exactly one start event");
}

#[test]
fn a_sub_process_with_two_start_events() {
    let xml = doing(r#"<subProcess id="it"><startEvent id="a"/><startEvent id="b"/></subProcess>"#);
    assert_refused(&xml, "it", "exactly one start event without a trigger, this has 2");
}

#[test]
fn a_sub_process_with_a_timer_start_event() {
    let start = format!(r#"<startEvent id="a">{TIMER_PT1S}</startEvent>"#);
    let xml = doing(&format!(r#"<subProcess id="it">{start}</subProcess>"#));
    assert_refused(&xml, "a", "cannot have a trigger");
}

// Events.

#[test]
fn an_event_with_two_triggers() {
    let two = format!("{TIMER_PT1S}{TIMER_PT1S}");
    assert_refused(&doing(&catch("it", &two)), "it", "more than one event definition");
}

#[test]
fn an_intermediate_catch_event_without_a_trigger() {
    assert_refused(&doing(&catch("it", "")), "it", "needs a trigger");
}

#[test]
fn an_intermediate_catch_event_with_a_cycle() {
    assert_refused(&doing(&catch("it", &timer("timeCycle", "R3/PT1S"))), "it", "timeCycle");
}

#[test]
fn an_intermediate_catch_event_for_errors() {
    assert_refused(&doing(&catch("it", "<errorEventDefinition/>")), "it", "boundary events");
}

#[test]
fn an_intermediate_throw_event_with_a_timer() {
    let xml =
        doing(&format!(r#"<intermediateThrowEvent id="it">{TIMER_PT1S}</intermediateThrowEvent>"#));
    assert_refused(&xml, "it", "cannot have a timer");
}

#[test]
fn an_end_event_with_a_timer() {
    let xml = process(&format!(
        r#"<startEvent id="s"/><endEvent id="it">{TIMER_PT1S}</endEvent>{}"#,
        flow("f", "s", "it")
    ));
    assert_refused(&xml, "it", "cannot have a timer");
}

#[test]
fn a_start_event_with_a_duration() {
    let xml = process(&format!(r#"<startEvent id="it">{TIMER_PT1S}</startEvent>"#));
    assert_refused(&xml, "it", "timeDuration");
}

#[test]
fn a_start_event_for_errors() {
    let xml = process(r#"<startEvent id="it"><errorEventDefinition/></startEvent>"#);
    assert_refused(&xml, "it", "cannot have an error trigger");
}

#[test]
fn a_boundary_event_without_a_trigger() {
    assert_refused(&with_boundary("", "", ""), "it", "needs a trigger");
}

#[test]
fn a_boundary_event_on_nothing() {
    let xml = with_boundary("", TIMER_PT1S, "").replace(r#"attachedToRef="work""#, "");
    assert_refused(&xml, "it", "set attachedToRef");
}

#[test]
fn a_boundary_event_on_a_start_event() {
    let xml = with_boundary("", TIMER_PT1S, "")
        .replace(r#"attachedToRef="work""#, r#"attachedToRef="start""#);
    assert_refused(&xml, "it", "not an activity of the same scope");
}

#[test]
fn a_boundary_event_on_an_activity_of_another_scope() {
    let event =
        format!(r#"<boundaryEvent id="it" attachedToRef="deep">{TIMER_PT1S}</boundaryEvent>"#);
    let inner =
        r#"<startEvent id="inner"/><task id="deep"/>"#.to_owned() + &flow("f", "inner", "deep");
    let xml = process(&format!(
        r#"<startEvent id="start"/><subProcess id="sub">{inner}</subProcess>{event}<endEvent id="end"/>{}{}"#,
        flow("g", "start", "sub"),
        flow("h", "it", "end"),
    ));
    assert_refused(&xml, "it", "not an activity of the same scope");
}

#[test]
fn a_boundary_event_with_a_way_in() {
    let xml = with_boundary("", TIMER_PT1S, "")
        .replace("<endEvent", &(flow("f", "work", "it") + "<endEvent"));
    assert_refused(&xml, "it", "cannot have incoming");
}

#[test]
fn a_boundary_event_without_a_way_out() {
    let xml = with_boundary("", TIMER_PT1S, "").replace(&flow("out", "it", "end"), "");
    assert_refused(&xml, "it", "needs an outgoing sequence flow");
}

#[test]
fn an_interrupting_boundary_event_with_a_cycle() {
    let xml = with_boundary("", &timer("timeCycle", "R/PT1H"), "");
    assert_refused(&xml, "it", "interrupting boundary event cannot have a timeCycle");
}

#[test]
fn an_error_boundary_event_that_does_not_interrupt() {
    let xml = with_boundary(r#"cancelActivity="false""#, "<errorEventDefinition/>", "");
    assert_refused(&xml, "it", "always interrupting");
}

#[test]
fn a_timer_without_a_time() {
    assert_refused(&doing(&catch("it", "<timerEventDefinition/>")), "it", "exactly one of");
}

#[test]
fn a_timer_with_two_times() {
    let times = "<timeDuration>PT1S</timeDuration><timeDate>2026-01-01T00:00:00Z</timeDate>";
    let xml = doing(&catch("it", &format!("<timerEventDefinition>{times}</timerEventDefinition>")));
    assert_refused(&xml, "it", "exactly one of");
}

#[test]
fn a_timer_with_an_empty_time() {
    assert_refused(&doing(&catch("it", &timer("timeDuration", " "))), "it", "missing or empty");
}

#[test]
fn static_timers_that_are_not_times() {
    for (kind, text) in [("timeDuration", "5 minutes"), ("timeDate", "2026-01-01")] {
        let xml = doing(&catch("it", &timer(kind, text)));
        assert_refused(&xml, "it", &format!("`{text}` is not"));
    }
    let xml = with_boundary(r#"cancelActivity="false""#, &timer("timeCycle", "every day"), "");
    assert_refused(&xml, "it", "neither a cycle");
}

// Messages.

#[test]
fn a_catch_event_without_a_message() {
    assert_refused(
        &doing(&catch("it", "<messageEventDefinition/>")),
        "it",
        "has to name a message",
    );
}

#[test]
fn a_catch_event_with_an_unknown_message() {
    assert_refused(
        &doing(&catch_message("it", "gone")),
        "it",
        "`gone`, which is not a bpmn:message",
    );
}

#[test]
fn a_message_without_a_name() {
    let xml = doing_and(&catch_message("it", "m"), &message("m", ""));
    assert_refused(&xml, "m", "message name is missing");
}

#[test]
fn a_caught_message_without_a_correlation_key() {
    let xml = doing_and(&catch_message("it", "m"), r#"<message id="m" name="paid"/>"#);
    assert_refused(&xml, "it", "no correlation key");
}

#[test]
fn a_correlation_key_that_is_not_an_expression() {
    let key = r#"<z:subscription correlationKey="orderId"/>"#;
    let message = format!(r#"<message id="m" name="paid">{}</message>"#, extensions(key));
    let xml = doing_and(&catch_message("it", "m"), &message);
    assert_refused(&xml, "m", "correlation key is the static text");
}

#[test]
fn two_subscriptions_of_a_message() {
    let key = r#"<z:subscription correlationKey="=1"/>"#;
    let message =
        format!(r#"<message id="m" name="paid">{}</message>"#, extensions(&key.repeat(2)));
    let xml = doing_and(&catch_message("it", "m"), &message);
    assert_refused(&xml, "m", "more than one zeebe:subscription");
}

#[test]
fn a_message_used_twice_is_refused_once() {
    let body = catch_message("it", "m") + &catch_message("other", "m") + &flow("f", "it", "other");
    assert_refused(&doing_and(&body, &message("m", "")), "m", "message name is missing");
}

#[test]
fn a_receive_task_without_a_message() {
    assert_refused(&doing(r#"<receiveTask id="it"/>"#), "it", "has to name a message");
}

#[test]
fn a_message_start_event_whose_name_is_not_constant() {
    let start = r#"<startEvent id="it"><messageEventDefinition messageRef="m"/></startEvent>"#;
    assert_refused(
        &process_and(start, r#"<message id="m" name="=1"/>"#),
        "m",
        "has to be a string",
    );
}

#[test]
fn two_start_events_for_the_same_message() {
    let start = r#"<startEvent id="ID"><messageEventDefinition messageRef="m"/></startEvent>"#;
    let body = start.replace("ID", "one") + &start.replace("ID", "two");
    assert_refused(&process_and(&body, &message("m", "go")), "two", "another start event");
}

#[test]
fn two_boundary_events_for_the_same_message() {
    let xml = with_boundary(
        "",
        r#"<messageEventDefinition messageRef="m1"/>"#,
        &(message("m1", "stop") + &message("m2", "stop")),
    )
    .replace(
        "<endEvent",
        r#"<boundaryEvent id="other" attachedToRef="work"><messageEventDefinition messageRef="m2"/></boundaryEvent><sequenceFlow id="g" sourceRef="other" targetRef="end"/><endEvent"#,
    );
    assert_refused(&xml, "other", "message name `stop`");
}

#[test]
fn a_receive_task_and_its_boundary_event_for_the_same_message() {
    let body = format!(
        r#"<receiveTask id="it" messageRef="m"/><boundaryEvent id="b" attachedToRef="it"><messageEventDefinition messageRef="m"/></boundaryEvent>{}"#,
        flow("f", "b", "end")
    );
    assert_refused(&doing_and(&body, &message("m", "go")), "b", "message name `go`");
}

// Errors.

fn error_end(error_ref: &str, globals: &str) -> String {
    process_and(
        &format!(
            r#"<startEvent id="s"/><endEvent id="it"><errorEventDefinition {error_ref}/></endEvent>{}"#,
            flow("f", "s", "it")
        ),
        globals,
    )
}

#[test]
fn an_error_end_event_without_an_error() {
    assert_refused(&error_end("", ""), "it", "has to name an error");
}

#[test]
fn an_error_end_event_with_an_unknown_error() {
    assert_refused(&error_end(r#"errorRef="gone""#, ""), "it", "not a bpmn:error");
}

#[test]
fn an_error_end_event_whose_error_has_no_code() {
    let xml = error_end(r#"errorRef="e""#, r#"<error id="e" name="broken"/>"#);
    assert_refused(&xml, "e", "error code is missing");
}

#[test]
fn a_caught_error_code_that_is_an_expression() {
    let xml = with_boundary(
        "",
        r#"<errorEventDefinition errorRef="e"/>"#,
        r#"<error id="e" errorCode="=&quot;x&quot;"/>"#,
    );
    assert_refused(&xml, "it", "only static codes can be caught");
}

fn two_error_boundaries(first: &str, second: &str) -> String {
    with_boundary("", first, r#"<error id="e" errorCode="x"/><error id="f" errorCode="x"/>"#)
        .replace(
            "<endEvent",
            &format!(
                r#"<boundaryEvent id="other" attachedToRef="work">{second}</boundaryEvent>{}<endEvent"#,
                flow("g", "other", "end")
            ),
        )
}

#[test]
fn two_boundary_events_for_the_same_error_code() {
    let xml = two_error_boundaries(
        r#"<errorEventDefinition errorRef="e"/>"#,
        r#"<errorEventDefinition errorRef="f"/>"#,
    );
    assert_refused(&xml, "other", "error code `x`");
}

#[test]
fn two_boundary_events_for_all_errors() {
    let all = "<errorEventDefinition/>";
    assert_refused(&two_error_boundaries(all, all), "other", "catches all errors");
}

// Tasks.

#[test]
fn job_elements_without_a_task_definition() {
    for element in ["serviceTask", "sendTask"] {
        assert_refused(&doing(&format!(r#"<{element} id="it"/>"#)), "it", "needs a job type");
    }
    for element in ["scriptTask", "businessRuleTask"] {
        assert_refused(
            &doing(&format!(r#"<{element} id="it"/>"#)),
            "it",
            "needs an implementation",
        );
    }
    let xml = process(&format!(
        r#"<startEvent id="s"/><endEvent id="it"><messageEventDefinition/></endEvent>{}"#,
        flow("f", "s", "it")
    ));
    assert_refused(&xml, "it", "needs a job type");
}

/// A business rule task with this decision.
fn deciding(attributes: &str) -> String {
    let inner = extensions(&format!("<z:calledDecision {attributes}/>"));
    doing(&format!(r#"<businessRuleTask id="it">{inner}</businessRuleTask>"#))
}

#[test]
fn called_decisions_that_are_not_whole() {
    for (attributes, reason) in [
        (r#"resultVariable="x""#, "the decisionId is missing or empty"),
        (r#"decisionId=" " resultVariable="x""#, "the decisionId is missing or empty"),
        (r#"decisionId="= 1 +" resultVariable="x""#, "the decisionId is not valid FEEL"),
        (r#"decisionId="d""#, "the result variable is missing or empty"),
        (r#"decisionId="d" resultVariable="1x""#, "is not a path of variable names"),
        (r#"decisionId="d" resultVariable="null""#, "is a word of FEEL"),
        (r#"decisionId="d" resultVariable="x" bindingType="new""#, "bindingType `new`"),
        (r#"decisionId="d" resultVariable="x" bindingType="versionTag""#, "needs a tag"),
        (r#"decisionId="d" resultVariable="x" versionTag="1""#, "versionTag has no meaning"),
        (r#"decisionId="d" resultVariable="x" retries="3""#, "`retries` is not known here"),
    ] {
        assert_refused(&deciding(attributes), "it", reason);
    }
}

#[test]
fn a_decision_and_a_job() {
    let both =
        r#"<z:calledDecision decisionId="d" resultVariable="x"/><z:taskDefinition type="t"/>"#;
    let xml =
        doing(&format!(r#"<businessRuleTask id="it">{}</businessRuleTask>"#, extensions(both)));
    assert_refused(&xml, "it", "has both zeebe:calledDecision and zeebe:taskDefinition");
}

#[test]
fn a_task_definition_without_a_type() {
    assert_refused(&service_task("<z:taskDefinition/>"), "it", "job type is missing");
    assert_refused(&service_task(r#"<z:taskDefinition type=" "/>"#), "it", "job type is missing");
}

#[test]
fn two_task_definitions() {
    let definition = r#"<z:taskDefinition type="work"/>"#;
    assert_refused(
        &service_task(&definition.repeat(2)),
        "it",
        "more than one zeebe:taskDefinition",
    );
}

#[test]
fn retries_that_are_not_a_number() {
    for retries in ["many", "-1", "1.5", "99999999999"] {
        let xml = service_task(&format!(r#"<z:taskDefinition type="work" retries="{retries}"/>"#));
        assert_refused(&xml, "it", &format!("retries `{retries}`"));
    }
}

#[test]
fn a_job_type_that_is_too_long() {
    let long = "x".repeat(32 * 1024 + 1);
    let xml = service_task(&format!(r#"<z:taskDefinition type="{long}"/>"#));
    assert_refused(&xml, "it", "at most 32768 are allowed");
}

#[test]
fn a_header_with_a_reserved_key() {
    let xml = service_task(
        r#"<z:taskDefinition type="work"/><z:taskHeaders><z:header key="io.camunda.zeebe:assignee" value="me"/></z:taskHeaders>"#,
    );
    assert_refused(&xml, "it", "which is reserved");
}

#[test]
fn a_header_key_used_twice() {
    let xml = service_task(
        r#"<z:taskDefinition type="work"/><z:taskHeaders><z:header key="a" value="1"/><z:header key="a" value="2"/></z:taskHeaders>"#,
    );
    assert_refused(&xml, "it", "more than once");
}

#[test]
fn a_script_task_with_two_implementations() {
    let xml = doing(&format!(
        r#"<scriptTask id="it">{}</scriptTask>"#,
        extensions(
            r#"<z:script expression="=1" resultVariable="x"/><z:taskDefinition type="work"/>"#
        )
    ));
    assert_refused(&xml, "it", "keep one");
}

fn script(attributes: &str) -> String {
    let script = extensions(&format!("<z:script {attributes}/>"));
    doing(&format!(r#"<scriptTask id="it">{script}</scriptTask>"#))
}

#[test]
fn a_script_without_an_expression() {
    assert_refused(&script(r#"resultVariable="x""#), "it", "script expression is missing");
    let xml = script(r#"expression="1" resultVariable="x""#);
    assert_refused(&xml, "it", "script expression is the static text");
}

#[test]
fn a_script_without_a_result_variable() {
    assert_refused(&script(r#"expression="=1""#), "it", "result variable is missing");
    let xml = script(r#"expression="=1" resultVariable="if""#);
    assert_refused(&xml, "it", "is a word of FEEL");
}

#[test]
fn a_call_activity_without_a_called_element() {
    assert_refused(&doing(r#"<callActivity id="it"/>"#), "it", "needs a process to call");
}

fn call(attributes: &str) -> String {
    let called = extensions(&format!("<z:calledElement {attributes}/>"));
    doing(&format!(r#"<callActivity id="it">{called}</callActivity>"#))
}

#[test]
fn a_call_activity_without_a_process_id() {
    assert_refused(&call(r#"processId="""#), "it", "processId is missing");
}

#[test]
fn a_call_activity_with_an_unknown_binding() {
    assert_refused(&call(r#"processId="p" bindingType="newest""#), "it", "`newest` is not known");
}

#[test]
fn a_call_activity_bound_to_a_version_tag_without_one() {
    assert_refused(&call(r#"processId="p" bindingType="versionTag""#), "it", "needs a tag");
    let xml = call(r#"processId="p" versionTag="1""#);
    assert_refused(&xml, "it", "versionTag has no meaning");
}

#[test]
fn a_call_activity_that_propagates_maybe() {
    let xml = call(r#"processId="p" propagateAllChildVariables="maybe""#);
    assert_refused(&xml, "it", "`maybe`");
}

fn user_task(inner: &str) -> String {
    doing(&format!(r#"<userTask id="it">{}</userTask>"#, extensions(inner)))
}

#[test]
fn a_candidate_list_with_an_empty_name() {
    for list in [",", "a,,b", "a,"] {
        let xml = user_task(&format!(r#"<z:assignmentDefinition candidateGroups="{list}"/>"#));
        assert_refused(&xml, "it", "a name is empty");
    }
}

#[test]
fn a_static_due_date_that_is_not_a_date() {
    assert_refused(
        &user_task(r#"<z:taskSchedule dueDate="tomorrow"/>"#),
        "it",
        "dueDate is not valid",
    );
}

#[test]
fn a_form_definition_without_a_form() {
    assert_refused(&user_task("<z:formDefinition/>"), "it", "form key is missing");
}

#[test]
fn a_user_task_with_a_job_type() {
    assert_refused(&user_task(r#"<z:taskDefinition type="work"/>"#), "it", "fixed job type");
}

// Mappings.

#[test]
fn mapping_targets_that_are_not_variable_paths() {
    for target in ["", "1a", "a-b", "a..b", ".a", "a.", "a b", "ä", "a.1"] {
        let xml = with_mapping(&format!(r#"<z:input source="=1" target="{target}"/>"#));
        let reason = if target.is_empty() { "target is missing" } else { "not a path" };
        assert_refused(&xml, "it", reason);
    }
}

#[test]
fn mapping_targets_that_are_words_of_feel() {
    for word in [
        "null", "true", "false", "function", "if", "then", "else", "for", "between", "instance",
        "of",
    ] {
        let xml = with_mapping(&format!(r#"<z:output source="=1" target="{word}"/>"#));
        assert_refused(&xml, "it", "is a word of FEEL");
    }
}

#[test]
fn a_mapping_without_a_source() {
    assert_refused(&with_mapping(r#"<z:input target="a"/>"#), "it", "source is missing");
}

#[test]
fn a_mapping_source_that_is_not_feel() {
    let xml = with_mapping(r#"<z:input source="=1 +" target="a"/>"#);
    assert_refused(&xml, "it", "not valid FEEL");
    let xml = with_mapping(r#"<z:input source="=" target="a"/>"#);
    assert_refused(&xml, "it", "empty expression");
}

#[test]
fn input_mappings_of_start_and_boundary_events() {
    let mapping = extensions(r#"<z:ioMapping><z:input source="=1" target="a"/></z:ioMapping>"#);
    let xml = process(&format!(r#"<startEvent id="it">{mapping}</startEvent>"#));
    assert_refused(&xml, "it", "cannot have input mappings");
    let xml = with_boundary("", &format!("{mapping}{TIMER_PT1S}"), "");
    assert_refused(&xml, "it", "cannot have input mappings");
}

// All together.

#[test]
fn every_violation_of_a_file_is_shown_in_its_order() {
    let body = r#"<startEvent id="start"/><serviceTask id="one"/><complexGateway id="two"/>
<callActivity id="three"/>"#;
    let violations = refusals(&process(body));
    let ids: Vec<_> = violations.iter().map(|violation| violation.element_id.as_str()).collect();
    assert_eq!(ids, ["one", "two", "three"]);
    let [one, two, three] = violations.as_slice() else { panic!("three violations") };
    assert_eq!((one.line, two.line, three.line), (6, 6, 7));
    assert_eq!(two.construct, "bpmn:complexGateway");
}

#[test]
fn violations_read_as_one_block_for_each_element() {
    let task = r#"<userTask id="it"><extensionElements>
<z:assignmentDefinition candidateGroups="," candidateUsers=","/></extensionElements></userTask>"#;
    let xml = doing(&(task.to_owned() + r#"<serviceTask id="other"/>"#));
    let text = skep_bpmn::parse(&xml).expect_err("refused").to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "ERROR: element `it` (line 9, zeebe:assignmentDefinition):",
            "  - candidateGroups `,` is not a list of names separated by commas: a name is empty",
            "  - candidateUsers `,` is not a list of names separated by commas: a name is empty",
            "ERROR: element `other` (line 9, bpmn:serviceTask): needs a job type; add a zeebe:taskDefinition with a type to its extension elements",
        ]
    );
}

#[test]
fn too_many_violations_are_counted_instead() {
    let tasks: String =
        (0..600).map(|number| format!(r#"<serviceTask id="t{number}"/>"#)).collect();
    let violations = refusals(&process(&(r#"<startEvent id="s"/>"#.to_owned() + &tasks)));
    assert_eq!(violations.len(), 501);
    assert_eq!(violations[500].reason, "100 more violations are not shown");
}
