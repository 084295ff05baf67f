//! Engines, their logs, the network between them and the clock. Checks after each command that state and log
//! say the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use skep_engine::state::NoBacking;
use skep_engine::{Effect, Engine, Outcome, RequestId, Settings};
use skep_protocol::{Command, PartitionId, Payload, Record};

use super::print::{self, Line, Names};
use super::store::Store;

/// How a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    /// A checkpoint under way during each command, done after it.
    Checkpoint,
    /// A new engine that replays the log, after each command.
    Replay,
}

/// 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

/// Calls of `due` without the clock moving, before something is found to be due for ever.
const DUE_CALLS_MAX: usize = 10_000;

struct Node {
    engine: Engine,
    /// What an engine is that only ever replays.
    replica: Engine,
    store: Arc<Store>,
    log: Vec<Record>,
}

/// What happens to the next command of a kind that goes to another partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Drop,
    Duplicate,
    Hold,
}

pub(crate) struct World {
    mode: Mode,
    pub(crate) now_ms: i64,
    pub(crate) names: Names,
    pub(crate) notifications: bool,
    quiet: bool,
    /// Nothing that is due runs: other commands come in between.
    pub(crate) due_waits: bool,
    /// The network failed once: how long engines have waited for answers counts, and a new one would not know.
    disturbed: bool,
    nodes: BTreeMap<PartitionId, Node>,
    /// How many partitions there were in the beginning.
    pub(crate) first_partitions: u32,
    sent: VecDeque<(PartitionId, Command)>,
    held: Vec<(PartitionId, Command)>,
    fates: Vec<(Fate, String)>,
    /// A partition whose commands are lost.
    pub(crate) cut_off: BTreeSet<PartitionId>,
    requests: u64,
    /// Requests without an answer, and what they were.
    waiting: BTreeMap<RequestId, String>,
    lines: Vec<(PartitionId, Line)>,
    output: Vec<String>,
}

fn settings(partition_id: PartitionId, partitions: u32) -> Settings {
    Settings { partition_id, partitions }
}

/// Value type and intent, as scripts name commands.
fn kind_of(payload: &Payload) -> String {
    format!("{} {}", payload.value_type().name(), payload.intent_name())
}

impl World {
    pub(crate) fn new(mode: Mode) -> Self {
        let mut world = Self {
            mode,
            now_ms: START_MS,
            names: Names::default(),
            notifications: false,
            quiet: false,
            due_waits: false,
            disturbed: false,
            nodes: BTreeMap::new(),
            first_partitions: 1,
            sent: VecDeque::new(),
            held: Vec::new(),
            fates: Vec::new(),
            cut_off: BTreeSet::new(),
            requests: 0,
            waiting: BTreeMap::new(),
            lines: Vec::new(),
            output: Vec::new(),
        };
        world.set_partitions(1);
        world
    }

    /// Starts anew with this many partitions.
    pub(crate) fn set_partitions(&mut self, partitions: u32) {
        self.nodes.clear();
        self.first_partitions = partitions;
        self.add_partitions(partitions);
    }

    /// Starts the partitions that are not there yet.
    pub(crate) fn add_partitions(&mut self, partitions: u32) {
        for id in self.partitions() + 1..=partitions {
            let store = Arc::new(Store::default());
            let settings = settings(id, self.first_partitions);
            let engine = Engine::new(settings, store.clone()).unwrap();
            let replica = Engine::new(settings, Arc::new(NoBacking)).unwrap();
            self.nodes.insert(id, Node { engine, replica, store, log: Vec::new() });
        }
    }

    pub(crate) fn partitions(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap()
    }

    /// What came out since the last call.
    pub(crate) fn take_output(&mut self) -> Vec<String> {
        self.flush();
        std::mem::take(&mut self.output)
    }

    pub(crate) fn print(&mut self, text: impl Into<String>) {
        self.flush();
        let text = text.into();
        if self.quiet {
            return;
        }
        // What is sent in vain again and again takes one line.
        let known = self.output.last_mut().filter(|_| text.ends_with(" (lost)"));
        match known.and_then(|last| {
            let rest = last.strip_prefix(&text)?;
            let times = if rest.is_empty() { 1 } else { rest.strip_prefix(" x")?.parse().ok()? };
            Some((last, times + 1u32))
        }) {
            Some((last, times)) => *last = format!("{text} x{times}"),
            None => self.output.push(text),
        }
    }

    /// Nothing of the commands until [`Self::loud`] is shown; none of them may be refused.
    pub(crate) fn hush(&mut self) {
        self.flush();
        self.quiet = true;
    }

    pub(crate) fn loud(&mut self) {
        self.flush();
        self.quiet = false;
    }

    /// Sends a request to a partition and goes on until nothing is left to do now.
    pub(crate) fn request(&mut self, partition: PartitionId, command: Command, label: &str) {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.waiting.insert(request, label.to_owned());
        self.process(partition, command, Some(request));
        self.settle();
        if self.waiting.contains_key(&request) {
            self.print("answer: none yet");
        }
    }

