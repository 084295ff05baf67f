//! No duplicate instance: however often a creation or a message with an id was sent, there is one.

use std::collections::{BTreeMap, VecDeque};

use skep_engine::limits::OPERATION_REFERENCE_WINDOW_MS;
use skep_protocol::{
    Key, MessageIntent, MessageRecord, PartitionId, Payload, ProcessInstanceCreationIntent, Record,
    RecordType,
};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct NoDuplicateInstance;

impl Checker for NoDuplicateInstance {
    fn name(&self) -> &'static str {
        names::DUPLICATES
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        evidence.recorded.folds.unique.whole().map(drop)
    }
}

/// What is there once, for as long as the cluster promises so.
#[derive(Default)]
pub(crate) struct Unique {
    /// Instance by the reference of its creation.
    instances: BTreeMap<u64, Key>,
    /// When they were made, oldest first.
    references: VecDeque<(i64, u64)>,
    /// Messages that have not expired, by name, correlation key and id.
    messages: BTreeMap<(String, String, String), Key>,
}

impl Fold for Unique {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        if record.record_type != RecordType::Event {
            return Ok(());
        }
        match &record.payload {
            Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Created, _)
                if record.operation_reference != 0 =>
            {
                self.note_creation(partition, record)
            }
            Payload::Message(MessageIntent::Published, message)
                if !message.message_id.is_empty() =>
            {
                match self.messages.insert(id(message), record.key) {
                    Some(other) => Err(format!(
                        "message {} with id '{}' was published as {other} and as {}",
                        message.name, message.message_id, record.key
                    )),
                    None => Ok(()),
                }
            }
            // An id is known for as long as its message is.
            Payload::Message(MessageIntent::Expired, message) => {
                self.messages.remove(&id(message));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Unique {
    fn note_creation(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        let (reference, now_ms) = (record.operation_reference, record.timestamp_ms);
        while let Some((since_ms, old)) = self.references.front().copied()
            && since_ms.saturating_add(OPERATION_REFERENCE_WINDOW_MS) < now_ms
        {
            self.references.pop_front();
            self.instances.remove(&old);
        }
        self.references.push_back((now_ms, reference));
        match self.instances.insert(reference, record.key) {
            Some(other) => Err(format!(
                "the creation with reference {reference} made {other} and {} (on partition {partition})",
                record.key
            )),
            None => Ok(()),
        }
    }
}

fn id(message: &MessageRecord) -> (String, String, String) {
    (message.name.clone(), message.correlation_key.clone(), message.message_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event, published};
    use skep_protocol::ProcessInstanceCreationRecord;

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
    fn a_reference_is_free_again_when_nobody_can_come_back_with_it() {
        let later = |record: Record, timestamp_ms| Record { timestamp_ms, ..record };
        let mut made = Made::new(1);
        made.entry(1, vec![created(1, 7), later(created(2, 7), OPERATION_REFERENCE_WINDOW_MS + 1)]);
        assert_eq!(NoDuplicateInstance.check(&made.evidence), Ok(()));
        made.entry(1, vec![later(created(3, 7), 2 * OPERATION_REFERENCE_WINDOW_MS + 1)]);
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
