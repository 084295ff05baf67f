//! What the log of a partition makes of an empty state, as far as it goes, against what replicas have.

use skep_broker::Inspection;
use skep_check::Replay;
use skep_protocol::Record;

/// Position and digest of a replica's state.
pub(crate) type State = (u64, String);

/// A replay that goes on with the log, from one look to the next.
pub(super) struct Follow {
    partition: u32,
    /// None when it cannot go on: that was told.
    replay: Option<Replay>,
    /// States that are to be compared when their positions are reached; the nearest is the last.
    stops: Vec<State>,
}

impl Follow {
    pub(super) fn new(partition: u32, partitions: u32) -> Result<Self, String> {
        let replay = Some(Replay::new(partition, partitions)?);
        Ok(Self { partition, replay, stops: Vec::new() })
    }

    /// These are to be compared on the way.
    pub(super) fn stop_at(&mut self, states: &[State]) {
        self.stops = states.to_vec();
        self.stops.sort();
        self.stops.reverse();
    }

    /// Goes on with the next records; a log that cannot be replayed is left alone from there.
    pub(super) fn on(&mut self, records: &[Record]) -> Result<(), String> {
        let Some(mut replay) = self.replay.take() else { return Ok(()) };
        let end = replay.position() + records.len() as u64;
        let mut rest = records;
        let mut differs = Ok(());
        while let Some((position, _)) = self.stops.last()
            && *position <= end
        {
            let position = *position;
            let compared = if position < replay.position() {
                self.stops.pop();
                Err(format!(
                    "a replica of partition {} is still at position {position}, behind {}, which was \
                     committed before",
                    self.partition,
                    replay.position()
                ))
            } else {
                rest = replay.to(position, rest)?;
                self.compare(&replay, position)
            };
            differs = differs.and(compared);
        }
        replay.follow(rest)?;
        self.replay = Some(replay);
        differs
    }

    /// What is left to compare at the end of a look is beyond the log.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.on(&[])?;
        let left = std::mem::take(&mut self.stops);
        match (left.last(), &self.replay) {
            (Some((position, _)), Some(replay)) => Err(format!(
                "a replica is at position {position} of partition {}, whose log ends at {}",
                self.partition,
                replay.position()
            )),
            _ => Ok(()),
        }
    }

    /// Compares the states at this position.
    fn compare(&mut self, replay: &Replay, position: u64) -> Result<(), String> {
        let rows = replay.rows();
        let agrees = replay.agrees_with(&rows);
        let given = Inspection { entry: None, position, rows };
        let given = format!("{:016x}", given.digest());
        let mut result = agrees.map_err(|what| format!("partition {}: {what}", self.partition));
        while let Some((_, shown)) = self.stops.pop_if(|(at, _)| *at == position) {
            if shown != given && result.is_ok() {
                result = Err(format!(
                    "a replica of partition {} at position {position} has the digest {shown}, the \
                     replay of its log {given}",
                    self.partition
                ));
            }
        }
        result
    }
}
