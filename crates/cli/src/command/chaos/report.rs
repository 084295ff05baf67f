//! `skep chaos report`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use skep_chaos::{Journal, report};

use crate::failure::Failure;
use crate::output::{Format, print_line};

/// What a report is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A page with a picture of the time line, for people
    Html,
    /// For build servers
    Junit,
    /// For tickets and pull requests
    Markdown,
}

impl ReportFormat {
    /// The journal's path with another ending.
    pub(super) fn beside(self, journal: &Path) -> PathBuf {
        journal.with_extension(match self {
            Self::Html => "html",
            Self::Junit => "xml",
            Self::Markdown => "md",
        })
    }

    fn text(self, journal: &Journal) -> String {
        match self {
            Self::Html => report::html(journal),
            Self::Junit => report::junit(journal),
            Self::Markdown => report::markdown(journal),
        }
    }
}

/// Writes a report.
pub(super) fn write(journal: &Journal, format: ReportFormat, path: &Path) -> Result<(), Failure> {
    std::fs::write(path, format.text(journal)).map_err(|error| Failure::file("write", path, error))
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ReportArgs {
    /// A journal of `skep chaos run` or of the Chaos Toolkit
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,

    /// What it is written in
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ReportFormat::Html)]
    format: ReportFormat,

    /// Where it goes; - is stdout [default: beside the journal]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  skep chaos report journal.json
  skep chaos report journal.json --format markdown --to -
  skep chaos report journal.json --format junit --to results/chaos.xml";

impl ReportArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.journal)
            .map_err(|error| Failure::file("read", &self.journal, error))?;
        let journal =
            Journal::read(&text).map_err(|error| Failure::file("read", &self.journal, error))?;
        let path = self.to.unwrap_or_else(|| self.format.beside(&self.journal));
        if path == Path::new("-") {
            return print_line(&self.format.text(&journal));
        }
        write(&journal, self.format, &path)?;
        let shown = path.display().to_string();
        format.done(&format!("The report is in {shown}"), &json!({"report": shown}))
    }
}
