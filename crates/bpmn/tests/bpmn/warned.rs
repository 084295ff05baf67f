//! What is accepted, but worth a word.

use crate::common::*;

#[test]
fn a_header_without_key_or_value_is_dropped() {
    let xml = doing(&format!(
        r#"<serviceTask id="it">{}</serviceTask>"#,
        extensions(
            r#"<z:taskDefinition type="work"/><z:taskHeaders><z:header key="a" value=""/><z:header value="b"/><z:header key="c" value="d"/></z:taskHeaders>"#
        )
    ));
    assert_warned(&xml, "header `a` has no key or no value");
    assert_eq!(accepted(&xml).warnings.len(), 2);
    let skep_bpmn::model::ElementKind::ServiceTask(task) = &it(&accepted(&xml)).kind.clone() else {
        panic!("a service task");
    };
    assert_eq!(task.headers, [("c".into(), "d".into())]);
}

#[test]
fn a_loop_that_never_waits() {
    let xml = doing(&format!(
        r#"<exclusiveGateway id="it" default="out"/><manualTask id="manual"/><task id="task"/>{}{}{}"#,
        flow_if("a", "it", "manual", "=true"),
        flow("b", "manual", "task"),
        flow("c", "task", "it"),
    ));
    assert_warned(&xml, "nothing on the loop it -> manual -> task waits");
}

#[test]
fn a_loop_with_a_job_is_fine() {
    let xml = doing(&format!(
        r#"<exclusiveGateway id="it" default="out"/>{}{}{}"#,
        job("work"),
        flow_if("a", "it", "work", "=true"),
        flow("b", "work", "it"),
    ));
    assert_eq!(accepted(&xml).warnings, Vec::<String>::new());
}

#[test]
fn a_very_long_chain_needs_no_deep_stack() {
    let chain: String = (0..20_000)
        .map(|number| {
            let target =
                if number == 19_999 { "end".to_owned() } else { format!("t{}", number + 1) };
            format!(r#"<task id="t{number}"/>"#)
                + &flow(&format!("f{number}"), &format!("t{number}"), &target)
        })
        .collect();
    let xml = process(
        &(r#"<startEvent id="start"/><endEvent id="end"/>"#.to_owned()
            + &flow("f", "start", "t0")
            + &chain),
    );
    assert_eq!(accepted(&xml).elements.len(), 20_003);
}

#[test]
fn an_element_that_nothing_leads_to() {
    let xml = process(r#"<startEvent id="start"/><task id="it"/>"#);
    assert_warned(&xml, "element `it`");
    assert_warned(&xml, "never runs");
}

#[test]
fn references_that_contradict_the_flows() {
    let xml = doing(r#"<task id="it"><incoming>in</incoming><outgoing>in</outgoing></task>"#);
    assert_warned(&xml, "bpmn:outgoing names `in`");
    assert_eq!(accepted(&xml).warnings.len(), 1);
}

#[test]
fn a_script_of_another_engine() {
    let xml = doing(&format!(
        r#"<scriptTask id="it" scriptFormat="groovy">{}<script>x = 1</script></scriptTask>"#,
        extensions(r#"<z:taskDefinition type="groovy"/>"#)
    ));
    assert_warned(&xml, "bpmn:script is not run");
}

#[test]
fn extensions_of_camunda_7() {
    let xml = doing(&format!(
        r#"<serviceTask id="it" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" camunda:type="external">{}</serviceTask>"#,
        extensions(r#"<z:taskDefinition type="work"/><camunda:field name="x"/>"#)
    ));
    assert_warned(&xml, "Camunda 7");
}

#[test]
fn a_start_form() {
    let xml = process(&format!(
        r#"<startEvent id="it">{}</startEvent>"#,
        extensions(r#"<z:formDefinition formKey="form"/>"#)
    ));
    assert_warned(&xml, "start forms");
}

#[test]
fn a_default_flow_of_a_task() {
    assert_warned(&doing(r#"<task id="it" default="out"/>"#), "default flow has no meaning");
}
