//! Deployments reach all partitions: each has the same definitions, versions without gaps, and
//! nothing is still to be distributed at the end. Partitions that were added later have everything, too.

use std::collections::{BTreeMap, BTreeSet};

use skep_protocol::{
    CommandDistributionIntent, DecisionIntent, Key, PartitionId, Payload, ProcessIntent, RecordType,
};

use super::{Checker, names};
use crate::evidence::Evidence;

/// See the module.
pub(crate) struct DistributionIsComplete;

/// Definitions of a partition: kind, id and version, with the key.
type Definitions = BTreeMap<(&'static str, String, u32), Key>;

impl Checker for DistributionIsComplete {
    fn name(&self) -> &'static str {
        names::DISTRIBUTION
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        pending(evidence)?;
        let first = definitions(evidence, 1)?;
        for partition in 2..=evidence.partitions_at_end {
            let other = definitions(evidence, partition)?;
            if let Some((place, key)) =
                first.iter().find(|(place, key)| other.get(*place) != Some(key))
            {
                return Err(format!(
                    "partition 1 has {} {} version {} with key {key}, partition {partition} has {:?}",
                    place.0,
                    place.1,
                    place.2,
                    other.get(place)
                ));
            }
            if let Some((place, _)) = other.iter().find(|(place, _)| !first.contains_key(*place)) {
                return Err(format!("partition {partition} has {place:?}, partition 1 does not"));
            }
        }
        dense(&first)
    }
}

fn definitions(evidence: &Evidence, partition: PartitionId) -> Result<Definitions, String> {
    let mut definitions = Definitions::new();
    for record in evidence.recorded.records(partition) {
        if record.record_type != RecordType::Event {
            continue;
        }
        let place = match &record.payload {
            Payload::Process(ProcessIntent::Created, value) => {
                ("process", value.bpmn_process_id.clone(), value.version)
            }
            Payload::Decision(DecisionIntent::Created, value) => {
                ("decision", value.decision_id.clone(), value.version)
            }
            _ => continue,
        };
        if let Some(other) = definitions.insert(place.clone(), record.key) {
            return Err(format!(
                "partition {partition} gets {place:?} twice: {other} and {} at position {}",
                record.key, record.position
            ));
        }
    }
    Ok(definitions)
}

/// Versions begin with 1 and leave none out.
fn dense(definitions: &Definitions) -> Result<(), String> {
    let mut last: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for (kind, id, version) in definitions.keys() {
        let last = last.entry((*kind, id.as_str())).or_default();
        if *version != *last + 1 {
            return Err(format!("{kind} {id} has version {version} after version {last}"));
        }
        *last = *version;
    }
    Ok(())
}

fn pending(evidence: &Evidence) -> Result<(), String> {
    let mut open: BTreeSet<Key> = BTreeSet::new();
    for (_, record) in evidence.recorded.all() {
        let Payload::CommandDistribution(intent, _) = &record.payload else { continue };
        if record.record_type != RecordType::Event {
            continue;
        }
        match intent {
            CommandDistributionIntent::Started => _ = open.insert(record.key),
            CommandDistributionIntent::Finished => _ = open.remove(&record.key),
            _ => {}
        }
    }
    match open.first() {
        Some(key) => {
            Err(format!("distribution {key} and {} others are not finished", open.len() - 1))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::{CommandDistributionRecord, ProcessRecord, Record};

    fn version(key: Key, version: u32) -> Record {
        let value =
            ProcessRecord { bpmn_process_id: "p".to_owned(), version, ..ProcessRecord::default() };
        event(key, Payload::Process(ProcessIntent::Created, value))
    }

    fn distribution(intent: CommandDistributionIntent) -> Record {
        event(9, Payload::CommandDistribution(intent, CommandDistributionRecord::default()))
    }

    #[test]
    fn the_same_everywhere_is_complete() {
        let mut made = Made::new(2);
        made.entry(1, vec![version(1, 1), version(2, 2)]);
        made.entry(2, vec![version(1, 1), version(2, 2)]);
        assert_eq!(DistributionIsComplete.check(&made.evidence), Ok(()));
    }

    #[test]
    fn a_missing_a_second_and_a_skipped_version_are_offences() {
        for (first, second) in [
            (vec![version(1, 1)], vec![]),
            (vec![version(1, 1)], vec![version(1, 1), version(1, 1)]),
            (vec![version(1, 1)], vec![version(2, 1)]),
            (vec![], vec![version(1, 1)]),
            (vec![version(1, 1), version(3, 3)], vec![version(1, 1), version(3, 3)]),
        ] {
            let mut made = Made::new(2);
            made.entry(1, first.clone()).entry(2, second.clone());
            assert!(DistributionIsComplete.check(&made.evidence).is_err(), "{first:?} {second:?}");
        }
    }

    #[test]
    fn a_distribution_has_to_be_finished() {
        let mut made = Made::new(1);
        made.entry(1, vec![distribution(CommandDistributionIntent::Started)]);
        assert!(DistributionIsComplete.check(&made.evidence).is_err());
        made.entry(1, vec![distribution(CommandDistributionIntent::Finished)]);
        assert_eq!(DistributionIsComplete.check(&made.evidence), Ok(()));
    }
}
