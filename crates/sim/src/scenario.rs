//! A run, complete enough to be repeated: seed, shape of the cluster, what clients do, what goes
//! wrong. Failing runs are kept as files of this.

use serde::{Deserialize, Serialize};

use crate::fault::{self, Planned};
use crate::generated::chance::Chance;
use crate::seeds::Seeds;
use crate::workload::{self, Timed};

/// The shape of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Brokers.
    pub brokers: u32,
    /// Gateways of their own.
    pub gateways: u32,
    /// Partitions.
    pub partitions: u32,
    /// Copies of each partition.
    pub replication_factor: u32,
    /// Log that makes a checkpoint due, in bytes.
    pub checkpoint_log_bytes: u64,
    /// Size of a segment of the journal, in bytes.
    pub segment_bytes: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            brokers: 3,
            gateways: 2,
            partitions: 3,
            replication_factor: 3,
            checkpoint_log_bytes: 64 * 1024,
            segment_bytes: 256 * 1024,
        }
    }
}

/// Which processes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Models {
    /// Those that the random generator of the engine's tests makes of this seed.
    Random(u64),
    /// A set for what crosses partitions: messages, calls, decisions, timers.
    Fixed,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name; that of the file.
    pub name: String,
    /// What it is about, for people.
    #[serde(default)]
    pub about: String,
    /// Decides everything that is not written down here.
    pub seed: u64,
    /// The cluster.
    pub shape: Shape,
    /// The processes.
    pub models: Models,
    /// Length of the phase with faults, in simulated milliseconds.
    pub duration_ms: u64,
    /// What clients do.
    pub actions: Vec<Timed>,
    /// What goes wrong.
    pub faults: Vec<Planned>,
}

/// Every so many seeds one is noise only.
const NOISY_EVERY: u64 = 16;
/// Longest phase with faults, in milliseconds.
const DURATION_MS_MAX: usize = 12_000;

impl Scenario {
    /// The run of a seed.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        if seed.is_multiple_of(NOISY_EVERY) {
            Self::noisy(seed)
        } else {
            Self::with_shape(seed, shape(seed))
        }
    }

    /// A run of messages and deployments on a network that loses, repeats and reorders frames all
    /// the time, and of nothing else.
    #[must_use]
    pub fn noisy(seed: u64) -> Self {
        let seeds = Seeds::new(seed).part("noise");
        let mut chance = Chance::new(seeds.value());
        let duration_ms = 1_000 + chance.below(4_000) as u64;
        let mut ppm = |most: usize| u32::try_from(chance.below(most)).unwrap_or(0);
        let fault = fault::Fault::BadNetwork {
            lose_ppm: ppm(200_000),
            repeat_ppm: ppm(900_000),
            reorder_ppm: ppm(300_000),
            spike_ppm: 0,
            spike_ms: 1,
        };
        Self {
            name: format!("seed-{seed}"),
            about: String::new(),
            seed,
            shape: Shape { gateways: 1, ..Shape::default() },
            models: Models::Fixed,
            duration_ms,
            actions: workload::messages(seeds.part("actions").value(), duration_ms),
            faults: vec![Planned { at_ms: 20, for_ms: duration_ms - 20, fault }],
        }
    }

    /// The run of a seed on a cluster of this shape.
    #[must_use]
    pub fn with_shape(seed: u64, shape: Shape) -> Self {
        let seeds = Seeds::new(seed).part("scenario");
        let mut chance = Chance::new(seeds.part("sizes").value());
        let models = if chance.percent(60) {
            Models::Random(seeds.part("models").value() % 1_000_000)
        } else {
            Models::Fixed
        };
        let duration_ms = 2_000 + chance.below(DURATION_MS_MAX - 2_000) as u64;
        Self {
            name: format!("seed-{seed}"),
            about: String::new(),
            seed,
            shape,
            models,
            duration_ms,
            actions: workload::generate(seeds.part("actions").value(), models, duration_ms),
            faults: fault::generate(seeds.part("faults").value(), &shape, duration_ms),
        }
    }

    /// The same, with backups.
    #[must_use]
    pub fn with_backups(mut self) -> Self {
        if self.faults.iter().all(|planned| planned.fault != fault::Fault::Backup) {
            let seed = Seeds::new(self.seed).part("scenario").part("faults").value();
            fault::add_backups(seed, &self.shape, self.duration_ms, &mut self.faults);
        }
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let scenario: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match fault::exceeded(&scenario.faults, scenario.shape.replication_factor) {
            Some(reason) => Err(reason),
            None => Ok(scenario),
        }
    }

    /// What a file of it holds.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Of a hundred runs with three copies of everything so many have two.
const TWO_COPIES_PERCENT: usize = 5;

/// Mostly Production-S; sometimes smaller, larger, or with checkpoints all the time.
fn shape(seed: u64) -> Shape {
    let mut chance = Chance::new(Seeds::new(seed).part("shape").value());
    let (brokers, partitions, replication_factor) = match chance.below(10) {
        0 => (1, 3, 1),
        1 => (3, 1, 3),
        2 => (5, 3, 3),
        _ => (3, 3, 3),
    };
    // A chance of its own: other seeds keep their shapes.
    let mut two = Chance::new(Seeds::new(seed).part("two copies").value());
    let (brokers, replication_factor) = match replication_factor {
        3 if two.percent(TWO_COPIES_PERCENT) => (two.pick(&[2, 3]), 2),
        _ => (brokers, replication_factor),
    };
    Shape {
        brokers,
        gateways: u32::try_from(chance.below(3)).unwrap_or(0),
        partitions,
        replication_factor,
        checkpoint_log_bytes: chance.pick(&[4 * 1024, 64 * 1024, 64 * 1024, 1024 * 1024]),
        segment_bytes: chance.pick(&[128 * 1024, 256 * 1024, 1024 * 1024]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_reads_back() {
        for seed in 0..50 {
            let scenario = Scenario::random(seed);
            assert_eq!(Scenario::read(&scenario.write()), Ok(scenario));
        }
    }

    #[test]
    fn a_scenario_that_damages_too_much_is_refused() {
        let mut scenario = Scenario::random(1);
        scenario.shape.replication_factor = 3;
        scenario.faults = [0, 1]
            .map(|node| Planned { at_ms: 1, for_ms: 1, fault: fault::Fault::Wipe { node } })
            .to_vec();
        assert!(Scenario::read(&scenario.write()).is_err());
    }
}
