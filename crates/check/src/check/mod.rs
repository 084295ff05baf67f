//! The checkers: each promise of the cluster has one, with a name, over the same evidence.

mod acknowledged;
mod backups;
mod correlation;
mod cut;
mod distribution;
mod duplicates;
mod engine;
pub(crate) mod folds;
mod jobs;
mod keys;
mod liveness;
pub mod names;
mod refused;
mod replicas;
mod sends;
mod stream;
#[cfg(test)]
mod testing;
mod timers;
mod tokens;

use crate::evidence::Evidence;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// Name of the checker.
    pub checker: &'static str,
    /// What is wrong.
    pub what: String,
}

/// Holds a run against one promise.
pub trait Checker {
    /// Its name, as reports show it.
    fn name(&self) -> &'static str;

    /// Looks for the first thing that breaks the promise.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&self, evidence: &Evidence) -> Result<(), String>;
}

/// All checkers, in the order in which reports show them: the first one that fails is usually
/// nearest to the cause.
pub const ALL: [&dyn Checker; 15] = [
    &stream::StreamIsGapFree,
    &replicas::ReplicaStateIsReplay,
    &keys::EachKeyOnce,
    &acknowledged::AcknowledgedIsNotLost,
    &refused::RefusedLeavesNoTrace,
    &duplicates::NoDuplicateInstance,
    &jobs::JobCompletesOnce,
    &tokens::TokensAreConserved,
    &correlation::MessageCorrelatesOnce,
    &timers::TimersAreOnTime,
    &distribution::DistributionIsComplete,
    &sends::SendsAreRepeated,
    &backups::BackupsAreWhole,
    &engine::EngineNeverFails,
    &liveness::EverythingHeals,
];

/// Those that need nothing but what replicas committed, and hold at any time, whatever clients do.
pub const OF_RECORDS: [&dyn Checker; 7] = [
    &stream::StreamIsGapFree,
    &keys::EachKeyOnce,
    &duplicates::NoDuplicateInstance,
    &jobs::JobCompletesOnce,
    &tokens::TokensAreConserved,
    &correlation::MessageCorrelatesOnce,
    &engine::EngineNeverFails,
];

/// Those that hold besides as soon as faults have been over for a while.
pub const OF_RECORDS_HEALED: [&dyn Checker; 1] = [&sends::SendsAreRepeated];

/// Those that hold besides as soon as a cluster is at rest.
pub const OF_RECORDS_AT_REST: [&dyn Checker; 3] =
    [&timers::TimersAreOnTime, &distribution::DistributionIsComplete, &liveness::EverythingHeals];

/// How much of a cluster's trouble is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Calm {
    /// Faults may be under way.
    Troubled,
    /// There are none, since [`healing_from_ms`](crate::evidence::End::healing_from_ms).
    Healed,
    /// And nothing is under way any more.
    AtRest,
}

/// Holds a run against all promises.
#[must_use]
pub fn all(evidence: &Evidence) -> Vec<Violation> {
    broken(&ALL, evidence)
}

/// Holds what replicas committed against the promises that need nothing else.
#[must_use]
pub fn of_records(evidence: &Evidence, calm: Calm) -> Vec<Violation> {
    let mut found = broken(&OF_RECORDS, evidence);
    if calm >= Calm::Healed {
        found.extend(broken(&OF_RECORDS_HEALED, evidence));
    }
    if calm == Calm::AtRest {
        found.extend(broken(&OF_RECORDS_AT_REST, evidence));
    }
    found
}

fn broken(checkers: &[&dyn Checker], evidence: &Evidence) -> Vec<Violation> {
    let broken = |checker: &&dyn Checker| {
        let what = checker.check(evidence).err()?;
        Some(Violation { checker: checker.name(), what })
    };
    checkers.iter().filter_map(broken).collect()
}
