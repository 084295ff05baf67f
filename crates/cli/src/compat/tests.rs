//! Cases that need no broker: tables, probes, models, verdicts.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use serde_json::json;
use skep_client::{Client, Options};
use skep_gateway::management::{LogControl, LogLevel};

use super::broker::Broker;
use super::model::resource;
use super::probe::{Probe, Question, probe};
use super::run::verdicts;
use super::table::{Case, TABLES, read};
use super::verdict::{Answer, Verdict, deserves_patience, judge};
use crate::config::{ServerConfig, ServerOptions};
use crate::server::{self, Server, reachable};

fn case(line: &str) -> Case {
    read("t", line).expect("a table").pop().expect("a case")
}

fn unary(line: &str) -> Case {
    case(&format!("unary tests\n{line}"))
}

fn of(case: &Case) -> Probe {
    probe(0, case).expect("a probe")
}

fn said(text: serde_json::Value) -> Answer {
    Answer::Variables(text.as_object().expect("an object").clone())
}

#[test]
fn every_table_of_the_folder_is_embedded_and_reads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../feel/tests/cases");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, TABLES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let cases: usize = TABLES.iter().map(|(name, text)| read(name, text).expect(name).len()).sum();
    assert!(cases > 500, "only {cases}");
}

#[test]
fn a_table_tells_places_and_what_camunda_gives() {
    let cases = read("t", "# x\n1 = \"1\" |  | false | W\n#   null\n\n#   no case\n# since 8.7\na⏎b | {a:1} | 2\nunary tests\n> 1 | {\"?\":2} | true").expect("reads");
    let [first, second, third] = &cases[..] else { panic!("{cases:?}") };
    assert_eq!((first.place.as_str(), first.elsewhere.as_deref()), ("t:2", Some("null")));
    assert_eq!((second.text.as_str(), second.since.as_deref()), ("a\nb", Some("8.7")));
    assert!(third.unary && third.elsewhere.is_none());
    assert_eq!(
        read("t", "1 + 1 | 2").unwrap_err(),
        "t:1: expected `expression | variables | result`"
    );
}

#[test]
fn a_probe_asks_for_the_text_and_the_variable() {
    let probe = of(&case("x + 1 | {x: 1} | 2"));
    let question = Question::Expression {
        text: "string([(x + 1\n)])".into(),
        value: Some("x + 1".into()),
        expected: Some(json!(2)),
    };
    assert_eq!(probe.question, question);
    assert_eq!(probe.variables["x"], json!(1));
}

#[test]
fn functions_and_ranges_are_asked_as_text_only() {
    for line in ["function(x) x |  | function(x)", "[[1..3]] |  | [[1..3]]", "1 |  | 2"] {
        let Question::Expression { value, .. } = of(&case(line)).question else { panic!("{line}") };
        assert_eq!(value, None, "{line}");
    }
}

#[test]
fn what_is_no_expression_is_asked_without_brackets_too() {
    let probe = of(&case("5 in 1..10 |  | PARSE"));
    let Question::Expression { value, expected, .. } = probe.question else { panic!() };
    assert_eq!((value.as_deref(), expected), (Some("5 in 1..10"), None));
}

#[test]
fn variables_that_json_cannot_hold_are_defined_by_feel() {
    let probe = of(&case("d.year | {d: @\"2020-01-01\"} | 2020"));
    assert!(probe.variables.is_empty());
    let Question::Expression { value, expected, .. } = probe.question else { panic!() };
    let expression = value.expect("a variable");
    assert_eq!(expected, Some(json!(2020)));
    let found = skep_feel::Expression::parse(&expression)
        .expect("parses")
        .evaluate(&skep_feel::NoVariables, &skep_feel::Environment::at(0))
        .expect("evaluates");
    assert_eq!(found.value.to_string(), "2020");
}

#[test]
fn unary_tests_take_their_input_from_a_variable_or_from_feel() {
    let plain = of(&unary("> y | {\"?\": 2, y: 1} | true"));
    assert_eq!(plain.variables, *json!({"skepInput": 2, "y": 1}).as_object().expect("an object"));
    let dated = of(&unary("> @\"2020-01-01\" | {\"?\": @\"2020-01-02\"} | true"));
    assert_eq!(
        dated.question,
        Question::UnaryTests {
            input: "get value({\"?\": @\"2020-01-02\"}, \"?\")".into(),
            tests: "> @\"2020-01-01\"".into()
        }
    );
}

#[test]
fn the_clock_is_not_asked() {
    assert!(probe(0, &case("string(now()) |  | \"2026\"")).is_err());
}

#[test]
fn models_keep_every_character_of_an_expression() {
    let probe = of(&case("\"<&>\" + x // a⏎+ \"b\" | {x: \"\"} | \"<&>b\""));
    let (name, text) = resource(&[probe]);
    assert!(name.ends_with(".bpmn"));
    assert!(text.contains("&quot;&lt;&amp;&gt;&quot; + x // a&#10;+ &quot;b&quot;"), "{text}");
    let (name, text) = resource(&[of(&unary("< 5 | {\"?\": 1} | true"))]);
    assert!(name.ends_with(".dmn") && text.contains("<text>&lt; 5</text>"), "{text}");
}

