//! `skep chaos soak`: random experiments against a running cluster, until the time is over.
//!
//! A round is a function of the seed and its number: `--seed S --round N` runs it again.

mod catalog;
mod finish;
mod promises;
mod round;
mod shape;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use skep_check::check::Violation;
use skep_env::{OsRandom, Random};

use crate::cluster::admin;
use crate::command::zbchaos::RUN_VARIABLE;
use crate::failure::Failure;
use crate::output::Format;
use crate::quiet::QUIET_VARIABLE;
use crate::suite::step::{Stop, run};
use crate::witness::{Seen, Witness};
use finish::Finish;
use promises::Promises;
use shape::Shape;

/// Exit code when a round has found something.
const FOUND: u8 = 8;

/// Exit code of a round that a signal has ended: nothing is known of it.
const INTERRUPTED: i32 = 13;

#[derive(Debug, Args)]
#[command(after_help = "\
Each round breaks something while work goes on, heals it, and checks that the cluster is whole: replicas
equal, deployments everywhere, nothing stuck, every partition at work, what was acknowledged there. A
witness asks every partition for something small meanwhile, and gets what it was promised, once. When the
cluster was started with --evidence, everything that it has committed is also held against the
promises that the simulation checks. A finding is repeated with the same seed and --round.

Exit codes: 0 nothing was found; 8 something was; 1 and 2 as everywhere.

Examples:
  skep chaos soak --minutes 30
  skep chaos soak --seed 7 --round 12
  skep chaos soak --minutes 5 --dir ./skep-cluster --report ./soak")]
pub(crate) struct SoakArgs {
    /// How long; the round that is under way then is finished
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,

    /// Decides everything [default: by chance; it is printed]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Only this round of the seed
    #[arg(long, value_name = "N", requires = "seed")]
    round: Option<u64>,

    /// Folder of the cluster
    #[arg(long, env = "SKEP_CLUSTER_DIR", value_name = "FOLDER", default_value = "skep-cluster")]
    dir: PathBuf,

    /// Folder for experiments, journals and logs of the rounds
    #[arg(long, value_name = "FOLDER", default_value = "skep-soak")]
    report: PathBuf,
}

/// How a round ended.
struct Ended {
    round: u64,
    code: Option<i32>,
    took: Duration,
    /// Since when the round had no fault, as far as it got, epoch milliseconds.
    healed_ms: Option<i64>,
    /// How long it took to hold what was committed against the promises.
    checked_for: Duration,
    folder: PathBuf,
    /// Promises that are broken: to the witness, or in the records.
    broken: Vec<Violation>,
    seen: Seen,
}

impl SoakArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let cluster = admin::full_path(&self.dir)?;
        let state = admin::existing(&cluster)?;
        let mut promises = Promises::of(&state, &cluster);
        let report = admin::full_path(&self.report)?;
        let soak = Soak {
            seed: self.seed.unwrap_or_else(|| OsRandom.below(1 << 32)),
            shape: Shape::of(&state),
            stop: Stop::listen()?,
            witness: Witness::new(&report)?,
            cluster,
            report,
        };
        soak.witness.settle_in(&soak.cluster)?;
        let seed = soak.seed;
        eprintln!(
            "seed {seed}, {} brokers, {} partitions",
            soak.shape.brokers, soak.shape.partitions
        );
        let (began, limit) = (Instant::now(), Duration::from_secs(self.minutes * 60));
        let mut rounds = Vec::new();
        let mut number = self.round.unwrap_or(0);
        while !soak.stop.is_set() {
            let mut ended = soak.play(number)?;
            let is_last = self.round.is_some() || began.elapsed() >= limit || soak.stop.is_set();
            let looked = Instant::now();
            ended.broken.extend(promises.look(ended.code == Some(0), ended.healed_ms)?);
            if is_last && ended.code == Some(0) {
                ended.broken.extend(promises.finish(&soak.finish())?);
            }
            ended.checked_for = looked.elapsed();
            eprintln!("{}", ended.line());
            rounds.push(ended);
            number += 1;
            if is_last {
                break;
            }
        }
        let found: Vec<&Ended> = rounds.iter().filter(|ended| !ended.is_whole()).collect();
        let mut text = format!("{} rounds of seed {seed}, {} findings", rounds.len(), found.len());
        text.push_str(&promises.summary());
        for ended in &found {
            text.push_str(&format!(
                "\n  round {}: {}; again: skep chaos soak --seed {seed} --round {}",
                ended.round,
                ended.folder.display(),
                ended.round
            ));
        }
        let rounds_json: Vec<Value> = rounds.iter().map(Ended::json).collect();
        format.done(&text, &json!({ "seed": seed, "rounds": rounds_json }))?;
        if found.is_empty() { Ok(()) } else { Err(Failure::Said(FOUND)) }
    }
}

