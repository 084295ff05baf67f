//! A job completes at most once: in the log, and for the workers that were told so. Nothing happens
//! to it afterwards.

use std::collections::{BTreeMap, BTreeSet};

use skep_protocol::{JobBatchIntent, JobIntent, Key, PartitionId, Payload, Record, RecordType};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::Evidence;
use crate::history::{CallKind, Outcome};

/// See the module.
pub(crate) struct JobCompletesOnce;

impl Checker for JobCompletesOnce {
    fn name(&self) -> &'static str {
        names::JOBS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        evidence.recorded.folds.jobs.whole()?;
        let completed = completed(evidence);
        let mut told: BTreeMap<Key, u64> = BTreeMap::new();
        for call in &evidence.calls {
            let CallKind::Complete { job } = call.kind else { continue };
            if !matches!(call.outcome, Outcome::Acknowledged { .. }) {
                continue;
            }
            if let Some(first_ms) = told.insert(job, call.invoked_ms) {
                return Err(format!(
                    "the completion of job {job} was acknowledged twice: to the calls at {first_ms} and {} ms",
                    call.invoked_ms
                ));
            }
            if !completed.contains(&job) {
                return Err(format!(
                    "the completion of job {job} at {} ms was acknowledged, but is not in the log",
                    call.invoked_ms
                ));
            }
        }
        Ok(())
    }
}

/// Jobs that completed.
fn completed(evidence: &Evidence) -> BTreeSet<Key> {
    let events = evidence.recorded.all().filter(|(_, it)| it.record_type == RecordType::Event);
    let completed =
        |record: &Record| matches!(record.payload, Payload::Job(JobIntent::Completed, _));
    events.filter(|(_, record)| completed(record)).map(|(_, record)| record.key).collect()
}

/// Jobs that were made and have not ended.
#[derive(Default)]
pub(crate) struct Jobs(BTreeSet<Key>);

impl Fold for Jobs {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        if record.record_type != RecordType::Event {
            return Ok(());
        }
        match &record.payload {
            Payload::Job(JobIntent::Created, _) => _ = self.0.insert(record.key),
            Payload::Job(intent, _) => {
                let ends = matches!(intent, JobIntent::Completed | JobIntent::Canceled);
                let lives =
                    if ends { self.0.remove(&record.key) } else { self.0.contains(&record.key) };
                if !lives {
                    return Err(format!(
                        "job {} ended, and then it is {} at position {} of partition {partition}",
                        record.key,
                        intent.name(),
                        record.position
                    ));
                }
            }
            Payload::JobBatch(JobBatchIntent::Activated, batch) => {
                if let Some(job) = batch.job_keys.iter().find(|job| !self.0.contains(job)) {
                    return Err(format!(
                        "job {job} ended, and then it is handed out at position {} of partition {partition}",
                        record.position
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::{JobBatchRecord, JobRecord};

    fn job(key: Key, intent: JobIntent) -> Record {
        event(key, Payload::Job(intent, JobRecord::default()))
    }

    fn told() -> Outcome {
        Outcome::Acknowledged { key: 5, position: 2, event: ("JOB", "COMPLETED") }
    }

    #[test]
    fn one_completion_is_fine() {
        let mut made = Made::new(1);
        made.entry(1, vec![job(5, JobIntent::Created), job(5, JobIntent::Completed)]);
        made.call(CallKind::Complete { job: 5 }, told());
        made.call(CallKind::Complete { job: 5 }, Outcome::Rejected("not found".to_owned()));
        assert_eq!(JobCompletesOnce.check(&made.evidence), Ok(()));
        made.call(CallKind::Complete { job: 5 }, told());
        assert!(JobCompletesOnce.check(&made.evidence).is_err(), "told twice");
    }

    #[test]
    fn nothing_follows_the_end_of_a_job() {
        for after in [JobIntent::Completed, JobIntent::TimedOut, JobIntent::Failed] {
            let mut made = Made::new(1);
            made.entry(
                1,
                vec![job(5, JobIntent::Created), job(5, JobIntent::Completed), job(5, after)],
            );
            assert!(JobCompletesOnce.check(&made.evidence).is_err(), "{after:?}");
        }
        let mut made = Made::new(1);
        let batch = JobBatchRecord { job_keys: vec![5], ..JobBatchRecord::default() };
        let activated = event(6, Payload::JobBatch(JobBatchIntent::Activated, batch));
        made.entry(1, vec![job(5, JobIntent::Created), job(5, JobIntent::Canceled), activated]);
        assert!(JobCompletesOnce.check(&made.evidence).is_err(), "handed out again");
    }

    #[test]
    fn an_acknowledged_completion_is_in_the_log() {
        let mut made = Made::new(1);
        made.entry(1, vec![job(5, JobIntent::Created)]);
        made.call(CallKind::Complete { job: 5 }, told());
        assert!(JobCompletesOnce.check(&made.evidence).is_err());
    }
}
