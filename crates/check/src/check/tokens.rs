//! Tokens are conserved: an active scope has a token or an element instance in it, what has ended has
//! none, and no record contradicts the life of what it is about.

use skep_protocol::{ElementType, ErrorType, NO_KEY};

use super::{Checker, names};
use crate::evidence::Evidence;
use crate::reader::history::{History, Life};

/// See the module.
pub(crate) struct TokensAreConserved;

impl Checker for TokensAreConserved {
    fn name(&self) -> &'static str {
        names::TOKENS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        for (partition, log) in &evidence.recorded.logs {
            if let Some(offence) = &log.reader.offence {
                return Err(format!("partition {partition}: {offence}"));
            }
            scopes_have_tokens(&log.reader.history)
                .map_err(|reason| format!("partition {partition}: {reason}"))?;
        }
        Ok(())
    }
}

/// At the end of the log no slice is half done, so every scope that is active waits for something.
fn scopes_have_tokens(history: &History) -> Result<(), String> {
    if !history.batches.is_empty() {
        return Ok(());
    }
    for (key, element) in &history.elements {
        let record = &element.record;
        let is_scope = record.element_type == ElementType::Process as i32
            || record.element_type == ElementType::SubProcess as i32;
        let stopped = history.incidents.values().any(|incident| {
            incident.element_instance_key == *key
                && incident.error_type != ErrorType::Unknown as i32
        });
        let waits = !element.children.is_empty() || element.tokens > 0 || stopped;
        if is_scope && element.life == Life::Activated && !waits {
            return Err(format!(
                "{} {key} is active without a token; its scope is {}",
                record.element_id,
                if record.flow_scope_key == NO_KEY { 0 } else { record.flow_scope_key }
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, element};
    use skep_protocol::ProcessInstanceIntent::*;
    use skep_protocol::key::compose;
    use skep_protocol::{Payload, Record};

    fn process(key: u64, intent: skep_protocol::ProcessInstanceIntent) -> Record {
        let mut record = element(key, NO_KEY, 0, intent);
        if let Payload::ProcessInstance(_, value) = &mut record.payload {
            value.element_type = ElementType::Process as i32;
        }
        record
    }

    #[test]
    fn a_task_in_a_process_is_a_token() {
        let (instance, task) = (compose(1, 1), compose(1, 2));
        let mut made = Made::new(1);
        made.entry(
            1,
            vec![process(instance, ElementActivating), process(instance, ElementActivated)],
        );
        assert!(TokensAreConserved.check(&made.evidence).unwrap_err().contains("without a token"));
        made.entry(1, vec![element(task, instance, 0, ElementActivating)]);
        assert_eq!(TokensAreConserved.check(&made.evidence), Ok(()));
    }

    #[test]
    fn tokens_are_not_taken_twice() {
        let (instance, task) = (compose(1, 1), compose(1, 2));
        let mut made = Made::new(1);
        made.entry(
            1,
            vec![process(instance, ElementActivating), process(instance, ElementActivated)],
        );
        made.entry(1, vec![element(task, instance, 1, ElementActivating)]);
        assert!(TokensAreConserved.check(&made.evidence).unwrap_err().contains("token"));
    }

    #[test]
    fn what_has_ended_has_no_children() {
        let (instance, task) = (compose(1, 1), compose(1, 2));
        let mut made = Made::new(1);
        made.entry(
            1,
            vec![process(instance, ElementActivating), process(instance, ElementActivated)],
        );
        made.entry(1, vec![element(task, instance, 0, ElementActivating)]);
        made.entry(1, vec![process(instance, ElementCompleting)]);
        assert!(TokensAreConserved.check(&made.evidence).is_err());
    }
}
