//! Random schedules of faults.

use super::{Fault, Planned};
use crate::cluster::SHARE_NODE;
use crate::generated::chance::Chance;
use crate::scenario::Shape;
use crate::seeds::Seeds;

/// Faults of a run, at most.
const FAULTS_MAX: usize = 12;
/// Longest fault, in milliseconds.
const FAULT_MS_MAX: usize = 4_000;
/// Steps until a crash at a step, at most: about a second of a busy node.
const STEPS_MAX: usize = 2_000;
/// Runs in which partitions are added, in percent.
const MORE_PARTITIONS_PERCENT: usize = 4;
/// Runs in which backups are taken, in percent.
const BACKUPS_PERCENT: usize = 8;
/// Backups of such a run, at most.
const BACKUPS_MAX: usize = 4;
/// Partitions that are added are usually in use after so many milliseconds.
const GROWING_MS: usize = 1_500;
/// Largest jump of a clock, in milliseconds: the checker of timers allows for it.
const JUMP_MS_MAX: usize = 3_000;

/// Faults for a run of this length. Some runs have none: what fails then fails without them.
#[must_use]
pub fn generate(seed: u64, shape: &Shape, duration_ms: u64) -> Vec<Planned> {
    let mut faults = disasters(seed, shape, duration_ms);
    if Chance::new(Seeds::new(seed).part("any backup").value()).percent(BACKUPS_PERCENT) {
        add_backups(seed, shape, duration_ms, &mut faults);
    }
    faults
}

fn disasters(seed: u64, shape: &Shape, duration_ms: u64) -> Vec<Planned> {
    let mut chance = Chance::new(seed);
    if chance.percent(5) {
        return Vec::new();
    }
    let mut maker = Maker {
        victim: below(&mut chance, shape.brokers),
        with_damage: shape.replication_factor >= 2 && chance.percent(25),
        chance,
        shape: *shape,
        replaced: false,
    };
    let count = 1 + maker.chance.below(FAULTS_MAX);
    let mut faults: Vec<Planned> = (0..count)
        .map(|_| {
            let fault = maker.fault();
            let at_ms = maker.chance.below(usize::try_from(duration_ms).unwrap_or(1).max(1)) as u64;
            // Short ones are likelier: they overlap with elections and retries.
            let longest = maker.chance.below(FAULT_MS_MAX) + 1;
            let for_ms = 20 + maker.chance.below(longest) as u64;
            Planned { at_ms, for_ms: for_ms.min(duration_ms.saturating_sub(at_ms)), fault }
        })
        .collect();
    if faults.iter().all(|planned| planned.fault.damages().is_none()) {
        faults.extend(more_partitions(seed, shape, duration_ms));
    }
    faults.sort_by_key(|planned| planned.at_ms);
    faults
}

/// More partitions in some runs. Its chance is its own, so that the other faults of a seed stay what
/// they were.
fn more_partitions(seed: u64, shape: &Shape, duration_ms: u64) -> Option<Planned> {
    let mut chance = Chance::new(Seeds::new(seed).part("more partitions").value());
    let is_cluster = shape.brokers > 1 || shape.gateways > 0;
    if !is_cluster || !chance.percent(MORE_PARTITIONS_PERCENT) {
        return None;
    }
    let partitions = shape.partitions + 1 + below(&mut chance, 2);
    let at_ms = chance.below(usize::try_from(duration_ms).unwrap_or(1).max(1)) as u64;
    Some(Planned { at_ms, for_ms: 0, fault: Fault::AddPartitions { partitions } })
}

/// Backups, and what may happen to the place that they are put in; sometimes more partitions. Their
/// chance is their own, too.
pub(crate) fn add_backups(seed: u64, shape: &Shape, duration_ms: u64, faults: &mut Vec<Planned>) {
    let mut chance = Chance::new(Seeds::new(seed).part("backups").value());
    let any_time =
        |chance: &mut Chance| chance.below(usize::try_from(duration_ms).unwrap_or(1).max(1)) as u64;
    for _ in 0..1 + chance.below(BACKUPS_MAX) {
        let at_ms = any_time(&mut chance);
        faults.push(Planned { at_ms, for_ms: 0, fault: Fault::Backup });
    }
    if chance.percent(25) {
        let node = SHARE_NODE.0;
        let fault = if chance.percent(50) {
            Fault::FullDisk { node, room: chance.below(60_000) as u64 }
        } else {
            let nth = 1 + chance.below(20) as u64;
            Fault::FailDisk { node, nth, sync: chance.percent(50) }
        };
        let at_ms = any_time(&mut chance);
        let for_ms = 20 + chance.below(FAULT_MS_MAX) as u64;
        faults.push(Planned { at_ms, for_ms: for_ms.min(duration_ms - at_ms), fault });
    }
    let bears = |planned: &Planned| {
        planned.fault.damages().is_none() && !matches!(planned.fault, Fault::AddPartitions { .. })
    };
    let is_cluster = shape.brokers > 1 || shape.gateways > 0;
    if chance.percent(30) && is_cluster && faults.iter().all(bears) {
        let partitions = shape.partitions + 1 + below(&mut chance, 2);
        let at_ms = any_time(&mut chance);
        faults.push(Planned { at_ms, for_ms: 0, fault: Fault::AddPartitions { partitions } });
        // While they come.
        let at_ms = (at_ms + chance.below(GROWING_MS) as u64).min(duration_ms - 1);
        faults.push(Planned { at_ms, for_ms: 0, fault: Fault::Backup });
    }
    faults.sort_by_key(|planned| planned.at_ms);
}

