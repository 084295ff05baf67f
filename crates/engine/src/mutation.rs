//! Deliberate mistakes, of which one at a time is made: the test of the simulator's checkers, and of
//! the experiments that are shipped.
//!
//! Compiled with the feature `mutation` only, which nothing but the simulator and the broken build of
//! the binary turn on.

use std::cell::Cell;
use std::sync::OnceLock;

static EVERYWHERE: OnceLock<String> = OnceLock::new();

thread_local! {
    static MADE: Cell<Option<&'static str>> = const { Cell::new(None) };
    static REPLAYING: Cell<bool> = const { Cell::new(false) };
}

/// From now on this mistake is made on this thread.
pub fn make(mistake: Option<&'static str>) {
    MADE.set(mistake);
}

/// From now on this mistake is made on every thread of the process. Only the first call counts.
pub fn make_everywhere(mistake: String) {
    EVERYWHERE.get_or_init(|| mistake);
}

/// Whether this mistake is made.
#[must_use]
pub fn is(mistake: &str) -> bool {
    MADE.get() == Some(mistake) || EVERYWHERE.get().is_some_and(|made| made == mistake)
}

/// Whether this mistake is made, which is one of replaying.
pub(crate) fn is_in_replay(mistake: &str) -> bool {
    REPLAYING.get() && is(mistake)
}

pub(crate) fn set_replaying(replaying: bool) {
    REPLAYING.set(replaying);
}
