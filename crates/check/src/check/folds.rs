//! What checkers remember of the records: each record is looked at once, when it is read, and what is
//! kept is what is open, not all that was.

use skep_protocol::{PartitionId, Record};

use super::correlation::Correlations;
use super::distribution::Deployed;
use super::duplicates::Unique;
use super::engine::Failures;
use super::jobs::Jobs;
use super::keys::Keys;
use super::sends::Sends;
use super::timers::Timers;

/// What a checker remembers.
pub(crate) trait Fold {
    /// Looks at the next record of a partition.
    ///
    /// # Errors
    /// What is wrong with it.
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String>;
}

/// A fold, until the first offence: what follows one says nothing any more.
#[derive(Default)]
pub(crate) struct Folded<F> {
    fold: F,
    offence: Option<String>,
}

impl<F: Fold> Folded<F> {
    fn note(&mut self, partition: PartitionId, record: &Record) {
        if self.offence.is_none() {
            self.offence = self.fold.note(partition, record).err();
        }
    }

    /// What is remembered.
    ///
    /// # Errors
    /// The offence.
    pub(crate) fn whole(&self) -> Result<&F, String> {
        self.offence.clone().map_or(Ok(&self.fold), Err)
    }
}

/// Those of all checkers that look at single records.
#[derive(Default)]
pub(crate) struct Folds {
    pub(crate) keys: Folded<Keys>,
    pub(crate) unique: Folded<Unique>,
    pub(crate) jobs: Folded<Jobs>,
    pub(crate) correlations: Folded<Correlations>,
    pub(crate) timers: Folded<Timers>,
    pub(crate) deployed: Folded<Deployed>,
    pub(crate) sends: Folded<Sends>,
    pub(crate) failures: Folded<Failures>,
}

impl Folds {
    /// The next record of a partition.
    pub(crate) fn note(&mut self, partition: PartitionId, record: &Record) {
        self.keys.note(partition, record);
        self.unique.note(partition, record);
        self.jobs.note(partition, record);
        self.correlations.note(partition, record);
        self.timers.note(partition, record);
        self.deployed.note(partition, record);
        self.sends.note(partition, record);
        self.failures.note(partition, record);
    }
}
