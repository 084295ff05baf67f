//! No acknowledged command is lost: what a client was told to have happened is in the log, caused by
//! its command, at the position that it was told or before.

use std::collections::{BTreeMap, BTreeSet};

use skep_protocol::{JobBatchIntent, Key, PartitionId, Payload, RecordType};

use super::{Checker, names};
use crate::evidence::Evidence;
use crate::history::{Call, CallKind, Outcome};

/// See the module.
pub(crate) struct AcknowledgedIsNotLost;

impl Checker for AcknowledgedIsNotLost {
    fn name(&self) -> &'static str {
        names::ACKNOWLEDGED
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let activated = activated(evidence);
        let events = events(evidence);
        for call in evidence.calls.iter().filter(|call| call.kind != CallKind::Expected) {
            match &call.outcome {
                Outcome::Acknowledged { key, position, event } => {
                    let reference = if is_late(*event) { 0 } else { call.reference };
                    let found = events.get(&(call.partition, *key, *event, reference));
                    if found.is_none_or(|found| found > position) {
                        return Err(lost(evidence, call, *key, *position, *event));
                    }
                }
                Outcome::Jobs(jobs) => {
                    if let Some(job) = jobs.iter().find(|job| !activated.contains(job)) {
                        return Err(format!(
                            "{} at {} ms got job {job}, whose activation is not in the log",
                            call.what, call.invoked_ms
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

type Names = (&'static str, &'static str);

/// Whether such an answer comes with a later command, which has a reference of its own.
fn is_late(event: Names) -> bool {
    matches!(event, ("PROCESS_INSTANCE_RESULT", _) | ("MESSAGE_CORRELATION", "CORRELATED"))
}

/// The first position of each event or command: of this partition, key and kind, caused by this reference.
fn events(evidence: &Evidence) -> BTreeMap<(PartitionId, Key, Names, u64), u64> {
    let mut events = BTreeMap::new();
    for (partition, record) in evidence.recorded.all() {
        // Some commands are acknowledged by themselves: they were taken, and go on in slices.
        if record.record_type != RecordType::Rejection {
            let names = (record.payload.value_type().name(), record.payload.intent_name());
            let reference = if is_late(names) { 0 } else { record.operation_reference };
            let event = (partition, record.key, names, reference);
            events.entry(event).or_insert(record.position);
        }
    }
    events
}

fn activated(evidence: &Evidence) -> BTreeSet<Key> {
    let mut jobs = BTreeSet::new();
    for (_, record) in evidence.recorded.all() {
        if let Payload::JobBatch(JobBatchIntent::Activated, batch) = &record.payload {
            jobs.extend(batch.job_keys.iter().copied());
        }
    }
    jobs
}

fn lost(evidence: &Evidence, call: &Call, key: Key, position: u64, event: Names) -> String {
    let log = evidence.recorded.logs.get(&call.partition);
    let instead = log.and_then(|log| log.at(position)).map_or_else(
        || "the log ends before".to_owned(),
        |record| {
            format!(
                "the log has none by then (at that position: {} {} {}, reference {})",
                record.payload.value_type().name(),
                record.payload.intent_name(),
                record.key,
                record.operation_reference
            )
        },
    );
    format!(
        "{} (reference {}) at {} ms was acknowledged at {} ms with {} {} {key} at position {position} of partition {}, but {instead}",
        call.what,
        call.reference,
        call.invoked_ms,
        call.returned_ms,
        event.0,
        event.1,
        call.partition
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event, published};
    use skep_protocol::{JobBatchRecord, Record};

    fn acknowledged(key: Key, position: u64) -> Outcome {
        Outcome::Acknowledged { key, position, event: ("MESSAGE", "PUBLISHED") }
    }

    #[test]
    fn what_is_in_the_log_is_not_lost() {
        let mut made = Made::new(1);
        made.entry(
            1,
            vec![published(7, ""), Record { operation_reference: 1, ..published(8, "") }],
        );
        made.call(CallKind::Publish, acknowledged(8, 2));
        made.call(CallKind::Publish, Outcome::Unknown("time is up".to_owned()));
        assert_eq!(AcknowledgedIsNotLost.check(&made.evidence), Ok(()));
    }

    #[test]
    fn another_record_in_its_place_or_none_is_a_loss() {
        for (key, position, reference) in [(7, 2, 1), (8, 1, 1), (8, 2, 2)] {
            let mut made = Made::new(1);
            let by_another = Record { operation_reference: reference, ..published(8, "") };
            made.entry(1, vec![published(7, ""), by_another]);
            made.call(CallKind::Publish, acknowledged(key, position));
            assert!(AcknowledgedIsNotLost.check(&made.evidence).is_err());
        }
    }

    #[test]
    fn jobs_are_handed_over_only_when_the_log_says_so() {
        let mut made = Made::new(1);
        let batch = JobBatchRecord { job_keys: vec![5], ..JobBatchRecord::default() };
        made.entry(1, vec![event(1, Payload::JobBatch(JobBatchIntent::Activated, batch))]);
        made.call(CallKind::Activate, Outcome::Jobs(vec![5]));
        assert_eq!(AcknowledgedIsNotLost.check(&made.evidence), Ok(()));
        made.call(CallKind::Activate, Outcome::Jobs(vec![6]));
        assert!(AcknowledgedIsNotLost.check(&made.evidence).is_err());
    }
}
