//! Models as chains of elements, turned into BPMN files.
//!
//! ```text
//! start -> xor choice
//! choice ->(amount > 100) service review retries=1 in(amount=amount) -> end
//! choice ->(default) end
//! boundary late on=review timer=PT1H -> end expired
//! in some_sub_process: start -> task inner -> end
//! ```
//!
//! An element is its kind, its id and its attributes; named again, the id alone will do. `name=value` is
//! static, `name(expression)` is FEEL. A line of XML is taken as it is.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::text::{Word, split, words, xml};

const KINDS: &[(&str, &str)] = &[
    ("start", "startEvent"),
    ("end", "endEvent"),
    ("service", "serviceTask"),
    ("send", "sendTask"),
    ("script", "scriptTask"),
    ("rule", "businessRuleTask"),
    ("user", "userTask"),
    ("manual", "manualTask"),
    ("task", "task"),
    ("receive", "receiveTask"),
    ("catch", "intermediateCatchEvent"),
    ("throw", "intermediateThrowEvent"),
    ("boundary", "boundaryEvent"),
    ("xor", "exclusiveGateway"),
    ("and", "parallelGateway"),
    ("events", "eventBasedGateway"),
    ("sub", "subProcess"),
    ("call", "callActivity"),
];

struct Node {
    id: String,
    kind: String,
    attributes: Vec<Word>,
    scope: String,
    default_flow: Option<String>,
}

struct Flow {
    id: String,
    source: String,
    target: String,
    condition: Option<String>,
}

/// What the processes of a file share.
#[derive(Default)]
struct Globals {
    xml: String,
    ids: BTreeMap<String, String>,
}

impl Globals {
    fn add(&mut self, content: &str) -> String {
        let id = format!("global_{}", self.ids.len() + 1);
        let id = self.ids.entry(content.to_owned()).or_insert(id).clone();
        if !self.xml.contains(&format!("id=\"{id}\"")) {
            self.xml += &content.replace("ID", &id);
        }
        id
    }
}

struct Process {
    id: String,
    attributes: Vec<Word>,
    nodes: Vec<Node>,
    flows: Vec<Flow>,
    raw: String,
}

/// A BPMN file of the process with this id; lines `process ID` begin further ones.
pub(crate) fn bpmn(id: &str, attributes: &[Word], lines: &[&str]) -> String {
    if lines.first().is_some_and(|line| line.trim().starts_with("<?xml")) {
        return lines.join("\n").trim().to_owned();
    }
    let mut globals = Globals::default();
    let mut processes = vec![process(id, attributes.to_vec())];
    for line in lines.iter().map(|line| line.trim()) {
        let current = processes.last_mut().unwrap();
        if line.starts_with('<') {
            current.raw += line;
        } else if let Some(rest) = line.strip_prefix("process ") {
            let mut words = words(rest);
            let id = words.remove(0).text;
            processes.push(process(&id, words));
        } else {
            chain(current, line);
        }
    }
    let body: String =
        processes.iter().map(|process| write_process(process, &mut globals)).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="urn:scripts">
{body}{}</definitions>"#,
        globals.xml
    )
}

fn process(id: &str, attributes: Vec<Word>) -> Process {
    let (nodes, flows) = (Vec::new(), Vec::new());
    Process { id: id.to_owned(), attributes, nodes, flows, raw: String::new() }
}

fn chain(process: &mut Process, line: &str) {
    let (scope, line) = match line.strip_prefix("in ").and_then(|rest| rest.split_once(": ")) {
        Some((scope, rest)) => (scope.trim().to_owned(), rest),
        None => (String::new(), line),
    };
    let mut previous: Option<String> = None;
    for part in split(line, |rest| rest.starts_with("->").then_some(2)) {
        let mut words = words(&part);
        assert!(!words.is_empty(), "an element is missing in `{line}`");
        let condition = words[0].text.starts_with('(').then(|| words.remove(0).text);
        let id = element(process, words, &scope);
        if let Some(source) = previous.replace(id.clone()) {
            flow(process, source, id, condition);
        }
    }
}

fn flow(process: &mut Process, source: String, target: String, condition: Option<String>) {
    let mut id = format!("{source}_to_{target}");
    while process.flows.iter().any(|flow| flow.id == id) {
        id += "_again";
    }
    let condition = condition.map(|text| text[1..text.len() - 1].to_owned());
    let condition = if condition.as_deref() == Some("default") {
        let node = process.nodes.iter_mut().find(|node| node.id == source);
        node.expect("the source of a default flow is declared").default_flow = Some(id.clone());
        None
    } else {
        condition
    };
    process.flows.push(Flow { id, source, target, condition });
}

