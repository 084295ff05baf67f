//! Parsed decision requirements graphs, by key. Derived from the resource in state, so never part of
//! it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use skep_dmn::{Model, Options};
use skep_protocol::{DecisionRequirementsRecord, Key, NO_KEY, ResourceRecord};

use crate::parsed::{Parsed, text_of};
use crate::state::State;

/// A decision requirements graph whose decisions can be evaluated.
#[derive(Debug)]
pub(crate) struct DecisionGraph {
    pub(crate) model: Model,
    deployment_key: Key,
    /// Key and version of its decisions, by id.
    decisions: BTreeMap<String, (Key, u32)>,
}

impl DecisionGraph {
    /// Key and version of a decision that was evaluated: one of the graph, or one of a graph that it
    /// imports, which is of the same deployment unless it was deleted since.
    pub(crate) fn place_of(&self, state: &State, decision_id: &str) -> (Key, u32) {
        if let Some(place) = self.decisions.get(decision_id) {
            return *place;
        }
        let imported = (self.deployment_key, decision_id.to_owned());
        let decision =
            state.decisions_by_deployment.get(&imported).and_then(|key| state.decisions.get(&key));
        decision.map_or((NO_KEY, 0), |decision| (decision.decision_key, decision.version))
    }
}

/// Parsed graphs; parsing happens at first use.
pub(crate) struct DecisionGraphs(Parsed<DecisionGraph>);

/// Graphs that are kept parsed.
const GRAPHS_PARSED_MAX: usize = 2_000;

impl Default for DecisionGraphs {
    fn default() -> Self {
        Self(Parsed::new(GRAPHS_PARSED_MAX))
    }
}

impl DecisionGraphs {
    /// The graph with this key, if state has it.
    pub(crate) fn get(&mut self, state: &State, key: Key) -> Option<Arc<DecisionGraph>> {
        self.0.get(key, || read_graph(state, key))
    }

    /// Forgets a graph whose resource changed or went away.
    pub(crate) fn forget(&mut self, key: Key) {
        self.0.forget(key);
    }
}

fn read_graph(state: &State, key: Key) -> Option<DecisionGraph> {
    let row = state.decision_requirements.get(&key)?;
    let decisions = decisions_of(state, key)
        .into_iter()
        .filter_map(|key| state.decisions.get(&key))
        .map(|decision| (decision.decision_id, (decision.decision_key, decision.version)))
        .collect();
    let (model, deployment_key) = (read_stored(&row)?, row.deployment_key);
    Some(DecisionGraph { model, deployment_key, decisions })
}

/// The decisions of a graph, in the order of the file.
pub(crate) fn decisions_of(state: &State, requirements_key: Key) -> Vec<Key> {
    let mut keys = Vec::new();
    state.decisions_by_requirements.scan(
        &(requirements_key, NO_KEY),
        Some(&(requirements_key + 1, NO_KEY)),
        &mut |(_, key), ()| {
            keys.push(*key);
            ControlFlow::Continue(())
        },
    );
    keys
}

fn read_stored(row: &DecisionRequirementsRecord) -> Option<Model> {
    let mut models = Vec::with_capacity(row.imports.len());
    for file in &row.imports {
        models.push(read(file, &models).ok()?);
    }
    let file = ResourceRecord { name: row.resource_name.clone(), content: row.resource.clone() };
    read(&file, &models).ok()
}

/// Reads a file that may import these models.
pub(crate) fn read(file: &ResourceRecord, imports: &[Model]) -> Result<Model, String> {
    let xml = text_of(file)?;
    let options = Options { imports: imports.to_vec(), ..Options::default() };
    skep_dmn::parse(xml, &options).map_err(|violations| violations.to_string())
}
