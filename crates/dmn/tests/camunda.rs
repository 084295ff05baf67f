//! Decisions in Camunda's dialect: `camunda/answers.txt` has what each model and set of variables gives.
//! Behind `reference:` is what dmn-scala 1.10 gives, which is inside of Zeebe 8.6, in its own words. Ours
//! differs on purpose where a file is refused that is broken, and where there only Java failed.
//! `SKEP_ANSWERS_WRITE=1` writes the answers anew (not the references); review the difference.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use skep_dmn::{DecisionEvaluation, EvaluatedDecision, Options};
use skep_feel::{Environment, Expression, NoVariables, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/camunda")
}

#[test]
fn camunda() {
    let file = folder().join("answers.txt");
    let expected = std::fs::read_to_string(&file).unwrap();
    let mut actual = String::new();
    let mut cases = 0;
    for block in expected.split("\n== ").map(|block| block.trim_start_matches("== ")) {
        let mut lines = block.lines();
        let Some(head) = lines.next().filter(|head| !head.is_empty()) else { continue };
        let reference: Vec<&str> =
            lines.filter(|line| line.trim_start().starts_with("reference:")).collect();
        let _ = writeln!(actual, "== {head}");
        actual.push_str(&answer(head));
        reference.iter().for_each(|line| {
            let _ = writeln!(actual, "{line}");
        });
        cases += 1;
    }
    if std::env::var_os("SKEP_ANSWERS_WRITE").is_some() {
        std::fs::write(&file, &actual).unwrap();
        return;
    }
    assert!(cases > 200, "only {cases} cases");
    for (actual, expected) in actual.split("\n== ").zip(expected.split("\n== ")) {
        assert_eq!(actual.trim_end(), expected.trim_end());
    }
}

/// `model.dmn [decision] {variables}` to what that gives.
fn answer(head: &str) -> String {
    let (file, rest) = head.split_once(" [").unwrap();
    let (decision, variables) = rest.split_once(']').unwrap();
    let xml = std::fs::read_to_string(folder().join(file)).unwrap();
    let model = match skep_dmn::parse(&xml, &Options::default()) {
        Ok(model) => model,
        Err(violations) => {
            let text = violations.to_string();
            return text.lines().map(|line| format!("   {line}\n")).collect();
        }
    };
    if decision.is_empty() {
        let decisions: Vec<&str> = model.decisions().iter().map(|found| &*found.id).collect();
        return format!("   decisions: {}\n", decisions.join(", "));
    }
    match model.evaluate(decision, &variables_of(variables), &Environment::at(0)) {
        Some(evaluation) => told(&evaluation),
        None => "   no such decision\n".to_owned(),
    }
}

fn variables_of(text: &str) -> BTreeMap<String, Value> {
    let Ok(expression) = Expression::parse(text) else { return BTreeMap::new() };
    let evaluation = expression.evaluate(&NoVariables, &Environment::at(0)).unwrap();
    let context = evaluation.value.as_context().cloned().unwrap();
    context.entries().iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn told(evaluation: &DecisionEvaluation) -> String {
    let mut text = match &evaluation.output {
        Ok(value) => format!("   {}\n", value.to_json()),
        Err(failure) => format!("   failed at {}: {failure}\n", failure.decision_id),
    };
    for decision in &evaluation.evaluated_decisions {
        tell_decision(&mut text, decision);
    }
    text
}

fn tell_decision(text: &mut String, decision: &EvaluatedDecision) {
    let (id, kind) = (&decision.decision_id, decision.decision_type.name());
    let _ = writeln!(text, "   {kind} {id}: {}", decision.output.to_json());
    for input in &decision.inputs {
        let (id, name) = (&input.input_id, &input.input_name);
        let _ = writeln!(text, "      input {id} \"{name}\": {}", input.value.to_json());
    }
    for rule in &decision.matched_rules {
        let _ = write!(text, "      rule {} {}:", rule.rule_index, rule.rule_id);
        for output in &rule.outputs {
            let (id, name) = (&output.output_id, &output.output_name);
            let _ = write!(text, " {id} \"{name}\" {};", output.value.to_json());
        }
        text.push('\n');
    }
    for warning in &decision.warnings {
        let (id, message) = (&warning.element_id, &warning.message);
        let _ = writeln!(text, "      warning {id} `{}`: {message}", warning.expression);
    }
}
