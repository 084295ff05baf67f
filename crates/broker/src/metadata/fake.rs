//! A cluster for tests: groups that follow the rules of Raft membership, nodes that follow the
//! configuration when they get to it, and a network that loses, repeats and delays.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use parking_lot::Mutex;
use skep_env::{Random, SeededRandom};
use skep_protocol::PartitionId;

use crate::limits::LEARNER_LAG_MAX;
use crate::metadata::config::{ClusterConfig, METADATA_PARTITION};
use crate::metadata::host::{
    GroupStatus, HostError, LocalReplicas, Reconfiguration, ReplicaHost, ReplicaStart, follow,
};

#[derive(Clone, Debug, Default)]
struct Group {
    leader: Option<u32>,
    voters: BTreeSet<u32>,
    learners: BTreeSet<u32>,
    /// A change of the voters stopped half-way.
    is_changing: bool,
    /// Entries that a replica lacks.
    lag: BTreeMap<u32, u64>,
    /// The newest configuration that a request was derived from.
    seen: u64,
}

#[derive(Default)]
struct State {
    connected: BTreeSet<u32>,
    hosted: BTreeMap<u32, BTreeSet<PartitionId>>,
    groups: BTreeMap<PartitionId, Group>,
    late: Vec<(u64, PartitionId, Reconfiguration)>,
    scaled_to: u32,
    redistributed_to: u32,
}

/// The cluster.
pub(crate) struct FakeCluster {
    random: SeededRandom,
    state: Mutex<State>,
    /// How often of 100 times something goes wrong.
    faults: Mutex<u64>,
}

impl FakeCluster {
    /// As the configuration says, everything healthy.
    pub(crate) fn new(config: &ClusterConfig, seed: u64) -> Self {
        let mut state = State {
            connected: config.brokers.keys().copied().collect(),
            scaled_to: config.partition_count,
            redistributed_to: config.partition_count,
            ..State::default()
        };
        for partition in config.partitions.keys().copied().chain([METADATA_PARTITION]) {
            let members = config.members(partition);
            let voters: BTreeSet<u32> = members.iter().map(|member| member.node).collect();
            for node in voters.iter().filter(|_| partition != METADATA_PARTITION) {
                state.hosted.entry(*node).or_default().insert(partition);
            }
            let lag = voters.iter().map(|node| (*node, 0)).collect();
            let leader = members.first().map(|member| member.node);
            state.groups.insert(partition, Group { leader, voters, lag, ..Group::default() });
        }
        Self { random: SeededRandom::new(seed), state: Mutex::new(state), faults: Mutex::new(0) }
    }

    pub(crate) fn set_faults(&self, percent: u64) {
        *self.faults.lock() = percent;
    }

    pub(crate) fn connect(&self, node: u32) {
        self.state.lock().connected.insert(node);
    }

    pub(crate) fn disconnect(&self, node: u32) {
        let mut state = self.state.lock();
        state.connected.remove(&node);
        for group in state.groups.values_mut().filter(|group| group.leader == Some(node)) {
            group.leader = None;
        }
        elect(&mut state);
    }

    fn goes_wrong(&self) -> bool {
        self.random.below(100) < *self.faults.lock()
    }

    /// Something happens by itself.
    pub(crate) async fn tick(&self, config: &ClusterConfig) {
        let late = {
            let mut state = self.state.lock();
            let late = &mut state.late;
            if late.is_empty() || !self.goes_wrong() {
                None
            } else {
                let at = self.random.below(late.len() as u64) as usize;
                Some(late.remove(at))
            }
        };
        if let Some((as_of, partition, change)) = late {
            let _ = self.take_effect(as_of, partition, &change);
        }
        let nodes: Vec<u32> = {
            let mut state = self.state.lock();
            for group in state.groups.values_mut() {
                for lag in group.lag.values_mut() {
                    *lag /= 2;
                }
            }
            if self.goes_wrong() {
                let at = self.random.below(state.groups.len() as u64) as usize;
                if let Some(group) = state.groups.values_mut().nth(at) {
                    group.leader = None;
                }
            }
            elect(&mut state);
            if state.redistributed_to < state.scaled_to && !self.goes_wrong() {
                state.redistributed_to = state.scaled_to;
            }
            state.connected.iter().copied().collect()
        };
        for node in nodes {
            if !self.goes_wrong() {
                let _ = follow(config, node, &FakeNode(self, node, config)).await;
            }
        }
    }

    /// The group of each partition and the replicas of each node are those of the configuration.
    pub(crate) fn check(&self, config: &ClusterConfig) {
        let state = self.state.lock();
        let partitions = config.partitions.keys().copied().chain([METADATA_PARTITION]);
        for partition in partitions {
            let group = &state.groups[&partition];
            let members: BTreeSet<u32> =
                config.members(partition).iter().map(|member| member.node).collect();
            assert_eq!(group.voters, members, "partition {partition}");
            assert!(!group.is_changing, "partition {partition} is being changed");
            assert!(group.learners.is_empty(), "partition {partition} has learners {group:?}");
        }
        for node in &state.connected {
            let wanted: BTreeSet<PartitionId> =
                config.partitions_of(*node).map(|(partition, _)| partition).collect();
            let hosted = state.hosted.get(node).cloned().unwrap_or_default();
            assert_eq!(hosted, wanted, "node {node}");
        }
    }

