//! `skep evaluate dmn FILE DECISION`, without a server.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use skep_dmn::{EvaluatedDecision, Model, Options};

use super::local::{DialectName, environment, read_variables, with_caret};
use super::trace::{Trace, add_rules, json_or_null, named};
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep evaluate dmn discount.dmn discount --variables '{\"total\": 120, \"customer\": \"new\"}'")]
pub(crate) struct DmnArgs {
    /// DMN file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Decision id
    #[arg(value_name = "DECISION")]
    decision: String,

    /// Variables: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,

    /// DMN file that FILE imports; one that others import comes first
    #[arg(long, value_name = "FILE")]
    import: Vec<PathBuf>,

    /// Rules where Camunda and the standard differ
    #[arg(long, value_enum, default_value_t = DialectName::Camunda)]
    dialect: DialectName,
}

impl DmnArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let mut options = Options { dialect: self.dialect.dialect(), ..Options::default() };
        for path in &self.import {
            let model = read(path, &options)?;
            options.imports.push(model);
        }
        let model = read(&self.file, &options)?;
        let variables = read_variables(self.variables.as_deref())?;
        let evaluation = model
            .evaluate(&self.decision, &variables, &environment())
            .ok_or_else(|| unknown(&model, &self.decision))?;
        let decisions = &evaluation.evaluated_decisions;
        let warnings = decisions.iter().flat_map(|decision| &decision.warnings).map(|warning| {
            let shown = with_caret(&warning.message, &warning.expression, warning.span.clone());
            format!("in {}: {shown}", warning.element_id)
        });
        let (output, failure) = match &evaluation.output {
            Ok(value) => (json_or_null(&value.to_json()), None),
            Err(failure) => {
                (Value::Null, Some((failure.decision_id.to_string(), failure.message.clone())))
            }
        };
        let trace = Trace {
            head: json!({"decisionId": self.decision}),
            output,
            failure,
            decisions: decisions.iter().map(evaluated).collect(),
            warnings: warnings.collect(),
        };
        trace.print(format)
    }
}

fn read(path: &Path, options: &Options) -> Result<Model, Failure> {
    let bytes = variables::read_file(path)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::file("read", path, "it is not UTF-8 text"))?;
    skep_dmn::parse(text, options).map_err(|violations| {
        Failure::Usage(format!("{} cannot be used:\n{violations}", path.display()))
    })
}

fn unknown(model: &Model, decision_id: &str) -> Failure {
    let known: Vec<&str> = model.decisions().iter().map(|decision| &*decision.id).collect();
    let known = known.join(", ");
    Failure::Usage(format!("there is no decision {decision_id:?} in the file, but: {known}"))
}

fn evaluated(decision: &EvaluatedDecision) -> Value {
    let value = |value: &skep_feel::Value| json_or_null(&value.to_json());
    let inputs = decision.inputs.iter();
    let inputs = inputs.map(|input| (&*input.input_name, value(&input.value)));
    let mut evaluated = json!({
        "decisionId": *decision.decision_id,
        "decisionName": *decision.decision_name,
        "decisionType": decision.decision_type.name(),
        "output": value(&decision.output),
        "inputs": named(inputs),
    });
    let rules = decision.matched_rules.iter().map(|rule| {
        let outputs = rule.outputs.iter();
        let outputs = outputs.map(|output| (&*output.output_name, value(&output.value)));
        (i64::from(rule.rule_index), named(outputs))
    });
    add_rules(&mut evaluated, rules);
    let warnings = decision.warnings.iter().map(|warning| {
        json!({
            "elementId": *warning.element_id,
            "expression": *warning.expression,
            "message": warning.message,
            "start": warning.span.start,
            "end": warning.span.end,
        })
    });
    evaluated["warnings"] = warnings.collect();
    evaluated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(decision: &str, variables: &str) -> DmnArgs {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        DmnArgs {
            file: models.join("order/order-decisions.dmn"),
            decision: decision.to_owned(),
            variables: Some(variables.to_owned()),
            import: Vec::new(),
            dialect: DialectName::Camunda,
        }
    }

    #[test]
    fn a_decision_of_a_file_is_evaluated() {
        for format in [Format::Table, Format::Json] {
            let evaluated = args("discount", r#"{"total": 80, "number": 3}"#).run(format);
            assert!(evaluated.is_ok(), "{evaluated:?}");
        }
    }

    #[test]
    fn a_decision_that_is_not_there_names_those_that_are() {
        let Err(Failure::Usage(message)) = args("rebate", "{}").run(Format::Table) else {
            panic!("unknown")
        };
        assert!(message.contains("discount"), "{message}");
    }
}
