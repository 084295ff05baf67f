//! Which brokers hold which partitions.
//!
//! A new cluster is filled round robin. Later the placement follows the brokers with as few moves
//! as the balance allows: each partition on distinct brokers, the numbers of replicas and of first
//! choices as leader ("primaries") of any two brokers at most one apart.

use std::collections::{BTreeMap, VecDeque};

use skep_protocol::PartitionId;

/// The brokers of each partition, highest priority first.
pub type Placement = BTreeMap<PartitionId, Vec<u32>>;

/// Partition p is on the brokers that begin with number (p - 1) mod size.
#[must_use]
pub fn round_robin(nodes: &[u32], partitions: u32, replication_factor: u32) -> Placement {
    let replicas = (replication_factor as usize).min(nodes.len());
    let of = |partition: PartitionId| {
        let from = (partition.saturating_sub(1) as usize).checked_rem(nodes.len()).unwrap_or(0);
        nodes.iter().cycle().skip(from).take(replicas).copied().collect()
    };
    (1..=partitions).map(|partition| (partition, of(partition))).collect()
}

/// The placement on these brokers that is nearest to the current one.
#[must_use]
pub fn rebalanced(
    current: &Placement,
    nodes: &[u32],
    partitions: u32,
    replication_factor: u32,
) -> Placement {
    let mut draft = Draft::new(current, nodes, partitions);
    draft.trim(replication_factor as usize);
    draft.fill((replication_factor as usize).min(nodes.len()));
    draft.level();
    draft.rank(0);
    draft.rank(1);
    draft.placement
}

/// A placement under construction.
struct Draft {
    placement: Placement,
    loads: BTreeMap<u32, usize>,
}

impl Draft {
    /// What of the current placement is on brokers that stay.
    fn new(current: &Placement, nodes: &[u32], partitions: u32) -> Self {
        let mut loads: BTreeMap<u32, usize> = nodes.iter().map(|node| (*node, 0)).collect();
        let mut placement = Placement::new();
        for partition in 1..=partitions {
            let members = current.get(&partition).map_or(&[][..], Vec::as_slice);
            let stay = members.iter().copied().filter(|node| loads.contains_key(node));
            placement.insert(partition, stay.collect());
        }
        for node in placement.values().flatten() {
            *loads.entry(*node).or_default() += 1;
        }
        Self { placement, loads }
    }

    fn load(&self, node: u32) -> usize {
        self.loads.get(&node).copied().unwrap_or(0)
    }

    /// Takes replicas that are too many from the brokers that have most.
    fn trim(&mut self, replicas: usize) {
        let partitions: Vec<PartitionId> = self.placement.keys().copied().collect();
        for partition in partitions {
            while let Some(node) = self.fullest_beyond(partition, replicas) {
                self.remove(partition, node);
            }
        }
    }

    fn fullest_beyond(&self, partition: PartitionId, replicas: usize) -> Option<u32> {
        let members = self.placement.get(&partition)?;
        if members.len() <= replicas {
            return None;
        }
        // Of brokers with as many the one with the lowest priority goes.
        members.iter().copied().max_by_key(|node| self.load(*node))
    }

    /// Gives each partition the replicas that it lacks, on the brokers that have least. The
    /// partition that goes first has the next broker after its primary's, as round robin has.
    fn fill(&mut self, replicas: usize) {
        let partitions: Vec<PartitionId> = self.placement.keys().copied().collect();
        for partition in partitions {
            while self.placement.get(&partition).is_some_and(|members| members.len() < replicas) {
                let Some(node) = self.emptiest_for(partition) else { return };
                self.add(partition, node);
            }
        }
    }

    fn emptiest_for(&self, partition: PartitionId) -> Option<u32> {
        let members = self.placement.get(&partition)?;
        let free = self.loads.keys().copied().filter(|node| !members.contains(node));
        free.min_by_key(|node| (self.load(*node), *node))
    }

    fn add(&mut self, partition: PartitionId, node: u32) {
        self.placement.entry(partition).or_default().push(node);
        *self.loads.entry(node).or_default() += 1;
    }

    fn remove(&mut self, partition: PartitionId, node: u32) {
        if let Some(members) = self.placement.get_mut(&partition) {
            members.retain(|member| *member != node);
        }
        if let Some(load) = self.loads.get_mut(&node) {
            *load -= 1;
        }
    }

    /// Moves replicas from the fullest broker to the emptiest until they are at most one apart.
    fn level(&mut self) {
        loop {
            let fullest = self.loads.iter().max_by_key(|(_, load)| **load);
            let emptiest = self.loads.iter().min_by_key(|(_, load)| **load);
            let (Some((&from, &most)), Some((&to, &least))) = (fullest, emptiest) else { return };
            if most <= least + 1 {
                return;
            }
            // The fuller one has more partitions, so one of them is not on the other.
            let movable = self
                .placement
                .iter()
                .find(|(_, members)| members.contains(&from) && !members.contains(&to));
            let Some((&partition, _)) = movable else { return };
            self.remove(partition, from);
            self.add(partition, to);
        }
    }

    /// Levels how often each broker stands at this place of the priorities, by exchanges between
    /// this place and the lower ones. With replicas level, firsts can always be level.
    fn rank(&mut self, place: usize) {
        loop {
            let mut counts: BTreeMap<u32, usize> =
                self.loads.keys().map(|node| (*node, 0)).collect();
            for node in self.placement.values().filter_map(|members| members.get(place)) {
                *counts.entry(*node).or_default() += 1;
            }
            let Some(path) = self.exchange_path(place, &counts) else { return };
            for (partition, node) in path {
                self.promote(partition, place, node);
            }
        }
    }

    /// The shortest chain of promotions that takes one from a broker that has it at least two times
    /// more often than the one where the chain ends.
    fn exchange_path(
        &self,
        place: usize,
        counts: &BTreeMap<u32, usize>,
    ) -> Option<Vec<(PartitionId, u32)>> {
        let mut sources: Vec<u32> = counts.keys().copied().collect();
        sources.sort_by_key(|node| std::cmp::Reverse(counts.get(node).copied()));
        for source in sources {
            let most = counts.get(&source).copied().unwrap_or(0);
            // Who was reached, through which partition and from whom.
            let mut reached: BTreeMap<u32, (PartitionId, u32)> = BTreeMap::new();
            let mut open = VecDeque::from([source]);
            while let Some(node) = open.pop_front() {
                if counts.get(&node).is_some_and(|count| count + 2 <= most) {
                    return Some(chain(&reached, source, node));
                }
                for (partition, members) in &self.placement {
                    if members.get(place) != Some(&node) {
                        continue;
                    }
                    for lower in members.iter().skip(place + 1) {
                        if *lower != source && !reached.contains_key(lower) {
                            reached.insert(*lower, (*partition, node));
                            open.push_back(*lower);
                        }
                    }
                }
            }
        }
        None
    }

    /// Puts a broker at this place; those between move down.
    fn promote(&mut self, partition: PartitionId, place: usize, node: u32) {
        let Some(members) = self.placement.get_mut(&partition) else { return };
        members.retain(|member| *member != node);
        members.insert(place.min(members.len()), node);
    }
}

/// The promotions from `source` to `target`, in the order of the chain.
fn chain(
    reached: &BTreeMap<u32, (PartitionId, u32)>,
    source: u32,
    target: u32,
) -> Vec<(PartitionId, u32)> {
    let mut path = Vec::new();
    let mut node = target;
    while node != source {
        let Some((partition, from)) = reached.get(&node) else { break };
        path.push((*partition, node));
        node = *from;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests;
