//! The engine: a pure function from commands to events.
//!
//! [`Engine::process`] takes one command and the time, reads state, decides, and gives back
//! [`Outcome`]: the records that go to the log, and the effects that leave the partition once those
//! records are committed. Events change state through the appliers as they are produced, so that
//! processing and [`Engine::replay`] reach the same state by construction.
//!
//! Absent on purpose: async, clock, threads, randomness, IO, hash order. Time is an input; state
//! comes from memory, and below it from a [`Backing`] that somebody else fills with
//! [`Checkpoint`]s.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

mod apply;
mod behavior;
mod command;
mod context;
mod decision_graphs;
mod definitions;
mod distribute;
mod document;
mod element;
mod engine;
pub mod limits;
#[cfg(feature = "mutation")]
pub mod mutation;
mod outcome;
mod parsed;
mod problem;
mod resend;
mod schedule;
pub mod state;
mod step;

pub use distribute::PendingDistributions;
pub use engine::{Engine, ReplayError, Settings, position_of_meta};
pub use outcome::{ActivatedJob, Effect, Outcome, RequestId, Response};
pub use state::{Backing, BackingError, Checkpoint};
