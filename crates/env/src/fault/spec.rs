//! What a fault is asked for with: one flat document for all kinds, checked as a whole.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest life of a fault, milliseconds: an hour. Whoever needs more has left the room.
pub const TTL_MS_MAX: u64 = 60 * 60 * 1_000;

/// Longest delay of a message or a sync, milliseconds: a minute is beyond every timeout there is.
pub const DELAY_MS_MAX: u64 = 60_000;

/// Longest name of a fault, bytes.
const ID_BYTES_MAX: usize = 64;

/// How far a clock may be moved, milliseconds: ten years.
const OFFSET_MS_MAX: i64 = 10 * 366 * 24 * 60 * 60 * 1_000;

/// How much a clock may run wrong, parts per million: twice as fast, or standing still.
const DRIFT_PPM_MAX: i64 = 1_000_000;

/// Every node but this one.
pub const NODE_ANY: &str = "any";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Messages never arrive.
    Drop,
    /// Messages arrive later, in their order.
    Delay,
    /// Messages arrive twice.
    Duplicate,
    /// Messages are overtaken by later ones.
    Reorder,
    /// A bit of messages flips on the wire.
    Corrupt,
    /// The disk has no room.
    DiskFull,
    /// Flushing the disk takes its time.
    SlowFsync,
    /// The disk fails (EIO).
    DiskError,
    /// The wall clock is wrong, or runs wrong.
    Clock,
    /// The process stands still.
    Pause,
    /// The process is killed when it comes to a named place.
    Crash,
    /// Exporters do not reach what they export to.
    ExporterOutage,
}

/// Messages between nodes by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// Commands from partition to partition that ask for something: distributions, subscriptions.
    Request,
    /// Commands from partition to partition that answer those: acknowledgements.
    Acknowledgement,
    /// Entries of a log for its replicas, and their answers.
    Append,
    /// Elections, and their answers.
    Vote,
    /// Pieces of a snapshot for a replica, and their answers.
    Snapshot,
    /// Requests of gateways, their answers, and jobs for workers.
    Client,
    /// What nodes tell each other about themselves: roles, configuration, that they live.
    Gossip,
    /// Questions of operators, and their answers.
    Management,
    /// All of these.
    Any,
}

/// What is done to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskAction {
    /// A write.
    Write,
    /// A flush.
    Sync,
    /// A read.
    Read,
}

/// A fault, as it is asked for. Fields that mean nothing for its kind are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultSpec {
    /// What goes wrong.
    pub fault: FaultKind,
    /// How it is called; made when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How long it lasts, milliseconds.
    pub ttl_ms: u64,
    /// How probable it is each time, 0 to 1; always when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// It acts this many times, and is spent; without it as long as it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// It leaves so many alone first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// Decides what is left to chance; the same seed decides the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Messages: who sends, `broker-0`, `gateway` or `any`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Messages: who is to receive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Messages: of which kind; all when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageKind>,
    /// Messages: only this command between partitions, `COMMAND_DISTRIBUTION.ACKNOWLEDGE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Messages: only those for this partition; answers of replicas and to gateways name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// `delay`, `reorder`, `slow-fsync`: by how much, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// `delay`, `slow-fsync`: up to so much more, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<u64>,
    /// `disk-full`: room that is left, bytes; none when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_bytes: Option<u64>,
    /// `disk-error`: what fails; writes when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<DiskAction>,
    /// `clock`: how far the clock jumps, milliseconds; it jumps back at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_ms: Option<i64>,
    /// `clock`: how much too fast it runs, parts per million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_ppm: Option<i64>,
    /// `crash`: where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<String>,
}

/// A fault is not armed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In what way it is wrong.
    pub kind: RefusalKind,
    /// Why, and what to do.
    pub reason: String,
}

/// In what way a fault is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// It says nothing that could be armed.
    Invalid,
    /// It names something that is not there.
    NotFound,
    /// It cannot be armed as things are.
    Conflict,
    /// There is no such fault in this release.
    Unsupported,
}

impl Refusal {
    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Invalid, reason: reason.into() }
    }

    pub(super) fn not_found(reason: impl Into<String>) -> Self {
        Self { kind: RefusalKind::NotFound, reason: reason.into() }
    }

    pub(super) fn conflict(reason: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Conflict, reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}

impl FaultKind {
    /// The name as it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Delay => "delay",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Corrupt => "corrupt",
            Self::DiskFull => "disk-full",
            Self::SlowFsync => "slow-fsync",
            Self::DiskError => "disk-error",
            Self::Clock => "clock",
            Self::Pause => "pause",
            Self::Crash => "crash",
            Self::ExporterOutage => "exporter-outage",
        }
    }

    /// Whether it is about messages between nodes.
    #[must_use]
    pub fn is_of_messages(self) -> bool {
        matches!(self, Self::Drop | Self::Delay | Self::Duplicate | Self::Reorder | Self::Corrupt)
    }
}

impl MessageKind {
    /// The name as it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Acknowledgement => "acknowledgement",
            Self::Append => "append",
            Self::Vote => "vote",
            Self::Snapshot => "snapshot",
            Self::Client => "client",
            Self::Gossip => "gossip",
            Self::Management => "management",
            Self::Any => "any",
        }
    }
}

impl FaultSpec {
    /// A fault of this kind that lasts so long, with nothing else said.
    #[must_use]
    pub fn new(fault: FaultKind, ttl_ms: u64) -> Self {
        Self {
            fault,
            id: None,
            ttl_ms,
            probability: None,
            count: None,
            skip: None,
            seed: None,
            from: None,
            to: None,
            message: None,
            name: None,
            partition: None,
            delay_ms: None,
            jitter_ms: None,
            room_bytes: None,
            operation: None,
            offset_ms: None,
            drift_ppm: None,
            point: None,
        }
    }

