//! Reading the files of a deployment: all or none, with every finding.

use std::collections::BTreeSet;

use skep_bpmn::Process;
use skep_protocol::{DeploymentRecord, NO_KEY, ResourceRecord};

use super::graphs::{self, Graph};
use super::start_events::start_timers;
use crate::context::Context;
use crate::parsed::text_of;

/// What the files of a deployment define, in their order.
pub(super) struct Resources<'a> {
    pub(super) processes: Vec<(&'a ResourceRecord, Process)>,
    pub(super) graphs: Vec<Graph<'a>>,
}

/// What a file is by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bpmn,
    Dmn,
    Form,
    Unknown,
}

fn kind_of(resource: &ResourceRecord) -> Kind {
    let name = resource.name.to_ascii_lowercase();
    let ends_with = |ending: &str| name.ends_with(ending);
    match () {
        () if ends_with(".bpmn") || ends_with(".xml") => Kind::Bpmn,
        () if ends_with(".dmn") => Kind::Dmn,
        () if ends_with(".form") => Kind::Form,
        () => Kind::Unknown,
    }
}

/// Reads every resource; one reason for all that is wrong, a block for each resource.
pub(super) fn read<'a>(
    context: &Context<'_>,
    value: &'a DeploymentRecord,
) -> Result<Resources<'a>, String> {
    if value.resources.is_empty() {
        return Err("Expected to deploy at least one resource, but none given".to_owned());
    }
    let mut resources = Resources { processes: Vec::new(), graphs: Vec::new() };
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let dmn_files = value.resources.iter().filter(|resource| kind_of(resource) == Kind::Dmn);
    let mut graphs = graphs::read(dmn_files.collect()).into_iter();
    for resource in &value.resources {
        let kind = kind_of(resource);
        // Taken in any case, so that the next file of this kind gets its own.
        let graph = if kind == Kind::Dmn { graphs.next() } else { None };
        if !names.insert(resource.name.as_str()) {
            let reason = "the resource name is used twice in this deployment";
            problems.push(format!("'{}': {reason}", resource.name));
            continue;
        }
        let found = match (kind, graph) {
            (Kind::Bpmn, _) => read_processes(context, resource).map(|processes| {
                resources.processes.extend(processes.into_iter().map(|process| (resource, process)))
            }),
            (Kind::Dmn, Some(graph)) => graph.map(|graph| resources.graphs.push(graph)),
            (Kind::Form, _) => {
                Err("forms are not supported yet; deploy BPMN files (.bpmn) and DMN files (.dmn)"
                    .to_owned())
            }
            _ => Err(
                "this kind of resource is unknown; deploy BPMN files (.bpmn) and DMN files (.dmn)"
                    .to_owned(),
            ),
        };
        if let Err(reason) = found {
            problems.push(format!("'{}': {reason}", resource.name));
        }
    }
    for (resource, process) in &resources.processes {
        if !ids.insert(process.id.to_string()) {
            problems.push(format!(
                "'{}': the process id '{}' is used twice in this deployment",
                resource.name, process.id
            ));
        }
    }
    problems.extend(graphs::conflicts(context.state, &resources.graphs));
    if problems.is_empty() {
        Ok(resources)
    } else {
        Err(format!(
            "Expected to deploy new resources, but encountered the following errors:\n{}",
            problems.join("\n")
        ))
    }
}

fn read_processes(
    context: &Context<'_>,
    resource: &ResourceRecord,
) -> Result<Vec<Process>, String> {
    let xml = text_of(resource)?;
    let processes = skep_bpmn::parse(xml).map_err(|violations| violations.to_string())?;
    for process in &processes {
        for (element, timer) in start_timers(process) {
            context
                .first_firing(timer, NO_KEY)
                .map_err(|problem| format!("element '{element}': {}", problem.message))?;
        }
    }
    Ok(processes)
}
