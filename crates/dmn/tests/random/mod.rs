//! Random models and what must hold for every model, all of it decided by bytes, so that a test feeds
//! it from a fixed seed and a fuzzer from what it mutates. The crate around has the generators of
//! expressions and values, of `crates/feel/tests/random`, as `feel`.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "shared by tests and fuzz targets"
)]

pub mod boxed;
pub mod checks;
pub mod models;
pub mod mutation;
