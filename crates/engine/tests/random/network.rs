//! Partitions and what is on its way between them. Commands from one partition to another may be late,
//! lost, doubled and, as after a change of leaders, overtaken by later ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use skep_engine::state::NoBacking;
use skep_engine::{Effect, Engine, Outcome, RequestId, Response, Settings};
use skep_protocol::*;

use super::chance::Chance;
use super::check;
use super::history::History;
use super::store::Store;

pub(crate) struct Node {
    pub(crate) engine: Engine,
    /// Only ever replays.
    pub(crate) replica: Engine,
    pub(crate) store: Arc<Store>,
    /// A checkpoint is written, but the engine does not know yet.
    pub(crate) checkpointing: bool,
    pub(crate) log: Vec<Record>,
    pub(crate) history: History,
}

pub(crate) struct Network {
    pub(crate) nodes: Vec<Node>,
    /// How many partitions there were in the beginning.
    pub(crate) first_partitions: u32,
    pub(crate) now_ms: i64,
    pub(crate) faults: bool,
    /// How much is lost, doubled, overtaken.
    pub(crate) faults_percent: usize,
    /// Commands, and the checkpoint behind which each was sent.
    links: BTreeMap<(PartitionId, PartitionId), VecDeque<(u64, Command)>>,
    /// Process ids that a message was correlated to.
    correlated: BTreeSet<(Key, String)>,
    /// Answers, oldest first.
    pub(crate) answers: Vec<Response>,
    open_requests: BTreeSet<RequestId>,
    requests: u64,
    pub(crate) kinds: Kinds,
    pub(crate) commands: u64,
    entry: Vec<u8>,
    /// Show every record.
    pub(crate) verbose: bool,
}

