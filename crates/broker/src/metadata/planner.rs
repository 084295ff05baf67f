//! From what is wanted to an ordered list of operations.
//!
//! Pure: the current configuration and the wish in, the operations and the configuration that they
//! lead to out, or a refusal. Replicas join before others leave, so that no partition ever has
//! fewer than it had or shall have; brokers come first and go last.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;

use crate::limits::METADATA_VOTERS_MAX;
use crate::metadata::config::{ClusterConfig, METADATA_PARTITION, MemberState, check_counts};
use crate::metadata::operation::Operation;
use crate::metadata::placement::{self, Placement};
use crate::metadata::refusal::Refusal;
use crate::metadata::transition;

/// What an operator wants of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Wanted {
    /// Other sizes; replicas are placed anew, with as few moves as the balance allows.
    Shape {
        /// The brokers, when they change.
        brokers: Option<WantedBrokers>,
        /// The number of partitions, when it changes.
        partition_count: Option<u32>,
        /// The replicas of each partition, when they change.
        replication_factor: Option<u32>,
    },
    /// A broker more, without replicas yet.
    AddBroker(u32),
    /// A broker less; only what it holds is moved.
    RemoveBroker(u32),
    /// One more replica of a partition.
    Join {
        /// The broker that gets it.
        broker: u32,
        /// The partition.
        partition: PartitionId,
        /// Its priority.
        priority: u32,
    },
    /// One replica less.
    Leave {
        /// The broker that gives it up.
        broker: u32,
        /// The partition.
        partition: PartitionId,
    },
}

/// The brokers that are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum WantedBrokers {
    /// These.
    Exactly(BTreeSet<u32>),
    /// So many: those with the lowest numbers stay, the lowest free numbers come.
    Count(u32),
    /// Others than now.
    Other {
        /// Come.
        add: BTreeSet<u32>,
        /// Go.
        remove: BTreeSet<u32>,
    },
}

impl WantedBrokers {
    fn resolve(&self, config: &ClusterConfig) -> Result<BTreeSet<u32>, Refusal> {
        let current = config.brokers.keys().copied();
        match self {
            Self::Exactly(brokers) => Ok(brokers.clone()),
            Self::Count(count) => {
                let count = *count as usize;
                check_counts(count, config.partition_count, 1)?;
                let mut brokers: BTreeSet<u32> = current.take(count).collect();
                let mut number = 0;
                while brokers.len() < count {
                    brokers.insert(number);
                    number += 1;
                }
                Ok(brokers)
            }
            Self::Other { add, remove } => {
                if let Some(broker) = remove.iter().find(|it| !config.brokers.contains_key(it)) {
                    return Err(no_broker(*broker));
                }
                if let Some(broker) = add.intersection(remove).next() {
                    return Err(Refusal::invalid(format!(
                        "broker {broker} cannot be added and removed at once"
                    )));
                }
                Ok(current.chain(add.iter().copied()).filter(|it| !remove.contains(it)).collect())
            }
        }
    }
}

/// The way to what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is to be done, in this order.
    pub operations: Vec<Operation>,
    /// The configuration when it is done.
    pub expected: ClusterConfig,
}

/// Plans a change.
///
/// # Errors
/// Conflict while another change is under way; invalid when no such cluster can be.
pub fn plan(config: &ClusterConfig, wanted: &Wanted) -> Result<Plan, Refusal> {
    if let Some(change) = &config.pending {
        return Err(Refusal::conflict(format!(
            "change {} of the cluster is under way; wait for its end, or cancel it, then ask again",
            change.id
        )));
    }
    let operations = match wanted {
        Wanted::Shape { brokers, partition_count, replication_factor } => {
            let shape =
                Shape::new(config, brokers.as_ref(), *partition_count, *replication_factor)?;
            shape.operations(config)
        }
        Wanted::AddBroker(broker) => add_broker(config, *broker)?,
        Wanted::RemoveBroker(broker) => remove_broker(config, *broker)?,
        Wanted::Join { broker, partition, priority } => {
            join(config, *broker, *partition, *priority)?
        }
        Wanted::Leave { broker, partition } => leave(config, *broker, *partition)?,
    };
    let expected = transition::expected(config, &operations);
    expected.validate()?;
    Ok(Plan { operations, expected })
}

/// The sizes that are wanted.
struct Shape {
    brokers: BTreeSet<u32>,
    partition_count: u32,
    replication_factor: u32,
}

