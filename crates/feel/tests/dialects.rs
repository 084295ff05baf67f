//! The cases in which the dialects differ, and that the documentation shows them as they are.

#![allow(clippy::unwrap_used)]

mod tables;

use std::fmt::Write;

use skep_feel::{Dialect, Syntax};
use tables::{evaluate, names, shown, variables};

const TABLE: &str = include_str!("dialects.txt");
const DOCUMENT: &str = include_str!("../../../docs/feel-dialects.md");

struct Row<'a> {
    line: usize,
    expression: &'a str,
    variables: &'a str,
    camunda: &'a str,
    dmn: &'a str,
}

/// The rows of the table by their sections.
fn sections() -> Vec<(&'static str, Vec<Row<'static>>)> {
    let mut sections: Vec<(&str, Vec<Row<'_>>)> = Vec::new();
    for (text, line) in TABLE.lines().zip(1..) {
        if let Some(title) = text.strip_prefix("## ") {
            sections.push((title, Vec::new()));
        } else if !text.trim().is_empty() && !text.starts_with('#') {
            let mut fields = text.split(" | ").map(str::trim);
            let mut field = || fields.next().unwrap_or("");
            let (expression, variables) = (field(), field());
            let row = Row { line, expression, variables, camunda: field(), dmn: field() };
            sections.last_mut().unwrap().1.push(row);
        }
    }
    sections
}

fn result(row: &Row<'_>, dialect: Dialect) -> String {
    let variables = variables(row.variables, Dialect::Camunda);
    let syntax = Syntax { dialect, names: &names(&variables) };
    match evaluate(row.expression, false, &syntax, &variables) {
        None => "PARSE".into(),
        Some(Err(_)) => "FAIL".into(),
        Some(Ok(evaluation)) => shown(&evaluation.value, dialect),
    }
}

#[test]
fn the_dialects_give_these_results() {
    let (mut wrong, mut alike) = (String::new(), 0);
    for row in sections().iter().flat_map(|(_, rows)| rows) {
        let found = (result(row, Dialect::Camunda), result(row, Dialect::Dmn));
        alike += usize::from(found.0 == found.1);
        if (row.camunda, row.dmn) != (&found.0, &found.1) {
            let Row { line, expression, variables, .. } = row;
            writeln!(wrong, "{line}: {expression} | {variables} | {} | {}", found.0, found.1)
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(alike < 20, "{alike} rows show no difference");
}

/// The rows as the documentation has them.
fn documented() -> String {
    let mut document = String::new();
    for (title, rows) in sections() {
        writeln!(document, "## {title}\n").unwrap();
        writeln!(document, "| expression | variables | `camunda` | `dmn` |\n|---|---|---|---|")
            .unwrap();
        for row in rows {
            let code = |text: &str| match text {
                "" | "{}" => String::new(),
                "PARSE" => "does not parse".into(),
                text if text.contains('`') => format!("`` {text} ``"),
                text => format!("`{text}`"),
            };
            let Row { expression, variables, camunda, dmn, .. } = row;
            let (expression, variables) = (code(expression), code(variables));
            let result = |text: &str| if text == "{}" { "`{}`".into() } else { code(text) };
            let (camunda, dmn) = (result(camunda), result(dmn));
            writeln!(document, "| {expression} | {variables} | {camunda} | {dmn} |").unwrap();
        }
        document.push('\n');
    }
    document
}

#[test]
fn the_documentation_has_every_row_and_no_other() {
    let tables = |text: &str| -> Vec<String> {
        let is_row = |line: &&str| line.starts_with('|') || line.starts_with("## ");
        text.lines().filter(is_row).map(str::to_owned).collect()
    };
    let wanted = documented();
    assert_eq!(
        tables(DOCUMENT),
        tables(&wanted),
        "docs/feel-dialects.md should have the tables:\n\n{wanted}"
    );
}
