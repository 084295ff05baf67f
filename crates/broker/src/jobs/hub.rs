//! The streams of a node: who gets the next jobs of a type.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::cluster::limits::BROKERS_MAX;
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
    listener: OnceLock<Arc<dyn StreamListener>>,
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

/// Hears of the streams that clients open on this node, to tell other nodes.
pub(crate) trait StreamListener: Send + Sync {
    /// A stream was opened.
    fn opened(&self, stream: u64, spec: &JobStreamSpec);

    /// A stream was closed.
    fn closed(&self, stream: u64);
}

/// Where the jobs of a stream go.
enum Sink {
    /// To a client of this node.
    Here(mpsc::Sender<ActivatedJobs>),
    /// To the node where the client is.
    There(Box<dyn Fn(ActivatedJobs) + Send + Sync>),
}

/// The broker's end of a stream.
pub(crate) struct StreamSlot {
    id: u64,
    pub(crate) spec: JobStreamSpec,
    sink: Sink,
    /// Jobs that it may still take; changed only under the lock of the hub.
    credit: Mutex<u32>,
}

impl StreamSlot {
    /// Passes jobs on; what a closed stream does not take goes back by being dropped.
    pub(crate) fn push(&self, jobs: ActivatedJobs) {
        match &self.sink {
            // The channel has room for every job that credit was given for, here and on other nodes.
            Sink::Here(sender) => drop(sender.try_send(jobs)),
            Sink::There(send) => send(jobs),
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
            listener: OnceLock::new(),
        })
    }

    /// Who hears of the streams of this node; set once.
    pub(crate) fn listen(&self, listener: Arc<dyn StreamListener>) {
        let _ = self.listener.set(listener);
    }

    /// Opens a stream of a client of this node.
    pub(crate) fn open(self: &Arc<Self>, spec: JobStreamSpec) -> Result<JobStream, BrokerError> {
        let (sender, receiver) = mpsc::channel(limits::STREAM_JOBS_MAX as usize * BROKERS_MAX);
        let id = self.add(spec.clone(), Sink::Here(sender))?;
        if let Some(listener) = self.listener.get() {
            listener.opened(id, &spec);
        }
        Ok(JobStream::new(receiver, self.clone(), id))
    }

    /// Opens a stream whose client is on another node.
    pub(crate) fn open_elsewhere(
        &self,
        spec: JobStreamSpec,
        send: impl Fn(ActivatedJobs) + Send + Sync + 'static,
    ) -> Result<u64, BrokerError> {
        self.add(spec, Sink::There(Box::new(send)))
    }

    fn add(&self, spec: JobStreamSpec, sink: Sink) -> Result<u64, BrokerError> {
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
        state.next_id += 1;
        let id = state.next_id;
        let job_type = spec.job_type.clone();
        let slot = StreamSlot { id, spec, sink, credit: Mutex::new(limits::STREAM_JOBS_MAX) };
        state.types.entry(job_type.clone()).or_default().streams.push(Arc::new(slot));
        state.type_of_stream.insert(id, job_type);
        self.count(state.type_of_stream.len());
        Ok(id)
    }

    /// Jobs that another node has sent for a stream of this one; dropped, they go back. Says whether there is
    /// such a stream.
    pub(crate) fn deliver(&self, stream: u64, jobs: ActivatedJobs) -> bool {
        let state = self.state.lock();
        let of_type = state.type_of_stream.get(&stream).and_then(|it| state.types.get(it));
        let slot = of_type.and_then(|it| it.streams.iter().find(|slot| slot.id == stream)).cloned();
        // Outside of the lock: what is not taken goes back, which may reach this hub again.
        drop(state);
        let is_open = slot.is_some();
        if let Some(slot) = slot {
            slot.push(jobs);
        }
        is_open
    }

    /// The streams of clients of this node.
    pub(crate) fn streams_here(&self) -> Vec<(u64, JobStreamSpec)> {
        let here = |slot: &Arc<StreamSlot>| matches!(slot.sink, Sink::Here(_));
        let slots = self.slots().into_iter().filter(here);
        slots.map(|slot| (slot.id, slot.spec.clone())).collect()
    }

    /// All streams, oldest first.
    fn slots(&self) -> Vec<Arc<StreamSlot>> {
        let state = self.state.lock();
        let mut slots: Vec<_> =
            state.types.values().flat_map(|of_type| &of_type.streams).cloned().collect();
        slots.sort_by_key(|slot| slot.id);
        slots
    }

    fn count(&self, streams: usize) {
        self.stream_count.store(streams, Ordering::Release);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        metrics::gauge!(crate::metrics::JOB_STREAMS).set(streams as f64);
    }

    pub(crate) fn remove(&self, id: u64) {
        self.forget(id);
        if let Some(listener) = self.listener.get() {
            listener.closed(id);
        }
    }

    /// Closes a stream whose client is on another node.
    pub(crate) fn remove_elsewhere(&self, id: u64) {
        self.forget(id);
    }

    fn forget(&self, id: u64) {
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
        let status = |slot: Arc<StreamSlot>| JobStreamStatus {
            spec: slot.spec.clone(),
            jobs_in_flight: limits::STREAM_JOBS_MAX - *slot.credit.lock(),
            elsewhere: matches!(slot.sink, Sink::There(_)),
        };
        self.slots().into_iter().map(status).collect()
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
