//! Runs many seeds, on as many threads as wished: simulations share nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use skep_check::backup::BackupCounts;

use crate::history::OutcomeCounts;
use crate::run::{Report, run};
use crate::scenario::Scenario;

/// Which seeds are run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Threads.
    pub threads: usize,
    /// Seeds that fail before no more are begun.
    pub failures_max: usize,
    /// Every so many seeds one is run twice, and both runs must be the same.
    pub repeat_every: u64,
}

/// What came of them.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Summary {
    /// Seeds that were run.
    pub seeds: u64,
    /// Simulated time of all together, in milliseconds.
    pub simulated_ms: u64,
    /// Events.
    pub events: u64,
    /// Records.
    pub records: u64,
    /// Calls by outcome.
    pub calls: OutcomeCounts,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Backups by what became of them.
    pub backups: BackupCounts,
    /// Clusters that were restored from one and finished everything.
    pub restored: u64,
    /// Longest healing, in milliseconds.
    pub healed_after_ms_max: u64,
    /// Seeds whose second run differed.
    pub not_repeatable: Vec<u64>,
    /// Seeds that failed.
    pub failures: Vec<Failure>,
}

/// A seed that failed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What came of it.
    pub report: Report,
}

impl Summary {
    fn add(&mut self, seed: u64, report: Report) {
        self.seeds += 1;
        self.simulated_ms += report.simulated_ms;
        self.events += report.events;
        self.records += report.records;
        self.calls.add(report.calls);
        for (name, count) in &report.faults {
            *self.faults.entry(name).or_default() += count;
        }
        self.backups.add(report.backups);
        self.restored += u64::from(report.restored_after_ms.is_some());
        self.healed_after_ms_max =
            self.healed_after_ms_max.max(report.healed_after_ms.unwrap_or(0));
        if !report.violations.is_empty() {
            self.failures.push(Failure { seed, report });
        }
    }

    /// Whether nothing failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.not_repeatable.is_empty()
    }
}

/// Runs the seeds of a plan until `go_on` says no, and hands each report to `seen`.
pub fn sweep(
    plan: Plan,
    scenario_of: impl Fn(u64) -> Scenario + Sync,
    go_on: impl Fn() -> bool + Sync,
    seen: impl Fn(u64, &Report) + Sync,
) -> Summary {
    let next = AtomicU64::new(0);
    let enough = AtomicBool::new(false);
    let summary = Mutex::new(Summary::default());
    let body = || {
        while !enough.load(Ordering::Relaxed) && go_on() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= plan.count {
                break;
            }
            let seed = plan.first.wrapping_add(number);
            let scenario = scenario_of(seed);
            let report = run(&scenario);
            let repeatable = plan.repeat_every == 0
                || !number.is_multiple_of(plan.repeat_every)
                || run(&scenario).trace_hash == report.trace_hash;
            seen(seed, &report);
            let mut summary = summary.lock();
            if !repeatable {
                summary.not_repeatable.push(seed);
            }
            summary.add(seed, report);
            if summary.failures.len() >= plan.failures_max {
                enough.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..plan.threads {
            scope.spawn(body);
        }
        body();
    });
    let mut summary = summary.into_inner();
    summary.failures.sort_by_key(|failure| failure.seed);
    summary.not_repeatable.sort_unstable();
    summary
}
