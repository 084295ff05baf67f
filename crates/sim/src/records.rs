//! What the records of a partition say, read by the state machine of the engine's own tests, which
//! knows nothing of the engine's: it panics at a record that must not follow what was before.

#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
#[path = "../../engine/tests/random/check.rs"]
mod check;
#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
#[path = "../../engine/tests/random/history.rs"]
mod history;
#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
#[path = "../../engine/tests/random/rows.rs"]
mod rows;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use skep_protocol::{PartitionId, Record};

use crate::world::PANICS;

pub(crate) use history::{History, Life};

/// The records of one partition, read so far.
pub(crate) struct Reader {
    pub(crate) history: History,
    /// The first record that must not follow what was before.
    pub(crate) offence: Option<String>,
}

impl Reader {
    pub(crate) fn new(partition: PartitionId) -> Self {
        Self { history: History::new(partition), offence: None }
    }

    /// Reads the next record; nothing is read after an offence.
    pub(crate) fn note(&mut self, record: &Record) {
        if self.offence.is_some() {
            return;
        }
        let history = &mut self.history;
        if let Err(panic) = quietly(|| history.note(record)) {
            let (value_type, intent) =
                (record.payload.value_type().name(), record.payload.intent_name());
            self.offence = Some(format!(
                "record {} ({value_type} {intent}, key {}): {panic}",
                record.position, record.key
            ));
        }
    }

    /// Whether rows of state say what the records say.
    ///
    /// # Errors
    /// What differs.
    pub(crate) fn agrees_with(&self, rows: &rows::Dump) -> Result<(), String> {
        quietly(|| check::check(&self.history, rows))
    }
}

thread_local! {
    static QUIET: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs a check that panics, and gives the text of its panic.
fn quietly(check: impl FnOnce()) -> Result<(), String> {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                usual(panic);
            }
        }));
    });
    // What panics here is no production code.
    let panics = PANICS.take();
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(check));
    QUIET.set(false);
    PANICS.set(panics);
    result.map_err(|panic| panic_text(&*panic))
}

/// The text of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}
