//! `skep chaos suite`: every experiment of a plan against a cluster that is started for it, one after
//! the other, with one report, and nothing left behind.
//!
//! Each experiment is a process of its own (`skep chaos run`) under a name of its own, so that no
//! version, message or job of one is seen by another. A client beside it watches what the cluster
//! promises (`witness`). After each the cluster has to be ready again; if it is not, the next gets a
//! new one.

mod figure;
mod glob;
mod journal;
mod report;
pub(crate) mod step;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use skep_env::{Clock, SystemClock};

use crate::cluster::admin::{self, Admin};
use crate::cluster::plan::PlanName;
use crate::cluster::state::ClusterState;
use crate::experiments::{self, Entry};
use crate::failure::Failure;
use crate::output::Format;
use crate::witness::{self, Witness};
use journal::Journal;
use report::{Report, Verdict};
use step::{Stop, run};

/// How long a cluster may take until it serves.
const START_SECONDS: u64 = 120;

/// How long it may take to be ready again after an experiment.
const HEAL_MAX: Duration = Duration::from_secs(330);

/// How long the nodes may take to end.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 every experiment passed; 8 one did not; 13 interrupted; 1 and 2 as everywhere.
Interrupt once to end the experiment that runs, with its rollbacks, and the suite.

Examples:
  skep chaos suite --plan production-s
  skep chaos suite --plan production-s --only '*/leader-*' --report ./chaos-report
  skep chaos suite --list")]
pub(crate) struct SuiteArgs {
    /// The plan: which cluster is started, and which experiments are run
    #[arg(long, value_enum, default_value_t = PlanName::ProductionS)]
    plan: PlanName,

    /// Only experiments whose path is like this (`*` is anything); may be given several times
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,

    /// Run experiments of this folder, which has a manifest.yml, instead of those that are built in
    #[arg(long, value_name = "FOLDER")]
    experiments: Option<PathBuf>,

    /// Folder for journals, logs and the report [default: skep-chaos-report]
    #[arg(long, value_name = "FOLDER", default_value = "skep-chaos-report")]
    report: PathBuf,

    /// Leave the cluster running at the end
    #[arg(long)]
    keep: bool,

    /// Without network namespaces; what cuts the network then needs the fault points of the nodes
    #[arg(long)]
    no_netns: bool,

    /// Without the client that asks every partition for something small all the time; then the report
    /// cannot say how long a partition was not to be had, nor whether something was lost
    #[arg(long)]
    no_witness: bool,

    /// Seconds of the long pauses of the field's experiments
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    settle: u64,

    /// Only print what would be run
    #[arg(long)]
    list: bool,
}

impl SuiteArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let chosen = self.chosen()?;
        if self.list {
            let paths: Vec<&str> = chosen.iter().map(|entry| entry.path.as_str()).collect();
            return format.done(&paths.join("\n"), &json!({ "experiments": paths }));
        }
        let folder = self.report.clone();
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file("make", &folder, error))?;
        let folder = admin::full_path(&folder)?;
        let stop = Stop::listen()?;
        let witness = if self.no_witness { None } else { Some(Witness::new(&folder)?) };
        let mut suite = Suite {
            cluster: folder.join("cluster"),
            report: Report::new(self.plan.text()),
            began_ms: SystemClock.now_ms(),
            witness,
            folder,
            args: self,
            stop,
        };
        let outcome = suite.run_all(&chosen);
        let ended = suite.end();
        suite.report.write(&suite.folder)?;
        outcome.and(ended)?;
        let report = &suite.report;
        format.done(&report.summary(&suite.folder), &report.json())?;
        report.verdict()
    }

    /// The experiments that are to be run.
    fn chosen(&self) -> Result<Vec<Entry>, Failure> {
        let all = match &self.experiments {
            None => experiments::built_in()?,
            Some(folder) => {
                let path = folder.join("manifest.yml");
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| Failure::file("read", &path, error))?;
                experiments::parse(&text)?
            }
        };
        let plan = self.plan.text();
        let wanted = |entry: &Entry| {
            entry.is_for(plan)
                && (self.only.is_empty()
                    || self.only.iter().any(|only| glob::matches(only, &entry.path)))
        };
        let chosen: Vec<Entry> = all.into_iter().filter(wanted).collect();
        if chosen.is_empty() {
            return Err(Failure::Usage(format!(
                "no experiment of the plan {plan} is like that; `skep chaos suite --list` shows them"
            )));
        }
        Ok(chosen)
    }

    /// The file of an experiment, which is written down if it is built in.
    fn file(&self, entry: &Entry, folder: &Path) -> Result<PathBuf, Failure> {
        if let Some(own) = &self.experiments {
            return Ok(own.join(&entry.path).join("experiment.json"));
        }
        let text = experiments::text(&entry.path).ok_or_else(|| {
            Failure::Local(format!("{} is in the manifest and not built in", entry.path))
        })?;
        let path = folder.join("experiment.json");
        std::fs::write(&path, text).map_err(|error| Failure::file("write", &path, error))?;
        Ok(path)
    }
}

/// A suite under way.
struct Suite {
    args: SuiteArgs,
    /// The folder of the cluster, in that of the report.
    cluster: PathBuf,
    folder: PathBuf,
    report: Report,
    witness: Option<Witness>,
    began_ms: i64,
    stop: Stop,
}

