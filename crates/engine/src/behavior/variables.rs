//! Variable scopes: reading upward, writing local, merging outward (`spec/engine.md` 7.1).

use std::ops::ControlFlow;

use bytes::Bytes;
use skep_protocol::{Key, NO_KEY, Payload, VariableIntent, VariableRecord};

use crate::context::Context;
use crate::document;
use crate::limits::SCOPE_DEPTH_MAX;
use crate::problem::{Outcome, Problem};
use crate::state::{State, Variable};

/// The scopes from `scope_key` up to the root of its process instance. A called process does not
/// see its caller.
pub(crate) fn scopes(state: &State, scope_key: Key) -> Vec<Key> {
    let mut scopes = Vec::with_capacity(4);
    let mut current = scope_key;
    while current != NO_KEY && scopes.len() < SCOPE_DEPTH_MAX {
        scopes.push(current);
        current = state
            .element_instances
            .get(&current)
            .map_or(NO_KEY, |instance| instance.record.flow_scope_key);
    }
    scopes
}

/// A variable as seen from a list of scopes, innermost first.
pub(crate) fn find(state: &State, scopes: &[Key], name: &str) -> Option<Bytes> {
    let name = name.to_owned();
    scopes.iter().find_map(|scope| {
        // Borrowing the name for a look-up would need a key type of its own; names are short.
        state.variables.get(&(*scope, name.clone())).map(|variable| variable.value)
    })
}

/// The variables of one scope, by name.
pub(crate) fn local(state: &State, scope_key: Key) -> Vec<(String, Variable)> {
    let mut variables = Vec::new();
    state.variables.scan(
        &(scope_key, String::new()),
        Some(&(scope_key + 1, String::new())),
        &mut |(_, name), variable| {
            variables.push((name.clone(), variable.clone()));
            ControlFlow::Continue(())
        },
    );
    variables
}

/// Everything visible from a scope as one document; only the named ones when names are given.
pub(crate) fn visible(state: &State, scope_key: Key, names: &[String]) -> Bytes {
    let mut seen: Vec<(String, Bytes)> = Vec::new();
    for scope in scopes(state, scope_key) {
        for (name, variable) in local(state, scope) {
            let wanted = names.is_empty() || names.contains(&name);
            if wanted && !seen.iter().any(|(other, _)| *other == name) {
                seen.push((name, variable.value));
            }
        }
    }
    document::build(seen.iter().map(|(name, value)| (name.as_str(), value.as_ref())))
}

/// Takes a document apart, or says why not.
pub(crate) fn entries(document: &Bytes) -> Outcome<Vec<(String, Bytes)>> {
    document::entries(document).ok_or_else(|| Problem::internal("a variable document is damaged"))
}

impl Context<'_> {
    /// Sets one variable of exactly this scope. An equal value writes nothing.
    pub(crate) fn set_local(&mut self, scope_key: Key, name: String, value: Bytes) {
        let existing = self.state.variables.get(&(scope_key, name.clone()));
        let (key, intent) = match existing {
            Some(variable) if variable.value == value => return,
            Some(variable) => (variable.key, VariableIntent::Updated),
            None => (self.next_key(), VariableIntent::Created),
        };
        let (process_instance_key, process_definition_key) =
            self.state.element_instances.get(&scope_key).map_or((NO_KEY, NO_KEY), |scope| {
                (scope.record.process_instance_key, scope.record.process_definition_key)
            });
        let record =
            VariableRecord { name, value, scope_key, process_instance_key, process_definition_key };
        self.event(key, Payload::Variable(intent, record));
    }

    /// Sets all variables of a document on exactly this scope.
    pub(crate) fn set_local_all(&mut self, scope_key: Key, entries: Vec<(String, Bytes)>) {
        for (name, value) in entries {
            self.set_local(scope_key, name, value);
        }
    }

    /// Merges a document outward: each entry updates the first scope that has the name; what is
    /// left goes to the root. An entry equal to the found value goes on outward, as in Zeebe.
    pub(crate) fn merge(&mut self, scope_key: Key, mut entries: Vec<(String, Bytes)>) {
        let scopes = scopes(self.state, scope_key);
        let Some((root, inner)) = scopes.split_last() else { return };
        for scope in inner {
            if entries.is_empty() {
                return;
            }
            let mut rest = Vec::with_capacity(entries.len());
            for (name, value) in entries {
                let existing = self.state.variables.get(&(*scope, name.clone()));
                match existing {
                    Some(variable) if variable.value != value => {
                        self.set_local(*scope, name, value)
                    }
                    _ => rest.push((name, value)),
                }
            }
            entries = rest;
        }
        self.set_local_all(*root, entries);
    }
}
