//! When all faults stop, everything heals and finishes, in bounded time: every partition is led,
//! every instance ends, every replica has caught up.

use std::collections::BTreeSet;

use skep_protocol::Key;

use super::{Checker, names};
use crate::evidence::Evidence;
use crate::history::{Call, CallKind, Outcome};
use crate::reader::history::{Element, History};

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
            Some(_) => evidence.recorded.logs.iter().try_for_each(|(partition, log)| {
                stuck(&log.reader.history)
                    .map_or(Ok(()), |what| Err(format!("partition {partition}: {what}")))
            }),
            None if evidence.end.left.is_empty() => {
                Err("the run did not come to its end".to_owned())
            }
            None => Err(format!("not done when patience ended: {}", evidence.end.left.join("; "))),
        }
    }
}

/// The first element instance that neither goes on nor waits for anything.
fn stuck(history: &History) -> Option<String> {
    if let Some(batch) = history.batches.first() {
        return Some(format!("slice {batch} does not go on"));
    }
    let mut waits: BTreeSet<Key> = history.jobs.values().map(|job| job.element).collect();
    waits.extend(history.timers.values());
    waits.extend(history.subscriptions.keys().map(|(element, _)| element));
    waits.extend(history.incidents.values().map(|incident| incident.element_instance_key));
    // Who called another instance waits for its end.
    waits.extend(history.elements.values().map(|it| it.record.parent_element_instance_key));
    let is_stuck = |(key, element): &(&Key, &Element)| {
        element.children.is_empty() && element.tokens == 0 && !waits.contains(key)
    };
    let (key, element) = history.elements.iter().find(is_stuck)?;
    let record = &element.record;
    Some(format!(
        "{} {key} of instance {} of {} is {:?} and waits for nothing",
        record.element_id, record.process_instance_key, record.bpmn_process_id, element.life
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, element, event};
    use skep_protocol::key::compose;
    use skep_protocol::{JobIntent, JobRecord, NO_KEY, Payload, ProcessInstanceIntent};

    #[test]
    fn who_waits_for_nothing_is_stuck() {
        use ProcessInstanceIntent::{ElementActivated, ElementActivating};
        let (instance, task) = (compose(1, 1), compose(1, 2));
        let mut made = Made::new(1);
        made.entry(1, vec![element(instance, NO_KEY, 0, ElementActivating)]);
        made.entry(1, vec![element(instance, NO_KEY, 0, ElementActivated)]);
        made.entry(1, vec![element(task, instance, 0, ElementActivating)]);
        let found = EverythingHeals.check(&made.evidence).unwrap_err();
        assert!(found.contains("is Activating and waits for nothing"), "{found}");
        let job = JobRecord { element_instance_key: task, ..JobRecord::default() };
        made.entry(1, vec![event(compose(1, 3), Payload::Job(JobIntent::Created, job))]);
        assert_eq!(EverythingHeals.check(&made.evidence), Ok(()));
    }

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
