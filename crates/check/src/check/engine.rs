//! The engine never fails: it writes an ERROR record when it panicked on a command, and no task of a
//! node panics.

use skep_protocol::{PartitionId, Payload, Record, RejectionType};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct EngineNeverFails;

impl Checker for EngineNeverFails {
    fn name(&self) -> &'static str {
        names::ENGINE
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        if let Some(panic) = evidence.end.panics.first() {
            return Err(format!("a task panicked: {panic}"));
        }
        evidence.recorded.folds.failures.whole().map(drop)
    }
}

/// Nothing has to be remembered.
#[derive(Default)]
pub(crate) struct Failures;

impl Fold for Failures {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        let failed = match (&record.payload, &record.rejection) {
            (Payload::Error(_, value), _) => &value.exception_message,
            (_, Some(rejection)) if rejection.kind == RejectionType::ProcessingError => {
                &rejection.reason
            }
            _ => return Ok(()),
        };
        Err(format!("position {} of partition {partition}: {failed}", record.position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event, published};
    use skep_protocol::{ErrorIntent, ErrorRecord};

    #[test]
    fn an_error_record_or_a_panic_is_a_failure() {
        let mut made = Made::new(1);
        made.entry(1, vec![published(1, "")]);
        assert_eq!(EngineNeverFails.check(&made.evidence), Ok(()));
        made.evidence.end.panics.push("index out of range".to_owned());
        assert!(EngineNeverFails.check(&made.evidence).is_err());
        made.evidence.end.panics.clear();
        made.entry(1, vec![event(2, Payload::Error(ErrorIntent::Created, ErrorRecord::default()))]);
        assert!(EngineNeverFails.check(&made.evidence).is_err());
    }
}
