//! The stream processor over a replication that commits when it is told to.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use skep_engine::{Backing, Response};
use skep_env::{Clock, ControlledClock, MemoryDisk};
use skep_protocol::{Command, MessageIntent, MessageRecord, NO_KEY, PartitionId, Payload};
use skep_storage::{MemoryStore, WriteBatch};
use tokio::sync::oneshot;

use crate::error::BrokerError;
use crate::jobs::JobHub;
use crate::partition::tests::counter::Counter;
use crate::partition::{
    Answer, CheckpointJob, CheckpointSettings, Control, Inbox, Limiter, Partition, Parts, Request,
    Status, Store, StoredMeta,
};
use crate::replication::{EntryId, MemoryReplication, Replication, ReplicationEvent};
use crate::transport::Transport;

/// Counts what is sent.
#[derive(Default)]
struct Sent(Mutex<u64>);

impl Transport for Sent {
    fn send(&self, _: PartitionId, _: Command) {
        *self.0.lock() += 1;
    }
}

/// A partition that a test drives: it runs whenever the test yields.
struct Bench {
    inbox: Arc<Inbox>,
    limiter: Arc<Limiter>,
    status: Arc<Status>,
    replication: Arc<MemoryReplication>,
    sent: Arc<Sent>,
    store: Store,
    running: tokio::task::JoinHandle<()>,
}

type Receiver = oneshot::Receiver<Result<Answer, BrokerError>>;

impl Bench {
    /// Must run inside a `LocalSet`.
    fn start(checkpoint_log_bytes: u64) -> Self {
        let inbox = Inbox::new();
        let replication = Arc::new(MemoryReplication::held(inbox.wake.clone()));
        let clock = ControlledClock::default();
        clock.pin(1_700_000_000_000);
        let disk = Arc::new(MemoryDisk::new());
        let store = Store::new(Arc::new(MemoryStore::new()), disk, PathBuf::from("/snapshots"));
        let (limiter, status, sent) = (
            Arc::new(Limiter::new()),
            Arc::new(Status::new(1, Arc::default())),
            Arc::new(Sent::default()),
        );
        let (of_engine, of_writer) = (store.clone(), store.clone());
        let parts = Parts {
            id: 1,
            clock: Arc::new(clock) as Arc<dyn Clock>,
            inbox: inbox.clone(),
            limiter: limiter.clone(),
            status: status.clone(),
            hub: JobHub::new(Box::new(|_| {})),
            transport: sent.clone(),
            replication: replication.clone(),
            factory: Box::new(move || Ok(Counter::load(&of_engine))),
            checkpoints: CheckpointSettings {
                log_bytes: checkpoint_log_bytes,
                dirty_bytes: usize::MAX,
                interval_us: u64::MAX,
                replaced: Box::new(|| 0),
                write: Box::new(move |job: CheckpointJob| {
                    let result = of_writer.write(&job).map_err(|error| error.to_string());
                    job.inbox.control(Control::CheckpointDone(result));
                }),
            },
            checkpoint: None,
            backup: None,
            round_bytes_max: 10_000,
            observer: None,
            space_low: Box::new(|| false),
        };
        let running = tokio::task::spawn_local(Partition::new(parts).unwrap().run());
        Self { inbox, limiter, status, replication, sent, store, running }
    }

    fn publish(&self, name: &str) -> Receiver {
        let value = MessageRecord { name: name.to_owned(), ..MessageRecord::default() };
        let payload = Payload::Message(MessageIntent::Publish, value);
        self.limiter.accept(&payload, 1).unwrap();
        let (reply, receiver) = oneshot::channel();
        let command = Command::new(NO_KEY, payload);
        let request = Request { command, reply, bytes: 1, accepted_us: 0 };
        assert!(self.inbox.request(Box::new(request)).is_ok());
        receiver
    }

    /// Lets the partition do what it can.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    async fn stop(self) -> Store {
        self.inbox.control(Control::Stop);
        while !self.running.is_finished() {
            self.replication.commit(usize::MAX);
            tokio::task::yield_now().await;
        }
        self.running.await.unwrap();
        self.store
    }
}

async fn with_local(test: impl Future<Output = ()>) {
    tokio::task::LocalSet::new().run_until(test).await;
}

fn count_of(store: &Store, name: &str) -> u64 {
    let value = store.get(1, name.as_bytes()).unwrap();
    value.map_or(0, |value| u64::from_le_bytes(value.try_into().unwrap()))
}

