//! Prints what the engine sees of BPMN files: `cargo run -p skep-bpmn --example inspect -- FILE...`

use std::process::ExitCode;

use skep_bpmn::model::{ElementIndex, Mapping, Value};
use skep_bpmn::{Process, Violations};

fn main() -> ExitCode {
    let mut all_valid = true;
    for path in std::env::args_os().skip(1) {
        println!("{}", path.display());
        let outcome = std::fs::read(&path).map_err(|error| error.to_string());
        let outcome = outcome.and_then(|bytes| read(&bytes).map_err(|error| error.to_string()));
        match outcome {
            Ok(processes) => processes.iter().for_each(print),
            Err(error) => {
                println!("{error}");
                all_valid = false;
            }
        }
    }
    if all_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(bytes: &[u8]) -> Result<Vec<Process>, Violations> {
    skep_bpmn::parse(skep_bpmn::decode(bytes)?)
}

fn print(process: &Process) {
    println!("process {} ({}), version tag `{}`", process.id, process.name, process.version_tag);
    for warning in &process.warnings {
        println!("  warning: {warning}");
    }
    for (position, element) in process.elements.iter().enumerate() {
        let index = ElementIndex(u32::try_from(position).unwrap_or(u32::MAX));
        let scope = element.scope.map_or("-", |scope| &process.element(scope).id);
        println!("  {:>3} {} in {scope}: {:?}", index.0, element.id, element.kind);
        print_mappings("input", &element.inputs);
        print_mappings("output", &element.outputs);
        for flow in element.outgoing.iter().filter_map(|flow| process.flow(*flow)) {
            let condition = flow.condition.as_ref().map_or("", |condition| condition.text());
            println!("      -> {} by {} {condition}", process.element(flow.target).id, flow.id);
        }
    }
}

fn print_mappings(direction: &str, mappings: &[Mapping]) {
    for mapping in mappings {
        let source = match &mapping.source {
            Value::Static(text) => format!("`{text}`"),
            Value::Expression(expression) => format!("= {}", expression.text()),
        };
        println!("      {direction} {} from {source}", mapping.target.join("."));
    }
}
