//! A fault on the command line.

use std::time::Duration;

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;
use skep_env::fault::{DiskAction, FaultKind, FaultSpec, MessageKind};

use crate::cluster::faults::{TTL_DEFAULT, check_ttl, millis, names};
use crate::duration;
use crate::failure::Failure;

/// What goes wrong; the flags are those of the document that a node takes.
#[derive(Debug, Args)]
pub(crate) struct SpecArgs {
    /// block, drop, delay, duplicate, reorder, corrupt, disk-full, slow-fsync, disk-error, clock, pause,
    /// crash
    #[arg(value_name = "FAULT", value_parser = what)]
    what: What,

    /// How it is called [default: a name with a number]
    #[arg(long, value_name = "NAME")]
    id: Option<String>,

    /// It ends by itself after this, at most an hour; a pause lasts this long
    #[arg(long, value_name = "DURATION", default_value = TTL_DEFAULT, value_parser = duration::parse)]
    pub(super) ttl: Duration,

    /// Where: the node whose disk, clock or process it is
    #[arg(long, value_name = "NODE")]
    pub(super) node: Option<String>,

    /// Messages: the node that sends them; any for all others. block takes several, with commas
    #[arg(long, value_name = "NODE")]
    from: Option<String>,

    /// Messages: the node that is to receive them
    #[arg(long, value_name = "NODE")]
    to: Option<String>,

    /// block: the other direction too
    #[arg(long)]
    pub(super) both: bool,

    /// Messages: request, acknowledgement, append, vote, snapshot, client, gossip, management or any
    #[arg(long, value_name = "KIND", value_parser = named::<MessageKind>)]
    message: Option<MessageKind>,

    /// Messages: only this command between partitions; `points` lists them
    #[arg(long, value_name = "COMMAND")]
    name: Option<String>,

    /// Messages: only those for this partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u32>,

    /// How probable it is each time, above 0 and at most 1 [default: always]
    #[arg(long, value_name = "SHARE")]
    probability: Option<f64>,

    /// It acts so many times, and is spent [default: as long as it lasts]
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,

    /// It leaves so many alone first
    #[arg(long, value_name = "NUMBER")]
    skip: Option<u64>,

    /// Decides what is left to chance
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// delay, reorder, slow-fsync: by how much
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    delay: Option<Duration>,

    /// delay, slow-fsync: up to so much more
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    jitter: Option<Duration>,

    /// disk-full: room that is left [default: none]
    #[arg(long, value_name = "BYTES")]
    room_bytes: Option<u64>,

    /// disk-error: write, sync or read [default: write]
    #[arg(long, value_name = "ACTION", value_parser = named::<DiskAction>)]
    operation: Option<DiskAction>,

    /// clock: how far it jumps ahead; it jumps back at the end
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    offset_ms: Option<i64>,

    /// clock: how much too fast it runs, parts per million
    #[arg(long, value_name = "PPM", allow_negative_numbers = true)]
    drift_ppm: Option<i64>,

    /// crash: where; `points` lists the places
    #[arg(long, value_name = "PLACE")]
    point: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Block,
    Fault(FaultKind),
}

fn what(text: &str) -> Result<What, String> {
    if text == "block" { Ok(What::Block) } else { named(text).map(What::Fault) }
}

/// A value by its name in documents.
fn named<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|error| error.to_string())
}

impl SpecArgs {
    pub(super) fn is_block(&self) -> bool {
        self.what == What::Block
    }

    /// The nodes on both sides.
    pub(super) fn ends(&self) -> Result<(Vec<String>, Vec<String>), Failure> {
        let of = |nodes: &Option<String>, flag: &str| {
            let missing = || Failure::Usage(format!("block needs {flag}"));
            nodes.as_deref().map(names).ok_or_else(missing)
        };
        Ok((of(&self.from, "--from")?, of(&self.to, "--to")?))
    }

    /// The document.
    pub(super) fn read(&self) -> Result<FaultSpec, Failure> {
        check_ttl(self.ttl)?;
        let What::Fault(fault) = self.what else {
            return Err(Failure::Usage("block is no document of a node".to_owned()));
        };
        if self.both {
            return Err(Failure::Usage(
                "--both is for block; add one fault for each direction".to_owned(),
            ));
        }
        let spec = FaultSpec {
            id: self.id.clone(),
            probability: self.probability,
            count: self.count,
            skip: self.skip,
            seed: self.seed,
            from: self.from.clone(),
            to: self.to.clone(),
            message: self.message,
            name: self.name.clone(),
            partition: self.partition,
            delay_ms: self.delay.map(millis),
            jitter_ms: self.jitter.map(millis),
            room_bytes: self.room_bytes,
            operation: self.operation,
            offset_ms: self.offset_ms,
            drift_ppm: self.drift_ppm,
            point: self.point.clone(),
            ..FaultSpec::new(fault, millis(self.ttl))
        };
        spec.check().map_err(|refusal| Failure::Usage(refusal.reason))?;
        Ok(spec)
    }
}
