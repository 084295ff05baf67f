//! Faults of messages on one link, when this node has fault points.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_env::fault::{Direction, FaultPoints, Passing, Verdict};

use super::kind;
use super::later::Later;
use super::outgoing::{Outgoing, Unsent};
use crate::cluster::frame::{FrameKind, NodeName};

/// The fault points of a node, seen from one of its links.
pub(crate) struct LinkFaults {
    points: Arc<FaultPoints>,
    /// Who is at the other side, as faults call it.
    peer: String,
    /// What leaves later.
    pub(super) leaving: Later<(FrameKind, Bytes)>,
    /// What is heard later.
    pub(super) arriving: Later<Bytes>,
    /// What leaves with this bit flipped.
    damaged: Mutex<Vec<(Bytes, u64)>>,
}

/// What is heard of a frame that has come.
pub(super) enum Heard {
    /// It.
    Once(Bytes),
    /// It, two times.
    Twice(Bytes),
    /// Nothing, at least not now.
    Nothing,
    /// Its checksum is wrong.
    Damaged,
}

/// How faults call a node.
pub(crate) fn name_of(node: NodeName) -> String {
    match node {
        NodeName::Broker(id) => format!("broker-{id}"),
        NodeName::Gateway(_) => "gateway".to_owned(),
    }
}

impl LinkFaults {
    pub(crate) fn new(points: Arc<FaultPoints>, peer: NodeName) -> Self {
        Self {
            points,
            peer: name_of(peer),
            leaving: Later::default(),
            arriving: Later::default(),
            damaged: Mutex::default(),
        }
    }

    fn verdict(&self, direction: Direction, kind: FrameKind, bytes: &[u8]) -> Verdict {
        let known = kind::of(kind, bytes);
        self.points.message(&Passing {
            peer: &self.peer,
            direction,
            kind: known.kind,
            name: known.name,
            partition: known.partition,
        })
    }

    /// Queues a frame, unless a fault wants otherwise.
    pub(super) fn push(
        &self,
        outgoing: &Outgoing,
        kind: FrameKind,
        frame: Bytes,
    ) -> Result<(), Unsent> {
        if !self.points.has_messages() {
            return outgoing.push(kind, frame);
        }
        match self.verdict(Direction::Out, kind, &frame) {
            Verdict::Pass => outgoing.push(kind, frame),
            Verdict::Drop => Ok(()),
            Verdict::Duplicate => {
                outgoing.push(kind, frame.clone())?;
                outgoing.push(kind, frame)
            }
            Verdict::Delay { by, in_order } => {
                self.leaving.hold(by, in_order, frame.len(), (kind, frame));
                Ok(())
            }
            Verdict::Damage(bit) => {
                self.damaged.lock().push((frame, bit));
                outgoing.wake();
                Ok(())
            }
        }
    }

    /// Frames that leave damaged.
    pub(super) fn take_damaged(&self) -> Vec<(Bytes, u64)> {
        std::mem::take(&mut *self.damaged.lock())
    }

    /// What is heard of a frame that has come.
    pub(super) fn hear(&self, frame: Bytes) -> Heard {
        if !self.points.has_messages() {
            return Heard::Once(frame);
        }
        let Some(kind) = frame.first().and_then(|number| FrameKind::from_number(*number).ok())
        else {
            return Heard::Once(frame);
        };
        match self.verdict(Direction::In, kind, &frame) {
            Verdict::Pass => Heard::Once(frame),
            Verdict::Drop => Heard::Nothing,
            Verdict::Duplicate => Heard::Twice(frame),
            Verdict::Delay { by, in_order } => {
                self.arriving.hold(by, in_order, frame.len(), frame);
                Heard::Nothing
            }
            Verdict::Damage(_) => Heard::Damaged,
        }
    }
}
