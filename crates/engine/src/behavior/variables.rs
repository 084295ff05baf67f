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

/// A scope whose variables are written, with what their records name.
#[derive(Clone, Copy)]
struct Scope {
    key: Key,
    process_instance_key: Key,
    process_definition_key: Key,
}

impl Scope {
    fn new(state: &State, key: Key) -> Self {
        let (process_instance_key, process_definition_key) =
            state.element_instances.get(&key).map_or((NO_KEY, NO_KEY), |scope| {
                (scope.record.process_instance_key, scope.record.process_definition_key)
            });
        Self { key, process_instance_key, process_definition_key }
    }
}

/// Whether a scope has variables of its own; most have none, and then there is nothing to look up.
fn has_local(state: &State, scope_key: Key) -> bool {
    let mut found = false;
    state.variables.scan(
        &(scope_key, String::new()),
        Some(&(scope_key + 1, String::new())),
        &mut |_, _| {
            found = true;
            ControlFlow::Break(())
        },
    );
    found
}

impl Context<'_> {
    /// Sets all variables of a document on exactly this scope. Equal values write nothing.
    pub(crate) fn set_local_all(&mut self, scope_key: Key, entries: Vec<(String, Bytes)>) {
        if entries.is_empty() {
            return;
        }
        let scope = Scope::new(self.state, scope_key);
        for (name, value) in entries {
            let existing = self.state.variables.get(&(scope_key, name.clone()));
            self.write_variable(scope, name, value, existing);
        }
    }

    fn write_variable(
        &mut self,
        scope: Scope,
        name: String,
        value: Bytes,
        existing: Option<Variable>,
    ) {
        let (key, intent) = match existing {
            Some(variable) if variable.value == value => return,
            Some(variable) => (variable.key, VariableIntent::Updated),
            None => (self.next_key(), VariableIntent::Created),
        };
        let record = VariableRecord {
            name,
            value,
            scope_key: scope.key,
            process_instance_key: scope.process_instance_key,
            process_definition_key: scope.process_definition_key,
        };
        self.event(key, Payload::Variable(intent, record));
    }

    /// Merges a document outward: each entry updates the first scope that has the name; what is
    /// left goes to the root. An entry equal to the found value goes on outward, as in Zeebe.
    pub(crate) fn merge(&mut self, scope_key: Key, mut entries: Vec<(String, Bytes)>) {
        let scopes = scopes(self.state, scope_key);
        let Some((root, inner)) = scopes.split_last() else { return };
        for scope_key in inner {
            if entries.is_empty() {
                return;
            }
            if !has_local(self.state, *scope_key) {
                continue;
            }
            let scope = Scope::new(self.state, *scope_key);
            let mut rest = Vec::with_capacity(entries.len());
            for (name, value) in entries {
                match self.state.variables.get(&(*scope_key, name.clone())) {
                    Some(variable) if variable.value != value => {
                        self.write_variable(scope, name, value, Some(variable));
                    }
                    _ => rest.push((name, value)),
                }
            }
            entries = rest;
        }
        self.set_local_all(*root, entries);
    }
}
