//! Which messages a fault means, and what becomes of them.

use std::time::Duration;

use super::{FaultKind, FaultSpec, MessageKind, NODE_ANY, Refusal};
use crate::Random;

/// How long a message is held at most that is to be overtaken, when nothing else was said.
const REORDER_MS: u64 = 20;

/// Whether a message leaves this node or comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It leaves.
    Out,
    /// It comes in.
    In,
}

/// A message that passes.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// The node at the other side.
    pub peer: &'a str,
    /// Whether it leaves or comes in.
    pub direction: Direction,
    /// What it is for.
    pub kind: MessageKind,
    /// The command that it brings from partition to partition.
    pub name: Option<&'a str>,
    /// The partition that it is for, when it says so.
    pub partition: Option<u32>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// It is lost.
    Drop,
    /// It goes on later.
    Delay {
        /// By so much.
        by: Duration,
        /// Behind all that are held already.
        in_order: bool,
    },
    /// It goes on twice.
    Duplicate,
    /// This bit of it flips, counted from the first and around the end.
    Damage(u64),
}

/// The side of a fault of messages that is fixed when it is armed.
#[derive(Debug)]
pub(super) struct Route {
    /// The other side; none for every other node.
    peer: Option<String>,
    direction: Direction,
}

impl Route {
    /// The way that the fault is about, seen from the node `own`.
    ///
    /// # Errors
    /// When it does not pass this node.
    pub(super) fn of(spec: &FaultSpec, own: &str) -> Result<Self, Refusal> {
        let (from, to) =
            (spec.from.as_deref().unwrap_or(NODE_ANY), spec.to.as_deref().unwrap_or(NODE_ANY));
        let peer = |name: &str| (name != NODE_ANY).then(|| name.to_owned());
        match (from == own, to == own) {
            (true, false) => Ok(Self { peer: peer(to), direction: Direction::Out }),
            (false, true) => Ok(Self { peer: peer(from), direction: Direction::In }),
            _ => Err(Refusal::invalid(format!(
                "this is {own}: a fault of messages has it on one side and another node, or {NODE_ANY}, on the other; arm \
                 what happens between other nodes there"
            ))),
        }
    }

    pub(super) fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }

    pub(super) fn is(&self, peer: &str, direction: Direction) -> bool {
        self.direction == direction && self.peer.as_deref().is_none_or(|own| own == peer)
    }
}

impl FaultSpec {
    /// Whether the fault means this message, its way aside.
    pub(super) fn means(&self, passing: &Passing<'_>) -> bool {
        let kind = self.message.unwrap_or(MessageKind::Any);
        (kind == MessageKind::Any || kind == passing.kind)
            && self.name.as_deref().is_none_or(|name| passing.name == Some(name))
            && self.partition.is_none_or(|partition| passing.partition == Some(partition))
    }

    /// Whether nothing at all passes while it is armed, so that no connection can be made either.
    pub(super) fn cuts(&self) -> bool {
        self.fault == FaultKind::Drop
            && self.message.unwrap_or(MessageKind::Any) == MessageKind::Any
            && self.name.is_none()
            && self.partition.is_none()
            && self.probability.unwrap_or(1.0) >= 1.0
            && self.count.is_none()
            && self.skip.unwrap_or_default() == 0
    }

    /// What becomes of a message that the fault means and acts on.
    pub(super) fn verdict(&self, random: &dyn Random) -> Verdict {
        let delay = self.delay_ms.unwrap_or_default();
        match self.fault {
            FaultKind::Drop => Verdict::Drop,
            FaultKind::Delay => Verdict::Delay { by: self.delay(random), in_order: true },
            FaultKind::Reorder => {
                let longest = self.delay_ms.map_or(REORDER_MS, |_| delay);
                let by = Duration::from_millis(1 + random.below(longest));
                Verdict::Delay { by, in_order: false }
            }
            FaultKind::Duplicate => Verdict::Duplicate,
            FaultKind::Corrupt => Verdict::Damage(random.next_u64()),
            _ => Verdict::Pass,
        }
    }

    /// How long something takes longer, this time.
    pub(super) fn delay(&self, random: &dyn Random) -> Duration {
        let jitter = self.jitter_ms.map_or(0, |jitter| random.below(jitter + 1));
        Duration::from_millis(self.delay_ms.unwrap_or_default() + jitter)
    }
}