/// Declares an element, or finds it; gives its id.
fn element(process: &mut Process, mut words: Vec<Word>, scope: &str) -> String {
    let kind = words[0].text.clone();
    if words.len() == 1 && process.nodes.iter().any(|node| node.id == kind) {
        return kind;
    }
    if !KINDS.iter().any(|(name, _)| *name == kind) {
        assert!(words.len() == 1, "`{kind}` is not a kind of element");
        return kind;
    }
    words.remove(0);
    let named = words.first().is_some_and(|word| word.value.is_none());
    let id = if named { words.remove(0).text } else { kind.clone() };
    let taken = process.nodes.iter().any(|node| node.id == id);
    assert!(!taken, "the element `{id}` is declared twice; name others that are alike");
    let mut scope = scope.to_owned();
    if let Some(host) = value(&words, "on") {
        let host = process.nodes.iter().find(|node| node.id == host);
        scope = host.expect("the host of a boundary event is declared").scope.clone();
    }
    process.nodes.push(Node { id: id.clone(), kind, attributes: words, scope, default_flow: None });
    id
}

fn value(attributes: &[Word], name: &str) -> Option<String> {
    attributes.iter().find(|word| word.name == name).and_then(|word| word.value.clone())
}

fn has(attributes: &[Word], name: &str) -> bool {
    attributes.iter().any(|word| word.name == name)
}

fn write_process(process: &Process, globals: &mut Globals) -> String {
    let executable = !has(&process.attributes, "not-executable");
    let tag = value(&process.attributes, "tag")
        .map(|tag| {
            format!(
                r#"<extensionElements><z:versionTag value="{}"/></extensionElements>"#,
                xml(&tag)
            )
        })
        .unwrap_or_default();
    format!(
        "<process id=\"{}\" isExecutable=\"{executable}\">{tag}\n{}{}</process>\n",
        process.id,
        write_scope(process, "", globals),
        process.raw
    )
}

fn write_scope(process: &Process, scope: &str, globals: &mut Globals) -> String {
    let mut out = String::new();
    let inside =
        |id: &str| process.nodes.iter().find(|node| node.id == id).map(|node| node.scope.as_str());
    for node in process.nodes.iter().filter(|node| node.scope == scope) {
        out += &write_node(process, node, globals);
    }
    for flow in process.flows.iter().filter(|flow| inside(&flow.source).unwrap_or("") == scope) {
        let condition = flow.condition.as_ref().map(|condition| {
            format!("<conditionExpression>={}</conditionExpression>", xml(condition))
        });
        let _ = writeln!(
            out,
            r#"<sequenceFlow id="{}" sourceRef="{}" targetRef="{}">{}</sequenceFlow>"#,
            flow.id,
            flow.source,
            flow.target,
            condition.unwrap_or_default()
        );
    }
    out
}

