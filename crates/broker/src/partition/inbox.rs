//! What waits for a partition, and the one signal that wakes it.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use skep_engine::Response;
use skep_protocol::{Command, PartitionId};
use tokio::sync::{Notify, oneshot};

use crate::error::BrokerError;
use crate::jobs::ActivatedJobs;
use crate::limits;
use crate::partition::PartStep;

/// An answer on its way to its caller. Jobs guard themselves: when the caller is gone they go back.
pub(crate) enum Answer {
    Response(Response),
    Jobs(ActivatedJobs),
    /// The command was not taken, because this replica does not lead (any more): it may go elsewhere.
    Returned(Box<Command>),
}

/// Where an answer goes.
pub(crate) type Reply = oneshot::Sender<Result<Answer, BrokerError>>;

/// A command of a client.
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) reply: Reply,
    /// What the limiter counts it with.
    pub(crate) bytes: usize,
    /// When it was accepted, monotonic microseconds.
    pub(crate) accepted_us: u64,
}

/// What the node asks of a partition.
pub(crate) enum Control {
    /// Answer with the number of things done so far, as soon as there is nothing to do.
    Quiesce(oneshot::Sender<u64>),
    /// Show the state, as soon as no round is under way.
    Inspect(oneshot::Sender<crate::observer::Inspection>),
    /// Jobs of this type found no room in any stream; now there is some.
    StreamRoom(String),
    /// The leader of another partition can be reached (again, or it is another one), or cannot.
    Reachable { partition: PartitionId, reachable: bool },
    /// A checkpoint is in the store, or failed.
    CheckpointDone(Result<(), String>),
    /// The part of a backup is a step further.
    Backup(PartStep),
    /// Finish what was accepted, write a checkpoint and end.
    Stop,
}

#[derive(Default)]
struct Queues {
    requests: VecDeque<Box<Request>>,
    commands: VecDeque<Command>,
    controls: VecDeque<Control>,
    closed: bool,
}

/// The inbox of one partition.
pub(crate) struct Inbox {
    queues: Mutex<Queues>,
    /// Wakes the partition, for whatever reason. A signal that nobody waits for is kept.
    pub(crate) wake: Arc<Notify>,
}

impl Inbox {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { queues: Mutex::default(), wake: Arc::default() })
    }

    /// Adds a command of a client; the limiter has accepted it. Gives it back when the partition
    /// has ended.
    pub(crate) fn request(&self, request: Box<Request>) -> Result<(), Box<Request>> {
        let mut queues = self.queues.lock();
        if queues.closed {
            return Err(request);
        }
        queues.requests.push_back(request);
        drop(queues);
        self.wake.notify_one();
        Ok(())
    }

    /// Adds a command of the node or of another partition; a full inbox drops it.
    pub(crate) fn command(&self, command: Command) {
        let mut queues = self.queues.lock();
        if queues.closed {
            return;
        }
        if queues.commands.len() >= limits::INTERNAL_COMMANDS_MAX {
            metrics::counter!(crate::metrics::COMMANDS_DROPPED).increment(1);
            return;
        }
        queues.commands.push_back(command);
        drop(queues);
        self.wake.notify_one();
    }

    /// Asks something of the partition. What is asked after its end is dropped.
    pub(crate) fn control(&self, control: Control) {
        let mut queues = self.queues.lock();
        if !queues.closed {
            queues.controls.push_back(control);
            drop(queues);
            self.wake.notify_one();
        }
    }

    pub(crate) fn take_control(&self) -> Option<Control> {
        self.queues.lock().controls.pop_front()
    }

    /// Takes up to `max` of each kind.
    pub(crate) fn take(
        &self,
        max: usize,
        requests: &mut VecDeque<Box<Request>>,
        commands: &mut VecDeque<Command>,
    ) {
        let mut queues = self.queues.lock();
        let count = queues.requests.len().min(max);
        requests.extend(queues.requests.drain(..count));
        let count = queues.commands.len().min(max);
        commands.extend(queues.commands.drain(..count));
    }

    /// Takes all commands of clients.
    pub(crate) fn take_requests(&self) -> VecDeque<Box<Request>> {
        std::mem::take(&mut self.queues.lock().requests)
    }

    /// Nothing but controls waits.
    pub(crate) fn is_empty(&self) -> bool {
        let queues = self.queues.lock();
        queues.requests.is_empty() && queues.commands.is_empty()
    }

    pub(crate) fn has_controls(&self) -> bool {
        !self.queues.lock().controls.is_empty()
    }

    /// How many requests wait.
    pub(crate) fn requests(&self) -> usize {
        self.queues.lock().requests.len()
    }

    /// Refuses everything from now on; gives back the requests that wait.
    pub(crate) fn close(&self) -> VecDeque<Box<Request>> {
        let mut queues = self.queues.lock();
        queues.closed = true;
        queues.commands.clear();
        queues.controls.clear();
        std::mem::take(&mut queues.requests)
    }
}
