//! Timers fire neither early nor never: not before their due date by the clock of the leader that
//! fires them, and not left behind when the run ends long after it.

use std::collections::BTreeMap;

use skep_protocol::{Key, PartitionId, Payload, Record, RecordType, TimerIntent};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::Evidence;

/// A timer that is due this long at the end of a run is lost, in milliseconds: any leader has looked
/// many times since, even one whose clock is behind by the largest skew that faults make.
const LATE_MS: i64 = 10_000;

/// See the module.
pub(crate) struct TimersAreOnTime;

impl Checker for TimersAreOnTime {
    fn name(&self) -> &'static str {
        names::TIMERS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let waiting = &evidence.recorded.folds.timers.whole()?.0;
        let lost = |(_, (_, due_ms)): &(&u64, &(u32, i64))| {
            due_ms.saturating_add(LATE_MS) < evidence.end.now_ms
        };
        match waiting.iter().find(lost) {
            Some((key, (partition, due_ms))) => Err(format!(
                "timer {key} of partition {partition} was due {} ms before the end and never fired",
                evidence.end.now_ms - due_ms
            )),
            None => Ok(()),
        }
    }
}

/// Timers that wait: partition and due date.
#[derive(Default)]
pub(crate) struct Timers(BTreeMap<Key, (PartitionId, i64)>);

impl Fold for Timers {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        let Payload::Timer(intent, value) = &record.payload else { return Ok(()) };
        if record.record_type != RecordType::Event {
            return Ok(());
        }
        match intent {
            TimerIntent::Created => {
                self.0.insert(record.key, (partition, value.due_date_ms));
            }
            TimerIntent::Triggered => {
                let Some((_, due_ms)) = self.0.remove(&record.key) else {
                    return Err(format!("timer {} fires without waiting", record.key));
                };
                if record.timestamp_ms < due_ms {
                    return Err(format!(
                        "timer {} of {} fires {} ms early, at position {} of partition {partition}",
                        record.key,
                        value.target_element_id,
                        due_ms - record.timestamp_ms,
                        record.position
                    ));
                }
            }
            _ => _ = self.0.remove(&record.key),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::TimerRecord;

    fn timer(intent: TimerIntent, timestamp_ms: i64) -> Record {
        let value = TimerRecord { due_date_ms: 1_000, ..TimerRecord::default() };
        Record { timestamp_ms, ..event(5, Payload::Timer(intent, value)) }
    }

    #[test]
    fn on_time_is_fine() {
        let mut made = Made::new(1);
        made.evidence.end.now_ms = 1_000_000;
        made.entry(1, vec![timer(TimerIntent::Created, 0), timer(TimerIntent::Triggered, 1_000)]);
        assert_eq!(TimersAreOnTime.check(&made.evidence), Ok(()));
        let mut made = Made::new(1);
        made.entry(1, vec![timer(TimerIntent::Created, 0), timer(TimerIntent::Canceled, 10)]);
        assert_eq!(TimersAreOnTime.check(&made.evidence), Ok(()));
    }

    #[test]
    fn early_is_not() {
        let mut made = Made::new(1);
        made.entry(1, vec![timer(TimerIntent::Created, 0), timer(TimerIntent::Triggered, 999)]);
        assert!(TimersAreOnTime.check(&made.evidence).unwrap_err().contains("1 ms early"));
    }

    #[test]
    fn never_is_not() {
        let mut made = Made::new(1);
        made.entry(1, vec![timer(TimerIntent::Created, 0)]);
        made.evidence.end.now_ms = 1_000 + LATE_MS;
        assert_eq!(TimersAreOnTime.check(&made.evidence), Ok(()));
        made.evidence.end.now_ms += 1;
        assert!(TimersAreOnTime.check(&made.evidence).is_err());
    }
}
