//! What waits to go out on a link: the one place where every frame passes.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::cluster::frame::FrameKind;
use crate::cluster::limits::{LINK_ANSWERS_FACTOR, LINK_QUEUE_BYTES_MAX};

/// A frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// The link is broken.
    Broken,
    /// The other side does not keep up.
    Full,
}

/// Frames in order, bounded in bytes.
#[derive(Default)]
pub(crate) struct Outgoing {
    state: Mutex<State>,
    /// Wakes the writer.
    ready: Notify,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Bytes>,
    bytes: usize,
    closed: bool,
}

/// What a waiting frame costs besides its bytes.
const FRAME_OVERHEAD_BYTES: usize = 64;

impl Outgoing {
    /// Adds a frame; nothing is copied.
    ///
    /// # Errors
    /// When the link is broken or full. Then the frame was not and will not be sent.
    pub(crate) fn push(&self, kind: FrameKind, frame: Bytes) -> Result<(), Unsent> {
        let bytes = frame.len() + FRAME_OVERHEAD_BYTES;
        let mut state = self.state.lock();
        if state.closed {
            return Err(Unsent::Broken);
        }
        if state.bytes > limit(kind) {
            drop(state);
            metrics::counter!(crate::cluster::metrics::DROPPED, "kind" => kind.name()).increment(1);
            return Err(Unsent::Full);
        }
        state.bytes += bytes;
        let was_empty = state.frames.is_empty();
        state.frames.push_back(frame);
        drop(state);
        if was_empty {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Wakes the writer although nothing was added.
    pub(crate) fn wake(&self) {
        self.ready.notify_one();
    }

    /// Takes everything that waits; true when there was something.
    pub(crate) fn take(&self, frames: &mut Vec<Bytes>) -> bool {
        let mut state = self.state.lock();
        state.bytes = 0;
        frames.extend(state.frames.drain(..));
        !frames.is_empty()
    }

    /// Resolves when something was added to an empty queue.
    pub(crate) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Takes nothing any more and forgets what waits.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.frames.clear();
        state.bytes = 0;
    }
}

/// What becomes of a frame that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It is refused; whoever sent it knows what to do.
    Refusable,
    /// It may be missing: the next one says the same, or it never waits in a queue.
    Missable,
    /// Without it the two sides would not agree any more, or a caller would wait in vain.
    Required,
}

/// How much the other side needs a frame of this kind.
pub(super) fn need(kind: FrameKind) -> Need {
    match kind {
        FrameKind::Submit
        | FrameKind::Command
        | FrameKind::RaftRequest
        | FrameKind::Manage
        | FrameKind::StreamJobs
        | FrameKind::Interest => Need::Refusable,
        FrameKind::Hello | FrameKind::Refused | FrameKind::Heartbeat => Need::Missable,
        FrameKind::Status
        | FrameKind::RaftReply
        | FrameKind::Answer
        | FrameKind::StreamOpen
        | FrameKind::StreamClose
        | FrameKind::Settled
        | FrameKind::Announce
        | FrameKind::Config
        | FrameKind::Managed => Need::Required,
    }
}

/// Answers and what keeps the link alive may fill the queue further than what can be refused.
fn limit(kind: FrameKind) -> usize {
    match need(kind) {
        Need::Refusable => LINK_QUEUE_BYTES_MAX,
        Need::Missable | Need::Required => LINK_QUEUE_BYTES_MAX * LINK_ANSWERS_FACTOR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_requests_before_answers() {
        let outgoing = Outgoing::default();
        let piece = Bytes::from(vec![0; LINK_QUEUE_BYTES_MAX / 4]);
        let fill = |kind| {
            let mut taken = 0;
            while outgoing.push(kind, piece.clone()) == Ok(()) {
                taken += 1;
            }
            taken
        };
        assert_eq!(fill(FrameKind::Submit), 4);
        assert_eq!(outgoing.push(FrameKind::Command, Bytes::new()), Err(Unsent::Full));
        assert_eq!(fill(FrameKind::Answer), 4);
        let mut frames = Vec::new();
        assert!(outgoing.take(&mut frames));
        assert_eq!(frames.len(), 8);
        assert_eq!(outgoing.push(FrameKind::Submit, Bytes::new()), Ok(()));
        outgoing.close();
        assert_eq!(outgoing.push(FrameKind::Answer, Bytes::new()), Err(Unsent::Broken));
        frames.clear();
        assert!(!outgoing.take(&mut frames), "what waited is forgotten");
    }
}
