//! Random expressions, random variables, and what must hold for every evaluation; all of it decided by
//! bytes, so that a test feeds it from a fixed seed and a fuzzer from what it mutates.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "shared by tests and fuzz targets"
)]

pub mod checks;
pub mod choices;
pub mod expressions;
pub mod functions;
pub mod literals;
pub mod mutation;
pub mod values;
