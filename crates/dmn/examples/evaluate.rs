//! Evaluates a decision of a file from the command line:
//! `cargo run --example evaluate -- dish.dmn dish '{"season": "Winter", "guests": 8}'`.
//!
//! Without a decision it lists those of the file; with `--dmn` in front it reads the file in the dialect
//! of the standard.

use std::collections::BTreeMap;
use std::error::Error;

use skep_dmn::{DecisionEvaluation, EvaluatedDecision, Options};
use skep_feel::{Dialect, Environment, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut options = Options::default();
    if arguments.first().is_some_and(|first| first == "--dmn") {
        options.dialect = Dialect::Dmn;
        arguments.remove(0);
    }
    let mut arguments = arguments.into_iter();
    let file = arguments.next().ok_or("usage: evaluate [--dmn] FILE [DECISION [VARIABLES]]")?;
    let model = skep_dmn::parse(&std::fs::read_to_string(file)?, &options)?;
    let Some(decision) = arguments.next() else {
        println!("decisions of {} ({}):", model.id(), model.name());
        for decision in model.decisions() {
            println!("  {} ({})", decision.id, decision.name);
        }
        return Ok(());
    };
    let variables = variables(&arguments.next().unwrap_or_else(|| "{}".to_owned()))?;
    let evaluation = model
        .evaluate(&decision, &variables, &Environment::at(0))
        .ok_or_else(|| format!("there is no decision with the id {decision}"))?;
    print(&evaluation);
    Ok(())
}

/// The entries of a JSON object.
fn variables(json: &str) -> Result<BTreeMap<String, Value>, &'static str> {
    let value = Value::from_json(json).ok_or("the variables are no JSON")?;
    let context = value.as_context().ok_or("the variables are no JSON object")?;
    Ok(context.entries().iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
}

fn print(evaluation: &DecisionEvaluation) {
    match &evaluation.output {
        Ok(value) => println!("{}", value.to_json()),
        Err(failure) => println!("failed at decision {}: {failure}", failure.decision_id),
    }
    for decision in &evaluation.evaluated_decisions {
        print_decision(decision);
    }
}

fn print_decision(decision: &EvaluatedDecision) {
    let (id, kind) = (&decision.decision_id, decision.decision_type.name());
    println!("\n{id} ({kind}): {}", decision.output.to_json());
    for input in &decision.inputs {
        println!("  input {}: {}", input.input_name, input.value.to_json());
    }
    for rule in &decision.matched_rules {
        println!("  rule {} ({})", rule.rule_index, rule.rule_id);
        for output in &rule.outputs {
            println!("    output {}: {}", output.output_name, output.value.to_json());
        }
    }
    for warning in &decision.warnings {
        println!(
            "  warning at {} `{}`: {}",
            warning.element_id, warning.expression, warning.message
        );
    }
}
