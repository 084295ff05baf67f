//! State: typed tables in memory over a backing store.

mod backing;

pub use backing::{Backing, BackingError, Checkpoint, NoBacking};
