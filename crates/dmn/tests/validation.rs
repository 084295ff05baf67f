//! A broken file is refused whole, with every finding: element id, line, and what to do.

#![allow(clippy::unwrap_used)]

use skep_dmn::{Options, parse};
use skep_feel::Dialect;

const NAMESPACE: &str = "https://www.omg.org/spec/DMN/20230324/MODEL/";

fn definitions(content: &str) -> String {
    format!(
        "<definitions xmlns=\"{NAMESPACE}\" id=\"drg\" name=\"DRG\" namespace=\"ns\">\n{content}\n</definitions>"
    )
}

fn findings_in(dialect: Dialect, xml: &str) -> Vec<String> {
    let options = Options { dialect, ..Options::default() };
    match parse(xml, &options) {
        Ok(_) => Vec::new(),
        Err(found) => found.violations.iter().map(ToString::to_string).collect(),
    }
}

/// Asserts that the content of the definitions has exactly these findings, each by a part of it.
fn check_in(dialect: Dialect, content: &str, expected: &[&str]) {
    let found = findings_in(dialect, &definitions(content));
    let fits = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| found.contains(expected));
    assert!(fits, "expected {expected:#?}\nfound {found:#?}\nin {content}");
}

fn check(content: &str, expected: &[&str]) {
    check_in(Dialect::Camunda, content, expected);
}

fn literal(id: &str, text: &str) -> String {
    format!(
        "<decision id=\"{id}\" name=\"{id}\"><literalExpression id=\"{id}_e\"><text>{text}</text></literalExpression></decision>"
    )
}

fn table(attributes: &str, content: &str) -> String {
    format!(
        "<decision id=\"d\" name=\"d\">\n<decisionTable id=\"t\" {attributes}>\n{content}\n</decisionTable></decision>"
    )
}

const INPUT: &str =
    "<input id=\"i\"><inputExpression id=\"ie\"><text>x</text></inputExpression></input>";
const OUTPUT: &str = "<output id=\"o\" name=\"r\"/>";
const RULE: &str = "<rule id=\"r1\"><inputEntry id=\"c1\"><text>1</text></inputEntry><outputEntry id=\"c2\"><text>2</text></outputEntry></rule>";

#[test]
fn a_whole_file_has_no_findings() {
    check(&literal("d", "1"), &[]);
    check(&table("hitPolicy=\"FIRST\"", &format!("{INPUT}{OUTPUT}{RULE}")), &[]);
}

#[test]
fn what_is_no_dmn_file() {
    let one = |xml: &str, expected: &str| {
        let found = findings_in(Dialect::Camunda, xml);
        assert!(found.len() == 1 && found.iter().all(|it| it.contains(expected)), "{found:?}");
    };
    one("<definitions", "not well-formed XML");
    one("<!DOCTYPE x><definitions/>", "document type definitions are not allowed");
    one("<other/>", "its root is `other`");
    one("<definitions xmlns=\"http://example.com\"/>", "its namespace is `http://example.com`");
    let deep = format!("{}{}", "<a>".repeat(200), "</a>".repeat(200));
    one(&definitions(&deep), "nested more than 128 deep");
}

#[test]
fn every_finding_at_once_in_the_order_of_the_file() {
    let content = format!("{}\n{}\n{}", literal("a", "1 +"), literal("b", ""), literal("c", ")"));
    check(
        &content,
        &[
            "element `a_e` (line 2, literalExpression): the expression is not valid FEEL",
            "element `b_e` (line 3, literalExpression): the text of the expression is empty",
            "element `c_e` (line 4, literalExpression): the expression is not valid FEEL",
        ],
    );
}

#[test]
fn a_parse_error_shows_the_place() {
    let found = findings_in(Dialect::Camunda, &definitions(&literal("a", "1 + * 2")));
    assert!(found[0].contains("  1 + * 2\n      ^"), "{}", found[0]);
}

