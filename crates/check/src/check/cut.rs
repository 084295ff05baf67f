//! A cut through all partitions is consistent: none has the effect of a command of another one that
//! the other one does not know to have sent.
//!
//! What partitions send each other is read from the events on both sides: a deployment that is
//! distributed and its acknowledgement, a subscription that is opened, a message that is correlated.

use std::collections::BTreeMap;

use skep_protocol::{
    CommandDistributionIntent, Key, MessageSubscriptionIntent, PartitionId, Payload,
    ProcessMessageSubscriptionIntent, Record, RecordType,
};

use crate::evidence::Evidence;

/// A step of what two partitions do together, by what both call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A distribution begins.
    Started(Key),
    /// A partition has it.
    Received(Key, PartitionId),
    /// A subscription is wanted: its key on the side of the instance.
    Creating(Key),
    /// The message's side has it.
    Opened(Key),
    /// The message's side sends a message to it.
    Correlating(Key, Key),
    /// The instance took it.
    Correlated(Key, Key),
}

/// The step that a record makes, and the one that must have been made elsewhere before it.
fn steps(partition: PartitionId, record: &Record) -> (Option<Step>, Option<Step>) {
    if record.record_type != RecordType::Event {
        return (None, None);
    }
    match &record.payload {
        Payload::CommandDistribution(intent, value) => match intent {
            CommandDistributionIntent::Started => (Some(Step::Started(record.key)), None),
            CommandDistributionIntent::Received => {
                (Some(Step::Received(record.key, partition)), Some(Step::Started(record.key)))
            }
            CommandDistributionIntent::Acknowledged => {
                (None, Some(Step::Received(record.key, value.partition_id)))
            }
            _ => (None, None),
        },
        Payload::ProcessMessageSubscription(intent, value) => {
            let (key, message) = (value.subscription_key, value.message_key);
            match intent {
                ProcessMessageSubscriptionIntent::Creating => {
                    (Some(Step::Creating(record.key)), None)
                }
                ProcessMessageSubscriptionIntent::Created => (None, Some(Step::Opened(key))),
                ProcessMessageSubscriptionIntent::Correlated => {
                    (Some(Step::Correlated(key, message)), Some(Step::Correlating(key, message)))
                }
                _ => (None, None),
            }
        }
        Payload::MessageSubscription(intent, value) => {
            let (key, message) = (value.subscription_key, value.message_key);
            match intent {
                MessageSubscriptionIntent::Created => {
                    (Some(Step::Opened(key)), Some(Step::Creating(key)))
                }
                MessageSubscriptionIntent::Correlating => {
                    (Some(Step::Correlating(key, message)), None)
                }
                MessageSubscriptionIntent::Correlated => {
                    (None, Some(Step::Correlated(key, message)))
                }
                _ => (None, None),
            }
        }
        _ => (None, None),
    }
}

/// Whether everything that happened up to the cut because of another partition was sent up to the
/// cut there. A partition that the cut does not name has nothing in it.
///
/// # Errors
/// The first thing that has no cause.
pub(crate) fn is_consistent(
    evidence: &Evidence,
    cut: &BTreeMap<PartitionId, u64>,
) -> Result<(), String> {
    let mut made: BTreeMap<Step, (PartitionId, u64)> = BTreeMap::new();
    for (partition, record) in evidence.recorded.all() {
        if let (Some(step), _) = steps(partition, record) {
            made.entry(step).or_insert((partition, record.position));
        }
    }
    let is_in = |partition: PartitionId, position: u64| {
        cut.get(&partition).is_some_and(|end| position <= *end)
    };
    for (partition, record) in evidence.recorded.all() {
        if !is_in(partition, record.position) {
            continue;
        }
        let Some(needed) = steps(partition, record).1 else { continue };
        // What has no cause at all is found by other promises.
        let Some((other, position)) = made.get(&needed).copied() else { continue };
        if !is_in(other, position) {
            return Err(format!(
                "it has {} {} at position {} of partition {partition}, but not {needed:?} at position {position} of partition {other}, which it came from",
                record.payload.value_type().name(),
                record.payload.intent_name(),
                record.position
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event, published};
    use skep_protocol::{
        CommandDistributionRecord, MessageSubscriptionRecord, ProcessMessageSubscriptionRecord,
    };

    fn distribution(intent: CommandDistributionIntent, partition_id: PartitionId) -> Record {
        let value =
            CommandDistributionRecord { partition_id, ..CommandDistributionRecord::default() };
        event(9, Payload::CommandDistribution(intent, value))
    }

    fn of_instance(intent: ProcessMessageSubscriptionIntent) -> Record {
        let value = ProcessMessageSubscriptionRecord {
            subscription_key: 5,
            message_key: 6,
            ..ProcessMessageSubscriptionRecord::default()
        };
        event(5, Payload::ProcessMessageSubscription(intent, value))
    }

    fn of_message(intent: MessageSubscriptionIntent) -> Record {
        let value = MessageSubscriptionRecord {
            subscription_key: 5,
            message_key: 6,
            ..MessageSubscriptionRecord::default()
        };
        event(8, Payload::MessageSubscription(intent, value))
    }

    /// Cuts that are consistent, of all of two logs.
    fn consistent(first: Vec<Record>, second: Vec<Record>) -> Vec<(u64, u64)> {
        let mut made = Made::new(2);
        let ends = (first.len() as u64, second.len() as u64);
        made.entry(1, first).entry(2, second);
        let cuts = (1..=ends.0).flat_map(|one| (1..=ends.1).map(move |other| (one, other)));
        let is_good = |(one, other): &(u64, u64)| {
            is_consistent(&made.evidence, &BTreeMap::from([(1, *one), (2, *other)])).is_ok()
        };
        cuts.filter(is_good).collect()
    }

    fn nothing() -> Record {
        published(1, "")
    }

    #[test]
    fn a_receipt_needs_its_sending_and_an_acknowledgement_its_receipt() {
        use CommandDistributionIntent::{Acknowledged, Received, Started};
        let first = vec![nothing(), distribution(Started, 0), distribution(Acknowledged, 2)];
        let second = vec![nothing(), distribution(Received, 2)];
        assert_eq!(consistent(first, second), [(1, 1), (2, 1), (2, 2), (3, 2)]);
    }

    #[test]
    fn a_subscription_and_its_messages_are_followed_back_and_forth() {
        use MessageSubscriptionIntent as Message;
        use ProcessMessageSubscriptionIntent as Instance;
        let first = vec![
            nothing(),
            of_instance(Instance::Creating),
            of_instance(Instance::Created),
            of_instance(Instance::Correlated),
        ];
        let second = vec![
            nothing(),
            of_message(Message::Created),
            of_message(Message::Correlating),
            of_message(Message::Correlated),
        ];
        let good = [(1, 1), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 3), (4, 4)];
        assert_eq!(consistent(first, second), good);
    }

    #[test]
    fn a_partition_that_is_not_in_the_cut_has_nothing() {
        use CommandDistributionIntent::{Acknowledged, Received, Started};
        let mut made = Made::new(2);
        made.entry(1, vec![distribution(Started, 0), distribution(Acknowledged, 2)]);
        made.entry(2, vec![distribution(Received, 2)]);
        assert_eq!(is_consistent(&made.evidence, &BTreeMap::from([(1, 1)])), Ok(()));
        assert!(is_consistent(&made.evidence, &BTreeMap::from([(1, 2)])).is_err());
    }
}
