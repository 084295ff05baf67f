//! What another partition did not answer is sent again: when everything is healed, nothing that was
//! sent from one partition to another waits for long to be answered.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use skep_protocol::{
    CommandDistributionIntent, Key, MessageSubscriptionIntent, MessageSubscriptionRecord,
    PartitionId, Payload, ProcessMessageSubscriptionIntent, ProcessMessageSubscriptionRecord,
    Record, RecordType,
};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::Evidence;

/// What is not answered this long after all is healed was forgotten, in milliseconds: it is sent
/// again every few seconds.
const ANSWER_MAX_MS: i64 = 15_000;

/// Late answers that are remembered: those of the newest faults.
const LATE_MAX: usize = 10_000;

/// See the module.
pub(crate) struct SendsAreRepeated;

impl Checker for SendsAreRepeated {
    fn name(&self) -> &'static str {
        names::SENDS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let sends = evidence.recorded.folds.sends.whole()?;
        let healed_ms = evidence.end.healing_from_ms;
        for late in &sends.late {
            let waited_ms = late.at_ms - late.since_ms.max(healed_ms);
            if waited_ms > ANSWER_MAX_MS {
                return Err(format!(
                    "{} waited {waited_ms} ms in a healed cluster to be answered (position {} of partition {})",
                    late.send, late.position, late.partition
                ));
            }
        }
        let never = sends.waiting.iter().find(|(_, since_ms)| {
            evidence.end.now_ms - (**since_ms).max(healed_ms) > ANSWER_MAX_MS
        });
        match never {
            Some((send, _)) => Err(format!("{send} was never answered")),
            None => Ok(()),
        }
    }
}

/// Something that is sent to another partition until it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Send {
    /// The subscription of an element instance for a message, to be opened.
    Open(Key, String),
    /// The same, to be closed.
    Close(Key, String),
    /// A subscription on the message's side and the message that it is to take.
    Correlate(Key, Key),
    /// An element instance and the message that it took.
    Taken(Key, Key),
    /// A distribution to a partition.
    Distribute(Key, PartitionId),
}

impl fmt::Display for Send {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(element, name) => write!(f, "the subscription of {element} for {name}"),
            Self::Close(element, name) => {
                write!(f, "the end of the subscription of {element} for {name}")
            }
            Self::Correlate(subscription, message) => {
                write!(f, "the correlation of message {message} to subscription {subscription}")
            }
            Self::Taken(element, message) => {
                write!(f, "that {element} took message {message}")
            }
            Self::Distribute(key, partition) => {
                write!(f, "distribution {key} to partition {partition}")
            }
        }
    }
}

/// A send that was answered late.
struct Late {
    send: Send,
    since_ms: i64,
    at_ms: i64,
    partition: PartitionId,
    position: u64,
}

/// What waits for an answer, and since when; and what got one so late that it depends on when the
/// cluster was healed whether it was too late.
#[derive(Default)]
pub(crate) struct Sends {
    waiting: BTreeMap<Send, i64>,
    late: VecDeque<Late>,
}