    fn process(&mut self, partition: PartitionId, command: Command, request: Option<RequestId>) {
        let engine = &self.nodes.get(&partition).expect("the partition exists").engine;
        if let Some(first) = engine.checkpoint_before(&command) {
            self.process(partition, first, None);
        }
        let node = self.nodes.get_mut(&partition).expect("the partition exists");
        let asked = request.map(|_| kind_of(&command.payload));
        let mut outcome = Outcome::default();
        node.engine.process(command, request, self.now_ms, &mut outcome);
        assert_eq!(outcome.failure, None);
        let mut position = node.log.last().map_or(0, |record| record.position);
        for record in &outcome.records {
            position += 1;
            assert_eq!(record.position, position, "positions have no gap");
        }
        assert_eq!(node.engine.last_position(), position, "what is not logged did not happen");
        node.log.extend(outcome.records.iter().cloned());
        node.replica.replay(&outcome.records).unwrap();
        let (processed, replayed) = (node.engine.dump(), node.replica.dump());
        assert!(processed == replayed, "the replayed state is another one");
        for record in &outcome.records {
            self.names.note(record);
        }
        for record in &outcome.records {
            let answered = asked.as_deref() == Some(kind_of(&record.payload).as_str());
            self.show(partition, record, answered);
        }
        self.effects(outcome.effects);
        self.vary(partition);
    }

    /// What the mode does after a command.
    fn vary(&mut self, partition: PartitionId) {
        self.disturbed |= !self.cut_off.is_empty();
        let can_replace = self.waiting.is_empty() && self.sent.is_empty() && !self.disturbed;
        match self.mode {
            Mode::Plain => {}
            Mode::Checkpoint => {
                self.recover(partition);
                let node = self.nodes.get_mut(&partition).unwrap();
                node.engine.end_checkpoint().unwrap();
                assert!(
                    node.engine.dump() == node.replica.dump(),
                    "a checkpoint changes the state"
                );
                if let Some(checkpoint) = node.engine.begin_checkpoint() {
                    node.store.write(&checkpoint);
                }
                assert!(
                    node.engine.dump() == node.replica.dump(),
                    "a checkpoint changes the state"
                );
            }
            Mode::Replay if can_replace => self.restart_one(partition),
            Mode::Replay => {}
        }
    }

    /// The last checkpoint and the rest of the log give the same state.
    fn recover(&self, partition: PartitionId) {
        let node = &self.nodes[&partition];
        let settings = settings(partition, self.first_partitions);
        let mut engine = Engine::new(settings, node.store.clone()).unwrap();
        engine.replay(&node.log).unwrap();
        assert!(engine.dump() == node.replica.dump(), "checkpoint and log give another state");
    }

    fn restart_one(&mut self, partition: PartitionId) {
        let partitions = self.first_partitions;
        let node = self.nodes.get_mut(&partition).unwrap();
        let mut engine = Engine::new(settings(partition, partitions), node.store.clone()).unwrap();
        engine.replay(&node.log).unwrap();
        assert!(engine.dump() == node.replica.dump(), "the log gives another state");
        node.engine = engine;
    }

    /// Every engine is started anew from its last checkpoint and the log.
    pub(crate) fn restart(&mut self) {
        for partition in 1..=self.partitions() {
            self.restart_one(partition);
        }
        self.waiting.clear();
        self.settle();
    }

    /// The broker of each partition hears whether another partition can be reached.
    pub(crate) fn set_reachable(&mut self, partition: PartitionId, reachable: bool) {
        self.disturbed = true;
        for (id, node) in &mut self.nodes {
            if *id != partition {
                node.engine.set_reachable(partition, reachable);
            }
        }
        self.settle();
    }

