//! What an evaluation needs from outside: variables, time, zone, seed, budget.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{Value, limits};

/// Where an expression takes its variables from.
///
/// `get` is called only when the name is reached, and once for each name in one evaluation, unless a
/// comparison with a constant finds a value of another type: then once more.
pub trait Variables {
    /// The value of the variable, or none if there is no such variable.
    fn get(&self, name: &str) -> Option<Value>;
}

impl Variables for BTreeMap<String, Value> {
    fn get(&self, name: &str) -> Option<Value> {
        BTreeMap::get(self, name).cloned()
    }
}

impl<V: Variables + ?Sized> Variables for &V {
    fn get(&self, name: &str) -> Option<Value> {
        (**self).get(name)
    }
}

/// No variables at all, as for a timer start event evaluated at deployment.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVariables;

impl Variables for NoVariables {
    fn get(&self, _name: &str) -> Option<Value> {
        None
    }
}

/// How much one evaluation may use before it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Evaluated nodes and visited list elements.
    pub steps_max: u64,
    /// Bytes of values built on the way, counted roughly and never given back.
    pub bytes_max: u64,
    /// Nested evaluations: nesting of the text plus nesting of function invocations.
    pub depth_max: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            steps_max: limits::STEPS_MAX,
            bytes_max: limits::BYTES_MAX,
            depth_max: limits::EVALUATION_DEPTH_MAX,
        }
    }
}

/// The inputs of an evaluation that are not variables.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The engine's clock: milliseconds since 1970-01-01T00:00:00Z.
    pub now_ms: i64,
    /// The zone of `now()` and `today()`, and of local times where an instant is needed.
    pub zone: TimeZone,
    /// What `random number()` and `uuid()` are derived from.
    pub random_seed: u64,
    /// How much the evaluation may use.
    pub budget: Budget,
}

impl Environment {
    /// The environment at this time in UTC with the default budget.
    pub fn at(now_ms: i64) -> Environment {
        Environment { now_ms, zone: TimeZone::UTC, random_seed: 0, budget: Budget::default() }
    }
}
