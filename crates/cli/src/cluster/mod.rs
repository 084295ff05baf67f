//! A whole cluster on this machine: processes of this binary, started, watched and troubled from the
//! command line.
//!
//! What there is stands in a folder: `cluster.json` names every process, and each node has its data
//! and its log below. Nothing here stays running: each command reads the folder, does one thing,
//! writes the folder and ends. The commands themselves are in `command/cluster`.

pub(crate) mod admin;
pub(crate) mod fault;
pub(crate) mod faults;
pub(crate) mod health;
pub(crate) mod http;
pub(crate) mod launch;
pub(crate) mod layout;
pub(crate) mod network;
pub(crate) mod plan;
pub(crate) mod state;
pub(crate) mod wire;

#[cfg(test)]
mod tests;