impl Shape {
    fn new(
        config: &ClusterConfig,
        brokers: Option<&WantedBrokers>,
        partition_count: Option<u32>,
        replication_factor: Option<u32>,
    ) -> Result<Self, Refusal> {
        let brokers = match brokers {
            Some(brokers) => brokers.resolve(config)?,
            None => config.brokers.keys().copied().collect(),
        };
        let partition_count = partition_count.unwrap_or(config.partition_count);
        let replication_factor = replication_factor.unwrap_or(config.replication_factor);
        check_counts(brokers.len(), partition_count, replication_factor)?;
        if partition_count < config.partition_count {
            return Err(Refusal::invalid(format!(
                "the cluster has {} partitions and cannot have {partition_count}: keys name their \
                 partition, so partitions are never taken away",
                config.partition_count
            )));
        }
        Ok(Self { brokers, partition_count, replication_factor })
    }

    fn operations(&self, config: &ClusterConfig) -> Vec<Operation> {
        let nodes: Vec<u32> = self.brokers.iter().copied().collect();
        let current = config.placement();
        let target =
            placement::rebalanced(&current, &nodes, self.partition_count, self.replication_factor);
        let mut operations = Vec::new();
        let added = self.brokers.iter().filter(|broker| !config.brokers.contains_key(broker));
        operations.extend(added.map(|&broker_id| Operation::BrokerAdd { broker_id }));
        follow_metadata(config, &nodes, &mut operations);
        for (partition, members) in target.range(..=config.partition_count) {
            follow(config, *partition, members, &mut operations);
        }
        if self.partition_count > config.partition_count {
            self.grow(config, &target, &mut operations);
        }
        if self.replication_factor != config.replication_factor {
            let replication_factor = self.replication_factor;
            operations.push(Operation::UpdateReplicationFactor { replication_factor });
        }
        let removed = config.brokers.keys().filter(|broker| !self.brokers.contains(broker));
        operations.extend(removed.map(|&broker_id| Operation::BrokerRemove { broker_id }));
        operations
    }

    /// New partitions: they begin, get their replicas, learn the deployments, then requests.
    fn grow(&self, config: &ClusterConfig, target: &Placement, operations: &mut Vec<Operation>) {
        for (&partition_id, members) in target.range(config.partition_count + 1..) {
            for (&broker_id, priority) in members.iter().zip(priorities(members.len())) {
                operations.push(if priority as usize == members.len() {
                    Operation::PartitionBootstrap { broker_id, partition_id, priority }
                } else {
                    Operation::PartitionJoin { broker_id, partition_id, priority }
                });
            }
        }
        let desired_partition_count = self.partition_count;
        operations.push(Operation::StartPartitionScaleUp { desired_partition_count });
        operations.push(Operation::AwaitRedistributionCompletion { desired_partition_count });
        operations.push(Operation::UpdateRoutingState { desired_partition_count });
    }
}

/// Priorities of so many members, the first has the highest.
fn priorities(members: usize) -> impl Iterator<Item = u32> {
    (1..=u32::try_from(members).unwrap_or(u32::MAX)).rev()
}

/// Brings one partition onto these brokers, highest priority first.
fn follow(
    config: &ClusterConfig,
    partition_id: PartitionId,
    members: &[u32],
    operations: &mut Vec<Operation>,
) {
    for (&broker_id, priority) in members.iter().zip(priorities(members.len())) {
        if config.member(partition_id, broker_id).is_none() {
            operations.push(Operation::PartitionJoin { broker_id, partition_id, priority });
        }
    }
    for member in config.members(partition_id) {
        if !members.contains(&member.node) {
            operations.push(Operation::PartitionLeave { broker_id: member.node, partition_id });
        }
    }
    for (&broker_id, priority) in members.iter().zip(priorities(members.len())) {
        if config.member(partition_id, broker_id).is_some_and(|it| it.priority != priority) {
            operations.push(Operation::PartitionReconfigurePriority {
                broker_id,
                partition_id,
                priority,
            });
        }
    }
}

/// The metadata group stays where it is as far as that is possible, and is as large as it may be.
fn follow_metadata(config: &ClusterConfig, nodes: &[u32], operations: &mut Vec<Operation>) {
    let current = config.metadata.iter().map(|member| member.node);
    let mut members: Vec<u32> = current.filter(|node| nodes.contains(node)).collect();
    for node in nodes {
        if members.len() < METADATA_VOTERS_MAX && !members.contains(node) {
            members.push(*node);
        }
    }
    follow(config, METADATA_PARTITION, &members, operations);
}

