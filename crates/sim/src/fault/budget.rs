//! How much may be damaged at once: never more than Raft can survive.
//!
//! Crashes, power losses, cuts and slow or full disks may hit every node at once: they cost
//! availability, and what was synced stays. Data may be lost on one node only, and on no second one
//! before the first has everything again: so one node of a run is its victim. Of two copies one is left
//! then, which has all that was acknowledged, since both are needed for that. A partition that is added has
//! one replica at first: a run that adds some has no victim.

use super::{Fault, Planned};

/// Why this schedule asks for more than the cluster promises to survive; `None` when it does not.
#[must_use]
pub fn exceeded(faults: &[Planned], replication_factor: u32) -> Option<String> {
    let mut victim = None;
    let grows = faults.iter().any(|it| matches!(it.fault, Fault::AddPartitions { .. }));
    for planned in faults {
        let Some(node) = planned.fault.damages() else { continue };
        if replication_factor < 2 {
            return Some(format!("the data of node {node} is damaged, of which there is no copy"));
        }
        if grows {
            let text = "is damaged, while partitions are added that may have one copy only";
            return Some(format!("the data of node {node} {text}"));
        }
        match victim {
            Some(other) if other != node => {
                return Some(format!("the data of node {other} and of node {node} is damaged"));
            }
            _ => victim = Some(node),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(faults: &[Fault]) -> Vec<Planned> {
        let plan = |fault: &Fault| Planned { at_ms: 1, for_ms: 1, fault: fault.clone() };
        faults.iter().map(plan).collect()
    }

    #[test]
    fn one_victim_is_bearable_where_there_are_copies() {
        let faults = planned(&[
            Fault::Wipe { node: 1 },
            Fault::FlipBit { node: 1 },
            Fault::PowerLoss { node: 2 },
            Fault::Blackout,
        ]);
        assert_eq!((exceeded(&faults, 3), exceeded(&faults, 2)), (None, None));
    }

    #[test]
    fn two_victims_or_a_single_copy_are_not() {
        let two = planned(&[Fault::Wipe { node: 1 }, Fault::FlipBit { node: 2 }]);
        assert!(exceeded(&two, 3).is_some());
        assert!(exceeded(&planned(&[Fault::Wipe { node: 1 }]), 1).is_some());
        let grows = planned(&[Fault::Wipe { node: 1 }, Fault::AddPartitions { partitions: 4 }]);
        assert!(exceeded(&grows, 3).is_some());
    }
}