/// How many records there were: value type, intent, and what they were about.
pub(crate) type Kinds = BTreeMap<(&'static str, &'static str, &'static str), u64>;

fn kind_of(record: &Record) -> (&'static str, &'static str, &'static str) {
    let about = match (&record.payload, &record.rejection) {
        (_, Some(rejection)) => rejection.kind.name(),
        (Payload::ProcessInstance(_, value), _) => {
            ElementType::try_from(value.element_type).map_or("", ElementType::name)
        }
        (Payload::Incident(_, value), _) => {
            ErrorType::try_from(value.error_type).map_or("", ErrorType::name)
        }
        (_, None) if record.record_type == RecordType::Command => "command",
        _ => "",
    };
    (record.payload.value_type().name(), record.payload.intent_name(), about)
}

/// 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

pub(crate) fn settings(partition_id: PartitionId, partitions: u32) -> Settings {
    Settings { partition_id, partitions }
}

impl Node {
    /// A partition on which nothing happened yet, of a cluster that began with so many.
    pub(crate) fn new(id: PartitionId, first_partitions: u32) -> Self {
        let store = Arc::new(Store::default());
        let settings = settings(id, first_partitions);
        Self {
            engine: Engine::new(settings, store.clone()).unwrap(),
            replica: Engine::new(settings, Arc::new(NoBacking)).unwrap(),
            store,
            checkpointing: false,
            log: Vec::new(),
            history: History::new(id),
        }
    }
}

impl Network {
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            nodes: (1..=partitions).map(|id| Node::new(id, partitions)).collect(),
            first_partitions: partitions,
            now_ms: START_MS,
            faults: true,
            faults_percent: 10,
            links: BTreeMap::new(),
            correlated: BTreeSet::new(),
            answers: Vec::new(),
            open_requests: BTreeSet::new(),
            requests: 0,
            kinds: Kinds::new(),
            commands: 0,
            entry: Vec::new(),
            verbose: false,
        }
    }

    pub(crate) fn partitions(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap()
    }

    pub(crate) fn node(&mut self, partition: PartitionId) -> &mut Node {
        &mut self.nodes[partition as usize - 1]
    }

    /// One more partition: it runs, then partition 1 hears of it.
    pub(crate) fn scale(&mut self, chance: &mut Chance) {
        let desired_partition_count = self.partitions() + 1;
        self.nodes.push(Node::new(desired_partition_count, self.first_partitions));
        let record = ScaleRecord { desired_partition_count, ..ScaleRecord::default() };
        let payload = Payload::Scale(ScaleIntent::ScaleUp, record);
        self.request(chance, 1, Command::new(NO_KEY, payload));
    }

    /// A client's request.
    pub(crate) fn request(
        &mut self,
        chance: &mut Chance,
        partition: PartitionId,
        command: Command,
    ) {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.open_requests.insert(request);
        self.process(chance, partition, command, Some(request));
    }

    fn process(
        &mut self,
        chance: &mut Chance,
        partition: PartitionId,
        command: Command,
        request: Option<RequestId>,
    ) {
        self.commands += 1;
        let (now_ms, verbose) = (self.now_ms, self.verbose);
        let mut entry = std::mem::take(&mut self.entry);
        let node = self.node(partition);
        let mut outcome = Outcome::default();
        node.engine.process(command, request, now_ms, &mut outcome);
        assert_eq!(outcome.failure, None);
        entry.clear();
        codec::encode_entry(&outcome.records, &mut entry);
        let decoded = codec::decode_entries(bytes::Bytes::copy_from_slice(&entry)).unwrap();
        assert!(decoded == outcome.records, "the codec changes records");
        for record in &outcome.records {
            if verbose {
                println!("{partition} | {record:?}");
            }
            node.history.note(record);
        }
        assert_eq!(
            node.engine.last_position(),
            node.history.last_position,
            "what is not logged did not happen"
        );
        node.replica.replay(&outcome.records).unwrap();
        let (processed, replayed) = (node.engine.dump(), node.replica.dump());
        expect_equal(&processed, &replayed, "replay of the records");
        check::check(&node.history, &processed);
        self.entry = entry;
        for record in &outcome.records {
            *self.kinds.entry(kind_of(record)).or_default() += 1;
            self.correlated_once(record);
        }
        let node = self.node(partition);
        node.log.extend(outcome.records);
        self.effects(chance, partition, outcome.effects);
    }

    /// A message goes to a process once, whatever its versions, instances and partitions.
    pub(crate) fn correlated_once(&mut self, record: &Record) {
        let (message, process) = match (&record.payload, record.record_type) {
            (
                Payload::ProcessMessageSubscription(
                    ProcessMessageSubscriptionIntent::Correlated,
                    value,
                ),
                RecordType::Event,
            ) => (value.message_key, &value.bpmn_process_id),
            (
                Payload::MessageStartEventSubscription(
                    MessageStartEventSubscriptionIntent::Correlated,
                    value,
                ),
                RecordType::Event,
            ) => (value.message_key, &value.bpmn_process_id),
            _ => return,
        };
        let first = self.correlated.insert((message, process.clone()));
        assert!(first, "message {message} is correlated to {process} twice");
    }

    /// As after a restart of everything from a backup.
    pub(crate) fn forget_what_is_on_its_way(&mut self) {
        self.links.clear();
        self.open_requests.clear();
        self.correlated.clear();
    }

    fn effects(&mut self, chance: &mut Chance, from: PartitionId, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Respond { request, response } => {
                    assert!(self.open_requests.remove(&request), "a request is answered once");
                    self.answers.push(response);
                }
                Effect::Send { partition, command } => {
                    assert_ne!(partition, from, "nobody sends to itself");
                    if self.faults && chance.percent(self.faults_percent) {
                        continue;
                    }
                    let sent = (self.node(from).history.checkpoint_id, command);
                    let link = self.links.entry((from, partition)).or_default();
                    if self.faults && chance.percent(self.faults_percent) {
                        link.push_back(sent.clone());
                    }
                    let at = if self.faults && chance.percent(self.faults_percent) {
                        chance.below(link.len() + 1)
                    } else {
                        link.len()
                    };
                    link.insert(at, sent);
                }
                Effect::JobsAvailable { .. }
                | Effect::CheckpointCreated { .. }
                | Effect::DistributionRetried { .. } => {}
            }
        }
    }

    /// Delivers the oldest command of one link; false when nothing is on its way.
    pub(crate) fn deliver(&mut self, chance: &mut Chance) -> bool {
        let full = self.links.iter().filter(|(_, link)| !link.is_empty());
        let full: Vec<_> = full.map(|(ends, _)| *ends).collect();
        if full.is_empty() {
            return false;
        }
        let ends = chance.pick(&full);
        let sent = self.links.get_mut(&ends).and_then(VecDeque::pop_front);
        let (checkpoint_id, command) = sent.expect("the link is not empty");
        if let Some(first) = self.node(ends.1).engine.checkpoint_before(&command) {
            self.process(chance, ends.1, first, None);
        }
        assert!(
            self.node(ends.1).history.checkpoint_id >= checkpoint_id,
            "a cut has the receipt of a command without its sending"
        );
        self.process(chance, ends.1, command, None);
        true
    }

    /// Runs what is due on a partition; whether anything was.
    pub(crate) fn run_due(&mut self, chance: &mut Chance, partition: PartitionId) -> bool {
        let now_ms = self.now_ms;
        let node = self.node(partition);
        if node.engine.next_due_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return false;
        }
        let mut effects = Vec::new();
        let commands = node.engine.due(now_ms, &mut effects);
        let any = !commands.is_empty() || !effects.is_empty();
        self.effects(chance, partition, effects);
        for command in commands {
            self.process(chance, partition, command, None);
        }
        any
    }

    /// When something is due next.
    pub(crate) fn next_due_ms(&mut self) -> Option<i64> {
        self.nodes.iter_mut().filter_map(|node| node.engine.next_due_ms()).min()
    }

    /// Goes on until nothing is left to do now.
    pub(crate) fn settle(&mut self, chance: &mut Chance) {
        for _ in 0..SETTLE_ROUNDS_MAX {
            let mut any = false;
            while self.deliver(chance) {
                any = true;
            }
            for partition in 1..=self.partitions() {
                any |= self.run_due(chance, partition);
            }
            if !any {
                return;
            }
        }
        panic!("something is due for ever");
    }

    /// Begins a checkpoint, or ends the one that is under way.
    pub(crate) fn checkpoint(&mut self, partition: PartitionId) {
        let node = self.node(partition);
        if node.checkpointing {
            node.engine.end_checkpoint().unwrap();
            node.checkpointing = false;
        } else if let Some(checkpoint) = node.engine.begin_checkpoint() {
            node.store.write(&checkpoint);
            node.checkpointing = true;
        }
        expect_equal(&node.engine.dump(), &node.replica.dump(), "a checkpoint");
    }

    /// The engine is started anew from the last checkpoint; a third one replays all there ever was.
    pub(crate) fn restart(&mut self, partition: PartitionId) {
        let settings = settings(partition, self.first_partitions);
        let node = self.node(partition);
        let mut engine = Engine::new(settings, node.store.clone()).unwrap();
        let rest = usize::try_from(engine.checkpoint_position()).unwrap();
        engine.replay(&node.log[rest..]).unwrap();
        let expected = node.replica.dump();
        expect_equal(&engine.dump(), &expected, "replay behind a checkpoint");
        let mut scratch = Engine::new(settings, Arc::new(NoBacking)).unwrap();
        scratch.replay(&node.log).unwrap();
        expect_equal(&scratch.dump(), &expected, "replay from scratch");
        node.engine = engine;
        node.checkpointing = false;
    }
}

/// Rounds of deliveries and due commands without the clock moving.
const SETTLE_ROUNDS_MAX: usize = 2_000;

fn expect_equal(one: &super::rows::Dump, other: &super::rows::Dump, what: &str) {
    if one == other {
        return;
    }
    let missing = one.iter().find(|row| !other.contains(row));
    let surplus = other.iter().find(|row| !one.contains(row));
    panic!("{what} gives another state: {missing:?} against {surplus:?}");
}
