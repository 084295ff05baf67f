//! `skep chaos validate`.

use clap::Args;
use serde_json::json;
use skep_chaos::{Judging, Level, RunError, RunOptions};

use super::log::{Log, LogArgs};
use super::programs::BuiltIn;
use super::run::load;
use crate::failure::Failure;
use crate::output::{Format, print_line};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ValidateArgs {
    /// The experiment: a file (.json, .yaml, .yml), or an http(s) URL
    #[arg(value_name = "SOURCE")]
    source: String,

    /// Look only at what the Chaos Toolkit looks at
    #[arg(long)]
    compat: bool,

    /// Print what each step will do
    #[arg(long)]
    explain: bool,

    /// Do not look at the certificate of an https server
    #[arg(long)]
    no_verify_tls: bool,

    #[command(flatten)]
    log: LogArgs,
}

const AFTER_HELP: &str = "\
Every finding has the file, line and column. Exit codes: 0 the experiment is valid; 1 it is not.

Examples:
  skep chaos validate experiment.json
  skep chaos validate --explain experiment.yaml
  skep --output json chaos validate experiment.json | jq -r '.findings[].message'";

impl ValidateArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let log = Log::open(&self.log)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Local(format!("cannot start the runtime: {error}")))?;
        let document = match runtime.block_on(load(&self.source, !self.no_verify_tls)) {
            Ok(document) => document,
            Err(message) => {
                log.say(Level::Error, &message);
                return Err(Failure::Said(1));
            }
        };
        let judging = if self.compat { Judging::Compat } else { Judging::Strict };
        let options = RunOptions { judging, ..RunOptions::default() };
        let program = std::env::current_exe()
            .map_err(|error| Failure::Local(format!("this program cannot find itself: {error}")))?;
        let programs = BuiltIn::new(program, None);
        let outcome = skep_chaos::validate(&document, &options, &programs, &log);
        if format == Format::Json {
            let findings = match &outcome {
                Err(RunError::Invalid(findings)) => findings.as_slice(),
                _ => &[],
            };
            let findings: Vec<_> = findings
                .iter()
                .map(|finding| {
                    let place = finding.position;
                    json!({
                        "file": finding.file,
                        "line": place.map(|place| place.line),
                        "column": place.map(|place| place.column),
                        "message": finding.message,
                        "warning": finding.warning,
                    })
                })
                .collect();
            format.record(&json!({"valid": outcome.is_ok(), "findings": findings}))?;
        }
        if outcome.is_err() {
            return Err(Failure::Said(1));
        }
        log.say(Level::Info, "experiment syntax and semantic look valid");
        if self.explain && format == Format::Table {
            print_line(&skep_chaos::explain(&document.value, &programs))?;
        }
        Ok(())
    }
}
