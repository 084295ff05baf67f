//! What the records of a partition say, read by a state machine that knows nothing of the engine's and
//! panics at a record that must not follow what was before: here that becomes a text.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use skep_protocol::{PartitionId, Record};

use crate::reader::{check, history::History, rows};

/// The records of one partition, read so far.
pub struct Reader {
    /// What lives after them.
    pub history: History,
    /// The first record that must not follow what was before.
    pub offence: Option<String>,
}

impl Reader {
    /// Of a partition on which nothing happened yet.
    #[must_use]
    pub fn new(partition: PartitionId) -> Self {
        Self { history: History::new(partition), offence: None }
    }

    /// Reads the next record; nothing is read after an offence.
    pub fn note(&mut self, record: &Record) {
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

/// Whether a panic on this thread now would be a finding of the reader and no fault of anything.
#[must_use]
pub fn is_reading() -> bool {
    QUIET.get()
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
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(check));
    QUIET.set(false);
    result.map_err(|panic| panic_text(&*panic))
}

/// The text of a panic.
#[must_use]
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}