impl Fold for Sends {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        if record.record_type != RecordType::Event {
            return Ok(());
        }
        match &record.payload {
            Payload::ProcessMessageSubscription(intent, value) => {
                self.on_the_instances_side(partition, record, *intent, value);
            }
            Payload::MessageSubscription(intent, value) => {
                self.on_the_messages_side(partition, record, *intent, value);
            }
            Payload::CommandDistribution(intent, value) => {
                let send = Send::Distribute(record.key, value.partition_id);
                match intent {
                    CommandDistributionIntent::Distributing => self.begin(send, record),
                    CommandDistributionIntent::Acknowledged => self.end(&send, partition, record),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Sends {
    fn begin(&mut self, send: Send, record: &Record) {
        self.waiting.insert(send, record.timestamp_ms);
    }

    fn end(&mut self, send: &Send, partition: PartitionId, record: &Record) {
        let Some((send, since_ms)) = self.waiting.remove_entry(send) else { return };
        let at_ms = record.timestamp_ms;
        if at_ms.saturating_sub(since_ms) <= ANSWER_MAX_MS {
            return;
        }
        if self.late.len() >= LATE_MAX {
            self.late.pop_front();
        }
        self.late.push_back(Late { send, since_ms, at_ms, partition, position: record.position });
    }

    fn on_the_instances_side(
        &mut self,
        partition: PartitionId,
        record: &Record,
        intent: ProcessMessageSubscriptionIntent,
        value: &ProcessMessageSubscriptionRecord,
    ) {
        use ProcessMessageSubscriptionIntent::*;
        let id = (value.element_instance_key, value.message_name.clone());
        let taken = Send::Taken(value.element_instance_key, value.message_key);
        match intent {
            Creating => self.begin(Send::Open(id.0, id.1), record),
            Created => self.end(&Send::Open(id.0, id.1), partition, record),
            Correlated => {
                self.end(&Send::Open(id.0, id.1), partition, record);
                if value.remembered {
                    self.begin(taken, record);
                }
            }
            Deleting => {
                self.end(&Send::Open(id.0, id.1.clone()), partition, record);
                self.begin(Send::Close(id.0, id.1), record);
            }
            Deleted => self.end(&Send::Close(id.0, id.1), partition, record),
            Acknowledged => self.end(&taken, partition, record),
            _ => {}
        }
    }

    fn on_the_messages_side(
        &mut self,
        partition: PartitionId,
        record: &Record,
        intent: MessageSubscriptionIntent,
        value: &MessageSubscriptionRecord,
    ) {
        let send = Send::Correlate(record.key, value.message_key);
        match intent {
            MessageSubscriptionIntent::Correlating => self.begin(send, record),
            MessageSubscriptionIntent::Correlated | MessageSubscriptionIntent::Rejected => {
                self.end(&send, partition, record);
            }
            MessageSubscriptionIntent::Deleted => {
                let all = Send::Correlate(record.key, 0)..=Send::Correlate(record.key, Key::MAX);
                let gone: Vec<Send> =
                    self.waiting.range(all).map(|(send, _)| send.clone()).collect();
                for send in gone {
                    self.end(&send, partition, record);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::CommandDistributionRecord;

    fn subscription(intent: ProcessMessageSubscriptionIntent, timestamp_ms: i64) -> Record {
        let value = ProcessMessageSubscriptionRecord::default();
        Record { timestamp_ms, ..event(1, Payload::ProcessMessageSubscription(intent, value)) }
    }

    #[test]
    fn what_opens_in_time_is_fine_and_faults_take_their_time() {
        use ProcessMessageSubscriptionIntent::{Created, Creating};
        let mut made = Made::new(1);
        made.evidence.end.healing_from_ms = 100_000;
        made.evidence.end.now_ms = 120_000;
        made.entry(1, vec![subscription(Creating, 0), subscription(Created, 110_000)]);
        assert_eq!(SendsAreRepeated.check(&made.evidence), Ok(()));
    }

    #[test]
    fn what_opens_late_or_never_was_forgotten() {
        use ProcessMessageSubscriptionIntent::{Creating, Deleting};
        let mut made = Made::new(1);
        made.entry(1, vec![subscription(Creating, 0), subscription(Deleting, 20_000)]);
        assert!(SendsAreRepeated.check(&made.evidence).unwrap_err().contains("20000 ms"));
        let mut made = Made::new(1);
        made.evidence.end.now_ms = 20_000;
        made.entry(1, vec![subscription(Creating, 0)]);
        assert!(SendsAreRepeated.check(&made.evidence).unwrap_err().contains("never"));
    }

    fn distribution(
        intent: CommandDistributionIntent,
        partition_id: PartitionId,
        timestamp_ms: i64,
    ) -> Record {
        let value = CommandDistributionRecord { partition_id, ..Default::default() };
        Record { timestamp_ms, ..event(9, Payload::CommandDistribution(intent, value)) }
    }

    #[test]
    fn every_receiver_of_a_distribution_answers() {
        use CommandDistributionIntent::{Acknowledged, Distributing};
        let mut made = Made::new(3);
        made.evidence.end.now_ms = 20_000;
        made.entry(1, vec![distribution(Distributing, 2, 0), distribution(Distributing, 3, 0)]);
        made.entry(1, vec![distribution(Acknowledged, 2, 10)]);
        let never = SendsAreRepeated.check(&made.evidence).unwrap_err();
        assert_eq!(never, "distribution 9 to partition 3 was never answered");
        made.evidence.end.healing_from_ms = 6_000;
        assert_eq!(SendsAreRepeated.check(&made.evidence), Ok(()), "there is time left");
        made.entry(1, vec![distribution(Acknowledged, 3, 22_000)]);
        made.evidence.end.now_ms = 60_000;
        assert!(SendsAreRepeated.check(&made.evidence).unwrap_err().contains("16000 ms"));
    }

    #[test]
    fn both_sides_of_a_correlation_answer() {
        let at = |record: Record, timestamp_ms| Record { timestamp_ms, ..record };
        let message = |intent| {
            let value = MessageSubscriptionRecord { message_key: 4, ..Default::default() };
            event(7, Payload::MessageSubscription(intent, value))
        };
        let taken = |intent| {
            let value = ProcessMessageSubscriptionRecord {
                element_instance_key: 5,
                message_key: 4,
                remembered: true,
                ..Default::default()
            };
            event(6, Payload::ProcessMessageSubscription(intent, value))
        };
        let ask = message(MessageSubscriptionIntent::Correlating);
        let take = taken(ProcessMessageSubscriptionIntent::Correlated);
        let answers = [
            (ask.clone(), message(MessageSubscriptionIntent::Correlated)),
            (ask.clone(), message(MessageSubscriptionIntent::Rejected)),
            (ask, message(MessageSubscriptionIntent::Deleted)),
            (take, taken(ProcessMessageSubscriptionIntent::Acknowledged)),
        ];
        for (ask, answer) in answers {
            let mut made = Made::new(1);
            made.evidence.end.now_ms = 20_000;
            made.entry(1, vec![at(ask, 0)]);
            assert!(SendsAreRepeated.check(&made.evidence).is_err());
            made.entry(1, vec![at(answer, 1)]);
            assert_eq!(SendsAreRepeated.check(&made.evidence), Ok(()));
        }
    }
}
