//! `skep chaos run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use skep_chaos::{
    Dry, HypothesisStrategy, Judging, Level, Observer, Outcome, RollbackStrategy, RunError,
    RunOptions, RunReport, Signal, SignalSender, Signals, Variables, parse_variable,
};
use tokio::signal::unix::{SignalKind, signal};

use super::log::{Log, LogArgs};
use super::programs::BuiltIn;
use super::report::ReportFormat;
use super::watch::Watch;
use super::{lock, report};
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RunArgs {
    /// The experiment: a file (.json, .yaml, .yml), or an http(s) URL
    #[arg(value_name = "SOURCE")]
    source: String,

    /// Judge as the Chaos Toolkit does, with its exit codes: whatever happens in the method is good
    #[arg(long)]
    compat: bool,

    /// Count all that went wrong; the default
    #[arg(long, conflicts_with = "compat")]
    strict: bool,

    /// Show the steps, the cluster and its faults below the log while it runs, on a terminal
    #[arg(long)]
    watch: bool,

    /// Where the journal goes
    #[arg(long, value_name = "FILE", default_value = "./journal.json")]
    journal_path: PathBuf,

    /// Write a report beside the journal; may be given several times
    #[arg(long, value_name = "FORMAT", value_enum)]
    report: Vec<ReportFormat>,

    /// Leave something out
    #[arg(long, value_name = "WHAT", value_enum)]
    dry: Option<DryArg>,

    /// Do not look at the experiment before it is run
    #[arg(long)]
    no_validation: bool,

    /// Do not look at certificates of https servers
    #[arg(long)]
    no_verify_tls: bool,

    /// When the rollbacks are played [default: what the experiment says]
    #[arg(long, value_name = "STRATEGY", value_parser = ["default", "always", "never", "deviated"])]
    rollback_strategy: Option<String>,

    /// When the hypothesis is checked [default: what the experiment says]
    #[arg(long, value_name = "STRATEGY", value_parser = HYPOTHESIS_STRATEGIES)]
    hypothesis_strategy: Option<String>,

    /// Pause between two checks while the method runs, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    hypothesis_frequency: f64,

    /// End the experiment with the first check that is not met while the method runs
    #[arg(long)]
    fail_fast: bool,

    /// A value for the configuration, name:type=value or name=value; types: str, int, float, bytes, bool, json
    #[arg(long, value_name = "VARIABLE", value_parser = parse_variable)]
    var: Vec<(String, Value)>,

    /// A file with values: JSON or YAML with `configuration` and `secrets`, or lines of NAME=value
    #[arg(long, value_name = "FILE")]
    var_file: Vec<PathBuf>,

    /// A file with controls, which are Python: refused, or with --compat left out
    #[arg(long, value_name = "FILE")]
    control_file: Vec<PathBuf>,

    /// Folder of the cluster, for the built-in actions and probes
    #[arg(long, env = "SKEP_CLUSTER_DIR", value_name = "FOLDER", default_value = "skep-cluster")]
    dir: PathBuf,

    /// Go to this folder first
    #[arg(long, value_name = "FOLDER")]
    change_dir: Option<PathBuf>,

    #[command(flatten)]
    log: LogArgs,
}

const HYPOTHESIS_STRATEGIES: [&str; 6] = [
    "default",
    "before-method-only",
    "after-method-only",
    "during-method-only",
    "continuously",
    "continously",
];

