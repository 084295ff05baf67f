//! VARIABLE.

use std::ops::ControlFlow;

use skep_protocol::{Key, VariableRecord};

use crate::state::{State, Variable};

pub(crate) fn apply(state: &mut State, key: Key, value: &VariableRecord) {
    let variable = Variable { key, value: value.value.clone() };
    state.variables.insert((value.scope_key, value.name.clone()), variable);
}

/// Variables live and die with their scope.
pub(super) fn remove_scope(state: &mut State, scope_key: Key) {
    let mut keys = Vec::new();
    state.variables.scan(
        &(scope_key, String::new()),
        Some(&(scope_key + 1, String::new())),
        &mut |key, _| {
            keys.push(key.clone());
            ControlFlow::Continue(())
        },
    );
    for key in keys {
        state.variables.remove(&key);
    }
}
