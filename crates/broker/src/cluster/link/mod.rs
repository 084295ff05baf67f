//! One connection to another node: what waits to go out, who waits for answers, and the two tasks
//! that carry frames.

mod calls;
mod deliveries;
mod faults;
pub(crate) mod kind;
mod later;
mod outgoing;
mod run;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use skep_env::watch;
use tokio::sync::oneshot;

use crate::cluster::frame::{Frame, FrameKind, Hello, NodeName};
use calls::Calls;
pub(crate) use calls::Reply;
pub(crate) use deliveries::Deliveries;
pub(crate) use faults::{LinkFaults, name_of};
use outgoing::Outgoing;
pub(crate) use outgoing::Unsent;
use outgoing::{Need, need};
pub(crate) use run::run;
pub(crate) use seen::Arrived;

/// A living link, or one that has broken.
pub(crate) struct Link {
    /// Who is at the other side.
    pub(crate) peer: Hello,
    outgoing: Outgoing,
    /// Present when this node has fault points.
    faults: Option<LinkFaults>,
    calls: Calls,
    /// What came and must not be served again.
    pub(crate) arrived: Arrived,
    /// Jobs that the other side has and has not settled.
    pub(crate) deliveries: Deliveries,
    /// Streams that the other side has open here: its number, ours.
    pub(crate) streams: Mutex<Vec<(u64, u64)>>,
    /// Job types that this node asked the other side to announce, and has not heard of since.
    asked: Mutex<BTreeSet<String>>,
    /// Frames received so far: shows whether the other side lives.
    heard: AtomicU64,
    /// Why it broke, once it has.
    broken: watch::Sender<Option<String>>,
}

impl Link {
    pub(crate) fn new(peer: Hello, faults: Option<LinkFaults>) -> Arc<Self> {
        Arc::new(Self {
            peer,
            outgoing: Outgoing::default(),
            faults,
            calls: Calls::default(),
            arrived: Arrived::default(),
            deliveries: Deliveries::default(),
            streams: Mutex::default(),
            asked: Mutex::default(),
            heard: AtomicU64::new(0),
            broken: watch::Sender::new(None),
        })
    }

    /// Who is at the other side.
    pub(crate) fn name(&self) -> NodeName {
        self.peer.name
    }

    /// Queues a frame: the one place where everything passes that leaves.
    fn push(&self, kind: FrameKind, frame: Bytes) -> Result<(), Unsent> {
        match &self.faults {
            None => self.outgoing.push(kind, frame),
            Some(faults) => faults.push(&self.outgoing, kind, frame),
        }
    }

    /// Sends a frame that nobody answers. When the link is full it is dropped, unless the link
    /// could not go on without it: then the link is given up.
    pub(crate) fn send(&self, frame: &Frame) -> Result<(), Unsent> {
        let sent = self.push(frame.kind(), frame.encode());
        if sent == Err(Unsent::Full) && need(frame.kind()) == Need::Required {
            self.give_up("the other side takes nothing any more");
        }
        sent
    }

    /// Sends jobs; when the link is full they are not sent, and go back.
    pub(crate) fn send_jobs(&self, frame: Bytes) -> Result<(), Unsent> {
        self.push(FrameKind::StreamJobs, frame)
    }

    /// Sends a request that `encode` makes for its number. What is returned resolves with the answer.
    /// The request is in the queue when this returns: requests leave in the order of calls.
    pub(crate) fn request(
        self: &Arc<Self>,
        kind: FrameKind,
        encode: impl FnOnce(u64) -> Bytes,
    ) -> Result<Call, Unsent> {
        let (request, answer) = self.calls.begin()?;
        if let Err(unsent) = self.push(kind, encode(request)) {
            self.calls.cancel(request);
            return Err(unsent);
        }
        Ok(Call { link: self.clone(), request, answer, answered: false })
    }

    /// Brings an answer to its caller. When nobody waits any more it is dropped: jobs go back.
    pub(crate) fn finish(&self, request: u64, reply: Reply) {
        if !self.calls.finish(request, reply) {
            tracing::debug!(request, "an answer that nobody waits for any more");
        }
    }

    /// Asks the other side to tell when there are jobs of this type, unless it was asked already.
    pub(crate) fn ask_for(&self, job_type: &str) {
        if self.peer.name.broker().is_none() || !self.asked.lock().insert(job_type.to_owned()) {
            return;
        }
        if self.send(&Frame::Interest { job_type: job_type.to_owned() }).is_err() {
            self.asked.lock().remove(job_type);
        }
    }

    /// Asks again for everything that the other side has not told of.
    pub(crate) fn ask_again(&self) {
        let asked: Vec<_> = self.asked.lock().iter().cloned().collect();
        for job_type in asked {
            let _ = self.send(&Frame::Interest { job_type });
        }
    }

    /// The other side has told; the next wait asks again.
    pub(crate) fn told_of(&self, job_type: &str) {
        self.asked.lock().remove(job_type);
    }

    /// How many frames have come.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
    }

    /// Breaks the link: whoever waits for an answer hears that none will come, and jobs that no
    /// worker has taken go back.
    pub(crate) fn give_up(&self, reason: &str) {
        let first = self.broken.send_if_modified(|broken| {
            let first = broken.is_none();
            if first {
                *broken = Some(reason.to_owned());
            }
            first
        });
        if first {
            self.outgoing.close();
            self.calls.close();
            self.deliveries.close();
        }
    }

    /// Whether it has broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.borrow().is_some()
    }

    /// Why it broke; empty while it lives.
    pub(crate) fn reason(&self) -> String {
        self.broken.borrow().clone().unwrap_or_default()
    }

    /// Resolves with the reason when it has broken.
    pub(crate) async fn broken(&self) -> String {
        let mut broken = self.broken.subscribe();
        match broken.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }
}

/// A request under way. Dropped, nobody waits for its answer any more.
pub(crate) struct Call {
    link: Arc<Link>,
    request: u64,
    answer: oneshot::Receiver<Reply>,
    answered: bool,
}

impl Call {
    /// The answer; `None` when the link broke first, so that nobody knows whether the request was done.
    pub(crate) async fn answer(mut self) -> Option<Reply> {
        let answer = (&mut self.answer).await;
        self.answered = true;
        answer.ok()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.answered {
            self.link.calls.cancel(self.request);
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer.name).finish_non_exhaustive()
    }
}
