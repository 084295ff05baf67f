//! The state machine that reads records, which knows nothing of the engine's. The random tests of the
//! engine have its files, too: it panics at a record that must not follow what was before.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "made for the tests of the engine; `records` catches what it finds"
)]

pub(crate) mod check;
pub(crate) mod history;
pub(crate) mod rows;
