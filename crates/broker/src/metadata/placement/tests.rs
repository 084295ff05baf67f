use std::collections::BTreeSet;

use skep_env::{Random, SeededRandom};

use super::*;

/// The largest and the smallest number of times that a broker is counted.
fn spread(nodes: &[u32], counted: impl Iterator<Item = u32>) -> usize {
    let mut counts: BTreeMap<u32, usize> = nodes.iter().map(|node| (*node, 0)).collect();
    for node in counted {
        *counts.get_mut(&node).expect("only brokers of the cluster") += 1;
    }
    counts.values().max().unwrap_or(&0) - counts.values().min().unwrap_or(&0)
}

fn check(placement: &Placement, nodes: &[u32], partitions: u32, replication_factor: u32) {
    let replicas = (replication_factor as usize).min(nodes.len());
    assert!(placement.keys().copied().eq(1..=partitions));
    for members in placement.values() {
        let distinct: BTreeSet<_> = members.iter().collect();
        assert_eq!(distinct.len(), replicas, "{placement:?}");
        assert_eq!(members.len(), replicas, "{placement:?}");
    }
    assert!(spread(nodes, placement.values().flatten().copied()) <= 1, "{placement:?}");
    let primaries = placement.values().filter_map(|members| members.first().copied());
    assert!(spread(nodes, primaries) <= 1, "primaries of {placement:?}");
}

/// Replicas that are somewhere in `after` where they were not `before`.
fn moved(before: &Placement, after: &Placement) -> usize {
    let new = |(partition, members): (&PartitionId, &Vec<u32>)| {
        let old = before.get(partition).map_or(&[][..], Vec::as_slice);
        members.iter().filter(|node| !old.contains(node)).count()
    };
    after.iter().map(new).sum()
}

#[test]
fn a_new_cluster_is_filled_round_robin() {
    let placement = round_robin(&[0, 1, 2], 3, 3);
    assert_eq!(placement[&1], [0, 1, 2]);
    assert_eq!(placement[&2], [1, 2, 0]);
    assert_eq!(placement[&3], [2, 0, 1]);
    let placement = round_robin(&[4, 7, 9], 4, 2);
    assert_eq!(placement[&3], [9, 4]);
    assert_eq!(placement[&4], [4, 7]);
    assert_eq!(round_robin(&[5], 2, 1), BTreeMap::from([(1, vec![5]), (2, vec![5])]));
}

#[test]
fn random_new_clusters_are_level() {
    let random = SeededRandom::new(11);
    for _ in 0..500 {
        let size = random.below(9) as u32 + 1;
        let nodes: Vec<u32> = (0..size).collect();
        let partitions = random.below(24) as u32 + 1;
        let factor = random.below(u64::from(size)) as u32 + 1;
        let placement = round_robin(&nodes, partitions, factor);
        let distinct = |members: &Vec<u32>| members.iter().collect::<BTreeSet<_>>().len();
        assert!(placement.values().all(|members| distinct(members) == factor as usize));
        assert!(spread(&nodes, placement.values().map(|members| members[0])) <= 1);
        // What is left of a whole round lies side by side.
        let rest = (partitions % size).min(factor) as usize;
        assert!(spread(&nodes, placement.values().flatten().copied()) <= rest);
        check(&rebalanced(&placement, &nodes, partitions, factor), &nodes, partitions, factor);
    }
}

#[test]
fn what_is_level_stays_as_it_is() {
    for size in 1..7 {
        let nodes: Vec<u32> = (0..size).collect();
        for partitions in 1..14 {
            for factor in 1..=size {
                let placement = round_robin(&nodes, partitions, factor);
                let placement = rebalanced(&placement, &nodes, partitions, factor);
                let again = rebalanced(&placement, &nodes, partitions, factor);
                for (before, after) in placement.values().zip(again.values()) {
                    assert_eq!(before[0], after[0]);
                }
                assert_eq!(moved(&placement, &again), 0);
            }
        }
    }
}

#[test]
fn random_changes_of_a_cluster_stay_level() {
    let random = SeededRandom::new(12);
    for _ in 0..300 {
        let mut nodes: Vec<u32> = (0..=random.below(6) as u32).collect();
        let mut partitions = random.below(8) as u32 + 1;
        let mut factor = random.below(nodes.len() as u64) as u32 + 1;
        let mut placement = round_robin(&nodes, partitions, factor);
        for _ in 0..8 {
            let grown = partitions + random.below(4) as u32;
            let mut wanted: Vec<u32> = (0..9)
                .filter(|node| random.below(4) < if nodes.contains(node) { 3 } else { 1 })
                .collect();
            if wanted.is_empty() {
                wanted.push(random.below(9) as u32);
            }
            let wanted_factor = random.below(wanted.len() as u64) as u32 + 1;
            let after = rebalanced(&placement, &wanted, grown, wanted_factor);
            check(&after, &wanted, grown, wanted_factor);
            (nodes, partitions, factor, placement) = (wanted, grown, wanted_factor, after);
        }
        check(&placement, &nodes, partitions, factor);
    }
}

#[test]
fn brokers_that_come_get_their_share_and_no_more_moves() {
    for size in 1..8 {
        for more in 1..4 {
            for (partitions, factor) in [(3, 1), (8, 1), (3, 3), (12, 3), (17, 2)] {
                let old: Vec<u32> = (0..size).collect();
                let new: Vec<u32> = (0..size + more).collect();
                let factor = factor.min(size);
                let before = round_robin(&old, partitions, factor);
                let before = rebalanced(&before, &old, partitions, factor);
                let after = rebalanced(&before, &new, partitions, factor);
                check(&after, &new, partitions, factor);
                let share = (partitions * factor) as usize / new.len();
                let on_new = after.values().flatten().filter(|node| **node >= size).count();
                assert_eq!(moved(&before, &after), on_new, "only to those that came");
                assert!(on_new <= (share + 1) * more as usize);
            }
        }
    }
}

#[test]
fn of_a_broker_that_goes_only_its_replicas_move() {
    for size in 2..8 {
        for (partitions, factor) in [(3, 1), (8, 1), (3, 3), (12, 3), (17, 2)] {
            let old: Vec<u32> = (0..size).collect();
            let factor = factor.min(size - 1);
            let before = round_robin(&old, partitions, factor);
            let before = rebalanced(&before, &old, partitions, factor);
            for gone in 0..size {
                let new: Vec<u32> = old.iter().copied().filter(|node| *node != gone).collect();
                let after = rebalanced(&before, &new, partitions, factor);
                check(&after, &new, partitions, factor);
                let held = before.values().filter(|members| members.contains(&gone)).count();
                let moves = moved(&before, &after);
                assert!(moves <= held + 1, "{moves} moves for {held}: {before:?} -> {after:?}");
            }
        }
    }
}