fn write_node(process: &Process, node: &Node, globals: &mut Globals) -> String {
    let (_, tag) = KINDS.iter().find(|(name, _)| *name == node.kind).unwrap();
    let mut open = format!(r#"<{tag} id="{}""#, node.id);
    let attributes = &node.attributes;
    if let Some(flow) = &node.default_flow {
        let _ = write!(open, r#" default="{flow}""#);
    }
    if let Some(host) = value(attributes, "on") {
        let interrupting = !has(attributes, "non-interrupting");
        let _ = write!(open, r#" attachedToRef="{host}" cancelActivity="{interrupting}""#);
    }
    let definition = event_definition(node, globals);
    if node.kind == "receive" {
        let _ =
            write!(open, r#" messageRef="{}""#, message(attributes, globals).unwrap_or_default());
    }
    let inner =
        if node.kind == "sub" { write_scope(process, &node.id, globals) } else { String::new() };
    format!("{open}>{}{definition}{inner}</{tag}>\n", extensions(node))
}

fn extensions(node: &Node) -> String {
    let attributes = &node.attributes;
    let of = |name: &str| value(attributes, name).map(|value| xml(&value));
    let attribute = |xml_name: &str, name: &str| {
        of(name).map(|value| format!(r#" {xml_name}="{value}""#)).unwrap_or_default()
    };
    let mut out = String::new();
    let is_script = node.kind == "script" && of("expr").is_some();
    let is_decision = node.kind == "rule" && of("decision").is_some();
    let is_message_end = node.kind == "end" && has(attributes, "message");
    if matches!(node.kind.as_str(), "service" | "send" | "script" | "rule")
        && !(is_script || is_decision)
        || is_message_end
    {
        let job_type = of("type").unwrap_or_else(|| node.id.clone());
        let _ = write!(
            out,
            r#"<z:taskDefinition type="{job_type}"{}/>"#,
            attribute("retries", "retries")
        );
    }
    if is_script {
        let (expression, result) = (of("expr").unwrap(), of("result").unwrap_or_default());
        let _ = write!(out, r#"<z:script expression="{expression}" resultVariable="{result}"/>"#);
    }
    if is_decision {
        let _ = write!(
            out,
            r#"<z:calledDecision{} resultVariable="{}"{}{}/>"#,
            attribute("decisionId", "decision"),
            of("result").unwrap_or_else(|| "result".to_owned()),
            attribute("bindingType", "binding"),
            attribute("versionTag", "tag"),
        );
    }
    if node.kind == "call" {
        let _ = write!(
            out,
            "<z:calledElement{}{}{}{}{}/>",
            attribute("processId", "process"),
            attribute("propagateAllChildVariables", "propagate-child"),
            attribute("propagateAllParentVariables", "propagate-parent"),
            attribute("bindingType", "binding"),
            attribute("versionTag", "tag"),
        );
    }
    if node.kind == "user" {
        let _ = write!(
            out,
            "<z:assignmentDefinition{}{}{}/>",
            attribute("assignee", "assignee"),
            attribute("candidateGroups", "groups"),
            attribute("candidateUsers", "users"),
        );
        if of("due").is_some() {
            let _ = write!(out, "<z:taskSchedule{}/>", attribute("dueDate", "due"));
        }
        if of("form").is_some() {
            let _ = write!(out, "<z:formDefinition{}/>", attribute("formKey", "form"));
        }
    }
    out += &headers_and_mappings(attributes);
    if out.is_empty() { out } else { format!("<extensionElements>{out}</extensionElements>") }
}

fn headers_and_mappings(attributes: &[Word]) -> String {
    let pairs = |name: &str| -> Vec<(String, String)> {
        let of_name = attributes.iter().filter(|word| word.name == name);
        of_name.filter_map(|word| word.value.as_deref()).map(|text| pair(&text[1..])).collect()
    };
    let mut out = String::new();
    let headers: String = pairs("header")
        .iter()
        .map(|(key, value)| {
            format!(r#"<z:header key="{}" value="{}"/>"#, xml(key), xml(&value[1..]))
        })
        .collect();
    if !headers.is_empty() {
        let _ = write!(out, "<z:taskHeaders>{headers}</z:taskHeaders>");
    }
    let mapping = |tag: &str, name: &str| -> String {
        pairs(name)
            .iter()
            .map(|(target, source)| {
                format!(r#"<z:{tag} source="{}" target="{target}"/>"#, xml(source))
            })
            .collect()
    };
    let mappings = mapping("input", "in") + &mapping("output", "out");
    if !mappings.is_empty() {
        let _ = write!(out, "<z:ioMapping>{mappings}</z:ioMapping>");
    }
    out
}

/// `target=expression`, or `target:text` for a static source.
fn pair(text: &str) -> (String, String) {
    let at = text.find(['=', ':']).expect("a mapping or header is `name=value`");
    let value = &text[at + 1..];
    let value = if text[at..].starts_with('=') { format!("={value}") } else { value.to_owned() };
    (text[..at].trim().to_owned(), value)
}

fn message(attributes: &[Word], globals: &mut Globals) -> Option<String> {
    let name = value(attributes, "message")?;
    let key = value(attributes, "key").map(|key| {
        format!(
            r#"<extensionElements><z:subscription correlationKey="{}"/></extensionElements>"#,
            xml(&key)
        )
    });
    let name = xml(&name);
    Some(globals.add(&format!(
        "<message id=\"ID\" name=\"{name}\">{}</message>\n",
        key.unwrap_or_default()
    )))
}

fn event_definition(node: &Node, globals: &mut Globals) -> String {
    let attributes = &node.attributes;
    if !matches!(node.kind.as_str(), "start" | "end" | "catch" | "throw" | "boundary") {
        return String::new();
    }
    let timers = [("timer", "timeDuration"), ("date", "timeDate"), ("cycle", "timeCycle")];
    for (name, tag) in timers {
        if let Some(text) = value(attributes, name) {
            return format!(
                "<timerEventDefinition><{tag}>{}</{tag}></timerEventDefinition>",
                xml(&text)
            );
        }
    }
    if let Some(id) = message(attributes, globals) {
        return format!(r#"<messageEventDefinition messageRef="{id}"/>"#);
    }
    if has(attributes, "message") {
        return "<messageEventDefinition/>".to_owned();
    }
    if let Some(code) = value(attributes, "error") {
        let id = globals.add(&format!("<error id=\"ID\" errorCode=\"{}\"/>\n", xml(&code)));
        return format!(r#"<errorEventDefinition errorRef="{id}"/>"#);
    }
    if has(attributes, "error") {
        return "<errorEventDefinition/>".to_owned();
    }
    if has(attributes, "terminate") {
        return "<terminateEventDefinition/>".to_owned();
    }
    String::new()
}
