//! Each key once: what is made has a key that nothing was made with before, of the partition that
//! made it.

use std::collections::BTreeMap;

use skep_protocol::{
    IncidentIntent, JobIntent, Key, MessageIntent, PartitionId, Payload,
    ProcessInstanceCreationIntent, ProcessInstanceIntent, Record, RecordType, TimerIntent,
    VariableIntent, key,
};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct EachKeyOnce;

impl Checker for EachKeyOnce {
    fn name(&self) -> &'static str {
        names::KEYS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        evidence.recorded.folds.keys.whole().map(drop)
    }
}

/// The last thing that each partition made: keys ascend, so a key that was used is not above it.
#[derive(Default)]
pub(crate) struct Keys(BTreeMap<PartitionId, (Key, &'static str, u64)>);

impl Fold for Keys {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        let Some(what) = made_by(record) else { return Ok(()) };
        if key::partition_of(record.key) != partition {
            return Err(format!(
                "partition {partition} made a {what} with key {}, which is another partition's",
                record.key
            ));
        }
        let made = (record.key, what, record.position);
        match self.0.insert(partition, made) {
            Some((last, other, position)) if last >= record.key => Err(format!(
                "key {} of partition {partition} is a {what} (position {}) and no new one: {last} is a {other} (position {position})",
                record.key, record.position
            )),
            _ => Ok(()),
        }
    }
}

/// What this record makes.
fn made_by(record: &Record) -> Option<&'static str> {
    if record.record_type != RecordType::Event {
        return None;
    }
    match &record.payload {
        Payload::ProcessInstance(ProcessInstanceIntent::ElementActivating, _) => {
            Some("element instance")
        }
        Payload::Job(JobIntent::Created, _) => Some("job"),
        Payload::Timer(TimerIntent::Created, _) => Some("timer"),
        Payload::Incident(IncidentIntent::Created, _) => Some("incident"),
        Payload::Variable(VariableIntent::Created, _) => Some("variable"),
        Payload::Message(MessageIntent::Published, _) => Some("message"),
        // Its key is that of the creation itself; the instance it names was made above.
        Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Created, _)
        | Payload::Decision(..) => None,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, published};
    use skep_protocol::key::compose;

    #[test]
    fn keys_are_used_once_and_by_their_partition() {
        let mut made = Made::new(2);
        made.entry(1, vec![published(compose(1, 1), ""), published(compose(1, 2), "")]);
        made.entry(2, vec![published(compose(2, 1), "")]);
        assert_eq!(EachKeyOnce.check(&made.evidence), Ok(()));
        made.entry(1, vec![published(compose(1, 2), "")]);
        assert!(EachKeyOnce.check(&made.evidence).unwrap_err().contains("position 2"));
    }

    #[test]
    fn the_key_of_another_partition_is_an_offence() {
        let mut made = Made::new(2);
        made.entry(1, vec![published(compose(2, 1), "")]);
        assert!(EachKeyOnce.check(&made.evidence).is_err());
    }
}
