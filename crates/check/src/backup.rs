//! What is known of backups: who asked for them, how nodes said that they are, and what came out of
//! those that were said to be complete.

use skep_protocol::PartitionId;

use crate::replay::Row;

/// How a node says that a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupSaid {
    /// Somebody works on it.
    InProgress,
    /// It can be restored.
    Completed,
    /// It cannot be, or nobody works on it any more.
    Failed,
}

/// One answer of a node about a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// When, simulated milliseconds.
    pub at_ms: u64,
    /// Who.
    pub node: u32,
    /// What.
    pub state: BackupSaid,
    /// Why it failed.
    pub reason: Option<String>,
}

/// What a restore made of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredPart {
    /// The partition.
    pub partition: PartitionId,
    /// The position that it was restored up to.
    pub position: u64,
    /// Index of the entry behind which the partition begins its new life.
    pub entry_index: u64,
    /// The rows of its tables, sorted: table, key, value.
    pub rows: Vec<Row>,
}

/// A backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// Its number.
    pub id: u64,
    /// When it was asked for, simulated milliseconds; `None`: nobody remembers.
    pub requested_ms: Option<u64>,
    /// Whoever asked was told that it has begun.
    pub is_accepted: bool,
    /// What was said of it, in time.
    pub said: Vec<Said>,
    /// What a restore of it made, or why there was none; only of those that were said to be complete.
    pub restored: Option<Result<Vec<RestoredPart>, String>>,
}

impl Backup {
    /// Whether any node said that it is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.said.iter().any(|said| said.state == BackupSaid::Completed)
    }
}

/// Backups by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct BackupCounts {
    /// Asked for, each number once.
    pub asked: u64,
    /// Said to be complete.
    pub complete: u64,
    /// Begun, and said to have failed.
    pub failed: u64,
}

impl BackupCounts {
    /// Counts these backups.
    #[must_use]
    pub fn of(backups: &[Backup]) -> Self {
        let mut counts = Self { asked: backups.len() as u64, ..Self::default() };
        for backup in backups {
            if backup.is_complete() {
                counts.complete += 1;
            } else if !backup.said.is_empty() {
                counts.failed += 1;
            }
        }
        counts
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.complete += other.complete;
        self.failed += other.failed;
    }
}
