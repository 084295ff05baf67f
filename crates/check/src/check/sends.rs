//! What another partition did not answer is sent again: when everything is healed, no subscription
//! waits for long to be opened on the other side.

use std::collections::BTreeMap;

use skep_protocol::{Key, Payload, ProcessMessageSubscriptionIntent, RecordType};

use super::{Checker, names};
use crate::evidence::Evidence;

/// A subscription that is not open this long after all is healed was forgotten, in milliseconds: it
/// is sent again every few seconds.
const OPEN_MAX_MS: i64 = 15_000;

/// See the module.
pub(crate) struct SendsAreRepeated;

impl Checker for SendsAreRepeated {
    fn name(&self) -> &'static str {
        names::SENDS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let healed_ms = evidence.end.healing_from_ms;
        let mut opening: BTreeMap<(Key, &str), i64> = BTreeMap::new();
        for (partition, record) in evidence.recorded.all() {
            let Payload::ProcessMessageSubscription(intent, value) = &record.payload else {
                continue;
            };
            if record.record_type != RecordType::Event {
                continue;
            }
            let id = (value.element_instance_key, value.message_name.as_str());
            if *intent == ProcessMessageSubscriptionIntent::Creating {
                opening.insert(id, record.timestamp_ms);
                continue;
            }
            let Some(since_ms) = opening.remove(&id) else { continue };
            let waited_ms = record.timestamp_ms - since_ms.max(healed_ms);
            if waited_ms > OPEN_MAX_MS {
                return Err(format!(
                    "the subscription of {} for {} waited {waited_ms} ms in a healed cluster to be opened (position {} of partition {partition})",
                    id.0, id.1, record.position
                ));
            }
        }
        let late = opening
            .iter()
            .find(|(_, since_ms)| evidence.end.now_ms - (**since_ms).max(healed_ms) > OPEN_MAX_MS);
        match late {
            Some((id, _)) => Err(format!("the subscription of {} for {} never opened", id.0, id.1)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::{ProcessMessageSubscriptionRecord, Record};

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
}