    fn take_effect(
        &self,
        as_of: u64,
        partition: PartitionId,
        change: &Reconfiguration,
    ) -> Result<(), HostError> {
        let mut state = self.state.lock();
        let State { groups, hosted, connected, .. } = &mut *state;
        let Some(group) = groups.get_mut(&partition) else {
            return Err(HostError(format!("there is no partition {partition}")));
        };
        if as_of < group.seen {
            return Err(HostError("of the past".to_owned()));
        }
        let Some(leader) = group.leader else {
            return Err(HostError("nobody leads".to_owned()));
        };
        group.seen = as_of;
        match change {
            Reconfiguration::AddLearner(node) => {
                if !group.voters.contains(node) && group.learners.insert(*node) {
                    group.lag.insert(*node, self.random.below(10_000));
                }
            }
            Reconfiguration::RemoveLearner(node) => {
                group.learners.remove(node);
            }
            Reconfiguration::ChangeVoters(voters) => {
                let current = |node: &&u32| {
                    let hosts = partition == METADATA_PARTITION
                        || hosted.get(node).is_some_and(|it| it.contains(&partition));
                    let near = group.lag.get(node).is_some_and(|lag| *lag <= LEARNER_LAG_MAX);
                    hosts && near && connected.contains(node)
                };
                let current = voters.iter().filter(current).count();
                assert!(current > voters.len() / 2, "{voters:?} would have no majority: {group:?}");
                group.learners.retain(|node| !voters.contains(node));
                // A late repetition of what is there already changes nothing, and cannot stop half-way.
                group.is_changing = group.voters != *voters && self.goes_wrong();
                if group.is_changing {
                    group.voters.extend(voters);
                    return Err(HostError("stopped half-way".to_owned()));
                }
                group.voters = voters.clone();
                // Nobody asks for that, but a request that comes late may find another leader,
                // which then hands over and leaves.
                if !voters.contains(&leader) {
                    group.leader = None;
                }
            }
            Reconfiguration::TransferLeader(node) => {
                assert!(group.voters.contains(node), "only voters lead");
                group.leader = Some(*node);
            }
        }
        Ok(())
    }
}

/// Whoever has a majority gets a leader.
fn elect(state: &mut State) {
    let State { groups, connected, .. } = state;
    for group in groups.values_mut().filter(|group| group.leader.is_none()) {
        let alive: Vec<u32> = group.voters.intersection(connected).copied().collect();
        if alive.len() > group.voters.len() / 2 {
            group.leader = alive.into_iter().min_by_key(|node| group.lag.get(node).copied());
        }
    }
}

#[async_trait]
impl ReplicaHost for FakeCluster {
    fn broker_address(&self, node: u32) -> Option<String> {
        self.state.lock().connected.contains(&node).then(|| format!("node-{node}:26502"))
    }

    async fn status(&self, partition: PartitionId) -> Result<GroupStatus, HostError> {
        if self.goes_wrong() {
            return Err(HostError("lost".to_owned()));
        }
        let state = self.state.lock();
        let group = state.groups.get(&partition);
        let led = group.and_then(|group| group.leader.map(|leader| (group, leader)));
        let Some((group, leader)) = led else {
            return Err(HostError(format!("nobody leads partition {partition}")));
        };
        let heard = |node: &u32| {
            state.connected.contains(node)
                && (partition == METADATA_PARTITION
                    || state.hosted.get(node).is_some_and(|it| it.contains(&partition)))
        };
        let lag = group.lag.iter().filter(|(node, _)| **node != leader && heard(node));
        Ok(GroupStatus {
            leader,
            voters: group.voters.clone(),
            learners: group.learners.clone(),
            is_changing: group.is_changing,
            lag: lag.map(|(node, lag)| (*node, *lag)).collect(),
        })
    }

    async fn reconfigure(
        &self,
        as_of: u64,
        partition: PartitionId,
        change: &Reconfiguration,
    ) -> Result<(), HostError> {
        let lost = || HostError("lost".to_owned());
        if self.goes_wrong() {
            self.state.lock().late.push((as_of, partition, change.clone()));
            return Err(lost());
        }
        let result = self.take_effect(as_of, partition, change);
        if self.goes_wrong() {
            return Err(lost());
        }
        result
    }

    async fn scale_up(&self, partition_count: u32) -> Result<(), HostError> {
        if self.goes_wrong() {
            return Err(HostError("lost".to_owned()));
        }
        let mut state = self.state.lock();
        state.scaled_to = state.scaled_to.max(partition_count);
        Ok(())
    }

    async fn is_redistributed(&self, partition_count: u32) -> Result<bool, HostError> {
        Ok(self.state.lock().redistributed_to >= partition_count)
    }
}

struct FakeNode<'a>(&'a FakeCluster, u32, &'a ClusterConfig);

#[async_trait]
impl LocalReplicas for FakeNode<'_> {
    fn running(&self) -> BTreeSet<PartitionId> {
        self.0.state.lock().hosted.get(&self.1).cloned().unwrap_or_default()
    }

    async fn start(&self, partition: PartitionId, start: ReplicaStart) -> Result<(), HostError> {
        let mut state = self.0.state.lock();
        if start == ReplicaStart::Bootstrap {
            let first = Group {
                leader: Some(self.1),
                voters: BTreeSet::from([self.1]),
                lag: BTreeMap::from([(self.1, 0)]),
                ..Group::default()
            };
            state.groups.entry(partition).or_insert(first);
        }
        state.hosted.entry(self.1).or_default().insert(partition);
        Ok(())
    }

    async fn remove(&self, partition: PartitionId) -> Result<(), HostError> {
        let mut state = self.0.state.lock();
        state.hosted.entry(self.1).or_default().remove(&partition);
        if self.2.partitions.contains_key(&partition) {
            let votes = state.groups[&partition].voters.contains(&self.1);
            assert!(!votes, "node {} still votes in partition {partition}", self.1);
        } else {
            state.groups.remove(&partition);
        }
        Ok(())
    }
}