#[test]
fn ids() {
    check(
        "<decision name=\"n\"><literalExpression><text>1</text></literalExpression></decision>",
        &["the attribute `id` is missing"],
    );
    check(
        "<decision id=\"d\"><literalExpression><text>1</text></literalExpression></decision>",
        &["the attribute `name` is missing"],
    );
    check(
        &format!("{}\n{}", literal("a", "1"), literal("a", "1")),
        &[
            "element `a` (line 3, decision): the id `a` is used more than once",
            "element `a_e` (line 3, literalExpression): the id `a_e` is used more than once",
        ],
    );
    check(&literal(&"x".repeat(256), "1"), &["is longer than 255 characters"]);
    // By the standard an id is optional.
    let content =
        "<decision name=\"n\"><literalExpression><text>1</text></literalExpression></decision>";
    check_in(Dialect::Dmn, content, &[]);
    let found = findings_in(
        Dialect::Camunda,
        &format!("<definitions xmlns=\"{NAMESPACE}\" name=\"DRG\" namespace=\"ns\"/>"),
    );
    assert!(found[0].contains("the attribute `id` is missing"), "{found:?}");
}

#[test]
fn requirements() {
    let decision = |id: &str, requirement: &str| {
        format!(
            "<decision id=\"{id}\" name=\"{id}\">{requirement}<literalExpression><text>1</text></literalExpression></decision>"
        )
    };
    let on = |id: &str| {
        format!(
            "<informationRequirement><requiredDecision href=\"#{id}\"/></informationRequirement>"
        )
    };
    check(&decision("a", &on("zz")), &["`#zz` points at no element"]);
    check(
        &decision(
            "a",
            "<informationRequirement><requiredInput href=\"#a\"/></informationRequirement>",
        ),
        &["the element that it points at is not an input data"],
    );
    check(&decision("a", "<informationRequirement/>"), &["the requirement names nothing"]);
    check(
        &decision(
            "a",
            "<knowledgeRequirement><requiredKnowledge href=\"#a\"/></knowledgeRequirement>",
        ),
        &["is not a business knowledge model or decision service"],
    );
    check(&decision("a", &on("a")), &["`a` requires `a`"]);
    let cycle =
        [decision("a", &on("b")), decision("b", &on("c")), decision("c", &on("b"))].concat();
    check(
        &cycle,
        &[
            "element `b` (line 2, decision): the element requires itself: `b` requires `c` requires `b`",
        ],
    );
    check(
        &decision(
            "a",
            "<authorityRequirement><requiredAuthority href=\"#zz\"/></authorityRequirement>",
        ),
        &["`#zz` points at no element"],
    );
}

#[test]
fn tables() {
    check(
        &table("hitPolicy=\"SOME\"", &format!("{INPUT}{OUTPUT}{RULE}")),
        &["no hit policy `SOME`"],
    );
    check(
        &table("hitPolicy=\"COLLECT\" aggregation=\"AVG\"", &format!("{INPUT}{OUTPUT}{RULE}")),
        &["no aggregation `AVG`"],
    );
    check(&table("", INPUT), &["the table has no output"]);
    check(&table("", &format!("<input id=\"i\"/>{OUTPUT}")), &["the input has no expression"]);
    let empty = INPUT.replace(">x<", "><");
    check(&table("", &format!("{empty}{OUTPUT}")), &["the text of the input expression is empty"]);
    let two = "<output id=\"o\" name=\"r\"/><output id=\"o2\" name=\"r\"/>";
    check(&table("", two), &["more than one output `r`"]);
    let unnamed = "<output id=\"o\"/><output id=\"o2\" name=\"r\"/>";
    check(&table("", unnamed), &["needs a name for each"]);
    check(
        &table("hitPolicy=\"COLLECT\" aggregation=\"SUM\"", two),
        &["needs a table with one output", "more than one output"],
    );
}

#[test]
fn rules() {
    let short = RULE.replace("<inputEntry id=\"c1\"><text>1</text></inputEntry>", "");
    check(
        &table("", &format!("{INPUT}{OUTPUT}\n{short}")),
        &["element `r1` (line 5, rule): the rule has 0 elements `inputEntry`, but the table has 1"],
    );
    let long = RULE.replace("</rule>", "<outputEntry><text>1</text></outputEntry></rule>");
    check(&table("", &format!("{INPUT}{OUTPUT}{long}")), &["has 2 elements `outputEntry`"]);
    let broken = RULE.replace(">1<", ">&lt;<").replace(">2<", ">2 +<");
    check(
        &table("", &format!("{INPUT}{OUTPUT}{broken}")),
        &[
            "element `c1` (line 4, inputEntry): the tests of the input are no valid FEEL unary tests",
            "element `c2` (line 4, outputEntry): the output entry is not valid FEEL",
        ],
    );
    let no_text = RULE.replace("<text>2</text>", "");
    check(&table("", &format!("{INPUT}{OUTPUT}{no_text}")), &["the `text` is missing"]);
    let empty = RULE.replace(">2<", "><");
    check(&table("", &format!("{INPUT}{OUTPUT}{empty}")), &["the output entry is empty"]);
}

