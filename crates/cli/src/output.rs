//! Results on stdout: a table for people or JSON for programs.
//!
//! The JSON follows the REST v2 vocabulary: camelCase names, keys as decimal strings (they do not
//! fit into the numbers of every JSON reader). Fields are only ever added.

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::failure::Failure;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Format {
    /// Prints one thing: its fields, one a line, or the JSON object.
    pub(crate) fn record(self, json: &Value) -> Result<(), Failure> {
        match self {
            Self::Json => self.json(json),
            Self::Table => {
                let mut table = plain_table();
                for (name, value) in json.as_object().into_iter().flatten() {
                    table.add_row([spaced(name), cell(value)]);
                }
                print_line(&table.trim_fmt())
            }
        }
    }

    /// Prints many things of one kind: a row each, or a JSON array. `columns` are the field names
    /// that the table shows.
    pub(crate) fn list(self, columns: &[&str], rows: &[Value]) -> Result<(), Failure> {
        match self {
            Self::Json => self.json(&Value::Array(rows.to_vec())),
            Self::Table => print_line(&rows_as_table(columns, rows)),
        }
    }

    /// Prints a sentence for people, or the JSON object for programs.
    pub(crate) fn done(self, sentence: &str, json: &Value) -> Result<(), Failure> {
        match self {
            Self::Json => self.json(json),
            Self::Table => print_line(sentence),
        }
    }

    fn json(self, json: &Value) -> Result<(), Failure> {
        print_line(&format!("{json:#}"))
    }
}

/// Rows under a heading, as text.
pub(crate) fn rows_as_table(columns: &[&str], rows: &[Value]) -> String {
    let mut table = plain_table();
    table.set_header(columns.iter().map(|name| spaced(name).to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|name| cell(&row[*name])));
    }
    table.trim_fmt()
}

/// Writes one line to stdout. A reader that has gone away (`| head`) is not a failure.
pub(crate) fn print_line(line: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Local(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `processInstanceKey` as `process instance key`.
fn spaced(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_spaced_for_people() {
        assert_eq!(spaced("processInstanceKey"), "process instance key");
    }

    #[test]
    fn a_list_shows_the_chosen_columns_in_order() {
        let rows = [json!({"key": "1", "type": "pay", "hidden": true}), json!({"key": "22"})];
        let table = rows_as_table(&["type", "key"], &rows);
        let lines: Vec<Vec<&str>> =
            table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines, [vec!["TYPE", "KEY"], vec!["pay", "1"], vec!["22"]]);
    }
}