impl Suite {
    fn run_all(&mut self, chosen: &[Entry]) -> Result<(), Failure> {
        for (number, entry) in chosen.iter().enumerate() {
            if self.stop.is_set() {
                self.report.interrupted = true;
                return Ok(());
            }
            self.start_cluster()?;
            eprintln!("[{}/{}] {}", number + 1, chosen.len(), entry.path);
            let verdict = self.run_one(number, entry)?;
            eprintln!("  {}", verdict.line());
            self.report.verdicts.push(verdict);
            if self.stop.is_set() {
                self.report.interrupted = true;
                return Ok(());
            }
            if !self.heal()? {
                eprintln!("  the cluster is not ready any more: the next experiment gets another");
                self.remove_cluster()?;
            }
        }
        Ok(())
    }

    /// Starts the cluster, if there is none.
    fn start_cluster(&self) -> Result<(), Failure> {
        if ClusterState::load(&self.cluster)?.is_some() {
            return Ok(());
        }
        let plan = self.args.plan.text();
        eprintln!("starting {plan} in {}", self.cluster.display());
        let wait = START_SECONDS.to_string();
        let mut words = vec!["cluster", "start", "--plan", plan, "--wait", &wait, "--chaos"];
        if !self.args.no_netns {
            words.push("--netns");
        }
        let mut command = self.skep(&words)?;
        let log = self.folder.join("cluster-start.log");
        let done = run(&mut command, &log, None, &self.stop)?;
        if done.code != Some(0) {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(Failure::guided(
                7,
                format!("the cluster does not start: {}", text.trim()),
                "Without root use --no-netns.",
            ));
        }
        match &self.witness {
            Some(witness) => witness.settle_in(&self.cluster),
            None => Ok(()),
        }
    }

    fn run_one(&self, number: usize, entry: &Entry) -> Result<Verdict, Failure> {
        let folder = self.folder.join(&entry.path);
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file("make", &folder, error))?;
        let file = self.args.file(entry, &folder)?;
        let journal = folder.join("journal.json");
        let _ = std::fs::remove_file(&journal);
        let (journal_text, file_text) = (journal.display().to_string(), file.display().to_string());
        let mut command =
            self.skep(&["chaos", "run", "--journal-path", &journal_text, &file_text])?;
        command
            .env(crate::command::zbchaos::RUN_VARIABLE, format!("s{}n{number}", self.began_ms))
            .env("SKEP_CHAOS_SETTLE", self.args.settle.to_string());
        let watch = match &self.witness {
            Some(witness) => {
                command.env(crate::quiet::QUIET_VARIABLE, witness.quiet_variable());
                Some(witness.begin(&self.cluster)?)
            }
            None => None,
        };
        let began = Instant::now();
        let log = folder.join("run.log");
        let done = run(&mut command, &log, None, &self.stop);
        let took = began.elapsed();
        let seen = watch.map(witness::Watch::end).transpose()?;
        Ok(Verdict::of(&entry.path, done?.code, took, Journal::read(&journal), &log, seen))
    }

    /// Ends what an experiment may have left, and waits until the cluster is ready.
    fn heal(&self) -> Result<bool, Failure> {
        let log = self.folder.join("heal.log");
        for words in [
            &["chaos", "faults", "clear", "--all"][..],
            &["zbchaos", "verify", "readiness", "--timeoutInSec", "300"],
        ] {
            let done = run(&mut self.skep(words)?, &log, Some(HEAL_MAX), &self.stop)?;
            if done.code != Some(0) {
                return Ok(false);
            }
        }
        // One that was scaled and did not come back is another cluster.
        let plan = self.args.plan.plan();
        let cluster = admin::existing(&self.cluster)?;
        let topology = crate::cluster::health::any_topology(&cluster).unwrap_or_default();
        let brokers = cluster.of_kind(crate::cluster::layout::NodeKind::Broker).count();
        Ok(brokers == usize::from(plan.brokers) && topology.led().len() == plan.partitions as usize)
    }

    /// This program again, on the suite's cluster.
    fn skep(&self, words: &[&str]) -> Result<Command, Failure> {
        let binary = std::env::current_exe()
            .map_err(|error| Failure::Local(format!("this program cannot find itself: {error}")))?;
        let mut command = Command::new(binary);
        command.args(words).env("SKEP_CLUSTER_DIR", &self.cluster);
        for variable in ["SKEP_ADDRESS", "ZEEBE_ADDRESS", "SKEP_MANAGEMENT"] {
            command.env_remove(variable);
        }
        Ok(command)
    }

    fn remove_cluster(&self) -> Result<(), Failure> {
        if ClusterState::load(&self.cluster)?.is_none() {
            return Ok(());
        }
        let mut admin = Admin::open(&self.cluster)?;
        admin.stop_everything(GRACE)?;
        admin.delete_everything()?;
        // What experiments put there, such as backups, goes too.
        let _ = std::fs::remove_dir_all(&self.cluster);
        Ok(())
    }

    fn end(&self) -> Result<(), Failure> {
        if self.args.keep {
            eprintln!("the cluster goes on in {}", self.cluster.display());
            return Ok(());
        }
        self.remove_cluster()
    }
}
