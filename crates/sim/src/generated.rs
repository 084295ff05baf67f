//! The random models of the engine's own tests: everything that Skep can run, always able to end.

#[path = "../../engine/tests/random/bpmn.rs"]
mod bpmn;
#[path = "../../engine/tests/random/chance.rs"]
pub(crate) mod chance;
#[path = "../../engine/tests/random/decisions.rs"]
pub(crate) mod decisions;
#[path = "../../engine/tests/random/model.rs"]
pub(crate) mod model;
