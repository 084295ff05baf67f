//! The plans: how many brokers, partitions, replicas and gateways, by the names that operators of
//! Camunda's cloud know.
//!
//! `production-s` is the shape that the experiments of the field run on. The others follow its
//! pattern: more partitions for the same brokers, then more of everything.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The name of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PlanName {
    /// One broker with one partition and its own gateway
    Development,
    /// 3 brokers, 3 partitions on each of them, 2 gateways
    ProductionS,
    /// 3 brokers, 6 partitions on each of them, 2 gateways
    ProductionM,
    /// 6 brokers, 12 partitions on three of them each, 3 gateways
    ProductionL,
}

/// What a cluster consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) name: PlanName,
    pub(crate) brokers: u16,
    pub(crate) partitions: u32,
    pub(crate) replication_factor: u16,
    /// Standalone gateways; without any, the brokers' own are used.
    pub(crate) gateways: u16,
}

const PLANS: [Plan; 4] = [
    Plan {
        name: PlanName::Development,
        brokers: 1,
        partitions: 1,
        replication_factor: 1,
        gateways: 0,
    },
    Plan {
        name: PlanName::ProductionS,
        brokers: 3,
        partitions: 3,
        replication_factor: 3,
        gateways: 2,
    },
    Plan {
        name: PlanName::ProductionM,
        brokers: 3,
        partitions: 6,
        replication_factor: 3,
        gateways: 2,
    },
    Plan {
        name: PlanName::ProductionL,
        brokers: 6,
        partitions: 12,
        replication_factor: 3,
        gateways: 3,
    },
];

impl PlanName {
    /// What the plan consists of.
    pub(crate) fn plan(self) -> Plan {
        PLANS.into_iter().find(|plan| plan.name == self).unwrap_or(PLANS[0])
    }

    /// The name as it is typed.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::ProductionS => "production-s",
            Self::ProductionM => "production-m",
            Self::ProductionL => "production-l",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_plan_that_can_be_placed() {
        for name in PlanName::value_variants() {
            let plan = name.plan();
            assert_eq!(plan.name, *name, "{} is in the table", name.text());
            assert!(plan.replication_factor <= plan.brokers, "{}", name.text());
            assert!(plan.replication_factor % 2 == 1, "an even majority costs and gains nothing");
            assert!(plan.partitions >= 1);
            let typed = name.to_possible_value().unwrap();
            assert_eq!(typed.get_name(), name.text());
        }
    }

    #[test]
    fn production_s_is_the_one_of_the_experiments() {
        let plan = PlanName::ProductionS.plan();
        assert_eq!(
            (plan.brokers, plan.partitions, plan.replication_factor, plan.gateways),
            (3, 3, 3, 2)
        );
    }
}
