//! When all faults stop, everything heals and finishes, in bounded time: every partition is led,
//! every instance ends, every replica has caught up.

use super::{Checker, names};
use crate::evidence::Evidence;
use crate::history::{Call, CallKind, Outcome};

/// See the module.
pub(crate) struct EverythingHeals;

impl Checker for EverythingHeals {
    fn name(&self) -> &'static str {
        names::LIVENESS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let expected = |call: &&Call| call.kind == CallKind::Expected;
        for call in evidence.calls.iter().filter(expected) {
            if !matches!(call.outcome, Outcome::Acknowledged { .. }) {
                return Err(format!(
                    "{} on partition {} at {} ms: {:?}",
                    call.what, call.partition, call.invoked_ms, call.outcome
                ));
            }
        }
        match evidence.end.healed_after_ms {
            Some(_) => Ok(()),
            None if evidence.end.left.is_empty() => {
                Err("the run did not come to its end".to_owned())
            }
            None => Err(format!("not done when patience ended: {}", evidence.end.left.join("; "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::Made;

    #[test]
    fn what_is_expected_has_to_succeed() {
        let mut made = Made::new(1);
        let event = ("PROCESS_INSTANCE_CREATION", "CREATED");
        let done = Outcome::Acknowledged { key: 1, position: 1, event };
        made.call(CallKind::Expected, done);
        assert_eq!(EverythingHeals.check(&made.evidence), Ok(()));
        made.call(CallKind::Expected, Outcome::Rejected("no version 10".to_owned()));
        assert!(EverythingHeals.check(&made.evidence).unwrap_err().contains("version 10"));
    }

    #[test]
    fn what_is_left_is_named() {
        let mut made = Made::new(1);
        assert_eq!(EverythingHeals.check(&made.evidence), Ok(()));
        made.evidence.end.healed_after_ms = None;
        assert!(EverythingHeals.check(&made.evidence).is_err());
        made.evidence.end.left.push("partition 2 has no leader".to_owned());
        assert!(EverythingHeals.check(&made.evidence).unwrap_err().contains("no leader"));
    }
}
