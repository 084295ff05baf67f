//! The load generator behind `skep bench`: it makes the load, measures it, and reports.
//!
//! It shares its machine with the server that it measures, so it is built to cost little: one
//! thread, prepared requests over few connections, and no decoding beyond the keys of jobs.

mod counters;
mod grpc;
mod load;
mod measure;
mod null_server;
mod payload;
mod plot;
mod probe;
mod process;
mod progress;
mod refusal;
mod report;
mod rest;
mod run;
mod target;
mod tracker;
mod wire;
mod workload;

#[cfg(test)]
mod tests;

pub(crate) use load::Pace;
pub(crate) use payload::Payload;
pub(crate) use plot::svg;
pub(crate) use probe::Probes;
pub(crate) use report::{Report, probe_table};
pub(crate) use run::{Api, Delivery, RunOptions, run, run_on_null_server};
pub(crate) use workload::Workload;
