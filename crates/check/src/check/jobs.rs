//! A job completes at most once: in the log, and for the workers that were told so. Nothing happens
//! to it afterwards.

use std::collections::{BTreeMap, BTreeSet};

use skep_protocol::{JobBatchIntent, JobIntent, Key, Payload, RecordType};

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
        let completed = in_the_log(evidence)?;
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
fn in_the_log(evidence: &Evidence) -> Result<BTreeSet<Key>, String> {
    let mut completed = BTreeSet::new();
    let mut ended: BTreeSet<Key> = BTreeSet::new();
    for (partition, record) in evidence.recorded.all() {
        if record.record_type != RecordType::Event {
            continue;
        }
        match &record.payload {
            Payload::Job(intent, _) => {
                if ended.contains(&record.key) {
                    return Err(format!(
                        "job {} ended, and then it is {} at position {} of partition {partition}",
                        record.key,
                        intent.name(),
                        record.position
                    ));
                }
                if matches!(intent, JobIntent::Completed | JobIntent::Canceled) {
                    ended.insert(record.key);
                }
                if *intent == JobIntent::Completed {
                    completed.insert(record.key);
                }
            }
            Payload::JobBatch(JobBatchIntent::Activated, batch) => {
                if let Some(job) = batch.job_keys.iter().find(|job| ended.contains(job)) {
                    return Err(format!(
                        "job {job} ended, and then it is handed out at position {} of partition {partition}",
                        record.position
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(completed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::{JobBatchRecord, JobRecord, Record};

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
            made.entry(1, vec![job(5, JobIntent::Completed), job(5, after)]);
            assert!(JobCompletesOnce.check(&made.evidence).is_err(), "{after:?}");
        }
        let mut made = Made::new(1);
        let batch = JobBatchRecord { job_keys: vec![5], ..JobBatchRecord::default() };
        let activated = event(6, Payload::JobBatch(JobBatchIntent::Activated, batch));
        made.entry(1, vec![job(5, JobIntent::Canceled), activated]);
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