#[tokio::test]
async fn no_effect_comes_before_its_commit() {
    with_local(async {
        for seed in 0..20 {
            let mut random = SmallRng::seed_from_u64(seed);
            let bench = Bench::start(u64::MAX);
            bench.settle().await;
            let mut waiting = Vec::new();
            let (mut published, mut answered) = (0, 0);
            for _ in 0..60 {
                for _ in 0..random.random_range(0..5) {
                    waiting.push(bench.publish("m"));
                    published += 1;
                }
                bench.settle().await;
                let held_before = bench.replication.proposals_held();
                let committed = bench.replication.commit(random.random_range(0..3));
                bench.settle().await;
                let before = answered;
                waiting.retain_mut(|receiver| match receiver.try_recv() {
                    Ok(answer) => {
                        assert!(answer.is_ok());
                        answered += 1;
                        false
                    }
                    Err(_) => true,
                });
                assert_eq!(answered > before, committed > 0, "seed {seed}");
                assert!(committed <= held_before);
                assert_eq!(*bench.sent.0.lock(), answered / 3, "seed {seed}");
                if bench.replication.proposals_held() == 0 {
                    assert_eq!(answered, published, "seed {seed}");
                }
            }
            let store = bench.stop().await;
            assert_eq!(count_of(&store, "m"), published);
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_leadership_drops_what_was_not_committed() {
    with_local(async {
        for checkpoint_log_bytes in [u64::MAX, 1] {
            let bench = Bench::start(checkpoint_log_bytes);
            bench.settle().await;
            let kept = bench.publish("kept");
            bench.settle().await;
            bench.replication.commit(usize::MAX);
            assert!(kept.await.unwrap().is_ok());
            let lost = bench.publish("lost");
            bench.settle().await;
            bench.replication.lose_leadership();
            let error = lost.await.unwrap().err().unwrap();
            assert!(!error.not_accepted(), "nobody knows what a new leader has: {error:?}");
            bench.settle().await;
            assert!(bench.status.is_leader(), "it leads again, in the next term");
            assert_eq!(bench.limiter.usage().0, 0);
            let after = bench.publish("after");
            bench.settle().await;
            bench.replication.commit(usize::MAX);
            assert!(after.await.unwrap().is_ok());
            let store = bench.stop().await;
            assert_eq!(
                (count_of(&store, "kept"), count_of(&store, "lost"), count_of(&store, "after")),
                (1, 0, 1)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_checkpoint_never_holds_what_is_not_committed() {
    with_local(async {
        let bench = Bench::start(1);
        bench.settle().await;
        let first = bench.publish("first");
        bench.settle().await;
        // The second is processed when the commit of the first makes a checkpoint due.
        let second = bench.publish("second");
        bench.settle().await;
        assert_eq!(bench.replication.commit(1), 1);
        assert!(first.await.unwrap().is_ok());
        bench.settle().await;
        assert_eq!(count_of(&bench.store, "first"), 0, "the checkpoint includes the second round");
        assert_eq!(bench.replication.commit(1), 1);
        assert!(second.await.unwrap().is_ok());
        bench.settle().await;
        assert_eq!((count_of(&bench.store, "first"), count_of(&bench.store, "second")), (1, 1));
        bench.stop().await;
    })
    .await;
}

#[tokio::test]
async fn state_after_a_stop_equals_the_log() {
    with_local(async {
        let bench = Bench::start(500);
        let answers: Vec<_> =
            (0..500).map(|number| bench.publish(["a", "b", "c"][number % 3])).collect();
        let store = bench.stop().await;
        for answer in answers {
            assert!(answer.await.unwrap().is_ok(), "what was accepted is finished");
        }
        let counts = ["a", "b", "c"].map(|name| count_of(&store, name));
        assert_eq!(counts, [167, 167, 166]);
        let meta = store.stored_meta().unwrap().unwrap();
        assert_eq!(Bytes::from(meta.engine), Bytes::copy_from_slice(&1_000u64.to_le_bytes()));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_gave_up_while_waiting_is_not_served() {
    with_local(async {
        let bench = Bench::start(u64::MAX);
        drop(bench.publish("gone"));
        let there = bench.publish("there");
        bench.settle().await;
        bench.replication.commit(usize::MAX);
        assert!(there.await.unwrap().is_ok());
        assert_eq!(bench.limiter.usage().0, 0);
        let store = bench.stop().await;
        assert_eq!((count_of(&store, "gone"), count_of(&store, "there")), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn state_that_the_leader_sent_replaces_the_own() {
    with_local(async {
        let bench = Bench::start(u64::MAX);
        bench.settle().await;
        let mut batch = WriteBatch::new();
        batch.put(1, "m", 41u64.to_le_bytes());
        let entry = EntryId { term: 1, index: 99 };
        let engine = 200u64.to_le_bytes().to_vec();
        let meta = StoredMeta { entry, replication: Vec::new(), engine };
        bench.store.tables.commit(batch, &meta.encode()).unwrap();
        bench.replication.events().push(ReplicationEvent::StateReplaced { entry });
        bench.settle().await;
        let answer = bench.publish("m");
        bench.settle().await;
        bench.replication.commit(usize::MAX);
        match answer.await.unwrap().unwrap() {
            Answer::Response(Response::Accepted { position, .. }) => assert_eq!(position, 202),
            _ => panic!("not accepted"),
        }
        let store = bench.stop().await;
        assert_eq!(count_of(&store, "m"), 42);
    })
    .await;
}