fn add_broker(config: &ClusterConfig, broker_id: u32) -> Result<Vec<Operation>, Refusal> {
    check_counts(
        config.brokers.len() + usize::from(!config.brokers.contains_key(&broker_id)),
        config.partition_count,
        config.replication_factor,
    )?;
    if config.brokers.contains_key(&broker_id) {
        return Ok(Vec::new());
    }
    let mut operations = vec![Operation::BrokerAdd { broker_id }];
    let nodes: Vec<u32> = config.brokers.keys().copied().chain([broker_id]).collect();
    follow_metadata(config, &nodes, &mut operations);
    Ok(operations)
}

fn remove_broker(config: &ClusterConfig, broker_id: u32) -> Result<Vec<Operation>, Refusal> {
    if !config.brokers.contains_key(&broker_id) {
        return Err(no_broker(broker_id));
    }
    let nodes: Vec<u32> = config.brokers.keys().copied().filter(|it| *it != broker_id).collect();
    check_counts(nodes.len(), config.partition_count, config.replication_factor)?;
    let mut operations = Vec::new();
    follow_metadata(config, &nodes, &mut operations);
    let mut loads: BTreeMap<u32, usize> =
        nodes.iter().map(|node| (*node, config.partitions_of(*node).count())).collect();
    let held: Vec<_> = config.partitions_of(broker_id).collect();
    for (partition_id, member) in held {
        let free =
            nodes.iter().copied().filter(|node| config.member(partition_id, *node).is_none());
        let heir = free.min_by_key(|node| loads.get(node).copied());
        if let Some(heir) = heir {
            *loads.entry(heir).or_default() += 1;
            let priority = member.priority;
            operations.push(Operation::PartitionJoin { broker_id: heir, partition_id, priority });
        } else if config.members(partition_id).len() == 1 {
            return Err(last_replica(partition_id, broker_id));
        }
        operations.push(Operation::PartitionLeave { broker_id, partition_id });
    }
    operations.push(Operation::BrokerRemove { broker_id });
    Ok(operations)
}

fn join(
    config: &ClusterConfig,
    broker_id: u32,
    partition_id: PartitionId,
    priority: u32,
) -> Result<Vec<Operation>, Refusal> {
    if !config.brokers.contains_key(&broker_id) {
        return Err(no_broker(broker_id));
    }
    check_partition(config, partition_id)?;
    if priority == 0 {
        return Err(Refusal::invalid("a priority of 0 cannot be; choose 1 or more"));
    }
    Ok(match config.member(partition_id, broker_id) {
        None => vec![Operation::PartitionJoin { broker_id, partition_id, priority }],
        Some(member) if member.priority == priority => Vec::new(),
        Some(_) => {
            vec![Operation::PartitionReconfigurePriority { broker_id, partition_id, priority }]
        }
    })
}

fn leave(
    config: &ClusterConfig,
    broker_id: u32,
    partition_id: PartitionId,
) -> Result<Vec<Operation>, Refusal> {
    if !config.brokers.contains_key(&broker_id) {
        return Err(no_broker(broker_id));
    }
    check_partition(config, partition_id)?;
    if config.member(partition_id, broker_id).is_none() {
        return Ok(Vec::new());
    }
    let voters = config.members(partition_id).iter();
    if voters.filter(|member| member.state == MemberState::Active).count() <= 1 {
        return Err(last_replica(partition_id, broker_id));
    }
    Ok(vec![Operation::PartitionLeave { broker_id, partition_id }])
}

fn check_partition(config: &ClusterConfig, partition: PartitionId) -> Result<(), Refusal> {
    if config.partitions.contains_key(&partition) {
        return Ok(());
    }
    Err(Refusal::not_found(format!(
        "there is no partition {partition}; the cluster has {}",
        config.partitions.len()
    )))
}

fn no_broker(broker: u32) -> Refusal {
    Refusal::not_found(format!("broker {broker} is not part of the cluster"))
}

fn last_replica(partition: PartitionId, broker: u32) -> Refusal {
    Refusal::invalid(format!(
        "broker {broker} holds the last replica of partition {partition}: give the partition \
         another one first"
    ))
}

#[cfg(test)]
mod tests;