struct Maker {
    chance: Chance,
    shape: Shape,
    /// The only node whose data is damaged.
    victim: u32,
    with_damage: bool,
    /// The cluster gets another broker once.
    replaced: bool,
}

fn below(chance: &mut Chance, end: u32) -> u32 {
    u32::try_from(chance.below(end.max(1) as usize)).unwrap_or(0)
}

impl Maker {
    fn broker(&mut self) -> u32 {
        below(&mut self.chance, self.shape.brokers)
    }

    /// Brokers mostly, sometimes a gateway.
    fn node(&mut self) -> u32 {
        if self.shape.gateways > 0 && self.chance.percent(15) {
            crate::NodeId::gateway(below(&mut self.chance, self.shape.gateways)).0
        } else {
            self.broker()
        }
    }

    fn two(&mut self) -> Option<(u32, u32)> {
        let (one, other) = (self.node(), self.node());
        (one != other).then_some((one, other))
    }

    fn fault(&mut self) -> Fault {
        let lose = self.chance.percent(40);
        match self.chance.below(24) {
            0 | 1 => Fault::Kill { node: self.node() },
            2 | 3 => Fault::PowerLoss { node: self.broker() },
            4 if self.chance.percent(60) => Fault::Blackout,
            4..7 => Fault::CrashAtStep {
                node: self.broker(),
                steps: 1 + self.chance.below(STEPS_MAX) as u64,
                power: self.chance.percent(60),
            },
            7 | 8 => Fault::Pause { node: self.node() },
            9 => Fault::Isolate { node: self.broker(), lose },
            10..13 => match self.two() {
                Some((from, to)) if self.chance.percent(60) => Fault::CutOneWay { from, to, lose },
                Some((one, other)) => Fault::Cut { one, other, lose },
                None => Fault::Kill { node: self.broker() },
            },
            13 | 14 => self.bad_network(),
            15 => match self.two() {
                Some((one, other)) if self.chance.percent(50) => Fault::Reset { one, other },
                Some((from, to)) => {
                    Fault::SlowLink { from, to, extra_ms: 1 + self.chance.below(300) as u64 }
                }
                None => Fault::Pause { node: self.broker() },
            },
            16 => {
                Fault::SlowDisk { node: self.broker(), sync_ms: 1 + self.chance.below(200) as u64 }
            }
            17 => Fault::FullDisk { node: self.broker(), room: self.chance.below(200_000) as u64 },
            18 => Fault::FailDisk {
                node: self.broker(),
                nth: 1 + self.chance.below(20) as u64,
                sync: self.chance.percent(50),
            },
            19 if self.with_damage => Fault::FlipBit { node: self.victim },
            20 if self.with_damage => Fault::Wipe { node: self.victim },
            19..21 => self.clock(),
            21 if self.replaced || self.shape.replication_factor < 3 || self.chance.percent(60) => {
                Fault::Rebalance
            }
            21 => {
                self.replaced = true;
                let remove = self.chance.percent(60).then(|| self.broker());
                Fault::Replace { add: self.shape.brokers, remove }
            }
            22 if self.chance.percent(40) => Fault::RollingRestart,
            _ => self.clock(),
        }
    }

    fn bad_network(&mut self) -> Fault {
        let mut ppm = |most: usize| {
            if self.chance.percent(50) {
                u32::try_from(self.chance.below(most)).unwrap_or(0)
            } else {
                0
            }
        };
        Fault::BadNetwork {
            lose_ppm: ppm(200_000),
            repeat_ppm: ppm(600_000),
            reorder_ppm: ppm(200_000),
            spike_ppm: ppm(100_000),
            spike_ms: 1 + self.chance.below(400) as u64,
        }
    }

    fn clock(&mut self) -> Fault {
        let node = self.broker();
        let back = self.chance.percent(50);
        if self.chance.percent(60) {
            let by_ms = i64::try_from(self.chance.below(JUMP_MS_MAX)).unwrap_or(0);
            Fault::ClockJump { node, by_ms: if back { -by_ms } else { by_ms } }
        } else {
            let ppm = i64::try_from(self.chance.below(100_000)).unwrap_or(0);
            Fault::ClockDrift { node, ppm: if back { -ppm } else { ppm } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::exceeded;
    use std::collections::BTreeSet;

    #[test]
    fn schedules_repeat_keep_to_the_budget_and_know_every_fault() {
        let shape = Shape::default();
        let mut kinds = BTreeSet::new();
        for seed in 0..2_000 {
            let faults = generate(seed, &shape, 10_000);
            assert_eq!(faults, generate(seed, &shape, 10_000));
            assert_eq!(exceeded(&faults, shape.replication_factor), None, "seed {seed}");
            for planned in faults {
                assert!(planned.at_ms + planned.for_ms <= 10_000, "faults end with the phase");
                kinds.insert(planned.fault.name());
            }
        }
        assert_eq!(kinds.len(), 23, "{kinds:?}");
    }

    #[test]
    fn a_single_copy_is_never_damaged() {
        let shape = Shape { brokers: 1, replication_factor: 1, ..Shape::default() };
        for seed in 0..500 {
            let faults = generate(seed, &shape, 10_000);
            assert!(faults.iter().all(|planned| planned.fault.damages().is_none()));
        }
    }
}
