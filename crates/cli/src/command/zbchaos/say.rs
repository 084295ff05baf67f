//! What is printed: one line a message, bare or as JSON.

use serde_json::json;
use skep_env::{Clock, SystemClock, rfc3339};

use crate::failure::Failure;
use crate::output::print_line;

/// Where messages go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say {
    pub(super) verbose: bool,
    pub(super) json: bool,
}

impl Say {
    /// A message for everybody.
    pub(super) fn line(self, message: &str) -> Result<(), Failure> {
        self.leveled("info", message)
    }

    /// A message for those who want to hear more.
    pub(super) fn verbose(self, message: &str) -> Result<(), Failure> {
        if self.verbose { self.leveled("debug", message) } else { Ok(()) }
    }

    fn leveled(self, level: &str, message: &str) -> Result<(), Failure> {
        if !self.json {
            return print_line(message);
        }
        let time = rfc3339(SystemClock.now_ms());
        print_line(&json!({"level": level, "time": time, "message": message}).to_string())
    }
}
