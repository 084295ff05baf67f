//! Power failures under seeds: what was acknowledged is there, and nothing comes after a gap.

use super::*;
use parking_lot::Mutex;
use skep_env::{Random, SeededRandom};

const STREAMS: u32 = 3;
const SEEDS: u64 = 150;
const CRASHES: usize = 4;
const OPERATIONS: u64 = 60;

#[derive(Clone, Copy, Debug)]
enum Step {
    Append { count: u64, bytes: usize, tag: u8 },
    Truncate { from: u64 },
    Purge { to: u64 },
}

/// What a stream should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    first: u64,
    entries: Vec<Vec<u8>>,
}

impl Model {
    fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Append { count, bytes, tag } => {
                self.entries.extend((0..count).map(|_| vec![tag; bytes]));
            }
            Step::Truncate { from } => self.entries.truncate((from - self.first) as usize),
            Step::Purge { to } => {
                let gone = ((to + 1 - self.first) as usize).min(self.entries.len());
                self.entries.drain(..gone);
                self.first = to + 1;
            }
        }
    }
}

/// The life of a stream between two crashes.
struct History {
    start: Model,
    now: Model,
    steps: Vec<Step>,
    /// How many of the steps are known to be durable.
    acknowledged: Arc<Mutex<usize>>,
    hard_acknowledged: Arc<Mutex<u8>>,
    hard: u8,
}

impl History {
    fn new(start: Model, hard: u8) -> Self {
        Self {
            now: start.clone(),
            start,
            steps: Vec::new(),
            acknowledged: Arc::default(),
            hard_acknowledged: Arc::new(Mutex::new(hard)),
            hard,
        }
    }

    fn step(&mut self, stream: &StreamHandle, random: &SeededRandom) {
        let pick = random.below(10);
        if pick == 9 {
            self.hard += 1;
            let (value, acknowledged) = (self.hard, self.hard_acknowledged.clone());
            let done = Box::new(move |result: io::Result<()>| {
                if result.is_ok() {
                    *acknowledged.lock() = value;
                }
            });
            return stream.save_hard_state(&[value], done);
        }
        let step = match pick {
            0 => {
                let from = self.now.first + random.below(self.now.entries.len() as u64 + 1);
                Step::Truncate { from }
            }
            1 => {
                Step::Purge { to: self.now.first + random.below(self.now.entries.len() as u64 + 3) }
            }
            _ => Step::Append {
                count: 1 + random.below(3),
                bytes: random.below(900) as usize,
                tag: random.below(256) as u8,
            },
        };
        let index = self.now.next();
        self.now.apply(step);
        self.steps.push(step);
        let (number, acknowledged) = (self.steps.len(), self.acknowledged.clone());
        let done: Done = Box::new(move |result| {
            if result.is_ok() {
                *acknowledged.lock() = number;
            }
        });
        match step {
            Step::Append { count, bytes, tag } => {
                let entries = (0..count).map(|_| Bytes::from(vec![tag; bytes])).collect();
                stream.append(index, entries, done);
            }
            Step::Truncate { from } => stream.truncate_from(from, done),
            Step::Purge { to } => stream.purge_to(to),
        }
        assert_eq!(stream.next_index(), self.now.next());
        assert_eq!(stream.first_index(), self.now.first);
    }

    /// The stream must be as after some of the steps, at least those acknowledged.
    fn check(&self, stream: &StreamHandle, seed: u64) -> Self {
        let (first, entries) = content(stream);
        let found = Model { first, entries };
        let acknowledged = *self.acknowledged.lock();
        let mut model = self.start.clone();
        let mut matches = acknowledged == 0 && model == found;
        for (number, step) in (1..).zip(&self.steps) {
            model.apply(*step);
            matches |= number >= acknowledged && model == found;
        }
        assert!(
            matches,
            "seed {seed}: stream {} is at {}..{}, acknowledged {acknowledged} of {:?} from {}..{}",
            stream.id(),
            found.first,
            found.next(),
            self.steps,
            self.start.first,
            self.start.next(),
        );
        let hard = stream.hard_state().map_or(0, |value| value[0]);
        assert!(
            (*self.hard_acknowledged.lock()..=self.hard).contains(&hard),
            "seed {seed}: hard state {hard}"
        );
        Self::new(found, hard)
    }
}

#[test]
fn what_was_acknowledged_survives_power_failures() {
    let mut rolls = 0;
    for seed in 0..SEEDS {
        let random = SeededRandom::new(seed);
        let mut disk = MemoryDisk::new();
        let mut histories: Vec<History> =
            (0..STREAMS).map(|_| History::new(Model::default(), 0)).collect();
        for _ in 0..CRASHES {
            let journal = open(&disk);
            let streams: Vec<StreamHandle> = (0..STREAMS).map(|id| journal.stream(id)).collect();
            for (history, stream) in histories.iter_mut().zip(&streams) {
                *history = history.check(stream, seed);
            }
            for _ in 0..random.below(OPERATIONS) {
                let id = random.below(u64::from(STREAMS)) as usize;
                histories[id].step(&streams[id], &random);
                if random.below(8) == 0 {
                    // Lets the writer catch up, so that not all is in the last group.
                    let (done, result) = done();
                    streams[id].save_hard_state(&[histories[id].hard], done);
                    result.recv().expect("called").expect("save");
                }
            }
            disk = disk.crash(seed);
            rolls += journal.flushed_stats().rolls;
        }
        let journal = open(&disk);
        for (history, id) in histories.iter().zip(0..) {
            history.check(&journal.stream(id), seed);
        }
    }
    assert!(rolls > SEEDS, "segments were changed on the way: {rolls}");
}
