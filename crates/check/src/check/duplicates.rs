//! No duplicate instance: however often a creation or a message with an id was sent, there is one.

use std::collections::BTreeMap;

use skep_protocol::{MessageIntent, Payload, ProcessInstanceCreationIntent, RecordType};

use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct NoDuplicateInstance;

impl Checker for NoDuplicateInstance {
    fn name(&self) -> &'static str {
        names::DUPLICATES
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let mut instances = BTreeMap::new();
        let mut messages = BTreeMap::new();
        for (partition, record) in evidence.recorded.all() {
            if record.record_type != RecordType::Event {
                continue;
            }
            match &record.payload {
                Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Created, _)
                    if record.operation_reference != 0 =>
                {
                    let reference = record.operation_reference;
                    if let Some(other) = instances.insert(reference, record.key) {
                        return Err(format!(
                            "the creation with reference {reference} made {other} and {} (on partition {partition})",
                            record.key
                        ));
                    }
                }
                Payload::Message(MessageIntent::Published, message)
                    if !message.message_id.is_empty() =>
                {
                    let id = (&message.name, &message.correlation_key, &message.message_id);
                    if let Some(other) = messages.insert(id, record.key) {
                        return Err(format!(
                            "message {} with id '{}' was published as {other} and as {}",
                            message.name, message.message_id, record.key
                        ));
                    }
                }
                // An id is known for as long as its message is.
                Payload::Message(MessageIntent::Expired, message) => {
                    let id = (&message.name, &message.correlation_key, &message.message_id);
                    messages.remove(&id);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event, published};
    use skep_protocol::{Key, ProcessInstanceCreationRecord, Record};

    fn created(key: Key, reference: u64) -> Record {
        let record = ProcessInstanceCreationRecord::default();
        let intent = ProcessInstanceCreationIntent::Created;
        let mut record = event(key, Payload::ProcessInstanceCreation(intent, record));
        record.operation_reference = reference;
        record
    }

    #[test]
    fn one_instance_for_each_reference() {
        let mut made = Made::new(2);
        made.entry(1, vec![created(1, 1), created(2, 2), created(3, 0), created(4, 0)]);
        assert_eq!(NoDuplicateInstance.check(&made.evidence), Ok(()));
        made.entry(2, vec![created(5, 2)]);
        assert!(NoDuplicateInstance.check(&made.evidence).is_err());
    }

    #[test]
    fn one_message_for_each_id() {
        let mut made = Made::new(1);
        made.entry(
            1,
            vec![published(1, "a"), published(2, "b"), published(3, ""), published(4, "")],
        );
        assert_eq!(NoDuplicateInstance.check(&made.evidence), Ok(()));
        made.entry(1, vec![published(5, "b")]);
        assert!(NoDuplicateInstance.check(&made.evidence).is_err());
    }

    #[test]
    fn an_id_is_free_again_when_its_message_expired() {
        let mut made = Made::new(1);
        let mut expired = published(1, "a");
        if let Payload::Message(intent, _) = &mut expired.payload {
            *intent = MessageIntent::Expired;
        }
        made.entry(1, vec![published(1, "a"), expired, published(2, "a")]);
        assert_eq!(NoDuplicateInstance.check(&made.evidence), Ok(()));
    }
}
