//! Deployments reach all partitions: each has the same definitions, versions without gaps, and
//! nothing is still to be distributed at the end. Partitions that were added later have everything, too.

use std::collections::{BTreeMap, BTreeSet};

use skep_protocol::{DecisionIntent, Key, PartitionId, Payload, ProcessIntent, Record, RecordType};

use super::folds::Fold;
use super::{Checker, names};
use crate::evidence::{Evidence, Log};

/// See the module.
pub(crate) struct DistributionIsComplete;

impl Checker for DistributionIsComplete {
    fn name(&self) -> &'static str {
        names::DISTRIBUTION
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        let deployed = evidence.recorded.folds.deployed.whole()?;
        let logs = &evidence.recorded.logs;
        if let Some(key) = logs.values().find_map(Log::pending_distribution) {
            let all: usize = logs.values().map(Log::distributing).sum();
            return Err(format!("distribution {key} and {} others are not finished", all - 1));
        }
        deployed.is_everywhere(evidence.partitions_at_end)?;
        match deployed.incomplete.first() {
            Some(resource) => {
                let versions = deployed.versions.get(resource);
                let last = versions.and_then(|versions| versions.last_key_value());
                Err(format!(
                    "{} {} has not all versions up to {}",
                    resource.0,
                    resource.1,
                    last.map_or(0, |(version, _)| *version)
                ))
            }
            None => Ok(()),
        }
    }
}

/// Kind and id of what is deployed.
type Resource = (&'static str, String);

/// Key of a definition, and the partitions that have it.
struct Definition {
    key: Key,
    on: Vec<PartitionId>,
}

/// What is deployed: as much as the state of a partition has of it.
#[derive(Default)]
pub(crate) struct Deployed {
    versions: BTreeMap<Resource, BTreeMap<u32, Definition>>,
    /// How many definitions there are.
    all: usize,
    /// How many of them each partition has.
    on: BTreeMap<PartitionId, usize>,
    /// What has a version that does not follow another one: versions begin with 1 and leave none out.
    incomplete: BTreeSet<Resource>,
}

impl Fold for Deployed {
    fn note(&mut self, partition: PartitionId, record: &Record) -> Result<(), String> {
        if record.record_type != RecordType::Event {
            return Ok(());
        }
        let (resource, version) = match &record.payload {
            Payload::Process(ProcessIntent::Created, value) => {
                (("process", value.bpmn_process_id.clone()), value.version)
            }
            Payload::Decision(DecisionIntent::Created, value) => {
                (("decision", value.decision_id.clone()), value.version)
            }
            _ => return Ok(()),
        };
        let what = || format!("{} {} version {version}", resource.0, resource.1);
        let versions = self.versions.entry(resource.clone()).or_default();
        let definition = versions.entry(version).or_insert_with(|| {
            self.all += 1;
            Definition { key: record.key, on: Vec::new() }
        });
        if definition.on.contains(&partition) {
            return Err(format!(
                "partition {partition} gets {} twice: {} and {} at position {}",
                what(),
                definition.key,
                record.key,
                record.position
            ));
        }
        if definition.key != record.key {
            return Err(format!(
                "partition {} has {} with key {}, partition {partition} with key {}",
                definition.on.first().copied().unwrap_or_default(),
                what(),
                definition.key,
                record.key
            ));
        }
        definition.on.push(partition);
        *self.on.entry(partition).or_default() += 1;
        let last = versions.last_key_value().map_or(0, |(version, _)| *version as usize);
        if last == versions.len() {
            self.incomplete.remove(&resource);
        } else {
            self.incomplete.insert(resource);
        }
        Ok(())
    }
}

impl Deployed {
    /// Whether each of these partitions has all definitions.
    fn is_everywhere(&self, partitions: u32) -> Result<(), String> {
        let has_all = |partition| self.on.get(&partition).copied().unwrap_or(0) == self.all;
        let Some(partition) = (1..=partitions).find(|partition| !has_all(*partition)) else {
            return Ok(());
        };
        for (resource, versions) in &self.versions {
            for (version, definition) in versions {
                if !definition.on.contains(&partition) {
                    return Err(format!(
                        "{} {} version {version} with key {} is on partitions {:?}, not on {partition}",
                        resource.0, resource.1, definition.key, definition.on
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Made, event};
    use skep_protocol::{CommandDistributionIntent, CommandDistributionRecord, ProcessRecord};

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
