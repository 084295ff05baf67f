//! The streams of a node: who gets the next jobs of a type.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::error::BrokerError;
use crate::jobs::activated::Credit;
use crate::jobs::stream::{JobStream, JobStreamSpec, JobStreamStatus};
use crate::jobs::{ActivatedJobs, Announcements};
use crate::limits;

/// Called with a job type when a stream of it has room again after jobs had to wait.
pub(crate) type RoomListener = Box<dyn Fn(&str) + Send + Sync>;

/// Announcements and streams of all partitions of a node.
pub(crate) struct JobHub {
    pub(crate) announcements: Arc<Announcements>,
    /// Number of streams, to skip the lock while there is none.
    stream_count: AtomicUsize,
    state: Mutex<State>,
    on_room: RoomListener,
}

#[derive(Default)]
struct State {
    next_id: u64,
    types: BTreeMap<String, StreamsOfType>,
    type_of_stream: BTreeMap<u64, String>,
    closed: bool,
}

#[derive(Default)]
struct StreamsOfType {
    streams: Vec<Arc<StreamSlot>>,
    /// Whose turn it is.
    turn: usize,
    /// Jobs became available while no stream had room.
    starving: bool,
}

/// The broker's end of a stream.
pub(crate) struct StreamSlot {
    id: u64,
    pub(crate) spec: JobStreamSpec,
    sender: mpsc::Sender<ActivatedJobs>,
    /// Jobs that it may still take; changed only under the lock of the hub.
    credit: Mutex<u32>,
}

impl StreamSlot {
    /// Passes jobs on; what a closed stream does not take goes back by being dropped.
    pub(crate) fn push(&self, jobs: ActivatedJobs) {
        // The channel has room for every job that credit was given for.
        if let Err(refused) = self.sender.try_send(jobs) {
            drop(refused);
        }
    }
}

impl JobHub {
    pub(crate) fn new(on_room: RoomListener) -> Arc<Self> {
        Arc::new(Self {
            announcements: Arc::default(),
            stream_count: AtomicUsize::new(0),
            state: Mutex::default(),
            on_room,
        })
    }

    /// Opens a stream.
    pub(crate) fn open(self: &Arc<Self>, spec: JobStreamSpec) -> Result<JobStream, BrokerError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(BrokerError::unavailable("the broker is stopping"));
        }
        if state.type_of_stream.len() >= limits::STREAMS_MAX {
            return Err(BrokerError::exhausted(format!(
                "{} job streams are open, which is the limit; close some or use another node",
                limits::STREAMS_MAX
            )));
        }
        let (sender, receiver) = mpsc::channel(limits::STREAM_JOBS_MAX as usize);
        state.next_id += 1;
        let id = state.next_id;
        let job_type = spec.job_type.clone();
        let slot = StreamSlot { id, spec, sender, credit: Mutex::new(limits::STREAM_JOBS_MAX) };
        state.types.entry(job_type.clone()).or_default().streams.push(Arc::new(slot));
        state.type_of_stream.insert(id, job_type);
        self.count(state.type_of_stream.len());
        Ok(JobStream::new(receiver, self.clone(), id))
    }

    fn count(&self, streams: usize) {
        self.stream_count.store(streams, Ordering::Release);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        metrics::gauge!(crate::metrics::JOB_STREAMS).set(streams as f64);
    }

    pub(crate) fn remove(&self, id: u64) {
        let mut state = self.state.lock();
        let Some(job_type) = state.type_of_stream.remove(&id) else { return };
        self.count(state.type_of_stream.len());
        if let Some(of_type) = state.types.get_mut(&job_type) {
            of_type.streams.retain(|slot| slot.id != id);
            if of_type.streams.is_empty() {
                state.types.remove(&job_type);
            }
        }
    }

    /// The stream whose turn it is, and how many jobs it may get now; they count as under way.
    /// `None` when no stream of the type has room; the room listener hears when one has.
    pub(crate) fn take_turn(&self, job_type: &str) -> Option<(Arc<StreamSlot>, u32)> {
        if self.stream_count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut state = self.state.lock();
        let of_type = state.types.get_mut(job_type)?;
        for _ in 0..of_type.streams.len() {
            of_type.turn = (of_type.turn + 1) % of_type.streams.len();
            let slot = &of_type.streams[of_type.turn];
            let mut credit = slot.credit.lock();
            let granted = (*credit).min(limits::PUSH_JOBS_MAX);
            if granted > 0 {
                *credit -= granted;
                drop(credit);
                return Some((slot.clone(), granted));
            }
        }
        of_type.starving = true;
        None
    }

    /// Jobs have left the stream, or it got fewer than it was granted.
    pub(crate) fn give_back(&self, slot: &StreamSlot, jobs: u32) {
        if jobs == 0 {
            return;
        }
        let mut state = self.state.lock();
        *slot.credit.lock() += jobs;
        let job_type = &slot.spec.job_type;
        let starved = state
            .types
            .get_mut(job_type)
            .is_some_and(|of_type| std::mem::take(&mut of_type.starving));
        drop(state);
        if starved {
            (self.on_room)(job_type);
        }
    }

    /// What gives `jobs` back once they have left the stream.
    pub(crate) fn credit(self: &Arc<Self>, slot: &Arc<StreamSlot>, jobs: u32) -> Credit {
        let (hub, slot) = (self.clone(), slot.clone());
        Credit(Box::new(move || hub.give_back(&slot, jobs)))
    }

    /// The open streams.
    pub(crate) fn status(&self) -> Vec<JobStreamStatus> {
        let state = self.state.lock();
        let mut slots: Vec<_> = state.types.values().flat_map(|of_type| &of_type.streams).collect();
        slots.sort_by_key(|slot| slot.id);
        slots
            .into_iter()
            .map(|slot| JobStreamStatus {
                spec: slot.spec.clone(),
                jobs_in_flight: limits::STREAM_JOBS_MAX - *slot.credit.lock(),
            })
            .collect()
    }

    /// Ends all streams and refuses new ones.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.types.clear();
        state.type_of_stream.clear();
        self.count(0);
    }
}
