//! Evaluation of graphs: order, once only, limits, functions, services, imports, types.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use skep_dmn::{DecisionEvaluation, Model, Options, parse};
use skep_feel::{Budget, Dialect, Environment, Expression, NoVariables, Value};

const NAMESPACE: &str = "https://www.omg.org/spec/DMN/20230324/MODEL/";

fn definitions(content: &str) -> String {
    format!(
        "<definitions xmlns=\"{NAMESPACE}\" id=\"drg\" name=\"DRG\" namespace=\"ns\">{content}</definitions>"
    )
}

fn model_in(dialect: Dialect, content: &str) -> Model {
    let options = Options { dialect, ..Options::default() };
    parse(&definitions(content), &options).unwrap_or_else(|violations| panic!("{violations}"))
}

fn variables(text: &str) -> BTreeMap<String, Value> {
    let value = feel(text);
    let entries = value.as_context().unwrap().entries().to_vec();
    entries.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

fn feel(text: &str) -> Value {
    let expression = Expression::parse(text).unwrap();
    expression.evaluate(&NoVariables, &Environment::at(0)).unwrap().value
}

fn evaluate(model: &Model, decision: &str, text: &str) -> DecisionEvaluation {
    model.evaluate(decision, &variables(text), &Environment::at(0)).unwrap()
}

fn output(model: &Model, decision: &str, text: &str) -> Value {
    evaluate(model, decision, text).output.unwrap()
}

fn decision(id: &str, required: &[&str], text: &str) -> String {
    let required: String = required
        .iter()
        .map(|id| {
            format!(
                "<informationRequirement><requiredDecision href=\"#{id}\"/></informationRequirement>"
            )
        })
        .collect();
    format!(
        "<decision id=\"{id}\" name=\"{id}\">{required}<literalExpression><text>{text}</text></literalExpression></decision>"
    )
}

#[test]
fn required_decisions_come_first_and_only_once() {
    let content = [
        decision("a", &["b", "c"], "b + c"),
        decision("b", &["z"], "z + 1"),
        decision("c", &["z"], "z + 2"),
        decision("z", &[], "x"),
    ]
    .concat();
    let evaluation = evaluate(&model_in(Dialect::Camunda, &content), "a", "{x: 1}");
    let order: Vec<&str> =
        evaluation.evaluated_decisions.iter().map(|found| &*found.decision_id).collect();
    assert_eq!(order, ["z", "b", "c", "a"]);
    assert_eq!(evaluation.output.unwrap(), feel("5"));
}

#[test]
fn a_graph_of_many_paths_takes_time_by_its_decisions() {
    // 2 to the power of 60 paths.
    let mut content = decision("d0", &[], "1");
    for level in 1..=60 {
        let below = format!("d{}", level - 1);
        let (left, right) = (format!("l{level}"), format!("r{level}"));
        content += &decision(&left, &[&below], &below);
        content += &decision(&right, &[&below], &below);
        content += &decision(&format!("d{level}"), &[&left, &right], &format!("{left} + {right}"));
    }
    let evaluation = evaluate(&model_in(Dialect::Camunda, &content), "d60", "{}");
    assert_eq!(evaluation.evaluated_decisions.len(), 181);
    assert_eq!(evaluation.output.unwrap(), feel("2 ** 60"));
}

#[test]
fn a_long_chain_of_decisions_does_not_nest() {
    let mut content = decision("d0", &[], "0");
    for level in 1..5_000 {
        let below = format!("d{}", level - 1);
        content += &decision(&format!("d{level}"), &[&below], &format!("{below} + 1"));
    }
    for dialect in [Dialect::Camunda, Dialect::Dmn] {
        assert_eq!(output(&model_in(dialect, &content), "d4999", "{}"), feel("4999"));
    }
}

#[test]
fn a_failure_names_the_decision_and_says_what_led_to_it() {
    let table = "<decision id=\"b\" name=\"B\"><decisionTable id=\"t\"><input id=\"i\" label=\"amount\"><inputExpression><text>x + missing</text></inputExpression></input><output id=\"o\" name=\"r\"/>\
        <rule id=\"r1\"><inputEntry><text>-</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>\
        <rule id=\"r2\"><inputEntry><text>-</text></inputEntry><outputEntry><text>2</text></outputEntry></rule></decisionTable></decision>";
    let content = format!("{}{table}", decision("a", &["b"], "b"));
    let evaluation = evaluate(&model_in(Dialect::Camunda, &content), "a", "{x: 1}");
    let failure = evaluation.output.unwrap_err();
    assert_eq!(&*failure.decision_id, "b");
    let expected = "multiple values aren't allowed for UNIQUE hit policy. found: '[1, 2]'; inputs: amount = null; warnings: No variable found with name 'missing'";
    assert!(failure.message.starts_with(expected), "{failure}");
    let last = evaluation.evaluated_decisions.last().unwrap();
    assert_eq!((&*last.decision_id, last.matched_rules.len()), ("b", 2));
    // By the standard the result is null, with a warning.
    let evaluation = evaluate(&model_in(Dialect::Dmn, table), "b", "{x: 1}");
    assert_eq!(evaluation.output.unwrap(), Value::Null);
    let warnings = &evaluation.evaluated_decisions[0].warnings;
    assert!(warnings.last().unwrap().message.contains("UNIQUE"), "{warnings:?}");
}

#[test]
fn the_condition_of_a_boxed_filter_speaks_of_entries() {
    let content = "<decision id=\"a\" name=\"A\"><filter><in><relation><column name=\"unit price\"/><row><literalExpression><text>1</text></literalExpression></row>\
        <row><literalExpression><text>5</text></literalExpression></row></relation></in><match><literalExpression><text>unit price > 2</text></literalExpression></match></filter></decision>";
    let evaluation = evaluate(&model_in(Dialect::Dmn, content), "a", "{}");
    assert_eq!(evaluation.output.unwrap().to_json(), r#"[{"unit price":5}]"#);
}

#[test]
fn the_output_alone_is_that_of_the_evaluation() {
    let content = [decision("a", &["b"], "b + 1"), decision("b", &[], "assert(x, x > 1)")].concat();
    let model = model_in(Dialect::Camunda, &content);
    let output =
        |decision: &str, text: &str| model.output(decision, &variables(text), &Environment::at(0));
    assert_eq!(output("a", "{x: 2}").unwrap().unwrap(), feel("3"));
    let failure = output("a", "{x: 1}").unwrap().unwrap_err();
    assert_eq!(failure, evaluate(&model, "a", "{x: 1}").output.unwrap_err());
    assert_eq!(&*failure.decision_id, "b");
    assert!(output("c", "{}").is_none());
}

#[test]
fn functions_that_call_themselves_endlessly_end() {
    let literal =
        |text: &str| format!("<literalExpression><text>{text}</text></literalExpression>");
    let call = literal("f(n + 1)");
    let nested = (0..40).fold(call.clone(), |inner, _| {
        format!("<context><contextEntry>{inner}</contextEntry></context>")
    });
    let bodies = [
        call.clone(),
        nested,
        "<decisionTable><input><inputExpression><text>f(n + 1)</text></inputExpression></input><output/></decisionTable>".to_owned(),
        "<decisionTable><input><inputExpression><text>n</text></inputExpression></input><output/><rule><inputEntry><text>f(n + 1)</text></inputEntry><outputEntry><text>1</text></outputEntry></rule></decisionTable>".to_owned(),
        "<decisionTable><output/><rule><outputEntry><text>f(n + 1)</text></outputEntry></rule></decisionTable>".to_owned(),
        format!("<invocation>{}<binding><parameter name=\"n\"/>{}</binding></invocation>", literal("f"), literal("n + 1")),
        format!("<for iteratorVariable=\"i\"><in>{}</in><return>{call}</return></for>", literal("[1]")),
        format!("<filter><in>{}</in><match>{call}</match></filter>", literal("[1]")),
        format!("<conditional><if>{call}</if><then>{call}</then><else>{call}</else></conditional>"),
        format!("<list>{call}</list>"),
        literal("[1][f(n + item)]"),
        literal("s()"),
    ];
    for body in bodies {
        let content = format!(
            "<businessKnowledgeModel id=\"f\" name=\"f\"><encapsulatedLogic><formalParameter name=\"n\"/>{body}</encapsulatedLogic><knowledgeRequirement><requiredKnowledge href=\"#s\"/></knowledgeRequirement></businessKnowledgeModel>\
             <decisionService id=\"s\" name=\"s\"><outputDecision href=\"#d\"/></decisionService>\
             <decision id=\"d\" name=\"d\"><knowledgeRequirement><requiredKnowledge href=\"#f\"/></knowledgeRequirement><literalExpression><text>f(0)</text></literalExpression></decision>"
        );
        let evaluation = evaluate(&model_in(Dialect::Dmn, &content), "d", "{}");
        let failure = evaluation.output.unwrap_err();
        assert!(failure.message.contains("nests deeper than 600 levels"), "{failure}\n{body}");
    }
}

#[test]
fn the_budget_is_that_of_the_whole_graph() {
    let content = [
        decision("a", &["b", "c"], "1"),
        decision("b", &[], "count(for i in 1..600 return i)"),
        decision("c", &[], "count(for i in 1..600 return i)"),
    ]
    .concat();
    let model = model_in(Dialect::Camunda, &content);
    let budget = Budget { steps_max: 2_000, ..Budget::default() };
    let environment = Environment { budget, ..Environment::at(0) };
    let evaluation = model.evaluate("a", &NoVariables, &environment).unwrap();
    let failure = evaluation.output.unwrap_err();
    assert_eq!(&*failure.decision_id, "c");
    assert!(failure.message.contains("more than 2000 steps"), "{failure}");
    let evaluation = model.evaluate("b", &NoVariables, &environment).unwrap();
    assert_eq!(evaluation.output.unwrap(), feel("600"));
}

#[test]
fn the_standard_sees_only_what_is_required() {
    let input =
        "<inputData id=\"x\" name=\"x\"><variable name=\"x\" typeRef=\"number\"/></inputData>";
    let seen = "<decision id=\"d\" name=\"d\"><informationRequirement><requiredInput href=\"#x\"/></informationRequirement><literalExpression><text>x</text></literalExpression></decision>";
    let model = model_in(Dialect::Dmn, &format!("{input}{seen}{}", decision("e", &[], "x")));
    assert_eq!(output(&model, "d", "{x: 1}"), feel("1"));
    assert_eq!(output(&model, "e", "{x: 1}"), Value::Null);
    // Of another type: null; a list of one: that one.
    assert_eq!(output(&model, "d", "{x: \"a\"}"), Value::Null);
    assert_eq!(output(&model, "d", "{x: [2]}"), feel("2"));
}

#[test]
fn a_service_sees_its_arguments_only() {
    let content = [
        "<inputData id=\"i\" name=\"i\"><variable name=\"i\"/></inputData>".to_owned(),
        "<decision id=\"a\" name=\"a\"><informationRequirement><requiredInput href=\"#i\"/></informationRequirement><informationRequirement><requiredDecision href=\"#b\"/></informationRequirement><literalExpression><text>{i: i, b: b}</text></literalExpression></decision>".to_owned(),
        decision("b", &[], "1"),
        decision("c", &[], "3"),
        "<decisionService id=\"s\" name=\"s\"><outputDecision href=\"#a\"/><inputDecision href=\"#b\"/><inputData href=\"#i\"/></decisionService>".to_owned(),
        "<decisionService id=\"s2\" name=\"s2\"><outputDecision href=\"#b\"/><outputDecision href=\"#c\"/></decisionService>".to_owned(),
        "<decision id=\"d\" name=\"d\"><knowledgeRequirement><requiredKnowledge href=\"#s\"/></knowledgeRequirement><literalExpression><text>[s(5, 7), s(b: 2, i: 4), s(1)]</text></literalExpression></decision>".to_owned(),
    ]
    .concat();
    let model = model_in(Dialect::Dmn, &content);
    assert_eq!(output(&model, "d", "{i: 9}"), feel("[{i: 5, b: 7}, {i: 4, b: 2}, null]"));
    let invoke = |name: &str, text: &str| {
        model.invoke(name, &variables(text), &Environment::at(0)).unwrap().output.unwrap()
    };
    assert_eq!(invoke("s", "{i: 1, b: 2}"), feel("{i: 1, b: 2}"));
    assert_eq!(invoke("s2", "{}"), feel("{b: 1, c: 3}"));
    assert!(model.invoke("nothing", &NoVariables, &Environment::at(0)).is_none());
}

#[test]
fn imported_elements_are_under_the_name_of_the_import() {
    let item = "<itemDefinition name=\"tAge\"><typeRef>number</typeRef><allowedValues><text>&gt;= 0</text></allowedValues></itemDefinition>";
    let knowledge = "<businessKnowledgeModel id=\"f\" name=\"twice\"><encapsulatedLogic><formalParameter name=\"n\"/><literalExpression><text>n * 2</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>";
    let library = definitions(&format!("{item}{knowledge}{}", decision("one", &[], "1")))
        .replace("namespace=\"ns\"", "namespace=\"lib\"");
    let mut options = Options { dialect: Dialect::Dmn, ..Options::default() };
    options.imports.push(parse(&library, &options).unwrap());
    let content = format!(
        "<import name=\"lib\" namespace=\"lib\" importType=\"{NAMESPACE}\"/>\
         <decision id=\"d\" name=\"d\"><variable name=\"d\" typeRef=\"lib.tAge\"/><informationRequirement><requiredDecision href=\"lib#one\"/></informationRequirement><knowledgeRequirement><requiredKnowledge href=\"lib#f\"/></knowledgeRequirement><literalExpression><text>lib.twice(lib.one) + offset</text></literalExpression></decision>\
         <inputData id=\"offset\" name=\"offset\"/>"
    );
    let required = "<informationRequirement><requiredInput href=\"#offset\"/></informationRequirement><literal";
    let content = content.replacen("<literal", required, 1);
    let model = parse(&definitions(&content), &options).unwrap();
    assert_eq!(output(&model, "d", "{offset: 3}"), feel("5"));
    assert_eq!(output(&model, "d", "{offset: -3}"), Value::Null);
}

#[test]
fn boxed_functions_keep_what_was_around_them() {
    let content = "<decision id=\"d\" name=\"d\"><context><contextEntry><variable name=\"n\"/><literalExpression><text>10</text></literalExpression></contextEntry>\
        <contextEntry><variable name=\"f\"/><functionDefinition><formalParameter name=\"a\" typeRef=\"number\"/><literalExpression><text>a + n</text></literalExpression></functionDefinition></contextEntry>\
        <contextEntry><literalExpression><text>[f(1), f(\"x\"), f(a: 2)]</text></literalExpression></contextEntry></context></decision>";
    assert_eq!(output(&model_in(Dialect::Dmn, content), "d", "{}"), feel("[11, null, 12]"));
}

#[test]
fn the_version_tag_is_read() {
    let content = decision("a", &[], "1").replace(
        "<literal",
        "<extensionElements><z:versionTag xmlns:z=\"http://camunda.org/schema/zeebe/1.0\" value=\"v1\"/></extensionElements><literal",
    );
    let model = model_in(Dialect::Camunda, &content);
    assert_eq!(&*model.decision("a").unwrap().version_tag, "v1");
    assert_eq!((model.id(), model.name(), model.namespace()), ("drg", "DRG", "ns"));
}

#[test]
fn functions_that_name_one_another_without_requiring_it_end() {
    // Fifty functions, each of which names all of them and a variable.
    let names: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    let all = names.join(", ");
    let mut content = String::new();
    for name in &names {
        content.push_str(&format!(
            "<businessKnowledgeModel id=\"{name}\" name=\"{name}\"><encapsulatedLogic>\
             <formalParameter name=\"a\"/><literalExpression><text>[a + z, count([{all}])]</text>\
             </literalExpression></encapsulatedLogic></businessKnowledgeModel>"
        ));
    }
    let required: String = names
        .iter()
        .map(|name| {
            format!(
                "<knowledgeRequirement><requiredKnowledge href=\"#{name}\"/></knowledgeRequirement>"
            )
        })
        .collect();
    content.push_str(&format!(
        "<decision id=\"d\" name=\"d\">{required}<literalExpression><text>k0(1) = k49(1)</text>\
         </literalExpression></decision>\
         <decision id=\"e\" name=\"e\">{required}<literalExpression><text>k0(1)</text>\
         </literalExpression></decision>"
    ));
    let model = model_in(Dialect::Camunda, &content);
    assert_eq!(output(&model, "d", "{z: 2}"), true.into());
    assert_eq!(output(&model, "e", "{z: 2}").to_string(), "[3, 50]");
}
