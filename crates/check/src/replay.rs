//! What the log of a partition makes of an empty state, and what its records say of that.

use std::sync::Arc;

use skep_engine::state::NoBacking;
use skep_engine::{Engine, Settings};
use skep_protocol::{PartitionId, Record};

use crate::records::Reader;

/// Table, key and value.
pub type Row = (u8, Vec<u8>, Vec<u8>);

/// A replay that goes on as the log does.
pub struct Replay {
    partition: PartitionId,
    engine: Engine,
    reader: Reader,
    position: u64,
}

impl Replay {
    /// From the empty state.
    ///
    /// # Errors
    /// The engine cannot begin.
    pub fn new(partition: PartitionId, partitions: u32) -> Result<Self, String> {
        let settings = Settings { partition_id: partition, partitions };
        let engine =
            Engine::new(settings, Arc::new(NoBacking)).map_err(|error| error.to_string())?;
        Ok(Self { partition, engine, reader: Reader::new(partition), position: 0 })
    }

    /// The last position that was replayed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Replays the next records of the log.
    ///
    /// # Errors
    /// The log cannot be replayed.
    pub fn follow(&mut self, records: &[Record]) -> Result<(), String> {
        self.engine.replay(records).map_err(|error| {
            format!("the log of partition {} cannot be replayed: {error}", self.partition)
        })?;
        records.iter().for_each(|record| self.reader.note(record));
        self.position = records.last().map_or(self.position, |record| record.position);
        Ok(())
    }

    /// Replays records as far as a position, and answers those that come after it.
    ///
    /// # Errors
    /// The position is behind what was replayed, or the records end before it.
    pub fn to<'a>(&mut self, position: u64, records: &'a [Record]) -> Result<&'a [Record], String> {
        let new = position.checked_sub(self.position).and_then(|new| usize::try_from(new).ok());
        let Some((now, later)) = new.and_then(|new| records.split_at_checked(new)) else {
            return Err(format!(
                "a replica is at position {position} of partition {}, whose log ends at {}",
                self.partition,
                records.last().map_or(self.position, |record| record.position)
            ));
        };
        self.follow(now)?;
        Ok(later)
    }

    /// The rows of the state.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.engine.dump()
    }

    /// Whether rows of the state at this position say what the records say.
    ///
    /// # Errors
    /// What differs.
    pub fn agrees_with(&self, rows: &Vec<Row>) -> Result<(), String> {
        if self.reader.offence.is_some() {
            return Ok(());
        }
        self.reader.agrees_with(rows).map_err(|reason| format!("state against records: {reason}"))
    }
}
