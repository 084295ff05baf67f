//! What clients did and what they were told: the outside of a run.

use skep_protocol::{Key, PartitionId};

/// What a call was about, as far as a checker has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// DEPLOYMENT CREATE.
    Deploy,
    /// PROCESS_INSTANCE_CREATION CREATE. Repetitions have the reference of the first attempt.
    Create,
    /// MESSAGE PUBLISH with a message id that no other call has.
    Publish,
    /// JOB COMPLETE.
    Complete {
        /// The job.
        job: Key,
    },
    /// Something that has to succeed by now, when all attempts at it are done.
    Expected,
    /// JOB_BATCH ACTIVATE.
    Activate,
    /// Anything else.
    Other,
}

/// How a call ended, as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: the event that fulfilled it.
    Acknowledged {
        /// Key of the event.
        key: Key,
        /// Its position on the partition that was asked.
        position: u64,
        /// Value type and intent of the event.
        event: (&'static str, &'static str),
    },
    /// Jobs were handed over.
    Jobs(Vec<Key>),
    /// The engine refused it.
    Rejected(String),
    /// Certainly not taken: nothing of it may ever be seen.
    NotTaken(String),
    /// Lost, timed out or not answered: it may have happened, or may happen yet.
    Unknown(String),
}

/// One call of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The partition that was asked.
    pub partition: PartitionId,
    /// Operation reference; unique, but for repetitions of a creation. 0: none.
    pub reference: u64,
    /// What it was about.
    pub kind: CallKind,
    /// For people.
    pub what: String,
    /// When it was made, simulated milliseconds.
    pub invoked_ms: u64,
    /// When it was answered.
    pub returned_ms: u64,
    /// How it ended.
    pub outcome: Outcome,
}

impl Call {
    /// Whether this call may have had an effect.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        !matches!(self.outcome, Outcome::NotTaken(_) | Outcome::Rejected(_))
    }
}

/// Calls by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct OutcomeCounts {
    /// Answered with an event or with jobs.
    pub acknowledged: u64,
    /// Refused by the engine.
    pub rejected: u64,
    /// Certainly not taken.
    pub not_taken: u64,
    /// Nobody knows.
    pub unknown: u64,
}

impl OutcomeCounts {
    /// Counts these calls.
    #[must_use]
    pub fn of(calls: &[Call]) -> Self {
        let mut counts = Self::default();
        for call in calls {
            match call.outcome {
                Outcome::Acknowledged { .. } | Outcome::Jobs(_) => counts.acknowledged += 1,
                Outcome::Rejected(_) => counts.rejected += 1,
                Outcome::NotTaken(_) => counts.not_taken += 1,
                Outcome::Unknown(_) => counts.unknown += 1,
            }
        }
        counts
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.rejected += other.rejected;
        self.not_taken += other.not_taken;
        self.unknown += other.unknown;
    }
}
