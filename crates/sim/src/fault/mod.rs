//! What goes wrong, when, and for how long.

mod backups;
mod budget;
mod generate;
mod inflict;
mod operator;

use serde::{Deserialize, Serialize};

pub(crate) use backups::Backups;
pub use budget::exceeded;
pub(crate) use generate::add_backups;
pub use generate::generate;
pub(crate) use inflict::{inflict, is_changing, leader};
pub(crate) use operator::{Operator, Outages};

/// One thing that goes wrong. Nodes are numbered as in [`crate::NodeId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Fault {
    /// The process of a node is killed; it is started again at the end.
    Kill {
        /// The node.
        node: u32,
    },
    /// The machine of a node loses power: what was not synced survives in part.
    PowerLoss {
        /// The node.
        node: u32,
    },
    /// The whole data centre loses power.
    Blackout,
    /// A node crashes at the n-th step from now: at an await or at a boundary of a write.
    CrashAtStep {
        /// The node.
        node: u32,
        /// Steps until then.
        steps: u64,
        /// Whether the machine goes with it.
        power: bool,
    },
    /// A node stands still.
    Pause {
        /// The node.
        node: u32,
    },
    /// Nothing arrives from one node at another.
    CutOneWay {
        /// Who is not heard.
        from: u32,
        /// Who does not hear.
        to: u32,
        /// Whether frames are lost, or wait in the kernel.
        lose: bool,
    },
    /// Nothing passes between two nodes.
    Cut {
        /// One.
        one: u32,
        /// The other.
        other: u32,
        /// Whether frames are lost, or wait in the kernel.
        lose: bool,
    },
    /// Nothing passes between one node and all others.
    Isolate {
        /// The node.
        node: u32,
        /// Whether frames are lost, or wait in the kernel.
        lose: bool,
    },
    /// All links lose, repeat, reorder and delay frames.
    BadNetwork {
        /// Lost, in parts per million.
        lose_ppm: u32,
        /// Repeated.
        repeat_ppm: u32,
        /// Overtaken.
        reorder_ppm: u32,
        /// Delayed by up to [`Fault::BadNetwork::spike_ms`].
        spike_ppm: u32,
        /// Longest delay.
        spike_ms: u64,
    },
    /// One direction takes longer.
    SlowLink {
        /// From.
        from: u32,
        /// To.
        to: u32,
        /// By how much.
        extra_ms: u64,
    },
    /// Connections between two nodes break once.
    Reset {
        /// One.
        one: u32,
        /// The other.
        other: u32,
    },
    /// Every sync of a disk takes this long.
    SlowDisk {
        /// The node.
        node: u32,
        /// How long.
        sync_ms: u64,
    },
    /// A disk has room for so much more only.
    FullDisk {
        /// The node.
        node: u32,
        /// Bytes.
        room: u64,
    },
    /// The n-th write or sync from now fails with EIO.
    FailDisk {
        /// The node.
        node: u32,
        /// Writes until then.
        nth: u64,
        /// A sync instead of a write.
        sync: bool,
    },
    /// A bit of the journal of a node flips.
    FlipBit {
        /// The node.
        node: u32,
    },
    /// A node loses its disk.
    Wipe {
        /// The node.
        node: u32,
    },
    /// The wall clock of a node jumps, and is corrected at the end.
    ClockJump {
        /// The node.
        node: u32,
        /// By how much.
        by_ms: i64,
    },
    /// The wall clock of a node runs fast or slow.
    ClockDrift {
        /// The node.
        node: u32,
        /// By how much.
        ppm: i64,
    },
    /// Every node is stopped in an orderly way and started again, one after the other.
    RollingRestart,
    /// A broker joins the cluster, and another one leaves it: replicas are moved.
    Replace {
        /// Comes; a number that no broker had.
        add: u32,
        /// Goes.
        remove: Option<u32>,
    },
    /// The cluster gets more partitions, while it works.
    AddPartitions {
        /// How many there are then.
        partitions: u32,
    },
    /// The operator takes a backup.
    Backup,
    /// Partitions whose leaders are not those that placement wants are handed over.
    Rebalance,
    /// The leaders of two partitions: the first cannot reach the second any more, on its way there.
    CutLeaders {
        /// Leader of this partition is not heard.
        from_partition: u32,
        /// By the leader of this one.
        to_partition: u32,
    },
}

impl Fault {
    /// A short name, for counting.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::PowerLoss { .. } => "power loss",
            Self::Blackout => "blackout",
            Self::CrashAtStep { .. } => "crash at a step",
            Self::Pause { .. } => "pause",
            Self::CutOneWay { .. } => "one-way cut",
            Self::Cut { .. } => "cut",
            Self::Isolate { .. } => "isolation",
            Self::BadNetwork { .. } => "bad network",
            Self::SlowLink { .. } => "slow link",
            Self::Reset { .. } => "reset",
            Self::SlowDisk { .. } => "slow disk",
            Self::FullDisk { .. } => "full disk",
            Self::FailDisk { .. } => "disk error",
            Self::FlipBit { .. } => "bit flip",
            Self::Wipe { .. } => "data loss",
            Self::ClockJump { .. } => "clock jump",
            Self::ClockDrift { .. } => "clock drift",
            Self::RollingRestart => "rolling restart",
            Self::Rebalance => "leader transfer",
            Self::Replace { .. } => "membership change",
            Self::AddPartitions { .. } => "more partitions",
            Self::Backup => "backup",
            Self::CutLeaders { .. } => "cut between leaders",
        }
    }

    /// The node whose data it damages.
    #[must_use]
    pub fn damages(&self) -> Option<u32> {
        match self {
            Self::FlipBit { node } | Self::Wipe { node } => Some(*node),
            _ => None,
        }
    }

    /// Nodes that it names.
    #[must_use]
    pub fn nodes(&self) -> Vec<u32> {
        match self {
            Self::Kill { node }
            | Self::PowerLoss { node }
            | Self::CrashAtStep { node, .. }
            | Self::Pause { node }
            | Self::Isolate { node, .. }
            | Self::SlowDisk { node, .. }
            | Self::FullDisk { node, .. }
            | Self::FailDisk { node, .. }
            | Self::FlipBit { node }
            | Self::Wipe { node }
            | Self::ClockJump { node, .. }
            | Self::ClockDrift { node, .. } => vec![*node],
            Self::CutOneWay { from, to, .. } | Self::SlowLink { from, to, .. } => vec![*from, *to],
            Self::Cut { one, other, .. } | Self::Reset { one, other } => vec![*one, *other],
            Self::Blackout
            | Self::BadNetwork { .. }
            | Self::RollingRestart
            | Self::Rebalance
            | Self::Replace { .. }
            | Self::Backup
            | Self::AddPartitions { .. }
            | Self::CutLeaders { .. } => Vec::new(),
        }
    }
}

/// A fault in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// When it begins, simulated milliseconds since the start of the workload.
    pub at_ms: u64,
    /// How long it lasts.
    pub for_ms: u64,
    /// What it is.
    pub fault: Fault,
}
