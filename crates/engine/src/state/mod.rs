//! State: typed tables in memory over a backing store.

mod backing;
mod table;

pub use backing::{Backing, BackingError, Checkpoint, NoBacking};
pub use table::{Table, TableKey};
