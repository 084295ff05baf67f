//! Where the lines of the log go: stderr, and a file if wanted.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use parking_lot::Mutex;
use serde_json::json;
use skep_chaos::{Event, Level, Observer, line};

use crate::failure::Failure;

/// How lines look on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// `[2022-08-02 09:35:25 INFO] message`
    String,
    /// One JSON object a line
    Json,
}

/// Options of the log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub(super) struct LogArgs {
    /// Show also what goes on inside
    #[arg(long)]
    verbose: bool,

    /// Append the log to this file, too
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,

    /// How lines look on stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::String)]
    log_format: LogFormat,
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct Log {
    lowest: Level,
    format: LogFormat,
    file: Option<Mutex<File>>,
}

impl Log {
    pub(super) fn open(args: &LogArgs) -> Result<Self, Failure> {
        let open = |path: &PathBuf| {
            let file = File::options().create(true).append(true).open(path);
            file.map(Mutex::new).map_err(|error| Failure::file("open", path, error))
        };
        Ok(Self {
            lowest: if args.verbose { Level::Debug } else { Level::Info },
            format: args.log_format,
            file: args.log_file.as_ref().map(open).transpose()?,
        })
    }

    pub(super) fn say(&self, level: Level, message: &str) {
        self.see(&Event::Said { level, message });
    }
}

impl Observer for Log {
    fn see(&self, event: &Event<'_>) {
        let Event::Said { level, message } = event else { return };
        if *level < self.lowest {
            return;
        }
        let text = line(*level, message);
        let shown = match self.format {
            LogFormat::String => text.clone(),
            LogFormat::Json => {
                let time = text.get(1..20).unwrap_or_default();
                json!({"asctime": time, "levelname": level.to_string(), "message": message})
                    .to_string()
            }
        };
        // Nobody reads, or the disk is full: the experiment goes on, its journal is what counts.
        let _ = writeln!(std::io::stderr(), "{shown}");
        if let Some(file) = &self.file {
            let _ = writeln!(file.lock(), "{text}");
        }
    }
}
