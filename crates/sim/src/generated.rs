//! The random models of the engine's own tests: everything that Skep can run, always able to end.

#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
#[path = "../../engine/tests/random/bpmn.rs"]
mod bpmn;
#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
#[path = "../../engine/tests/random/chance.rs"]
pub(crate) mod chance;
#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
#[path = "../../engine/tests/random/decisions.rs"]
pub(crate) mod decisions;
#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
#[path = "../../engine/tests/random/model.rs"]
pub(crate) mod model;
