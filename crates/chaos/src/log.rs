//! Log lines: `[2022-08-02 09:35:25 INFO] message`, without colours.

use std::fmt;
use std::io::Write;

use crate::clock;
use crate::observer::{Event, Observer};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What goes on inside; only shown on request.
    Debug,
    /// What is done.
    Info,
    /// What may be wrong.
    Warning,
    /// What went wrong.
    Error,
    /// What ends the experiment.
    Critical,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        })
    }
}

/// A message as a line of the log, with the local time. Further lines of a message are indented.
#[must_use]
pub fn line(level: Level, message: &str) -> String {
    format!("[{} {level}] {}", clock::local_text(), message.replace('\n', "\n    "))
}

/// Writes each message to stderr as a line of the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainLog;

impl Observer for PlainLog {
    fn see(&self, event: &Event<'_>) {
        if let Event::Said { level, message } = event
            && *level > Level::Debug
        {
            // Nobody reads any more: the experiment goes on, its journal is what counts.
            let _ = writeln!(std::io::stderr(), "{}", line(*level, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_time_level_and_message() {
        let text = line(Level::Warning, "a\nb");
        let (head, message) = text.split_once("] ").expect("a head");
        assert_eq!(message, "a\n    b");
        assert!(head.starts_with('[') && head.ends_with(" WARNING"), "{head}");
        assert_eq!(head.len(), "[2022-08-02 09:35:25 WARNING".len());
    }
}
