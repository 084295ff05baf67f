//! What an evaluation gave and how, for people and for programs.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Format, print_line, rows_as_table};

/// An evaluated decision with everything that it required.
pub(super) struct Trace {
    /// The decision, as a JSON object.
    pub(super) head: Value,
    pub(super) output: Value,
    /// Id of the decision that failed, and why.
    pub(super) failure: Option<(String, String)>,
    /// In the order of evaluation.
    pub(super) decisions: Vec<Value>,
    /// Ready to be printed.
    pub(super) warnings: Vec<String>,
}

impl Trace {
    /// Prints it; a failed evaluation is a failure of the command, behind its trace.
    pub(super) fn print(self, format: Format) -> Result<(), Failure> {
        match format {
            Format::Json => self.print_json(format)?,
            Format::Table => self.print_table()?,
        }
        match self.failure {
            Some((decision_id, message)) => Err(Failure::Answer(format!(
                "decision {decision_id} could not be evaluated: {message}"
            ))),
            None => Ok(()),
        }
    }

    fn print_json(&self, format: Format) -> Result<(), Failure> {
        let mut json = self.head.clone();
        json["output"] = self.output.clone();
        if let Some((decision_id, message)) = &self.failure {
            json["failedDecisionId"] = json!(decision_id);
            json["failureMessage"] = json!(message);
        }
        json["evaluatedDecisions"] = self.decisions.clone().into();
        format.record(&json)
    }

    fn print_table(&self) -> Result<(), Failure> {
        if self.failure.is_none() {
            print_line(&self.output.to_string())?;
        }
        let rows: Vec<Value> = self.decisions.iter().map(row).collect();
        let columns = ["decision", "version", "type", "inputs", "rules", "output"];
        let shown = |column: &&&str| rows.iter().any(|row| row[**column] != Value::Null);
        let columns: Vec<&str> = columns.iter().filter(shown).copied().collect();
        if !rows.is_empty() {
            print_line(&format!("\n{}", rows_as_table(&columns, &rows)))?;
        }
        print_warnings(self.warnings.clone());
        Ok(())
    }
}

/// Prints warnings on stderr, each once: an expression may read a missing variable again and again.
pub(super) fn print_warnings(mut warnings: Vec<String>) {
    warnings.dedup();
    for warning in warnings {
        eprintln!("\nwarning: {warning}");
    }
}

/// A decision as a row of the table.
fn row(decision: &Value) -> Value {
    let values = |name: &str| decision[name].as_array().cloned().unwrap_or_default();
    let listed = |items: &[Value]| -> Vec<String> {
        let text = |item: &Value| item["name"].as_str().unwrap_or_default().to_owned();
        items.iter().map(|item| format!("{} = {}", text(item), item["value"])).collect()
    };
    let rules: Vec<String> = values("rules")
        .iter()
        .map(|rule| {
            let outputs = rule["outputs"].as_array().cloned().unwrap_or_default();
            format!("{}: {}", rule["index"], listed(&outputs).join(", "))
        })
        .collect();
    json!({
        "decision": decision["decisionId"],
        "version": decision["decisionVersion"],
        "type": decision["decisionType"],
        "inputs": listed(&values("inputs")).join(", "),
        "rules": rules.join("; "),
        "output": decision["output"].to_string(),
    })
}

/// JSON text as a value.
/// Names with their values, as a trace has them.
pub(super) fn named<'a>(values: impl Iterator<Item = (&'a str, Value)>) -> Value {
    values.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// Adds the rules that matched to what a trace says of a decision: each with its outputs, and once
/// more their places alone.
pub(super) fn add_rules(decision: &mut Value, rules: impl Iterator<Item = (i64, Value)>) {
    let (mut matched, mut places) = (Vec::new(), Vec::new());
    for (place, outputs) in rules {
        matched.push(json!({"index": place, "outputs": outputs}));
        places.push(place);
    }
    decision["rules"] = matched.into();
    decision["matchedRules"] = places.into();
}

pub(super) fn json_or_null(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_inputs_and_rules() {
        let decision = json!({
            "decisionId": "discount", "decisionType": "DECISION_TABLE", "output": 0.1,
            "inputs": [{"name": "total", "value": 120}, {"name": "risk", "value": "low"}],
            "rules": [{"index": 2, "outputs": [{"name": "rate", "value": 0.1}]}],
        });
        let row = row(&decision);
        assert_eq!(row["inputs"], "total = 120, risk = \"low\"");
        assert_eq!(row["rules"], "2: rate = 0.1");
        assert_eq!(row["output"], "0.1");
    }

    #[test]
    fn a_failed_evaluation_is_a_failure_that_names_the_decision() {
        let trace = Trace {
            head: json!({"decisionId": "fee"}),
            output: Value::Null,
            failure: Some(("risk".to_owned(), "too risky".to_owned())),
            decisions: Vec::new(),
            warnings: Vec::new(),
        };
        let Err(Failure::Answer(message)) = trace.print(Format::Json) else { panic!("a failure") };
        assert_eq!(message, "decision risk could not be evaluated: too risky");
    }
}
