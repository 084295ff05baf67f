//! What a run found: a table for people, JSON for programs.

use crate::cluster::Cluster;
use crate::load::{Counts, Load};
use crate::scenario::Scenario;
use crate::settings::Settings;
use serde_json::{Value, json};
use std::ops::Range;

/// The findings of a run.
pub(crate) struct Report {
    seed: u64,
    mode: String,
    namespaces: bool,
    faults: Vec<Value>,
    skipped: Vec<Value>,
    totals: Vec<String>,
    pub(crate) violations: Vec<String>,
}

impl Report {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            seed: settings.seed,
            mode: format!("{:?}", settings.mode).to_lowercase(),
            namespaces: false,
            faults: Vec::new(),
            skipped: Vec::new(),
            totals: Vec::new(),
            violations: Vec::new(),
        }
    }

    pub(crate) fn cluster(&mut self, cluster: &Cluster) {
        self.namespaces |= cluster.has_namespaces();
    }

    /// Scenarios that cannot be had here: said loudly, twice.
    pub(crate) fn skip(&mut self, scenarios: &[&Scenario], why: &str) {
        for scenario in scenarios {
            println!("SKIPPED {}: {why}", scenario.name);
            self.skipped.push(json!({"fault": scenario.name, "reason": why}));
        }
    }

    /// What a scenario did to creations, and for how long to which partition.
    pub(crate) fn fault(
        &mut self,
        scenario: &Scenario,
        load: &Load,
        before: Counts,
        window: &Range<u64>,
        partitions: u64,
    ) {
        let after = load.counts();
        let gaps: Vec<u64> = (1..=partitions)
            .map(|partition| load.availability.longest_gap_us(partition, window) / 1_000)
            .collect();
        self.faults.push(json!({
            "fault": scenario.name,
            "seconds": (window.end - window.start) / 1_000_000,
            "acknowledged": after.acknowledged - before.acknowledged,
            "refused": after.refused - before.refused,
            "unknown": after.in_doubt - before.in_doubt,
            "longestUnavailabilityMs": gaps,
        }));
    }

    pub(crate) fn totals(&mut self, load: &Load) {
        self.totals.push(load.summary());
    }

    fn count(&self, words: &[&str]) -> usize {
        let is_one = |text: &&String| words.iter().any(|word| text.contains(word));
        self.violations.iter().filter(is_one).count()
    }

    fn lost(&self) -> usize {
        self.count(&["could never be completed", "nobody completed it", "cannot be started"])
    }

    fn duplicated(&self) -> usize {
        self.count(&["more than o", "completed twice", "delivered again", "was given after"])
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "\n| fault | s | acknowledged | refused | unknown | longest unavailability per partition, ms |\n|---|---|---|---|---|---|\n",
        );
        for fault in &self.faults {
            let gaps = fault["longestUnavailabilityMs"].as_array().into_iter().flatten();
            let gaps: Vec<String> = gaps.map(Value::to_string).collect();
            let name = fault["fault"].as_str().unwrap_or_default();
            text.push_str(&format!(
                "| {name} | {} | {} | {} | {} | {} |\n",
                fault["seconds"],
                fault["acknowledged"],
                fault["refused"],
                fault["unknown"],
                gaps.join(" / ")
            ));
        }
        for skipped in &self.skipped {
            text.push_str(&format!("| {} | skipped: {} |\n", skipped["fault"], skipped["reason"]));
        }
        for totals in &self.totals {
            text.push_str(&format!("\n{totals}"));
        }
        text.push_str(&format!(
            "\nseed {}, {}; lost {}, duplicated {}, other violations {}",
            self.seed,
            self.mode,
            self.lost(),
            self.duplicated(),
            self.violations.len() - (self.lost() + self.duplicated()).min(self.violations.len()),
        ));
        text
    }

    /// For programs, into the file that was asked for.
    pub(crate) fn write(&self, settings: &Settings) {
        let Some(path) = &settings.report else { return };
        let report = json!({
            "seed": self.seed,
            "mode": self.mode,
            "networkNamespaces": self.namespaces,
            "faults": self.faults,
            "skipped": self.skipped,
            "totals": self.totals,
            "lost": self.lost(),
            "duplicated": self.duplicated(),
            "violations": self.violations,
        });
        std::fs::write(path, format!("{report:#}\n"))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }
}
