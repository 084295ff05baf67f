//! Deliberate mistakes, of which one at a time is made: the test of the simulator's checkers.
//!
//! Compiled with the feature `mutation` only, which nothing but the simulator turns on.

use std::cell::Cell;

thread_local! {
    static MADE: Cell<Option<&'static str>> = const { Cell::new(None) };
    static REPLAYING: Cell<bool> = const { Cell::new(false) };
}

/// From now on this mistake is made on this thread.
pub fn make(mistake: Option<&'static str>) {
    MADE.set(mistake);
}

/// Whether this mistake is made.
#[must_use]
pub fn is(mistake: &str) -> bool {
    MADE.get() == Some(mistake)
}

/// Whether this mistake is made, which is one of replaying.
pub(crate) fn is_in_replay(mistake: &str) -> bool {
    REPLAYING.get() && is(mistake)
}

pub(crate) fn set_replaying(replaying: bool) {
    REPLAYING.set(replaying);
}
