//! What runs the golden scripts.

mod commands;
mod dmn;
mod model;
mod print;
pub(crate) mod script;
mod store;
mod text;
mod trace;
pub(crate) mod world;