#[test]
fn an_answer_agrees_by_text_and_by_variable() {
    let one = case("x |  | 1");
    let mut probe = of(&one);
    probe.question = Question::Expression {
        text: String::new(),
        value: Some(String::new()),
        expected: Some(json!([1, {"a": 2}])),
    };
    let good = said(json!({"skepText": "[1]", "skepValue": [1.0, {"a": 2}]}));
    assert_eq!(judge(&one, &probe, &good), Verdict::Agrees);
    let other = said(json!({"skepText": "[1]", "skepValue": [1, {"a": "2"}]}));
    let Verdict::Differs(found) = judge(&one, &probe, &other) else { panic!() };
    assert_eq!(found, r#"the variable [1,{"a":"2"}] instead of [1,{"a":2}]"#);
    let Verdict::Differs(found) = judge(&one, &probe, &said(json!({"skepText": "[1]"}))) else {
        panic!()
    };
    assert!(found.starts_with("no variable"));
}

#[test]
fn differences_are_known_where_the_table_says_so() {
    let known = case("1 = \"1\" |  | false\n#   null");
    let probe = of(&known);
    let answer = said(json!({"skepText": "[null]", "skepValue": null}));
    assert_eq!(judge(&known, &probe, &answer), Verdict::Known("null".into()));
    let newer = case("# since 8.8\nfromAi(1) |  | 1");
    let Verdict::Known(found) = judge(&newer, &of(&newer), &answer) else { panic!() };
    assert_eq!(found, "null (Camunda has it since 8.8)");
    let plain = case("1 |  | 2");
    assert_eq!(judge(&plain, &of(&plain), &answer), Verdict::Differs("null".into()));
}

#[test]
fn texts_are_compared_without_their_escapes() {
    let quoted = case("\"a\\\"b\" |  | \"a\\\"b\"");
    assert_eq!(quoted.expected, r#""a\"b""#);
    let answer = said(json!({"skepText": "[\"a\"b\"]", "skepValue": "a\"b"}));
    assert_eq!(judge(&quoted, &of(&quoted), &answer), Verdict::Agrees);
}

#[test]
fn refusals_and_failures_are_results() {
    let refused = case("( |  | PARSE");
    assert_eq!(judge(&refused, &of(&refused), &Answer::Refused), Verdict::Agrees);
    let failing = case("assert(1, false) |  | FAIL");
    let probe = of(&failing);
    assert_eq!(judge(&failing, &probe, &said(json!({}))), Verdict::Agrees);
    assert!(!deserves_patience(&failing, &said(json!({}))));
    let slow = case("1 |  | 1");
    assert!(deserves_patience(&slow, &said(json!({}))));
    assert_eq!(judge(&slow, &of(&slow), &said(json!({}))), Verdict::Differs("FAIL".into()));
}

#[test]
fn unary_tests_do_not_tell_null_from_false() {
    let case = unary("\"a\" | {\"?\": 1} | null");
    assert_eq!(judge(&case, &of(&case), &Answer::Hit(false)), Verdict::Agrees);
    assert_eq!(judge(&case, &of(&case), &Answer::Hit(true)), Verdict::Differs("true".into()));
}

#[test]
fn a_server_is_asked_and_judged() {
    let table = "\
1 + x | {x: 1} | 2
\"a\" |  | \"b\"
1 + |  | PARSE
1..2, 3 |  | 3
1 = \"1\" |  | null
#   false
function(x) x |  | function(x)
d + @\"P1D\" | {d: @\"2020-01-01\"} | 2020-01-02
now() |  | null
unary tests
> 1 | {\"?\": 2} | true
> 1 | {\"?\": 1} | true
> > 1 | {\"?\": 1} | PARSE";
    let cases = read("t", table).expect("a table");
    let folder = tempfile::tempdir().expect("a folder");
    let options = ServerOptions {
        in_memory: Some(true),
        data_dir: Some(folder.path().to_owned()),
        rest_port: Some(0),
        grpc_port: Some(0),
        management_port: Some(0),
        ..ServerOptions::default()
    };
    let config = ServerConfig::resolve(&options, &BTreeMap::new(), None).expect("a configuration");
    let verdicts = server::runtime().expect("a runtime").block_on(async {
        let logs = LogControl::new(LogLevel::Info, |_| Ok(()));
        let server = Server::start(&config, logs).await.expect("a server");
        let address = reachable(server.addresses.grpc).to_string();
        let client = Client::connect(&address, Options::default()).await.expect("a client");
        let mut broker = Broker::new(client);
        let verdicts = verdicts(&mut broker, &cases, &ProgressBar::hidden()).await;
        broker.tidy().await;
        server.stop().await;
        verdicts.expect("answers")
    });
    let expected = [
        Verdict::Agrees,
        Verdict::Differs("\"a\"".into()),
        Verdict::Agrees,
        Verdict::Differs("PARSE".into()),
        Verdict::Known("false".into()),
        Verdict::Agrees,
        Verdict::Agrees,
        Verdict::Skipped("the result depends on the clock".into()),
        Verdict::Agrees,
        Verdict::Differs("false".into()),
        Verdict::Agrees,
    ];
    for (case, (found, expected)) in cases.iter().zip(verdicts.iter().zip(&expected)) {
        assert_eq!(found, expected, "{case:?}");
    }
    assert_eq!(verdicts.len(), expected.len());
}
