//! Decision requirements graphs as a few lines, turned into DMN files.
//!
//! ```text
//! import rates
//! decision risk needs=age_group tag=v1 := if age < 18 then "high" else "low"
//! table discount first needs=risk in(total) in(risk) out=rate
//! | >= 100 | "low" => 0.1
//! | - | - => 0
//! ```
//!
//! `needs=other.x` refers to a decision of an imported graph. A file that begins with `<?xml` is taken as it
//! is.

use std::fmt::Write;

use super::text::{Word, split, words, xml};

const NAMESPACE: &str = "https://www.omg.org/spec/DMN/20191111/MODEL/";

/// A DMN file of the graph with this id.
pub(crate) fn dmn(id: &str, attributes: &[Word], lines: &[&str]) -> String {
    if lines.first().is_some_and(|line| line.trim().starts_with("<?xml")) {
        return lines.join("\n").trim().to_owned();
    }
    let name = value(attributes, "name").unwrap_or_else(|| id.to_owned());
    let mut body = String::new();
    let mut rules: Vec<&str> = Vec::new();
    for line in lines.iter().map(|line| line.trim()).rev() {
        if let Some(rule) = line.strip_prefix("| ") {
            rules.push(rule);
            continue;
        }
        rules.reverse();
        body.insert_str(0, &part(line, &rules));
        rules.clear();
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<definitions xmlns=\"{NAMESPACE}\" \
         xmlns:z=\"http://camunda.org/schema/zeebe/1.0\" id=\"{id}\" name=\"{}\" namespace=\"urn:{id}\">\n{body}</definitions>",
        xml(&name)
    )
}

fn value(words: &[Word], name: &str) -> Option<String> {
    words.iter().find(|word| word.name == name).and_then(|word| word.value.clone())
}

fn part(line: &str, rules: &[&str]) -> String {
    if let Some(other) = line.strip_prefix("import ") {
        return format!(
            "<import name=\"{other}\" namespace=\"urn:{other}\" importType=\"{NAMESPACE}\"/>\n"
        );
    }
    let (head, logic) = match line.split_once(" := ") {
        Some((head, expression)) => (
            words(head),
            format!("<literalExpression><text>{}</text></literalExpression>", xml(expression)),
        ),
        None => (words(line), table(&words(line), rules)),
    };
    let id = &head[1].text;
    let mut out = format!("<decision id=\"{id}\" name=\"{id}\">");
    if let Some(tag) = value(&head, "tag") {
        let _ = write!(
            out,
            "<extensionElements><z:versionTag value=\"{}\"/></extensionElements>",
            xml(&tag)
        );
    }
    let _ = write!(out, "<variable name=\"{id}\"/>");
    for need in value(&head, "needs").iter().flat_map(|needs| needs.split(',')) {
        let href = match need.split_once('.') {
            Some((other, decision)) => format!("urn:{other}#{decision}"),
            None => format!("#{need}"),
        };
        let _ = write!(
            out,
            "<informationRequirement><requiredDecision href=\"{href}\"/></informationRequirement>"
        );
    }
    let _ = writeln!(out, "{logic}</decision>");
    out
}

/// `table ID POLICY in(EXPRESSION)... out=NAME...`, and a line for each rule.
fn table(head: &[Word], rules: &[&str]) -> String {
    let id = &head[1].text;
    let policy = head[2].text.to_uppercase().replace('-', " ");
    let hit = match policy.strip_prefix("COLLECT ") {
        Some(aggregation) => format!("hitPolicy=\"COLLECT\" aggregation=\"{aggregation}\""),
        None => format!("hitPolicy=\"{policy}\""),
    };
    let mut out = format!("<decisionTable id=\"{id}_table\" {hit}>");
    for (at, input) in head.iter().filter(|word| word.name == "in").enumerate() {
        let expression = input.value.as_deref().unwrap_or_default().trim_start_matches('=');
        let _ = write!(
            out,
            "<input id=\"{id}_in{}\"><inputExpression><text>{}</text></inputExpression></input>",
            at + 1,
            xml(expression)
        );
    }
    for (at, output) in head.iter().filter(|word| word.name == "out").enumerate() {
        // `out(name:"a","b")` lists the values in their order.
        let text = output.value.as_deref().unwrap_or_default().trim_start_matches('=');
        let (name, values) = text.split_once(':').unwrap_or((text, ""));
        let values = if values.is_empty() {
            String::new()
        } else {
            format!("<outputValues><text>{}</text></outputValues>", xml(values))
        };
        let _ = write!(out, "<output id=\"{id}_out{}\" name=\"{name}\">{values}</output>", at + 1);
    }
    for (at, rule) in rules.iter().enumerate() {
        let sides = split(rule, |rest| rest.starts_with("=>").then_some(2));
        let cells = |text: &str, tag: &str| -> String {
            split(text, |rest| rest.starts_with('|').then_some(1))
                .iter()
                .filter(|cell| !cell.is_empty())
                .map(|cell| format!("<{tag}><text>{}</text></{tag}>", xml(cell)))
                .collect()
        };
        let _ = write!(
            out,
            "<rule id=\"{id}_rule{}\">{}{}</rule>",
            at + 1,
            cells(&sides[0], "inputEntry"),
            cells(sides.get(1).map_or("", String::as_str), "outputEntry")
        );
    }
    out + "</decisionTable>"
}
