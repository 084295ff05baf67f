//! What a run was told, by environment: `cargo xtask cluster-test` sets it from its options.

use crate::scenario::Scenario;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What `cargo test` does: a few faults, a debug build.
    Smoke,
    /// Every scenario, short.
    Quick,
    /// Every scenario, at full length.
    Full,
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) seed: u64,
    /// Only the scenario or figure with this name.
    pub(crate) only: Option<String>,
    pub(crate) netns: bool,
    /// The binary under test.
    pub(crate) binary: PathBuf,
    /// Where the clusters and their logs are.
    pub(crate) folder: PathBuf,
    /// Where the report goes, as JSON.
    pub(crate) report: Option<PathBuf>,
    /// Creations a second.
    pub(crate) rate_per_s: u64,
    /// Repetitions of a measured fault.
    pub(crate) rounds: u32,
    /// How long a cluster may take to serve again once a fault is over.
    pub(crate) heal_max: Duration,
}

impl Settings {
    /// Reads them.
    pub(crate) fn read() -> Self {
        let mode = match text("MODE").as_deref() {
            None | Some("smoke") => Mode::Smoke,
            Some("quick") => Mode::Quick,
            Some("full") => Mode::Full,
            Some(other) => panic!("SKEP_CLUSTER_TEST_MODE={other} is none of smoke, quick, full"),
        };
        let folder = text("FOLDER").map_or_else(
            || {
                Path::new(env!("CARGO_TARGET_TMPDIR"))
                    .join(format!("cluster-{}", std::process::id()))
            },
            PathBuf::from,
        );
        std::fs::create_dir_all(&folder).expect("the folder of the run can be made");
        Self {
            mode,
            seed: number("SEED").unwrap_or(1),
            only: text("ONLY"),
            netns: text("LOOPBACK").is_none(),
            binary: crate::binary::binary("SKEP_CLUSTER_TEST_BINARY"),
            folder,
            report: text("REPORT").map(PathBuf::from),
            rate_per_s: number("RATE").unwrap_or(100),
            rounds: number("ROUNDS").map_or(50, |rounds| rounds as u32),
            heal_max: Duration::from_secs(60),
        }
    }

    /// Whether a scenario is to be run.
    pub(crate) fn wants(&self, scenario: &Scenario) -> bool {
        match &self.only {
            Some(only) => scenario.name.contains(only.as_str()),
            None => self.mode != Mode::Smoke || scenario.in_smoke,
        }
    }
}

fn text(name: &str) -> Option<String> {
    std::env::var(format!("SKEP_CLUSTER_TEST_{name}")).ok()
}

fn number(name: &str) -> Option<u64> {
    let text = text(name)?;
    let wrong = |_| panic!("SKEP_CLUSTER_TEST_{name}={text} is not a number");
    Some(text.parse().unwrap_or_else(wrong))
}
