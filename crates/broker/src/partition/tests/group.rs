//! A group of partitions over real replicas, journals in memory and a network in the process, all on
//! one thread with virtual time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_env::task::{LocalTasks, spawn_locally};
use skep_env::{Clock, ControlledClock, Disk, FaultyDisk, MemoryDisk, SeededRandom};
use skep_protocol::{Command, MessageIntent, MessageRecord, NO_KEY, PartitionId, Payload};
use skep_storage::{Journal, JournalOptions, MemoryStore, StreamHandle};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Instant;

use crate::error::BrokerError;
use crate::jobs::JobHub;
use crate::partition::tests::counter::Counter;
use crate::partition::{
    Answer, CheckpointJob, CheckpointSettings, Control, Inbox, Limiter, Partition, Parts, Request,
    Status, Store,
};
use crate::replication::in_process::InProcess;
use crate::replication::{RaftReplication, RaftSettings, ReplicaStatus};
use crate::transport::Transport;

pub(super) type Answered = Result<Answer, BrokerError>;

/// What a node keeps when its process ends.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) disk: FaultyDisk,
    memory: MemoryDisk,
    tables: Arc<MemoryStore>,
}

impl Machine {
    fn new() -> Self {
        Self::with(MemoryDisk::new(), Arc::new(MemoryStore::new()))
    }

    fn with(memory: MemoryDisk, tables: Arc<MemoryStore>) -> Self {
        let disk = FaultyDisk::new(Arc::new(memory.clone()));
        Self { disk, memory, tables }
    }
}

/// A node that runs.
pub(super) struct Node {
    pub(super) replica: Arc<RaftReplication>,
    pub(super) status: Arc<Status>,
    pub(super) store: Store,
    stream: StreamHandle,
    inbox: Arc<Inbox>,
    limiter: Arc<Limiter>,
    sent: Arc<Sent>,
    /// The engine's counts and position, as of the last look.
    state: Arc<Mutex<Look>>,
    running: JoinHandle<()>,
}

pub(super) type Look = (BTreeMap<String, u64>, u64);

#[derive(Default)]
struct Sent(Mutex<u64>);

impl Transport for Sent {
    fn send(&self, _: PartitionId, _: Command) {
        *self.0.lock() += 1;
    }
}

/// See the module.
pub(super) struct Group {
    pub(super) network: InProcess,
    pub(super) nodes: BTreeMap<u64, Node>,
    machines: BTreeMap<u64, Machine>,
    members: BTreeMap<u64, u32>,
    pub(super) checkpoint_log_bytes: u64,
    pub(super) seed: u64,
}

/// Runs a test where the nodes of a group can run.
pub(super) async fn with_local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