    /// What partitions have not acknowledged, as operators see it.
    pub(crate) fn show_distributions(&mut self) {
        let mut lines = Vec::new();
        for (id, node) in &self.nodes {
            for pending in node.engine.pending_distributions() {
                lines.push(format!(
                    "{id} to {}: {} pending, the oldest {} {} {} since {}, attempts={}{}",
                    pending.receiver,
                    pending.count,
                    pending.value_type,
                    pending.intent,
                    self.names.name(pending.oldest_key),
                    print::relative(pending.oldest_since_ms, self.now_ms),
                    pending.attempts,
                    if pending.away { ", away" } else { "" },
                ));
            }
        }
        if lines.is_empty() {
            lines.push("no distribution is pending".to_owned());
        }
        for line in lines {
            self.print(line);
        }
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Respond { request, response } => {
                    let label = self.waiting.remove(&request).expect("a request is answered once");
                    let which = if request.0 == self.requests {
                        "answer".to_owned()
                    } else {
                        format!("answer to {label}")
                    };
                    let rejected = matches!(response, skep_engine::Response::Rejected { .. });
                    assert!(!(rejected && self.quiet), "`{label}` is refused: {response:?}");
                    for line in print::answer(&self.names, &response, self.now_ms) {
                        self.print(format!("{which}: {line}"));
                    }
                }
                Effect::Send { partition, command } => self.send(partition, command),
                Effect::JobsAvailable { job_type } if self.notifications => {
                    self.print(format!("jobs available: {job_type}"));
                }
                Effect::JobsAvailable { .. } => {}
                Effect::DistributionRetried { .. } => {}
                Effect::CheckpointCreated { id, .. } => {
                    self.print(format!("backup: checkpoint {id} is committed"));
                }
            }
        }
    }

    fn send(&mut self, partition: PartitionId, command: Command) {
        let kind = kind_of(&command.payload);
        let fate = self.fates.iter().position(|(_, wanted)| *wanted == kind);
        let fate = fate.map(|at| self.fates.remove(at).0);
        let lost = self.cut_off.contains(&partition) || fate == Some(Fate::Drop);
        let note = match fate {
            _ if lost => " (lost)",
            Some(Fate::Duplicate) => " (twice)",
            Some(Fate::Hold) => " (held)",
            _ => "",
        };
        self.print(format!("to {partition}: {kind}{note}"));
        if lost {
            return;
        }
        match fate {
            Some(Fate::Hold) => self.held.push((partition, command)),
            Some(Fate::Duplicate) => {
                self.sent.push_back((partition, command.clone()));
                self.sent.push_back((partition, command));
            }
            _ => self.sent.push_back((partition, command)),
        }
    }

    pub(crate) fn set_fate(&mut self, fate: Fate, kind: &str) {
        self.disturbed = true;
        self.fates.push((fate, kind.to_owned()));
    }

    /// Delivers what was held.
    pub(crate) fn release(&mut self) {
        self.sent.extend(std::mem::take(&mut self.held));
        self.settle();
    }

    /// Goes on until nothing is left to do now.
    pub(crate) fn settle(&mut self) {
        for _ in 0..DUE_CALLS_MAX {
            while let Some((partition, command)) = self.sent.pop_front() {
                self.process(partition, command, None);
            }
            if !self.run_due() {
                return;
            }
        }
        panic!("something is due for ever");
    }

    /// Runs what is due on each partition; whether anything was.
    fn run_due(&mut self) -> bool {
        let mut any = false;
        if self.due_waits {
            return !self.sent.is_empty();
        }
        for partition in 1..=self.partitions() {
            let node = self.nodes.get_mut(&partition).unwrap();
            if node.engine.next_due_ms().is_none_or(|due_ms| due_ms > self.now_ms) {
                continue;
            }
            let mut effects = Vec::new();
            let commands = node.engine.due(self.now_ms, &mut effects);
            any |= !commands.is_empty() || !effects.is_empty();
            self.effects(effects);
            for command in commands {
                self.process(partition, command, None);
            }
        }
        any || !self.sent.is_empty()
    }

    /// Moves the clock, stopping wherever something is due.
    pub(crate) fn advance_to(&mut self, target_ms: i64) {
        self.settle();
        loop {
            let now_ms = self.now_ms;
            let due = self.nodes.values_mut().filter_map(|node| node.engine.next_due_ms());
            // What stays due (a repeated send before its pause is over) is asked about again later.
            let next = due.map(|due_ms| due_ms.max(now_ms + 1)).min();
            match next.filter(|due_ms| *due_ms <= target_ms) {
                Some(due_ms) => self.now_ms = due_ms,
                None => break,
            }
            self.settle();
        }
        self.now_ms = target_ms;
        self.settle();
    }

    /// Moves the clock at once, as if nobody had run meanwhile.
    pub(crate) fn jump_to(&mut self, target_ms: i64) {
        self.now_ms = target_ms;
        self.settle();
    }

    /// Rows of each table but those of definitions and of what was answered.
    pub(crate) fn rows(&self) -> BTreeMap<u8, usize> {
        let mut counts = BTreeMap::new();
        for (table, ..) in self.nodes.values().flat_map(|node| node.engine.dump()) {
            *counts.entry(table).or_default() += 1;
        }
        counts
    }

    /// The variables of a scope as the last record of each says.
    pub(crate) fn variables(&self, scope_key: u64) -> Vec<(String, String)> {
        let mut found = BTreeMap::new();
        for record in self.nodes.values().flat_map(|node| &node.log) {
            if let Payload::Variable(_, value) = &record.payload
                && value.scope_key == scope_key
            {
                found.insert(value.name.clone(), print::json(&value.value));
            }
        }
        found.into_iter().collect()
    }

    fn show(&mut self, partition: PartitionId, record: &Record, answered: bool) {
        let Some(line) = print::line(&self.names, record, answered) else { return };
        if self.quiet {
            return;
        }
        if let Some((last_partition, last)) = self.lines.last_mut()
            && (*last_partition, last.key, &last.head, &last.tail)
                == (partition, line.key, &line.head, &line.tail)
        {
            last.intent += " ";
            last.intent += &line.intent;
            return;
        }
        self.lines.push((partition, line));
    }

    fn flush(&mut self) {
        let many = self.nodes.len() > 1;
        for (partition, line) in std::mem::take(&mut self.lines) {
            let place = if many { format!("{partition} | ") } else { String::new() };
            self.output.push(format!("{place}{} {}{}", line.head, line.intent, line.tail));
        }
    }
}
