//! Random changes of random clusters, with a network that loses, repeats and delays, coordinators
//! that fall over anywhere, and operators who change their mind.

use std::collections::{BTreeMap, BTreeSet};

use skep_env::{Random, SeededRandom};

use crate::metadata::config::{ClusterConfig, MemberState};
use crate::metadata::fake::FakeCluster;
use crate::metadata::operation::ChangeStatus;
use crate::metadata::planner::{Plan, Wanted, WantedBrokers, plan};
use crate::metadata::refusal::RefusalKind;
use crate::metadata::step::{Step, step};
use crate::metadata::transition;

/// Steps after which a change must have ended once nothing goes wrong any more.
const CALM_STEPS_MAX: usize = 2_000;

fn initial(brokers: u32, partitions: u32, replication_factor: u32) -> ClusterConfig {
    let brokers: BTreeMap<u32, String> =
        (0..brokers).map(|node| (node, format!("node-{node}:26502"))).collect();
    ClusterConfig::initial("test", &brokers, partitions, replication_factor).unwrap()
}

fn some_wish(config: &ClusterConfig, random: &SeededRandom) -> Wanted {
    let broker = random.below(6) as u32;
    let partition = random.below(config.partitions.len() as u64) as u32 + 1;
    match random.below(8) {
        0 => Wanted::AddBroker(broker),
        1 => Wanted::RemoveBroker(broker),
        2 => Wanted::Join { broker, partition, priority: random.below(3) as u32 + 1 },
        3 => Wanted::Leave { broker, partition },
        _ => {
            let brokers: BTreeSet<u32> = (0..6).filter(|_| random.below(2) == 0).collect();
            Wanted::Shape {
                brokers: (random.below(3) > 0).then_some(WantedBrokers::Exactly(brokers)),
                partition_count: (random.below(2) > 0)
                    .then_some(config.partition_count + random.below(3) as u32),
                replication_factor: (random.below(2) > 0).then_some(random.below(4) as u32 + 1),
            }
        }
    }
}

struct Run {
    config: ClusterConfig,
    cluster: FakeCluster,
    random: SeededRandom,
}

impl Run {
    /// One step of some coordinator: its decision may get lost on the way.
    async fn step(&mut self) {
        self.cluster.tick(&self.config).await;
        let next = step(&self.config, &self.cluster, 7).await;
        if let Some(Step::Propose(next)) = next
            && self.random.below(10) > 0
        {
            assert_eq!(next.version, self.config.version + 1);
            next.validate().unwrap();
            let read = ClusterConfig::decode(&next.encode()).unwrap();
            assert_eq!(read, *next);
            self.config = read;
        }
    }

    async fn calm_down(&mut self) {
        self.cluster.set_faults(0);
        for _ in 0..CALM_STEPS_MAX {
            if self.config.pending.is_none() {
                break;
            }
            self.step().await;
        }
        assert_eq!(self.config.pending, None, "the change does not end");
        self.cluster.tick(&self.config).await;
        self.cluster.check(&self.config);
    }

    async fn change(&mut self, plan: Plan) {
        self.config = transition::start(&self.config, plan.operations, 5);
        for node in plan.expected.brokers.keys() {
            self.cluster.connect(*node);
        }
        let id = self.config.next_change_id() - 1;
        let regret = self.random.below(60);
        self.cluster.set_faults(self.random.below(60));
        for at in 0..40 {
            self.step().await;
            if at == regret
                && let Ok(cancelled) = transition::cancel(&self.config, id, 6)
            {
                self.config = cancelled;
            }
        }
        self.calm_down().await;
        let last = self.config.last.clone().unwrap();
        assert_eq!(last.id, id);
        let members = self.config.partitions.values().flatten().chain(&self.config.metadata);
        for member in members {
            assert_eq!(member.state, MemberState::Active, "{:?}", self.config);
        }
        assert_eq!(self.config.partitions.len(), self.config.partition_count as usize);
        if last.status == ChangeStatus::Completed {
            assert_eq!(self.config.partitions, plan.expected.partitions);
            assert_eq!(self.config.metadata, plan.expected.metadata);
            assert_eq!(self.config.replication_factor, plan.expected.replication_factor);
            assert!(self.config.brokers.keys().eq(plan.expected.brokers.keys()));
            assert!(self.config.brokers.values().all(|broker| !broker.address.is_empty()));
        }
    }
}

#[tokio::test]
async fn every_change_ends_as_wanted_or_cancelled() {
    let (mut completed, mut cancelled, mut refused) = (0, 0, 0);
    for seed in 0..150 {
        let random = SeededRandom::new(seed);
        let brokers = random.below(4) as u32 + 1;
        let config = initial(
            brokers,
            random.below(4) as u32 + 1,
            random.below(u64::from(brokers)) as u32 + 1,
        );
        let cluster = FakeCluster::new(&config, seed + 1);
        let mut run = Run { config, cluster, random };
        for _ in 0..4 {
            let wanted = some_wish(&run.config, &run.random);
            match plan(&run.config, &wanted) {
                Ok(plan) => run.change(plan).await,
                Err(refusal) => {
                    assert_ne!(refusal.kind, RefusalKind::Conflict, "{refusal}");
                    refused += 1;
                    continue;
                }
            }
            match run.config.last.as_ref().unwrap().status {
                ChangeStatus::Completed => completed += 1,
                _ => cancelled += 1,
            }
        }
    }
    assert!(completed > 100 && cancelled > 20 && refused > 20, "{completed} {cancelled} {refused}");
}

#[tokio::test]
async fn a_dead_broker_can_be_replaced() {
    let config = initial(3, 3, 3);
    let cluster = FakeCluster::new(&config, 1);
    cluster.disconnect(1);
    cluster.connect(3);
    let wanted = Wanted::Shape {
        brokers: Some(WantedBrokers::Exactly(BTreeSet::from([0, 2, 3]))),
        partition_count: None,
        replication_factor: None,
    };
    let plan = plan(&config, &wanted).unwrap();
    let config = transition::start(&config, plan.operations, 1);
    let mut run = Run { config, cluster, random: SeededRandom::new(2) };
    run.calm_down().await;
    assert!(run.config.brokers.keys().eq(&[0, 2, 3]));
    assert!(run.config.placement().values().all(|members| members.len() == 3));
}

#[tokio::test]
async fn a_change_that_would_cost_the_majority_waits() {
    let config = initial(3, 1, 3);
    let cluster = FakeCluster::new(&config, 1);
    cluster.disconnect(2);
    // Broker 1 is healthy and asked to leave: of 0 and 2 only one would be left.
    let plan = plan(&config, &Wanted::Leave { broker: 1, partition: 1 }).unwrap();
    let config = transition::start(&config, plan.operations, 1);
    let mut run = Run { config, cluster, random: SeededRandom::new(2) };
    for _ in 0..50 {
        run.step().await;
    }
    let waiting = step(&run.config, &run.cluster, 1).await;
    let Some(Step::Wait(reason)) = waiting else { panic!("{waiting:?}") };
    assert!(reason.contains("no majority"), "{reason}");
    run.cluster.connect(2);
    run.calm_down().await;
    assert_eq!(run.config.placement()[&1], [0, 2]);
}
