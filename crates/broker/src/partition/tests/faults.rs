//! Random faults, by seed: whatever happens, what was acknowledged is there once, what was refused is
//! not, and when the faults end the group goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::oneshot;

use crate::partition::tests::group::{Answered, Group, taken, with_local};
use crate::replication::Replication;

struct Faults {
    group: Group,
    random: SmallRng,
    /// Answers that did not come yet.
    waiting: Vec<(String, oneshot::Receiver<Answered>)>,
    /// How often each message may be in the state: at least, at most.
    expected: BTreeMap<String, (u64, u64)>,
    /// Nodes that do not run.
    down: Vec<u64>,
    number: u64,
}

impl Faults {
    async fn start(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut group = Group::prepared(3);
        group.seed = seed * 1_000;
        group.checkpoint_log_bytes = if random.random_bool(0.5) { 3_000 } else { u64::MAX };
        for node in group.ids() {
            group.boot(node).await;
        }
        group.publish("first").await;
        let expected = BTreeMap::from([("first".to_owned(), (1, 1))]);
        Self { group, random, waiting: Vec::new(), expected, down: Vec::new(), number: 0 }
    }

    fn any(&mut self) -> u64 {
        self.random.random_range(1..=3)
    }

    fn pair(&mut self) -> (u64, u64) {
        let one = self.any();
        (one, 1 + (one % 3))
    }

    /// Hands some messages to somebody who thinks that it leads.
    fn publish(&mut self) {
        let leaders: Vec<u64> = self.group.nodes.keys().copied().collect();
        for node in leaders {
            for _ in 0..self.random.random_range(0..4) {
                self.number += 1;
                let name = format!("m{}", self.number);
                let answer = self.group.node(node).submit(&name);
                self.waiting.push((name, answer));
            }
        }
    }

    /// Notes the answers that have come.
    fn hear(&mut self, is_over: bool) {
        let expected = &mut self.expected;
        self.waiting.retain_mut(|(name, answer)| {
            let bounds = match answer.try_recv().map(taken) {
                Ok(Ok(_)) => (1, 1),
                Ok(Err(error)) if error.not_accepted() => (0, 0),
                Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed) => (0, 1),
                Err(oneshot::error::TryRecvError::Empty) if is_over => (0, 1),
                Err(oneshot::error::TryRecvError::Empty) => return true,
            };
            expected.insert(name.clone(), bounds);
            false
        });
    }

    async fn fault(&mut self) {
        match self.random.random_range(0..12) {
            0 | 1 => {
                let node = self.any();
                if self.down.len() < 2 && !self.down.contains(&node) {
                    let power_loss = self.random.random_bool(0.5);
                    let seed = self.random.random();
                    self.group.crash(node, power_loss.then_some(seed)).await;
                    self.down.push(node);
                }
            }
            2 | 3 => {
                if let Some(node) = self.down.pop() {
                    self.group.boot(node).await;
                }
            }
            4 => self.wipe().await,
            5 => {
                let (one, other) = self.pair();
                self.group.network.cut(one, other);
            }
            6 => {
                let (one, other) = self.pair();
                let silent = self.random.random_bool(0.5);
                self.group.network.silence(one, other, silent);
                self.group.network.silence(other, one, silent && self.random.random_bool(0.5));
            }
            7 => {
                let (one, other) = self.pair();
                let delay = Duration::from_millis(self.random.random_range(0..120));
                self.group.network.delay(one, other, delay);
            }
            8 => {
                let to = self.any();
                if let Some(leader) = self.group.leader() {
                    let replica = self.group.node(leader).replica.clone();
                    drop(tokio::task::spawn_local(
                        async move { replica.transfer_leader(to).await },
                    ));
                }
            }
            9 => {
                let node = self.any();
                let faults = self.group.machine(node).disk.faults();
                if self.random.random_bool(0.5) {
                    faults.full_after(self.random.random_range(0..5_000));
                } else {
                    faults.clear();
                }
            }
            10 => {
                if let Some(leader) = self.group.leader() {
                    let replica = self.group.node(leader).replica.clone();
                    drop(tokio::task::spawn_local(async move { replica.step_down().await }));
                }
            }
            _ => self.heal().await,
        }
    }

    /// A disk is lost, when the group can spare it: all run, and all have what is committed.
    async fn wipe(&mut self) {
        self.heal().await;
        self.group.publish("before").await;
        self.expected.entry("before".to_owned()).or_insert((0, u64::MAX)).0 += 1;
        self.group.until_equal().await;
        self.group.until_all_vote().await;
        let node = self.any();
        self.group.wipe(node).await;
        self.group.boot(node).await;
    }

    async fn heal(&mut self) {
        for node in self.group.ids() {
            self.group.machine(node).disk.faults().clear();
        }
        self.group.network.heal_all();
        while let Some(node) = self.down.pop() {
            self.group.boot(node).await;
        }
    }

    /// Everything comes to its end, and is what it should be.
    async fn check(mut self, seed: u64) {
        self.heal().await;
        self.group.publish("last").await;
        self.expected.insert("last".to_owned(), (1, u64::MAX));
        let state = self.group.until_equal().await;
        self.hear(true);
        for (name, (least, most)) in &self.expected {
            let count = state.0.get(name).copied().unwrap_or_default();
            assert!(
                (*least..=*most).contains(&count),
                "seed {seed}: {name} is there {count} times, expected {least} to {most}"
            );
        }
    }
}

async fn run(seed: u64) {
    let mut faults = Faults::start(seed).await;
    for _ in 0..faults.random.random_range(10..60) {
        faults.publish();
        faults.fault().await;
        let pause_ms = match faults.random.random_range(0..3) {
            0 => faults.random.random_range(0..5),
            1 => faults.random.random_range(0..200),
            _ => faults.random.random_range(0..2_000),
        };
        faults.group.sleep_ms(pause_ms).await;
        faults.hear(false);
    }
    faults.check(seed).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_done_twice_whatever_happens() {
    for seed in 0..6 {
        with_local(run(seed)).await;
    }
}

/// Run it by hand, in release: some seconds a hundred seeds.
#[tokio::test(start_paused = true)]
#[ignore = "long"]
async fn nothing_is_lost_or_done_twice_over_many_seeds() {
    for seed in 100..1_100 {
        println!("seed {seed}");
        with_local(run(seed)).await;
    }
}