    /// Whether the document says something that could be armed somewhere.
    ///
    /// # Errors
    /// With what to say instead.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.fault == FaultKind::ExporterOutage {
            return Err(Refusal {
                kind: RefusalKind::Unsupported,
                reason:
                    "there are no exporters in this release that could be cut off; pause exporting \
                         with POST /actuator/exporting/pause instead"
                        .to_owned(),
            });
        }
        self.check_life()?;
        self.check_fields()?;
        self.check_amounts()
    }

    fn check_life(&self) -> Result<(), Refusal> {
        if self.ttl_ms == 0 || self.ttl_ms > TTL_MS_MAX {
            return Err(Refusal::invalid(format!(
                "ttlMs is {}; a fault lasts 1 to {TTL_MS_MAX} milliseconds, and ends by itself",
                self.ttl_ms
            )));
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if let Some(id) = &self.id
            && (id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(is_word))
        {
            return Err(Refusal::invalid(format!(
                "id is '{id}'; it has 1 to {ID_BYTES_MAX} letters, digits, dots, dashes or underscores"
            )));
        }
        if let Some(probability) = self.probability
            && !(probability > 0.0 && probability <= 1.0)
        {
            return Err(Refusal::invalid(format!(
                "probability is {probability}; it is above 0 and at most 1"
            )));
        }
        if self.count == Some(0) {
            return Err(Refusal::invalid(
                "count is 0: the fault would never act; leave it out for always",
            ));
        }
        Ok(())
    }

    /// Fields that are there although they mean nothing, or missing although they are needed.
    fn check_fields(&self) -> Result<(), Refusal> {
        let kind = self.fault;
        let messages = kind.is_of_messages();
        let repeats = !matches!(kind, FaultKind::Pause | FaultKind::Clock | FaultKind::DiskFull);
        let delays = matches!(kind, FaultKind::Delay | FaultKind::Reorder | FaultKind::SlowFsync);
        let fields = [
            ("from", self.from.is_some(), messages),
            ("to", self.to.is_some(), messages),
            ("message", self.message.is_some(), messages),
            ("name", self.name.is_some(), messages),
            ("partition", self.partition.is_some(), messages),
            ("delayMs", self.delay_ms.is_some(), delays),
            ("jitterMs", self.jitter_ms.is_some(), delays && kind != FaultKind::Reorder),
            ("roomBytes", self.room_bytes.is_some(), kind == FaultKind::DiskFull),
            ("operation", self.operation.is_some(), kind == FaultKind::DiskError),
            ("offsetMs", self.offset_ms.is_some(), kind == FaultKind::Clock),
            ("driftPpm", self.drift_ppm.is_some(), kind == FaultKind::Clock),
            ("point", self.point.is_some(), kind == FaultKind::Crash),
            ("probability", self.probability.is_some(), repeats),
            ("count", self.count.is_some(), repeats && kind != FaultKind::Crash),
            ("skip", self.skip.is_some(), repeats),
            ("seed", self.seed.is_some(), repeats),
        ];
        if let Some((field, ..)) =
            fields.iter().find(|(_, is_there, has_sense)| *is_there && !has_sense)
        {
            let name = kind.name();
            return Err(Refusal::invalid(format!(
                "{field} means nothing for {name}; leave it out"
            )));
        }
        let need = |field: &str, is_there: bool| {
            if is_there {
                return Ok(());
            }
            Err(Refusal::invalid(format!("{} needs {field}", kind.name())))
        };
        if messages {
            need(
                "from and to: who sends and who is to receive",
                self.from.is_some() && self.to.is_some(),
            )?;
        }
        match kind {
            FaultKind::Delay | FaultKind::SlowFsync => {
                need("delayMs", self.delay_ms.or(self.jitter_ms).is_some())
            }
            FaultKind::Clock => {
                need("offsetMs or driftPpm", self.offset_ms.or(self.drift_ppm).is_some())
            }
            FaultKind::Crash => need("point: where", self.point.is_some()),
            _ => Ok(()),
        }
    }

    fn check_amounts(&self) -> Result<(), Refusal> {
        for (field, value) in [("delayMs", self.delay_ms), ("jitterMs", self.jitter_ms)] {
            if value.is_some_and(|value| value > DELAY_MS_MAX) {
                return Err(Refusal::invalid(format!("{field} is more than {DELAY_MS_MAX}")));
            }
        }
        let far = |value: Option<i64>, max: i64| {
            value.is_some_and(|value| value.abs() > max || value == 0)
        };
        if far(self.offset_ms, OFFSET_MS_MAX) {
            return Err(Refusal::invalid(format!("offsetMs is 0 or beyond {OFFSET_MS_MAX}")));
        }
        if far(self.drift_ppm, DRIFT_PPM_MAX) {
            return Err(Refusal::invalid(format!("driftPpm is 0 or beyond {DRIFT_PPM_MAX}")));
        }
        if self.name.is_some() {
            let named = [MessageKind::Request, MessageKind::Acknowledgement];
            if !self.message.is_none_or(|message| named.contains(&message)) {
                return Err(Refusal::invalid(
                    "name picks one command between partitions; message is then request, acknowledgement, or missing",
                ));
            }
        }
        if self.from.is_some() && self.from == self.to {
            return Err(Refusal::invalid(format!(
                "{} is both ends: what a node tells itself is no message. Name two nodes; if both leaders are on one \
                 node, let another lead one of the partitions first (skep cluster rebalance)",
                self.from.as_deref().unwrap_or_default()
            )));
        }
        Ok(())
    }
}
