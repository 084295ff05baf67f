//! No acknowledged command is lost: what a client was told to have happened is in the log, at the
//! position that it was told.

use std::collections::BTreeSet;

use skep_protocol::{JobBatchIntent, Key, Payload, RecordType};

use super::Checker;
use crate::evidence::Evidence;
use crate::history::{Call, Outcome};

/// See the module.
pub struct AcknowledgedIsNotLost;

impl Checker for AcknowledgedIsNotLost {
    fn name(&self) -> &'static str {
        "acknowledged is not lost"
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let activated = activated(evidence);
        for call in &evidence.calls {
            match &call.outcome {
                Outcome::Acknowledged { key, position, event } => {
                    find(evidence, call, *key, *position, *event)?;
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

fn activated(evidence: &Evidence) -> BTreeSet<Key> {
    let mut jobs = BTreeSet::new();
    for (_, record) in evidence.recorded.all() {
        if let Payload::JobBatch(JobBatchIntent::Activated, batch) = &record.payload {
            jobs.extend(batch.job_keys.iter().copied());
        }
    }
    jobs
}

fn find(
    evidence: &Evidence,
    call: &Call,
    key: Key,
    position: u64,
    event: (&'static str, &'static str),
) -> Result<(), String> {
    let log = evidence.recorded.logs.get(&call.partition);
    let found = log.and_then(|log| log.at(position));
    let is_it = found.is_some_and(|record| {
        record.record_type == RecordType::Event
            && record.key == key
            && (record.payload.value_type().name(), record.payload.intent_name()) == event
    });
    if is_it {
        return Ok(());
    }
    let instead = found.map_or_else(
        || "the log ends before".to_owned(),
        |record| {
            format!(
                "there is {} {} {} instead",
                record.payload.value_type().name(),
                record.payload.intent_name(),
                record.key
            )
        },
    );
    Err(format!(
        "{} at {} ms was acknowledged at {} ms with {} {} {key} at position {position} of partition {}, but {instead}",
        call.what, call.invoked_ms, call.returned_ms, event.0, event.1, call.partition
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event, published};
    use crate::history::CallKind;
    use skep_protocol::JobBatchRecord;

    fn acknowledged(key: Key, position: u64) -> Outcome {
        Outcome::Acknowledged { key, position, event: ("MESSAGE", "PUBLISHED") }
    }

    #[test]
    fn what_is_in_the_log_is_not_lost() {
        let mut made = Made::new(1);
        made.entry(1, vec![published(7, ""), published(8, "")]);
        made.call(CallKind::Publish, acknowledged(8, 2));
        made.call(CallKind::Publish, Outcome::Unknown("time is up".to_owned()));
        assert_eq!(AcknowledgedIsNotLost.check(&made.evidence), Ok(()));
    }

    #[test]
    fn another_record_in_its_place_or_none_is_a_loss() {
        for (key, position) in [(7, 2), (8, 3)] {
            let mut made = Made::new(1);
            made.entry(1, vec![published(7, ""), published(8, "")]);
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