#[test]
fn expression_languages() {
    let other = literal("a", "1")
        .replace("<literalExpression", "<literalExpression expressionLanguage=\"juel\"");
    check(&other, &["the expression language `juel` is not supported"]);
    let feel = literal("a", "1").replace(
        "<literalExpression",
        "<literalExpression expressionLanguage=\"http://www.omg.org/spec/FEEL/20140401\"",
    );
    check(&feel, &[]);
    let xml = definitions("").replace("id=\"drg\"", "id=\"drg\" expressionLanguage=\"groovy\"");
    let found = findings_in(Dialect::Camunda, &xml);
    assert!(found[0].contains("`groovy` is not supported"), "{found:?}");
}

#[test]
fn elements_in_wrong_places() {
    check(
        "<rule id=\"r\"/>",
        &["element `r` (line 2, rule): `rule` has no meaning in `definitions`"],
    );
    let content = table("", &format!("{INPUT}{OUTPUT}<context id=\"c\"/>"));
    check(&content, &["`context` has no meaning in `decisionTable`"]);
    check("<decision id=\"a\" name=\"a\"/>", &["there is no expression"]);
    let two = "<decision id=\"a\" name=\"a\"><literalExpression><text>1</text></literalExpression><literalExpression><text>1</text></literalExpression></decision>";
    check(two, &["more than one expression"]);
    // What documents a model may be there.
    let documents = "<knowledgeSource id=\"k\" name=\"k\"/><textAnnotation id=\"t\"><text>hi</text></textAnnotation><extensionElements><x xmlns=\"y\"/></extensionElements>";
    check(documents, &[]);
}

#[test]
fn functions() {
    let model = |attributes: &str, content: &str| {
        format!(
            "<businessKnowledgeModel id=\"k\" name=\"f\"><encapsulatedLogic {attributes}><formalParameter name=\"a\"/>{content}<literalExpression><text>a</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>"
        )
    };
    check(&model("", ""), &[]);
    check(&model("kind=\"Java\"", ""), &["functions of the kind Java cannot be called here"]);
    check_in(Dialect::Dmn, &model("kind=\"Java\"", ""), &[]);
    check(&model("kind=\"R\"", ""), &["no kind of function `R`"]);
    check(&model("", "<formalParameter name=\"a\"/>"), &["`a` is declared more than once"]);
    check(&model("", "<formalParameter/>"), &["the attribute `name` is missing"]);
    let invocation = |function: &str, parameter: &str| {
        let model = model("", "");
        format!(
            "{model}<decision id=\"d\" name=\"d\"><invocation id=\"v\"><literalExpression><text>{function}</text></literalExpression><binding><parameter id=\"p\" name=\"{parameter}\"/><literalExpression><text>1</text></literalExpression></binding></invocation></decision>"
        )
    };
    check(&invocation("f", "a"), &[]);
    check(
        &invocation("g", "a"),
        &["element `v` (line 2, invocation): there is no businessKnowledgeModel `g`"],
    );
    check(
        &invocation("f", "b"),
        &[
            "element `p` (line 2, parameter): the business knowledge model `f` has no parameter `b`; its parameters are `a`",
        ],
    );
    check_in(Dialect::Dmn, &invocation("g", "a"), &[]);
    check(
        "<decisionService id=\"s\" name=\"s\"/>",
        &["the decision service has no `outputDecision`"],
    );
}

