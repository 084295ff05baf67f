//! What is read, and how it looks to the engine.

use skep_bpmn::model::{
    Binding, BoundaryTrigger, CatchEvent, ElementIndex, ElementKind, EndEvent, TimerKind, Value,
};
use skep_bpmn::parse;

use crate::common::*;

fn text(value: &Value) -> &str {
    match value {
        Value::Static(text) => text,
        Value::Expression(expression) => expression.text(),
    }
}

#[test]
fn a_process_starts_with_itself_and_knows_its_parts() {
    let xml = doing(&job("it")).replace(r#"id="process""#, r#"id="process" name="Main""#);
    let process = accepted(&xml);
    assert_eq!((&*process.id, &*process.name, &*process.version_tag), ("process", "Main", ""));
    let ids: Vec<_> = process.elements.iter().map(|element| &*element.id).collect();
    assert_eq!(ids, ["process", "start", "it", "end"]);
    let root = process.root();
    assert_eq!(root.children, [ElementIndex(1), ElementIndex(2), ElementIndex(3)]);
    assert_eq!(root.scope, None);
    let ElementKind::Process(scope) = &root.kind else { panic!("the process") };
    assert_eq!(scope.none_start, Some(ElementIndex(1)));
    assert_eq!(it(&process).name, "it".into());
    let flow = process.flow(it(&process).outgoing[0]).expect("a flow");
    assert_eq!((&*flow.id, flow.source, flow.target), ("out", ElementIndex(2), ElementIndex(3)));
    assert!(process.warnings.is_empty(), "{:?}", process.warnings);
}

#[test]
fn several_executable_processes_come_in_order_and_drawings_are_left_out() {
    let process = |id: &str, executable: bool| {
        format!(
            r#"<process id="{id}" isExecutable="{executable}"><startEvent id="start_{id}"/></process>"#
        )
    };
    let xml = file(&(process("a", true) + &process("b", false) + &process("c", true)));
    let ids: Vec<_> =
        parse(&xml).expect("accepted").iter().map(|process| process.id.to_string()).collect();
    assert_eq!(ids, ["a", "c"]);
}

#[test]
fn a_job_has_type_retries_and_headers() {
    let process = accepted(&doing(&format!(
        r#"<serviceTask id="it">{}</serviceTask>"#,
        extensions(
            r#"<z:taskDefinition type="=&quot;work&quot;" retries="5"/><z:taskHeaders><z:header key="b" value="1"/><z:header key="a" value="2"/></z:taskHeaders>"#
        )
    )));
    let ElementKind::ServiceTask(task) = &it(&process).kind else { panic!("a service task") };
    assert!(matches!(&task.job_type, Value::Expression(_)));
    assert_eq!(text(&task.job_type), r#""work""#);
    assert_eq!(task.retries.as_ref().map(text), Some("5"));
    assert_eq!(task.headers, [("b".into(), "1".into()), ("a".into(), "2".into())]);
}

#[test]
fn each_kind_of_task_is_itself() {
    let job = extensions(r#"<z:taskDefinition type="work"/>"#);
    let kind = |element: &str, inner: &str| {
        let process = accepted(&doing(&format!(r#"<{element} id="it">{inner}</{element}>"#)));
        it(&process).kind.clone()
    };
    assert!(matches!(kind("sendTask", &job), ElementKind::SendTask(_)));
    assert!(matches!(kind("scriptTask", &job), ElementKind::ScriptTaskJob(_)));
    assert!(matches!(kind("businessRuleTask", &job), ElementKind::BusinessRuleTaskJob(_)));
    assert!(matches!(kind("manualTask", ""), ElementKind::ManualTask));
    assert!(matches!(kind("task", ""), ElementKind::UndefinedTask));
    assert!(matches!(kind("userTask", ""), ElementKind::UserTaskJob(_)));
    assert!(matches!(kind("parallelGateway", ""), ElementKind::ParallelGateway));
    assert!(matches!(kind("intermediateThrowEvent", ""), ElementKind::IntermediateThrowEvent));
    let script = extensions(r#"<z:script expression="=1" resultVariable="x"/>"#);
    let ElementKind::ScriptTaskExpression(script) = kind("scriptTask", &script) else {
        panic!("a script")
    };
    assert_eq!((script.expression.text(), &*script.result_variable), ("1", "x"));
}

#[test]
fn a_user_task_has_its_details() {
    let process = accepted(&doing(&format!(
        r#"<userTask id="it">{}</userTask>"#,
        extensions(
            r#"<z:formDefinition formKey="camunda-forms:bpmn:f"/><z:assignmentDefinition assignee="123" candidateGroups="a, b" candidateUsers="=[&quot;c&quot;]"/><z:taskSchedule dueDate="2026-01-01T00:00:00+01:00" followUpDate=""/><z:taskHeaders><z:header key="a" value="1"/></z:taskHeaders>"#
        )
    )));
    let ElementKind::UserTaskJob(task) = &it(&process).kind else { panic!("a user task") };
    assert_eq!(task.form_key.as_deref(), Some("camunda-forms:bpmn:f"));
    assert_eq!(task.assignee.as_ref().map(text), Some("123"));
    assert_eq!(task.candidate_groups.as_ref().map(text), Some("a, b"));
    assert_eq!(task.candidate_users.as_ref().map(text), Some(r#"["c"]"#));
    assert_eq!(task.due_date.as_ref().map(text), Some("2026-01-01T00:00:00+01:00"));
    assert!(task.follow_up_date.is_none());
    assert_eq!(task.headers.len(), 1);
}

#[test]
fn mappings_keep_their_order_and_may_be_static() {
    let process = accepted(&doing(&format!(
        r#"<serviceTask id="it">{}</serviceTask>"#,
        extensions(
            r#"<z:taskDefinition type="work"/><z:ioMapping><z:input source="noAuth" target="auth.type"/><z:output source="=2" target="b"/><z:input source="=1" target="_a1"/></z:ioMapping>"#
        )
    )));
    let element = it(&process);
    let targets: Vec<_> = element.inputs.iter().map(|input| input.target.join(".")).collect();
    assert_eq!(targets, ["auth.type", "_a1"]);
    assert!(matches!(&element.inputs[0].source, Value::Static(text) if &**text == "noAuth"));
    assert_eq!(element.outputs.len(), 1);
}

#[test]
fn elements_without_a_job_can_have_mappings_too() {
    let mapping = extensions(r#"<z:ioMapping><z:output source="=1" target="a"/></z:ioMapping>"#);
    for element in ["manualTask", "task", "intermediateThrowEvent", "userTask"] {
        let process = accepted(&doing(&format!(r#"<{element} id="it">{mapping}</{element}>"#)));
        assert_eq!(it(&process).outputs.len(), 1, "{element}");
    }
}

#[test]
fn a_call_activity_has_binding_and_propagation() {
    let call = |attributes: &str| {
        let process = accepted(&doing(&format!(
            r#"<callActivity id="it">{}</callActivity>"#,
            extensions(&format!(r#"<z:calledElement processId="p" {attributes}/>"#))
        )));
        match &it(&process).kind {
            ElementKind::CallActivity(call) => call.clone(),
            other => panic!("{other:?}"),
        }
    };
    let plain = call("");
    assert_eq!((text(&plain.process_id), &plain.binding), ("p", &Binding::Latest));
    assert!(plain.propagate_all_child_variables && plain.propagate_all_parent_variables);
    assert_eq!(call(r#"bindingType="deployment""#).binding, Binding::Deployment);
    let tagged = call(r#"bindingType="versionTag" versionTag="1.0""#);
    assert_eq!(tagged.binding, Binding::VersionTag("1.0".into()));
    let closed = call(r#"propagateAllChildVariables="false" propagateAllParentVariables="false""#);
    assert!(!closed.propagate_all_child_variables && !closed.propagate_all_parent_variables);
}

#[test]
fn an_exclusive_gateway_has_conditions_and_a_default() {
    let process = accepted(&doing(
        &(r#"<exclusiveGateway id="it" default="out"/>"#.to_owned()
            + &flow_if("f", "it", "end", "\n  =true  \n")),
    ));
    let gateway = it(&process);
    let ElementKind::ExclusiveGateway(kind) = &gateway.kind else { panic!("a gateway") };
    let default = kind.default_flow.and_then(|flow| process.flow(flow)).expect("a default");
    assert_eq!(&*default.id, "out");
    let conditions: Vec<_> = gateway
        .outgoing
        .iter()
        .filter_map(|flow| process.flow(*flow)?.condition.as_ref())
        .map(|condition| condition.text())
        .collect();
    assert_eq!(conditions, ["true"]);
}

#[test]
fn conditions_are_asked_in_the_order_of_the_outgoing_references() {
    let gateway = r#"<exclusiveGateway id="it"><outgoing>b</outgoing><outgoing>a</outgoing></exclusiveGateway>"#;
    let flows = ["c", "a", "b"].map(|id| flow_if(id, "it", "end", "=true")).concat();
    let process =
        accepted(&doing(&(gateway.to_owned() + &flows)).replace(&flow("out", "it", "end"), ""));
    let outgoing = it(&process).outgoing.iter();
    let ids: Vec<_> =
        outgoing.filter_map(|flow| process.flow(*flow)).map(|flow| &*flow.id).collect();
    assert_eq!(ids, ["b", "a", "c"]);
}

#[test]
fn a_word_of_feel_may_be_a_part_of_a_mapping_target() {
    let process = accepted(&doing(&format!(
        r#"<task id="it">{}</task>"#,
        extensions(r#"<z:ioMapping><z:input source="=1" target="a.if"/></z:ioMapping>"#)
    )));
    assert_eq!(it(&process).inputs[0].target, ["a".into(), "if".into()]);
}

#[test]
fn an_empty_version_tag_is_none() {
    let tag = extensions(r#"<z:versionTag value=""/>"#);
    let process = accepted(&process(&(tag + r#"<startEvent id="s"/>"#)));
    assert_eq!(&*process.version_tag, "");
}

#[test]
fn one_way_out_of_an_exclusive_gateway_needs_no_condition() {
    accepted(&doing(r#"<exclusiveGateway id="it"/>"#));
}

#[test]
fn an_event_based_gateway_knows_its_events() {
    let timer =
        "<timerEventDefinition><timeDate>2026-01-01T00:00:00Z</timeDate></timerEventDefinition>";
    let process = accepted(&process_and(
        &format!(
            r#"<startEvent id="s"/><eventBasedGateway id="it"/><intermediateCatchEvent id="a">{timer}</intermediateCatchEvent><intermediateCatchEvent id="b"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>{}{}{}"#,
            flow("f", "s", "it"),
            flow("g", "it", "b"),
            flow("h", "it", "a"),
        ),
        &message("m", "go"),
    ));
    let ElementKind::EventBasedGateway { targets } = &it(&process).kind else {
        panic!("a gateway")
    };
    let ids: Vec<_> = targets.iter().map(|target| &*process.element(*target).id).collect();
    assert_eq!(ids, ["b", "a"]);
}

#[test]
fn boundary_events_are_attached_in_the_order_of_the_file() {
    let xml = with_boundary(
        r#"cancelActivity="false""#,
        "<timerEventDefinition><timeCycle>0 0 9 * * MON-FRI</timeCycle></timerEventDefinition>",
        r#"<error id="e" errorCode="x"/><error id="plain"/>"#,
    )
    .replace(
        "<endEvent",
        r#"<boundaryEvent id="one" attachedToRef="work"><errorEventDefinition errorRef="e"/></boundaryEvent>
<boundaryEvent id="all" attachedToRef="work"><errorEventDefinition errorRef="plain"/></boundaryEvent>
<sequenceFlow id="g" sourceRef="one" targetRef="end"/><sequenceFlow id="h" sourceRef="all" targetRef="end"/><endEvent"#,
    );
    let process = accepted(&xml);
    let (index, work) = process.find("work").expect("the task");
    let boundaries: Vec<_> = work
        .boundary_events
        .iter()
        .map(|event| match &process.element(*event).kind {
            ElementKind::BoundaryEvent(boundary) => boundary.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let [timer, one, all] = boundaries.as_slice() else { panic!("three") };
    assert!(boundaries.iter().all(|boundary| boundary.attached_to == index));
    assert!(!timer.interrupting && one.interrupting);
    assert!(
        matches!(&timer.trigger, BoundaryTrigger::Timer(timer) if timer.kind == TimerKind::Cycle)
    );
    assert!(matches!(&one.trigger, BoundaryTrigger::Error { code: Some(code) } if &**code == "x"));
    assert!(matches!(&all.trigger, BoundaryTrigger::Error { code: None }));
}

#[test]
fn start_events_of_a_process_may_have_triggers() {
    let body = r#"<startEvent id="none"/>
<startEvent id="it"><messageEventDefinition messageRef="m"/></startEvent>
<startEvent id="daily"><timerEventDefinition><timeCycle>@daily</timeCycle></timerEventDefinition></startEvent>
<startEvent id="once"><timerEventDefinition><timeDate>2026-01-01T00:00:00Z</timeDate></timerEventDefinition></startEvent>"#;
    let process = accepted(&process_and(body, r#"<message id="m" name="=&quot;go&quot;"/>"#));
    let ElementKind::Process(scope) = &process.root().kind else { panic!("the process") };
    assert!(scope.none_start.is_some());
    assert_eq!(scope.event_starts.len(), 3);
    let ElementKind::StartEvent(CatchEvent::Message(message)) = &it(&process).kind else {
        panic!("a message start")
    };
    assert!(matches!(&message.name, Value::Static(name) if &**name == "go"));
    assert!(message.correlation_key.is_none());
}

#[test]
fn end_events_may_throw_terminate_or_be_jobs() {
    let end = |inner: &str| {
        let process = accepted(&process_and(
            &format!(
                r#"<startEvent id="s"/><endEvent id="it">{inner}</endEvent>{}"#,
                flow("f", "s", "it")
            ),
            r#"<error id="e" errorCode="=&quot;x&quot;"/>"#,
        ));
        match &it(&process).kind {
            ElementKind::EndEvent(end) => end.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(end(""), EndEvent::None));
    assert!(matches!(end("<terminateEventDefinition/>"), EndEvent::Terminate));
    assert!(matches!(
        end(r#"<errorEventDefinition errorRef="e"/>"#),
        EndEvent::Error { code: Value::Expression(_) }
    ));
    let job = extensions(r#"<z:taskDefinition type="tell"/>"#);
    assert!(matches!(end(&format!("{job}<messageEventDefinition/>")), EndEvent::Message(_)));
}

#[test]
fn sub_processes_nest() {
    let inner = r#"<subProcess id="it"><startEvent id="deep"/></subProcess><startEvent id="in2"/>"#
        .to_owned()
        + &flow("f", "in2", "it");
    let xml = process(&format!(
        r#"<startEvent id="s"/><subProcess id="outer">{inner}</subProcess>{}"#,
        flow("g", "s", "outer")
    ));
    let process = accepted(&xml);
    let (outer, _) = process.find("outer").expect("outer");
    assert_eq!(it(&process).scope, Some(outer));
    let ElementKind::SubProcess(scope) = &it(&process).kind else { panic!("a sub-process") };
    assert_eq!(scope.none_start, process.find("deep").map(|(index, _)| index));
    let parents_first =
        process.elements.iter().enumerate().all(|(position, element)| {
            element.scope.is_none_or(|scope| (scope.0 as usize) < position)
        });
    assert!(parents_first);
}

#[test]
fn references_may_have_a_prefix() {
    let xml = doing_and(
        r#"<receiveTask id="it" messageRef="tns:m"><incoming>tns:in</incoming></receiveTask>"#,
        &message("m", "go"),
    );
    assert!(accepted(&xml).warnings.is_empty());
}

#[test]
fn drawings_documentation_and_foreign_extensions_have_no_meaning() {
    let process = accepted(&process_and(
        r#"<documentation>text</documentation>
<laneSet id="ls"><lane id="l"><flowNodeRef>start</flowNodeRef></lane></laneSet>
<startEvent id="start"><documentation/><extensionElements><x:y xmlns:x="urn:x"/><z:properties><z:property name="a" value="b"/></z:properties></extensionElements></startEvent>
<textAnnotation id="t"><text>note</text></textAnnotation>
<association id="a" sourceRef="start" targetRef="t"/><group id="g"/><dataObject id="d"/>
<dataObjectReference id="dr" dataObjectRef="d"/><dataStoreReference id="ds"/>"#,
        r#"<collaboration id="c"><participant id="p" processRef="process"/></collaboration>
<signal id="sig" name="unused"/><escalation id="esc"/><dataStore id="store"/>
<itemDefinition id="item"/><category id="cat"><categoryValue id="v"/></category>"#,
    ));
    assert_eq!(process.elements.len(), 2);
    assert!(process.warnings.is_empty(), "{:?}", process.warnings);
}
