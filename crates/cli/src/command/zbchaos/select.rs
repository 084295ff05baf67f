//! Which node is meant: by its number, or by what it is to a partition.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use skep_client::proto::TopologyResponse;

use super::context::{Context, LOOK_PAUSE};
use super::target::Target;
use crate::failure::Failure;

/// How long a partition may be without a node in the wanted role: an election takes less.
const ROLE_MAX: Duration = Duration::from_secs(30);

/// What a broker is to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(super) enum Role {
    Leader,
    Follower,
    Inactive,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Leader => "LEADER",
            Self::Follower => "FOLLOWER",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// A replica, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replica {
    pub(super) role: Role,
    pub(super) health: &'static str,
}

/// Who holds what in which role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Topology {
    pub(super) partitions: u32,
    pub(super) replication_factor: u32,
    /// Broker, and what it holds.
    pub(super) brokers: BTreeMap<u32, BTreeMap<u32, Replica>>,
}

impl Topology {
    pub(super) fn of(answer: &TopologyResponse) -> Self {
        let whole = |number: i32| u32::try_from(number).unwrap_or_default();
        let mut brokers = BTreeMap::new();
        for broker in &answer.brokers {
            let held: &mut BTreeMap<u32, Replica> =
                brokers.entry(whole(broker.node_id)).or_default();
            for partition in &broker.partitions {
                let role = match partition.role {
                    0 => Role::Leader,
                    1 => Role::Follower,
                    _ => Role::Inactive,
                };
                let health = match partition.health {
                    0 => "HEALTHY",
                    1 => "UNHEALTHY",
                    _ => "DEAD",
                };
                held.insert(whole(partition.partition_id), Replica { role, health });
            }
        }
        Self {
            partitions: whole(answer.partitions_count),
            replication_factor: whole(answer.replication_factor),
            brokers,
        }
    }

    /// A partition that is there, or an error.
    pub(super) fn known(&self, partition: u32) -> Result<u32, Failure> {
        if partition > self.partitions {
            return Err(Failure::Usage(format!(
                "Expected that given partition id ({partition}) is smaller then the partitions \
                 count {}, but was greater.",
                self.partitions
            )));
        }
        if partition == 0 {
            return Err(Failure::Usage("partitions are counted from 1".to_owned()));
        }
        Ok(partition)
    }

    /// The broker that has this role for a partition: the last one, when there are several.
    pub(super) fn broker(&self, role: Role, partition: u32) -> Option<u32> {
        let has = |held: &BTreeMap<u32, Replica>| {
            held.get(&partition).is_some_and(|replica| replica.role == role)
        };
        self.brokers.iter().rfind(|(_, held)| has(held)).map(|(id, _)| *id)
    }

    /// Partition and who leads it.
    pub(super) fn leaders(&self) -> BTreeMap<u32, u32> {
        let led = (1..=self.partitions)
            .filter_map(|partition| Some((partition, self.broker(Role::Leader, partition)?)));
        led.collect()
    }

    /// What is wrong: a partition without a healthy leader, or with replicas that are not there or
    /// not well.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for partition in 1..=self.partitions {
            let held: Vec<(u32, Replica)> = self
                .brokers
                .iter()
                .filter_map(|(id, held)| held.get(&partition).map(|replica| (*id, *replica)))
                .collect();
            let leaders = held.iter().filter(|(_, replica)| replica.role == Role::Leader).count();
            if leaders != 1 {
                wrong.push(format!("partition {partition} has {leaders} leaders"));
            }
            if held.len() < self.replication_factor as usize {
                wrong.push(format!(
                    "partition {partition} has {} of {} replicas",
                    held.len(),
                    self.replication_factor
                ));
            }
            for (id, replica) in held {
                if replica.role == Role::Inactive || replica.health != "HEALTHY" {
                    wrong.push(format!(
                        "broker {id} is {} ({}) of partition {partition}",
                        replica.role.name(),
                        replica.health
                    ));
                }
            }
        }
        if self.partitions == 0 {
            wrong.push("no partition is known".to_owned());
        }
        wrong
    }
}

/// A broker, as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Node(u32),
    Role(Role, u32),
}

impl Wanted {
    /// A number below 0 stands for none, as in the original.
    pub(super) fn new(node: i64, role: Role, partition: u32) -> Self {
        u32::try_from(node).map_or(Self::Role(role, partition), Self::Node)
    }

    /// Its id, found out now; waits for an election that is under way.
    pub(super) async fn find(self, context: &Context) -> Result<u32, Failure> {
        let (role, partition) = match self {
            Self::Node(id) => return Ok(id),
            Self::Role(role, partition) => (role, partition),
        };
        let began = Instant::now();
        loop {
            match context.topology().await {
                Ok(topology) => {
                    if let Some(id) = topology.broker(role, topology.known(partition)?) {
                        return Ok(id);
                    }
                }
                Err(error) if began.elapsed() > ROLE_MAX => return Err(error),
                Err(_) => {}
            }
            if began.elapsed() > ROLE_MAX {
                return Err(Failure::guided(
                    4,
                    format!("no broker is {} of partition {partition}", role.name()),
                    "See `skep zbchaos topology`.",
                ));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// The name of its node in the folder of the cluster.
    pub(super) async fn node(self, context: &Context) -> Result<String, Failure> {
        let name = broker_name(self.find(context).await?);
        // Behind addresses the node itself says whether there is one.
        if let Target::Folder(_) = context.target {
            context.target.cluster()?.node(&name)?;
        }
        Ok(name)
    }
}

/// What the node of a broker is called.
pub(super) fn broker_name(id: u32) -> String {
    format!("broker-{id}")
}