#[test]
fn boxed_expressions() {
    let decision = |content: &str| format!("<decision id=\"d\" name=\"d\">{content}</decision>");
    let entry =
        "<contextEntry><literalExpression><text>1</text></literalExpression></contextEntry>";
    check(
        &decision(&format!("<context id=\"c\">{entry}{entry}</context>")),
        &["only the last entry may have no variable"],
    );
    check(
        &decision("<context><contextEntry><variable name=\"a\"/></contextEntry></context>"),
        &["there is no expression"],
    );
    check(
        &decision("<relation><column name=\"a\"/><row id=\"w\"/></relation>"),
        &["element `w` (line 2, row): the row has 0 cells, but the relation has 1 columns"],
    );
    check(&decision("<relation><column/></relation>"), &["the attribute `name` is missing"]);
    check(
        &decision("<conditional><if/></conditional>"),
        &["`then` is missing", "`else` is missing", "there is no expression"],
    );
    check(
        &decision("<for><in><literalExpression><text>[]</text></literalExpression></in></for>"),
        &["`iteratorVariable` is missing", "`return` is missing"],
    );
    check(
        &decision("<literalExpression><importedValues/></literalExpression>"),
        &["imported values are not supported"],
    );
}

#[test]
fn types() {
    let item =
        |content: &str| format!("<itemDefinition id=\"t\" name=\"t\">{content}</itemDefinition>");
    let dmn = |content: &str, expected: &[&str]| check_in(Dialect::Dmn, content, expected);
    dmn(&item("<typeRef>number</typeRef>"), &[]);
    dmn(&item("<typeRef>nothing</typeRef>"), &["there is no type `nothing`"]);
    dmn(&item("<typeRef>t</typeRef>"), &["the type `t` refers to itself"]);
    dmn(
        &item(
            "<itemComponent name=\"c\" isCollection=\"true\"><typeRef>t</typeRef></itemComponent>",
        ),
        &[],
    );
    dmn(
        &item("<typeRef>number</typeRef><allowedValues><text>&lt;</text></allowedValues>"),
        &["no valid FEEL unary tests"],
    );
    dmn(
        &format!("{}{}", item(""), item("").replace("id=\"t\"", "")),
        &["the type `t` is declared more than once"],
    );
    let input =
        "<inputData id=\"i\" name=\"i\"><variable name=\"i\" typeRef=\"nothing\"/></inputData>";
    dmn(input, &["there is no type `nothing`"]);
    // Camunda does not look at types.
    check(input, &[]);
}

#[test]
fn imports() {
    let import = format!("<import name=\"m\" namespace=\"other\" importType=\"{NAMESPACE}\"/>");
    check_in(Dialect::Dmn, &import, &["no model with the namespace `other`"]);
    check_in(
        Dialect::Dmn,
        &import.replace(NAMESPACE, "http://www.dmg.org/PMML-4_3"),
        &["only DMN models can be imported"],
    );
    check(&import, &[]);
}

#[test]
fn findings_are_limited() {
    let many: String = (0..600).map(|number| literal(&format!("d{number}"), "1 +")).collect();
    let found = findings_in(Dialect::Camunda, &definitions(&many));
    assert_eq!(found.len(), 501);
    assert!(found[500].contains("100 more violations are not shown"), "{}", found[500]);
}

#[test]
fn what_is_looked_for_among_others_is_limited() {
    let many = |count: usize, text: &str| text.repeat(count);
    let requirement =
        "<knowledgeRequirement><requiredKnowledge href=\"#k\"/></knowledgeRequirement>";
    let content = format!(
        "<decision id=\"d\" name=\"d\">{}<literalExpression><text>1</text></literalExpression></decision>",
        many(1_001, requirement)
    );
    check(&content, &["there are 1001 elements `knowledgeRequirement`, at most 1000 are allowed"]);
    let entry = "<contextEntry><variable name=\"a\"/><literalExpression><text>1</text></literalExpression></contextEntry>";
    let context = |count| {
        format!(
            "<decision id=\"d\" name=\"d\"><context>{}</context></decision>",
            many(count, entry)
        )
    };
    check(&context(1_000), &[]);
    check(&context(1_001), &["there are 1001 elements `contextEntry`"]);
    let output = |number| format!("<output name=\"o{number}\"/>");
    let outputs: String = (0..1_001).map(output).collect();
    check(&table("", &outputs), &["there are 1001 elements `output`"]);
    let names: Vec<String> = (0..1_001).map(|number| format!("v{number}")).collect();
    let function = format!(
        "<businessKnowledgeModel id=\"k\" name=\"f\"><encapsulatedLogic><literalExpression><text>[{}]</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>",
        names.join(", ")
    );
    check(&function, &["read more than 250 variables"]);
}
