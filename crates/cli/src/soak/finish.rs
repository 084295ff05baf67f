//! The end of a soak: what its instances wait for is done, so that all of them can end.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::command::zbchaos::RUN_VARIABLE;
use crate::evidence::Unfinished;
use crate::failure::Failure;
use crate::suite::step::{Stop, run};

/// How long instances may take to end after the last round: a job that was handed to a client whose
/// answer was lost comes back after ten seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause before what is left is looked at again.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Process of the witness, and type of its job.
const WITNESS: &str = "skep-witness";

/// What the names of a run of this seed begin with.
pub(super) fn run_prefix(seed: u64) -> String {
    format!("soak{seed}n")
}

/// See the module.
pub(super) struct Finish<'a> {
    pub(super) seed: u64,
    pub(super) cluster: &'a Path,
    pub(super) report: &'a Path,
    pub(super) stop: &'a Stop,
}

impl Finish<'_> {
    /// Whether the soak started the instances of this process.
    pub(super) fn is_ours(&self, process: &str) -> bool {
        process == WITNESS || self.run_of(process).is_some()
    }

    /// The run of a process of the soak.
    fn run_of<'p>(&self, process: &'p str) -> Option<&'p str> {
        let (_, run) = process.split_once('-')?;
        run.starts_with(&run_prefix(self.seed)).then_some(run)
    }

    pub(super) fn begin(&self) -> Attempts<'_> {
        Attempts { finish: self, began: None }
    }

    /// Completes the jobs of what is left.
    fn work(&self, left: &[Unfinished]) -> Result<(), Failure> {
        let runs: BTreeSet<&str> = left.iter().filter_map(|it| self.run_of(&it.process)).collect();
        for name in runs {
            self.step(name, &["verify", "acknowledged", "--timeoutInSec", "10"])?;
        }
        let of_witness = left.iter().filter(|instance| instance.process == WITNESS);
        let jobs: usize = of_witness.map(|instance| instance.jobs).sum();
        if jobs == 0 {
            return Ok(());
        }
        let (count, limit) = (jobs.to_string(), ["--timeoutInSec", "10"]);
        let words = ["verify", "job-completion", "--jobType", WITNESS, "--jobCount", &count];
        self.step("", &[&words[..], &limit].concat())
    }

    /// A verb of this run; whether it went well is seen in the records.
    fn step(&self, run_name: &str, words: &[&str]) -> Result<(), Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::Local(format!("this program cannot find itself: {error}")))?;
        let mut command = Command::new(program);
        command
            .arg("zbchaos")
            .args(words)
            .env("SKEP_CLUSTER_DIR", self.cluster)
            .env(RUN_VARIABLE, run_name);
        run(&mut command, &self.report.join("finish.log"), Some(PATIENCE), self.stop)?;
        Ok(())
    }
}

/// Attempts at an end of everything.
pub(super) struct Attempts<'a> {
    finish: &'a Finish<'a>,
    began: Option<Instant>,
}

impl Attempts<'_> {
    /// Does what is left, if there is patience; whether it is worth another look.
    pub(super) fn again(&mut self, left: &[Unfinished]) -> Result<bool, Failure> {
        let began = *self.began.get_or_insert_with(Instant::now);
        if began.elapsed() > PATIENCE || self.finish.stop.is_set() {
            return Ok(false);
        }
        self.finish.work(left)?;
        std::thread::sleep(LOOK_PAUSE);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_knows_the_processes_of_its_runs() {
        let folder = tempfile::tempdir().unwrap();
        let stop = Stop::listen().unwrap();
        let finish = Finish { seed: 7, cluster: folder.path(), report: folder.path(), stop: &stop };
        assert_eq!(finish.run_of("benchmark-soak7n12"), Some("soak7n12"));
        for (process, ours) in [
            ("skep-witness", true),
            ("benchmark-soak7n0", true),
            ("benchmark-soak71n0", false),
            ("order", false),
        ] {
            assert_eq!(finish.is_ours(process), ours, "{process}");
        }
    }
}