/// A soak under way.
struct Soak {
    seed: u64,
    shape: Shape,
    /// The folder of the cluster.
    cluster: PathBuf,
    report: PathBuf,
    witness: Witness,
    stop: Stop,
}

impl Soak {
    /// Plays a round.
    fn play(&self, number: u64) -> Result<Ended, Failure> {
        let seed = self.seed;
        let folder = self.report.join(format!("seed-{seed}-round-{number}"));
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file("make", &folder, error))?;
        let program = std::env::current_exe()
            .map_err(|error| Failure::Local(format!("this program cannot find itself: {error}")))?;
        let file = folder.join("experiment.json");
        let experiment = round::experiment(seed, number, self.shape, &program);
        std::fs::write(&file, format!("{experiment:#}\n"))
            .map_err(|error| Failure::file("write", &file, error))?;
        let mut command = Command::new(program);
        command
            .args(["chaos", "run", "--rollback-strategy", "always", "--journal-path"])
            .arg(folder.join("journal.json"))
            .arg(&file)
            .env("SKEP_CLUSTER_DIR", &self.cluster)
            .env(QUIET_VARIABLE, self.witness.quiet_variable())
            .env(RUN_VARIABLE, format!("{}{number}", finish::run_prefix(seed)));
        let watch = self.witness.begin(&self.cluster)?;
        let began = Instant::now();
        let done = run(&mut command, &folder.join("run.log"), None, &self.stop);
        let took = began.elapsed();
        let healed_ms = round::healed_ms(&folder.join("journal.json"), promises::now_ms());
        let seen = watch.end()?;
        let broken = seen.findings().to_vec();
        let (code, checked_for) = (done?.code, Duration::ZERO);
        Ok(Ended { round: number, code, took, healed_ms, checked_for, folder, broken, seen })
    }

    /// How what it started comes to an end.
    fn finish(&self) -> Finish<'_> {
        let (cluster, report) = (&self.cluster, &self.report);
        Finish { seed: self.seed, cluster, report, stop: &self.stop }
    }
}

impl Ended {
    fn is_whole(&self) -> bool {
        matches!(self.code, Some(0 | INTERRUPTED)) && self.broken.is_empty()
    }

    fn line(&self) -> String {
        let verdict = match self.code {
            _ if !self.broken.is_empty() => {
                let broken: Vec<String> =
                    self.broken.iter().map(|it| format!("{}: {}", it.checker, it.what)).collect();
                format!("FOUND ({}, {})", broken.join("; "), self.folder.display())
            }
            Some(0) => "whole".to_owned(),
            Some(INTERRUPTED) => "interrupted".to_owned(),
            Some(code) => format!("FOUND (exit code {code}, {})", self.folder.display()),
            None => "interrupted".to_owned(),
        };
        format!(
            "round {}: {verdict} after {:.1} s, {} acknowledged, longest wait {} ms",
            self.round,
            self.took.as_secs_f64(),
            self.seen.acknowledged(),
            self.seen.longest().as_millis()
        )
    }

    fn json(&self) -> Value {
        json!({
            "round": self.round,
            "exitCode": self.code,
            "broken": self.broken,
            "witness": self.seen.json(),
            "seconds": self.took.as_secs_f64(),
            "checkSeconds": self.checked_for.as_secs_f64(),
            "folder": self.folder.display().to_string(),
        })
    }
}
