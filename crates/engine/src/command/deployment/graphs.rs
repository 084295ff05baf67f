//! The DMN files of a deployment. Those that import others are read after them.

use std::collections::BTreeMap;

use skep_dmn::{Model, Outline};
use skep_protocol::ResourceRecord;

use crate::decision_graphs;
use crate::parsed::text_of;
use crate::state::State;

/// A decision requirements graph of a deployment.
pub(super) struct Graph<'a> {
    pub(super) resource: &'a ResourceRecord,
    pub(super) model: Model,
    /// The files that it imports, those that others import first.
    pub(super) imports: Vec<&'a ResourceRecord>,
}

/// Reads the files; what each gave or why it is refused, in their order.
pub(super) fn read(files: Vec<&ResourceRecord>) -> Vec<Result<Graph<'_>, String>> {
    let outlines: Vec<Outline> = files
        .iter()
        .map(|file| text_of(file).ok().and_then(skep_dmn::outline).unwrap_or_default())
        .collect();
    let mut graphs: BTreeMap<usize, Result<Graph<'_>, String>> = BTreeMap::new();
    while graphs.len() < files.len() {
        let before = graphs.len();
        for (at, (file, outline)) in files.iter().zip(&outlines).enumerate() {
            let imported = imports_of(outline, &outlines);
            if graphs.contains_key(&at) || !imported.iter().all(|other| graphs.contains_key(other))
            {
                continue;
            }
            let graph = read_one(file, &imported, &graphs);
            graphs.insert(at, graph);
        }
        if graphs.len() == before {
            for at in 0..files.len() {
                let reason = "the file imports itself, through others or not; break the circle";
                graphs.entry(at).or_insert_with(|| Err(reason.to_owned()));
            }
        }
    }
    graphs.into_values().collect()
}

/// Places of the files that a file imports; what is not in the deployment is for the model's reader
/// to say.
fn imports_of(outline: &Outline, outlines: &[Outline]) -> Vec<usize> {
    let is_imported = |other: &Outline| outline.imports.contains(&other.namespace);
    (0..).zip(outlines).filter(|(_, other)| is_imported(other)).map(|(at, _)| at).collect()
}

fn read_one<'a>(
    file: &'a ResourceRecord,
    imported: &[usize],
    graphs: &BTreeMap<usize, Result<Graph<'a>, String>>,
) -> Result<Graph<'a>, String> {
    let mut imports: Vec<&'a ResourceRecord> = Vec::new();
    let mut models: Vec<Model> = Vec::new();
    for graph in imported.iter().filter_map(|at| graphs.get(at)?.as_ref().ok()) {
        let with_its_own = graph.imports.iter().chain([&graph.resource]);
        for import in with_its_own {
            if !imports.iter().any(|known| known.name == import.name) {
                imports.push(*import);
            }
        }
        models.push(graph.model.clone());
    }
    let model = decision_graphs::read(file, &models)?;
    Ok(Graph { resource: file, model, imports })
}

/// Ids that something else has already: another file of the deployment, or another graph.
pub(super) fn conflicts(state: &State, graphs: &[Graph<'_>]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut graph_ids: BTreeMap<&str, &str> = BTreeMap::new();
    let mut decision_ids: BTreeMap<&str, &str> = BTreeMap::new();
    for graph in graphs {
        let name = graph.resource.name.as_str();
        if let Some(other) = graph_ids.insert(graph.model.id(), name) {
            problems.push(format!(
                "'{name}': the decision requirements id '{}' is used twice in this deployment, also in '{other}'",
                graph.model.id()
            ));
        }
        for decision in graph.model.decisions() {
            if let Some(other) = decision_ids.insert(&decision.id, name) {
                problems.push(format!(
                    "'{name}': the decision id '{}' is used twice in this deployment, also in '{other}'",
                    decision.id
                ));
            }
            let owner =
                state.latest_decision(&decision.id).and_then(|key| state.decisions.get(&key));
            if let Some(owner) = owner
                && owner.decision_requirements_id != graph.model.id()
            {
                problems.push(format!(
                    "'{name}': the decision id '{}' belongs to the decision requirements graph '{}' already; choose another id",
                    decision.id, owner.decision_requirements_id
                ));
            }
        }
    }
    problems
}
