//! Parsed process definitions, by key. Derived from the resource in state, so never part of it.

use std::sync::Arc;

use skep_bpmn::Process;
use skep_protocol::Key;

use crate::decision_graphs::DecisionGraphs;
use crate::parsed::Parsed;
use crate::state::State;

/// A process definition that can be executed.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) key: Key,
    pub(crate) version: u32,
    pub(crate) deployment_key: Key,
    pub(crate) tenant_id: String,
    pub(crate) process: Process,
}

/// Parsed definitions; parsing happens once, at deployment or at first use after a start.
pub(crate) struct Definitions {
    processes: Parsed<Definition>,
    /// What is parsed of DMN.
    pub(crate) graphs: DecisionGraphs,
}

/// Definitions that are kept parsed.
const DEFINITIONS_PARSED_MAX: usize = 10_000;

impl Default for Definitions {
    fn default() -> Self {
        let processes = Parsed::new(DEFINITIONS_PARSED_MAX);
        Self { processes, graphs: DecisionGraphs::default() }
    }
}

impl Definitions {
    /// The definition with this key, if state has it.
    pub(crate) fn get(&mut self, state: &State, key: Key) -> Option<Arc<Definition>> {
        self.processes.get(key, || read(state, key))
    }

    /// Forgets a definition whose resource changed or went away.
    pub(crate) fn forget(&mut self, key: Key) {
        self.processes.forget(key);
    }
}

fn read(state: &State, key: Key) -> Option<Definition> {
    let row = state.processes.get(&key)?;
    let xml = std::str::from_utf8(&row.resource).ok()?;
    let process = skep_bpmn::parse(xml)
        .ok()?
        .into_iter()
        .find(|process| *process.id == *row.bpmn_process_id)?;
    Some(Definition {
        key,
        version: row.version,
        deployment_key: row.deployment_key,
        tenant_id: row.tenant_id,
        process,
    })
}
