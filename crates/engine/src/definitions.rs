//! Parsed process definitions, by key. Derived from the resource in state, so never part of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_bpmn::Process;
use skep_protocol::Key;

use crate::decision_graphs::DecisionGraphs;
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
#[derive(Default)]
pub(crate) struct Definitions {
    by_key: BTreeMap<Key, Arc<Definition>>,
    /// What is parsed of DMN.
    pub(crate) graphs: DecisionGraphs,
}

/// Definitions that are kept parsed. Beyond it the oldest are parsed again when needed.
const DEFINITIONS_PARSED_MAX: usize = 10_000;

impl Definitions {
    /// The definition with this key, if state has it.
    pub(crate) fn get(&mut self, state: &State, key: Key) -> Option<Arc<Definition>> {
        if let Some(definition) = self.by_key.get(&key) {
            return Some(Arc::clone(definition));
        }
        let row = state.processes.get(&key)?;
        let xml = std::str::from_utf8(&row.resource).ok()?;
        let process = skep_bpmn::parse(xml)
            .ok()?
            .into_iter()
            .find(|process| *process.id == *row.bpmn_process_id)?;
        let definition = Arc::new(Definition {
            key,
            version: row.version,
            deployment_key: row.deployment_key,
            tenant_id: row.tenant_id,
            process,
        });
        if self.by_key.len() >= DEFINITIONS_PARSED_MAX {
            self.by_key.pop_first();
        }
        self.by_key.insert(key, Arc::clone(&definition));
        Some(definition)
    }

    /// Forgets a definition whose resource changed or went away.
    pub(crate) fn forget(&mut self, key: Key) {
        self.by_key.remove(&key);
    }
}
