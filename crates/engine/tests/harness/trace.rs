//! Deployments and evaluated decisions as parts of lines.

use skep_protocol::*;

use super::print::{Names, json, value, variables};

/// What a deployment made, or had already.
pub(crate) fn definitions(value: &DeploymentRecord) -> String {
    let one = |id: &str, version: u32, duplicate: bool| {
        format!("{id} v{version}{}", if duplicate { " (duplicate)" } else { "" })
    };
    let processes = value.processes.iter();
    let decisions = value.decisions.iter();
    let graphs = value.decision_requirements.iter();
    let lists = [
        (
            "",
            processes.map(|p| one(&p.bpmn_process_id, p.version, p.duplicate)).collect::<Vec<_>>(),
        ),
        ("decisions ", decisions.map(|d| one(&d.decision_id, d.version, d.duplicate)).collect()),
        ("of ", graphs.map(|g| one(&g.decision_requirements_id, g.version, g.duplicate)).collect()),
    ];
    lists
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(label, list)| format!(" {label}{}", list.join(", ")))
        .collect()
}

/// Output or failure, what was read, and the trace.
pub(crate) fn evaluation(names: &Names, value: &DecisionEvaluationRecord) -> String {
    let mut out = format!(" of{}", variables_or_none(&value.variables));
    if let Some(caller) = &value.caller {
        out += &format!(" at {}", names.name(caller.element_instance_key));
    }
    let trace: Vec<String> = value.evaluated_decisions.iter().map(evaluated).collect();
    out += &format!(" by {}", trace.join("; "));
    if value.failed_decision_id.is_empty() {
        out
    } else {
        let message = names.replace(&value.evaluation_failure_message);
        format!("{out} failed at {} \"{message}\"", value.failed_decision_id)
    }
}

fn variables_or_none(bytes: &[u8]) -> String {
    if json(bytes) == "{}" { " nothing".to_owned() } else { variables(bytes) }
}

fn evaluated(decision: &EvaluatedDecisionRecord) -> String {
    let inputs: Vec<String> = decision
        .evaluated_inputs
        .iter()
        .map(|input| format!("{}={}", input.input_name, value(&input.input_value)))
        .collect();
    let rules: Vec<String> = decision
        .matched_rules
        .iter()
        .map(|rule| {
            let outputs = rule.evaluated_outputs.iter();
            let outputs: Vec<String> = outputs.map(|output| value(&output.output_value)).collect();
            format!("rule {}=>{}", rule.rule_index, outputs.join(","))
        })
        .collect();
    let mut details = inputs;
    details.extend(rules);
    let details =
        if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    let known = if decision.decision_key == NO_KEY { " unknown" } else { "" };
    format!(
        "{} v{}{known}{details} = {}",
        decision.decision_id,
        decision.decision_version,
        value(&decision.decision_output)
    )
}
