//! A message is correlated at most once to each process, whatever its versions, instances and
//! partitions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use skep_protocol::{
    Key, MessageIntent, MessageStartEventSubscriptionIntent, PartitionId, Payload,
    ProcessMessageSubscriptionIntent, Record, RecordType,
};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct MessageCorrelatesOnce;

impl Checker for MessageCorrelatesOnce {
    fn name(&self) -> &'static str {
        names::CORRELATION
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        evidence.recorded.folds.correlations.whole().map(drop)
    }
}

/// How long a correlation is remembered after its message, in milliseconds: longer than a command can
/// be on its way, or wait to be sent again to a partition that is away while faults last.
const REMEMBERED_MS: i64 = 15 * 60 * 1000;

/// Where a message was correlated.
struct Place {
    partition: PartitionId,
    position: u64,
}

/// What was correlated, for as long as it could be again.
#[derive(Default)]
pub(crate) struct Correlations {
    places: BTreeMap<(Key, String), Place>,
    /// Those that may be forgotten when their message is gone, oldest first.
    by_age: VecDeque<(i64, (Key, String))>,
    /// Messages that have not expired.
    messages: BTreeSet<Key>,
}

impl Fold for Correlations {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        if record.record_type != RecordType::Event {
            return Ok(());
        }
        match &record.payload {
            Payload::Message(MessageIntent::Published, _) => _ = self.messages.insert(record.key),
            Payload::Message(MessageIntent::Expired, _) => _ = self.messages.remove(&record.key),
            _ => {}
        }
        let Some((message, process)) = correlation(record) else { return Ok(()) };
        self.forget(record.timestamp_ms);
        let (position, timestamp_ms) = (record.position, record.timestamp_ms);
        let id = (message, process.to_owned());
        self.by_age.push_back((timestamp_ms, id.clone()));
        match self.places.insert(id, Place { partition, position }) {
            Some(first) => Err(format!(
                "message {message} is correlated to process {process} at position {} of partition {} and at position {position} of partition {partition}",
                first.position, first.partition
            )),
            None => Ok(()),
        }
    }
}

impl Correlations {
    /// Forgets what cannot come again; what has a message that lives is looked at again later.
    fn forget(&mut self, now_ms: i64) {
        while let Some((since_ms, _)) = self.by_age.front()
            && since_ms.saturating_add(REMEMBERED_MS) < now_ms
            && let Some((_, id)) = self.by_age.pop_front()
        {
            if self.messages.contains(&id.0) {
                self.by_age.push_back((now_ms, id));
            } else {
                self.places.remove(&id);
            }
        }
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
    use crate::check::testing::{Made, event, published};
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
    fn a_correlation_is_forgotten_after_its_message_only() {
        let later = |record: Record, times: i64| {
            let timestamp_ms = times * (REMEMBERED_MS + 1);
            Record { timestamp_ms, ..record }
        };
        let mut made = Made::new(1);
        made.entry(1, vec![published(7, ""), taken(7, "a"), later(taken(8, "a"), 1)]);
        let kept = |made: &Made| {
            let fold = made.evidence.recorded.folds.correlations.whole();
            fold.map(|it| it.places.keys().map(|(message, _)| *message).collect::<Vec<_>>())
        };
        assert_eq!(kept(&made), Ok(vec![7, 8]), "the message lives");
        let mut expired = published(7, "");
        if let Payload::Message(intent, _) = &mut expired.payload {
            *intent = MessageIntent::Expired;
        }
        made.entry(1, vec![expired, later(taken(9, "a"), 3)]);
        assert_eq!(kept(&made), Ok(vec![9]));
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