const AFTER_HELP: &str = "\
Exit codes: 0 all good; 10 the hypothesis was not met before the method, which was not run; 11 it was
not met while or after the method ran; 12 an activity of the method or the rollbacks failed (it could
not be run, its tolerance was not met, an action's exit code was not 0); 13 a signal ended it; 2 wrong
usage; 1 the experiment is not valid or cannot be run. With --compat as the Chaos Toolkit: 0 completed
and not deviated, 1 anything else.

The log is on stderr. Programs of process providers are looked for among the built-in ones first
(zbchaos and the old scripts), then on the PATH.

Signals: SIGINT, SIGTERM and SIGUSR1 end the experiment, SIGUSR2 without rollbacks in any case.

Examples:
  skep chaos run experiment.json
  skep chaos run --watch experiment.json
  skep chaos run --compat --journal-path out/journal.json experiment.yaml
  skep chaos run --report html --report junit --rollback-strategy always experiment.json
  skep chaos run --dry actions --var partition:int=3 experiment.json";

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DryArg {
    /// Probes are not run
    Probes,
    /// Actions are not run
    Actions,
    /// Nothing is run
    Activities,
    /// Pauses are not waited for
    Pause,
}

impl RunArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let log = Arc::new(Log::open(&self.log)?);
        if let Some(folder) = &self.change_dir {
            log.say(Level::Warning, &format!("Moving to {}", folder.display()));
            std::env::set_current_dir(folder)
                .map_err(|error| Failure::file("go to", folder, error))?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Local(format!("cannot start the runtime: {error}")))?;
        let report = runtime.block_on(self.play(log))?;
        self.write(&report)?;
        self.conclude(&report, format)
    }

    async fn play(&self, log: Arc<Log>) -> Result<RunReport, Failure> {
        let options = self.options()?;
        if !self.control_file.is_empty() && options.judging == Judging::Strict {
            return Err(Failure::Usage(
                "controls are Python, which there is none of here; with --compat they are left out"
                    .to_owned(),
            ));
        }
        if self.hypothesis_strategy.as_deref() == Some("continously") {
            log.say(
                Level::Warning,
                "\nThe \"--hypothesis-strategy=continously\" command is depreciating and will be \
                 removed in a future version\nInstead, please use \
                 \"--hypothesis-strategy=continuously\"",
            );
        }
        let document = match load(&self.source, !self.no_verify_tls).await {
            Ok(document) => document,
            Err(message) => {
                log.say(Level::Error, &message);
                return Err(Failure::Said(1));
            }
        };
        let lock = lock::take(&self.dir)?;
        let program = std::env::current_exe()
            .map_err(|error| Failure::Local(format!("this program cannot find itself: {error}")))?;
        let programs = BuiltIn::new(program, lock.as_ref().map(|(folder, _)| folder.as_path()));
        let (sender, signals) = Signals::channel();
        listen(&sender).map_err(|error| {
            Failure::Local(format!("cannot listen to the process's signals: {error}"))
        })?;
        let watch = self.watch.then(|| Watch::begin(log.clone(), &self.dir)).flatten();
        let observer = watch.map_or(log as Arc<dyn Observer>, |watch| Arc::new(watch));
        match skep_chaos::run(document, options, Arc::new(programs), observer, signals).await {
            Ok(report) => Ok(report),
            // The log has said why.
            Err(RunError::Invalid(_)) => Err(Failure::Said(1)),
            Err(RunError::Crashed(message)) => Err(Failure::guided(
                1,
                message,
                "The experiment ended without a journal, as it does with the Chaos Toolkit. \
                 Without --compat it is judged and written down.",
            )),
        }
    }

    fn options(&self) -> Result<RunOptions, Failure> {
        let mut variables = Variables::default();
        for path in &self.var_file {
            variables.add_file(path).map_err(Failure::Usage)?;
        }
        for (name, value) in &self.var {
            variables.configuration.insert(name.clone(), value.clone());
        }
        let hypothesis = self.hypothesis_strategy.as_deref().map(str::parse::<HypothesisStrategy>);
        let rollbacks = self.rollback_strategy.as_deref().map(str::parse::<RollbackStrategy>);
        Ok(RunOptions {
            judging: if self.compat { Judging::Compat } else { Judging::Strict },
            validate: !self.no_validation,
            hypothesis_strategy: hypothesis.transpose().map_err(Failure::Usage)?,
            rollback_strategy: rollbacks.transpose().map_err(Failure::Usage)?,
            hypothesis_frequency: self.hypothesis_frequency,
            fail_fast: self.fail_fast,
            dry: self.dry.map(|dry| match dry {
                DryArg::Probes => Dry::Probes,
                DryArg::Actions => Dry::Actions,
                DryArg::Activities => Dry::Activities,
                DryArg::Pause => Dry::Pause,
            }),
            variables,
            verify_tls: !self.no_verify_tls,
        })
    }

    fn write(&self, report: &RunReport) -> Result<(), Failure> {
        let path = &self.journal_path;
        std::fs::write(path, report.journal.to_text())
            .map_err(|error| Failure::file("write", path, error))?;
        for format in &self.report {
            report::write(&report.journal, *format, &format.beside(path))?;
        }
        Ok(())
    }

    fn conclude(&self, report: &RunReport, format: Format) -> Result<(), Failure> {
        if format == Format::Json {
            let summary = json!({
                "outcome": report.outcome,
                "exitCode": report.outcome.exit_code(),
                "status": report.journal.status,
                "deviated": report.journal.deviated,
                "verdicts": report.journal.verdicts,
                "journal": self.journal_path.display().to_string(),
            });
            format.record(&summary)?;
        }
        match report.outcome {
            Outcome::Passed => Ok(()),
            other => Err(Failure::Said(other.exit_code())),
        }
    }
}

/// Reads the experiment from a file or the network.
pub(super) async fn load(source: &str, verify_tls: bool) -> Result<skep_chaos::Document, String> {
    let outcome = match source.split_once("://") {
        Some(("http" | "https", _)) => skep_chaos::fetch(source, verify_tls).await,
        Some((scheme, _)) => return Err(format!("'{scheme}' is not a supported source scheme.")),
        None => skep_chaos::load(Path::new(source)),
    };
    outcome.map_err(|error| error.to_string())
}

/// Hands the signals of this process to the run.
fn listen(sender: &SignalSender) -> std::io::Result<()> {
    for (kind, meaning) in [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::user_defined1(), Signal::Leave),
        (SignalKind::user_defined2(), Signal::LeaveNow),
    ] {
        let mut received = signal(kind)?;
        let sender = sender.clone();
        skep_env::task::spawn(async move {
            while received.recv().await.is_some() {
                // One too many to be seen is none that is missed.
                let _ = sender.send(meaning);
            }
        });
    }
    Ok(())
}
