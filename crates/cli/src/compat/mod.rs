//! Compares what a broker answers with what Skep promises: tables of cases are made into probes,
//! the probes are deployed and run there, and the answers are held against the tables.
//!
//! [`table`] reads the cases, [`probe`] decides how each is asked, [`model`] writes the BPMN and
//! DMN, [`broker`] runs them, [`verdict`] judges the answers, and [`run`] does all of it in turn.

pub(crate) mod broker;
mod model;
mod probe;
pub(crate) mod run;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod verdict;
