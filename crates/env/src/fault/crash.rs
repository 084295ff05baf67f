//! Named places at which a process can be made to crash.
//!
//! A place is marked with [`crash_point!`](crate::crash_point) and stands in a list of its crate, with a sentence about where it
//! is. Nothing is looked up as long as no crash is armed in this process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::FaultPoints;

/// A named place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// The name.
    pub name: &'static str,
    /// Where it is, for people.
    pub place: &'static str,
}

/// Marks a place at which a crash can be armed.
///
/// ```
/// skep_env::crash_point!("journal.appended");
/// ```
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        if $crate::fault::crash::is_armed() {
            $crate::fault::crash::reached($name);
        }
    };
}

/// Ends this process as a crash does: nothing is flushed, nobody is told.
pub fn end_this_process() -> ! {
    #[cfg(target_os = "linux")]
    crate::process::kill_this();
    #[cfg(not(target_os = "linux"))]
    std::process::abort();
}

static ARMED: AtomicBool = AtomicBool::new(false);

/// The nodes of this process in which a crash is armed: one, but for tests.
static NODES: Mutex<Vec<Weak<FaultPoints>>> = Mutex::new(Vec::new());

/// Whether a crash is armed anywhere in this process.
#[inline]
pub fn is_armed() -> bool {
    ARMED.load(Ordering::Relaxed)
}

/// A place was reached while a crash is armed.
#[cold]
pub fn reached(name: &str) {
    let nodes: Vec<_> = NODES.lock().iter().filter_map(Weak::upgrade).collect();
    for node in nodes {
        node.crash_at(name);
    }
}

/// Says whether a crash is armed in this node.
pub(super) fn set(node: &Arc<FaultPoints>, is_armed: bool) {
    let mut nodes = NODES.lock();
    nodes.retain(|known| {
        known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), Arc::as_ptr(node))
    });
    if is_armed {
        nodes.push(Arc::downgrade(node));
    }
    ARMED.store(!nodes.is_empty(), Ordering::Relaxed);
}