/// How long anything in a test may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Group {
    /// Nodes 1 to `size`, node 1 with the highest priority.
    pub(super) async fn start(size: u64) -> Self {
        Self::with_checkpoints(size, u64::MAX).await
    }

    /// The same, with a checkpoint after so many bytes of log.
    pub(super) async fn with_checkpoints(size: u64, log_bytes: u64) -> Self {
        let mut group = Self::prepared(size);
        group.checkpoint_log_bytes = log_bytes;
        for node in group.ids() {
            group.boot(node).await;
        }
        group
    }

    pub(super) fn prepared(size: u64) -> Self {
        spawn_locally(true);
        let members = (1..=size).map(|node| (node, u32::try_from(100 - node).unwrap())).collect();
        Self {
            network: InProcess::default(),
            nodes: BTreeMap::new(),
            machines: BTreeMap::new(),
            members,
            checkpoint_log_bytes: u64::MAX,
            seed: 1,
        }
    }

    pub(super) fn machine(&mut self, node: u64) -> Machine {
        self.machines.entry(node).or_insert_with(Machine::new).clone()
    }

    /// Starts a node on what its machine has.
    pub(super) async fn boot(&mut self, node: u64) {
        self.boot_with(node, false).await;
    }

    /// Starts a node, which joins a group that exists.
    pub(super) async fn join(&mut self, node: u64) {
        self.boot_with(node, true).await;
    }

    async fn boot_with(&mut self, node: u64, joins: bool) {
        self.seed += 1;
        let start = Start {
            node,
            joins,
            machine: self.machine(node),
            members: self.members.clone(),
            network: self.network.clone(),
            checkpoint_log_bytes: self.checkpoint_log_bytes,
            seed: self.seed,
        };
        // Everything of a node is in its own set: dropping it is the end of the process.
        let tasks = LocalSet::new();
        let (started, running) = oneshot::channel();
        tasks.spawn_local(async move {
            let body = start_node(start).await;
            let _ = started.send(body);
        });
        let mut set = tokio::task::spawn_local(tasks);
        let mut node_parts = tokio::select! {
            biased;
            parts = running => parts.unwrap(),
            _ = &mut set => panic!("the node ended"),
        };
        node_parts.running = set;
        self.network.attach(node, node_parts.replica.clone());
        let others: Vec<u64> = self.nodes.keys().copied().collect();
        for other in others {
            self.network.heal(node, other);
        }
        self.nodes.insert(node, node_parts);
    }

    /// Ends a process at once; its machine keeps what was written.
    pub(super) async fn kill(&mut self, node: u64) {
        self.crash(node, None).await;
    }

    /// Ends a process at once. When the power fails too, by a seed, the disk keeps only what was
    /// flushed, and perhaps more.
    pub(super) async fn crash(&mut self, node: u64, power_loss: Option<u64>) {
        let machine = self.machine(node);
        let memory = match power_loss {
            None => machine.memory.fork(),
            Some(seed) => machine.memory.crash(seed),
        };
        self.machines.insert(node, Machine::with(memory, machine.tables.clone()));
        self.end(node).await;
    }

    /// Waits until no node recovers from the loss of its data.
    pub(super) async fn until_all_vote(&self) {
        let all = |group: &Self| group.nodes.values().all(|node| node.replica.may_vote());
        self.until("all vote", all).await;
    }

    async fn end(&mut self, node: u64) {
        if let Some(ended) = self.nodes.remove(&node) {
            ended.running.abort();
            let _ = ended.running.await;
        }
        self.network.detach(node);
    }

    /// Ends a process; all its data is gone.
    pub(super) async fn wipe(&mut self, node: u64) {
        self.end(node).await;
        self.machines.remove(&node);
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.members.keys().copied().collect()
    }

    pub(super) fn node(&self, node: u64) -> &Node {
        &self.nodes[&node]
    }

    /// The node that processes commands, in the newest term.
    pub(super) fn leader(&self) -> Option<u64> {
        let leading = self.nodes.iter().filter(|(_, node)| node.status.is_leader());
        leading.max_by_key(|(_, node)| node.look().term).map(|(id, _)| *id)
    }

    /// Waits until it is so.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(started.elapsed() < PATIENCE, "never came: {what}: {}", self.describe());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) async fn until_led(&self) -> u64 {
        self.until("a leader", |group| group.leader().is_some()).await;
        self.leader().unwrap()
    }

    /// The leader, which is 1 or 2, and the other one of these.
    pub(super) async fn until_one_of_two_leads(&self) -> (u64, u64) {
        let leader = self.until_led().await;
        (leader, if leader == 1 { 2 } else { 1 })
    }

    fn describe(&self) -> String {
        let nodes = self.nodes.iter().map(|(id, node)| {
            let (may_vote, health) = (node.replica.may_vote(), node.status.read().health);
            format!("\n{id}: may vote {may_vote}, {health:?}, {:?}", node.look())
        });
        nodes.collect()
    }

    /// Waits until this node, or one of the others, leads.
    pub(super) async fn until_led_without(&self, node: u64) -> u64 {
        let another = |group: &Self| group.leader().filter(|leader| *leader != node);
        self.until("another leader", |group| another(group).is_some()).await;
        another(self).unwrap()
    }

    /// Publishes at the leader until it is acknowledged; says how often it may have been done
    /// besides.
    pub(super) async fn publish(&self, name: &str) -> u64 {
        let mut doubtful = 0;
        loop {
            let leader = self.until_led().await;
            match self.node(leader).publish(name).await {
                Ok(_) => return doubtful,
                Err(error) if error.not_accepted() => {}
                Err(_) => doubtful += 1,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until all running nodes have applied the same, and says what.
    pub(super) async fn until_equal(&self) -> Look {
        let same = |group: &Self| {
            let looks: Vec<_> = group.nodes.values().map(Node::look).collect();
            let last = looks.iter().map(|look| look.last_index).max().flatten();
            last.is_some() && looks.iter().all(|look| look.applied_index == last)
        };
        self.until("all have applied everything", same).await;
        // One more step of each partition, so that what was told to it is in its engine.
        let mut states = Vec::new();
        for node in self.nodes.values() {
            states.push(node.state().await);
        }
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{states:?}");
        states.remove(0)
    }

    pub(super) async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

impl Node {
    pub(super) fn look(&self) -> ReplicaStatus {
        self.replica.look()
    }

    pub(super) fn sent(&self) -> u64 {
        *self.sent.0.lock()
    }

    /// Hands a message over; the answer comes later.
    pub(super) fn submit(&self, name: &str) -> oneshot::Receiver<Answered> {
        let value = MessageRecord { name: name.to_owned(), ..MessageRecord::default() };
        let payload = Payload::Message(MessageIntent::Publish, value);
        let (reply, receiver) = oneshot::channel();
        if !self.status.is_leader() {
            let _ = reply.send(Err(BrokerError::unavailable("no leader")));
            return receiver;
        }
        if self.limiter.accept(&payload, 1).is_err() {
            let _ = reply.send(Err(BrokerError::exhausted("too much")));
            return receiver;
        }
        let command = Command::new(NO_KEY, payload);
        let request = Box::new(Request { command, reply, bytes: 1, accepted_us: 0 });
        if let Err(request) = self.inbox.request(request) {
            let _ = request.reply.send(Err(BrokerError::unavailable("ended")));
        }
        receiver
    }

    pub(super) async fn publish(&self, name: &str) -> Answered {
        let answer = self.submit(name);
        match answer.await {
            Ok(answer) => taken(answer),
            Err(_) => Err(BrokerError::interrupted("the node has ended")),
        }
    }

    /// The engine as it is when nothing is under way.
    pub(super) async fn state(&self) -> Look {
        let (reply, quiet) = oneshot::channel();
        self.inbox.control(Control::Quiesce(reply));
        quiet.await.unwrap();
        self.state.lock().clone()
    }

    /// The first entry that the log still has.
    pub(super) fn first_index(&self) -> u64 {
        self.stream.first_index()
    }

    /// What is in the last checkpoint.
    pub(super) fn stored(&self) -> Look {
        let counter = Counter::load(&self.store);
        (counter.counts, counter.position)
    }
}

/// A command that came back was not taken.
pub(super) fn taken(answer: Answered) -> Answered {
    match answer {
        Ok(Answer::Returned(_)) => Err(BrokerError::unavailable("it came back")),
        other => other,
    }
}

struct Start {
    node: u64,
    joins: bool,
    machine: Machine,
    members: BTreeMap<u64, u32>,
    network: InProcess,
    checkpoint_log_bytes: u64,
    seed: u64,
}

async fn start_node(start: Start) -> Node {
    let disk: Arc<dyn Disk> = Arc::new(start.machine.disk.clone());
    let clock = ControlledClock::default();
    clock.pin(1_700_000_000_000);
    let clock: Arc<dyn Clock> = Arc::new(clock);
    disk.create_dir(Path::new("/data")).unwrap();
    disk.create_dir(Path::new("/data/journal")).unwrap();
    let options = JournalOptions {
        segment_bytes: 256 * 1024,
        ballast_bytes: 0,
        clock: clock.clone(),
        tasks: Arc::new(LocalTasks),
        ..JournalOptions::default()
    };
    let (journal, _) = Journal::open(disk.clone(), Path::new("/data/journal"), options).unwrap();
    let snapshots = PathBuf::from("/data/snapshots");
    let store = Store::new(start.machine.tables.clone(), disk, snapshots);
    store.recover().unwrap();
    let stored = store.stored_meta().unwrap();
    let (inbox, stream) = (Inbox::new(), journal.stream(1));
    let replica = RaftReplication::open(RaftSettings {
        node_id: start.node,
        name: "partition-1".to_owned(),
        stream: stream.clone(),
        checkpoint_meta: stored.as_ref().map(|meta| meta.replication.clone()),
        snapshots: Arc::new(store.clone()),
        wake: inbox.wake.clone(),
        members: start.members,
        joins: start.joins,
        peers: start.network.peers(start.node),
        tasks: Arc::new(LocalTasks),
        random: Arc::new(SeededRandom::new(start.seed)),
    });
    let replica = Arc::new(replica.await.unwrap());
    let (limiter, status) = (Arc::new(Limiter::new()), Arc::new(Status::new(1, Arc::default())));
    let (sent, state) = (Arc::new(Sent::default()), Arc::new(Mutex::default()));
    let (of_engine, of_checks, of_writer, shared) =
        (store.clone(), store.clone(), store.clone(), Arc::clone(&state));
    let parts = Parts {
        id: 1,
        clock,
        inbox: inbox.clone(),
        limiter: limiter.clone(),
        status: status.clone(),
        hub: JobHub::new(Box::new(|_| {})),
        transport: sent.clone(),
        replication: replica.clone(),
        factory: Box::new(move || Ok(Counter::load(&of_engine).shared(shared.clone()))),
        checkpoints: CheckpointSettings {
            log_bytes: start.checkpoint_log_bytes,
            dirty_bytes: usize::MAX,
            interval_us: u64::MAX,
            replaced: Box::new(move || of_checks.replaced()),
            write: Box::new(move |job: CheckpointJob| {
                let result = of_writer.write(&job).map_err(|error| error.to_string());
                job.inbox.control(Control::CheckpointDone(result));
            }),
        },
        checkpoint: stored.map(|meta| meta.entry),
        backup: None,
        round_bytes_max: 10_000,
        observer: None,
        space_low: Box::new(|| false),
    };
    let partition = Partition::new(parts).unwrap();
    let watched = replica.clone();
    tokio::task::spawn_local(async move { watched.watch_for_failure().await });
    let running = tokio::task::spawn_local(async move {
        partition.run().await;
        drop(journal);
    });
    Node { replica, status, store, stream, inbox, limiter, sent, state, running }
}
