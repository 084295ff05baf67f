//! A message is correlated at most once to each process, whatever its versions, instances and
//! partitions.

use std::collections::BTreeMap;

use skep_protocol::{
    Key, MessageStartEventSubscriptionIntent, Payload, ProcessMessageSubscriptionIntent, Record,
    RecordType,
};

use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct MessageCorrelatesOnce;

impl Checker for MessageCorrelatesOnce {
    fn name(&self) -> &'static str {
        names::CORRELATION
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let mut correlated = BTreeMap::new();
        for (partition, record) in evidence.recorded.all() {
            let Some((message, process)) = correlation(record) else { continue };
            let place = (partition, record.position);
            if let Some(first) = correlated.insert((message, process), place) {
                return Err(format!(
                    "message {message} is correlated to process {process} at position {} of partition {} and at position {} of partition {partition}",
                    first.1, first.0, record.position
                ));
            }
        }
        Ok(())
    }
}

/// The message and process of a correlation.
fn correlation(record: &Record) -> Option<(Key, &str)> {
    if record.record_type != RecordType::Event {
        return None;
    }
    match &record.payload {
        Payload::ProcessMessageSubscription(
            ProcessMessageSubscriptionIntent::Correlated,
            value,
        ) => Some((value.message_key, &value.bpmn_process_id)),
        Payload::MessageStartEventSubscription(
            MessageStartEventSubscriptionIntent::Correlated,
            value,
        ) => Some((value.message_key, &value.bpmn_process_id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::{MessageStartEventSubscriptionRecord, ProcessMessageSubscriptionRecord};

    fn taken(message_key: Key, process: &str) -> Record {
        let value = ProcessMessageSubscriptionRecord {
            message_key,
            bpmn_process_id: process.to_owned(),
            ..ProcessMessageSubscriptionRecord::default()
        };
        let intent = ProcessMessageSubscriptionIntent::Correlated;
        event(1, Payload::ProcessMessageSubscription(intent, value))
    }

    fn started(message_key: Key, process: &str) -> Record {
        let value = MessageStartEventSubscriptionRecord {
            message_key,
            bpmn_process_id: process.to_owned(),
            ..MessageStartEventSubscriptionRecord::default()
        };
        let intent = MessageStartEventSubscriptionIntent::Correlated;
        event(1, Payload::MessageStartEventSubscription(intent, value))
    }

    #[test]
    fn once_for_each_process() {
        let mut made = Made::new(2);
        made.entry(1, vec![taken(1, "a"), taken(1, "b"), taken(2, "a"), started(2, "b")]);
        assert_eq!(MessageCorrelatesOnce.check(&made.evidence), Ok(()));
    }

    #[test]
    fn twice_is_an_offence_even_on_another_partition() {
        for again in [taken(1, "a"), started(1, "a")] {
            let mut made = Made::new(2);
            made.entry(1, vec![taken(1, "a")]).entry(2, vec![again]);
            assert!(MessageCorrelatesOnce.check(&made.evidence).is_err());
        }
    }
}
