//! What was certainly not taken leaves no trace: whoever was told so may send it elsewhere.

use std::collections::BTreeSet;

use super::{Checker, names};
use crate::evidence::Evidence;
use crate::history::{Call, Outcome};

/// See the module.
pub(crate) struct RefusedLeavesNoTrace;

impl Checker for RefusedLeavesNoTrace {
    fn name(&self) -> &'static str {
        names::REFUSED
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let referenced = |call: &&Call| call.reference != 0;
        let taken: BTreeSet<u64> = evidence
            .calls
            .iter()
            .filter(referenced)
            .filter(|call| !matches!(call.outcome, Outcome::NotTaken(_)))
            .map(|call| call.reference)
            .collect();
        let seen: BTreeSet<u64> =
            evidence.recorded.all().map(|(_, record)| record.operation_reference).collect();
        let traced = evidence.calls.iter().filter(referenced).find(|call| {
            matches!(call.outcome, Outcome::NotTaken(_))
                && !taken.contains(&call.reference)
                && seen.contains(&call.reference)
        });
        match traced {
            Some(call) => Err(format!(
                "{} at {} ms with reference {} was said to be certainly not taken ({:?}), but the log has it",
                call.what, call.invoked_ms, call.reference, call.outcome
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, published};
    use crate::history::CallKind;

    fn made(outcome: Outcome) -> Made {
        let mut made = Made::new(1);
        let mut record = published(7, "");
        record.operation_reference = 1;
        made.entry(1, vec![record]);
        made.call(CallKind::Publish, outcome);
        made
    }

    #[test]
    fn an_unknown_outcome_may_leave_traces() {
        let made = made(Outcome::Unknown("lost".to_owned()));
        assert_eq!(RefusedLeavesNoTrace.check(&made.evidence), Ok(()));
    }

    #[test]
    fn a_refusal_may_not() {
        let mut made = made(Outcome::NotTaken("no leader".to_owned()));
        assert!(RefusedLeavesNoTrace.check(&made.evidence).is_err());
        // Unless it was sent again with the same reference.
        made.call(CallKind::Create, Outcome::Unknown("lost".to_owned())).reference = 1;
        assert_eq!(RefusedLeavesNoTrace.check(&made.evidence), Ok(()));
    }
}
