//! `skep cluster net`: faults of the network between two nodes.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::FolderArgs;
use crate::cluster::admin::{self, Admin};
use crate::cluster::fault::{self, Fault, FaultKind, guard, probe};
use crate::cluster::faults;
use crate::cluster::wire::{self, WireSettings};
use crate::duration;
use crate::failure::Failure;
use crate::output::{Format, print_line};

/// What can be done to the network.
#[derive(Debug, Subcommand)]
pub(crate) enum NetCommand {
    /// Let nothing that a node sends reach another; the other direction stays as it is
    Block(BlockArgs),
    /// Undo what is wrong between two nodes, in this direction
    Unblock(UnblockArgs),
    /// Let what a node sends reach another later, and lose a part of it
    Delay(DelayArgs),
    /// Undo every fault
    Clear(ClearArgs),
    /// Show the faults
    List(ListArgs),
}

impl NetCommand {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        match self {
            Self::Block(args) => args.run(format),
            Self::Unblock(args) => args.run(format),
            Self::Delay(args) => args.run(format),
            Self::Clear(args) => args.run(format),
            Self::List(args) => args.run(format),
        }
    }
}

/// A direction between two nodes.
#[derive(Debug, Args)]
pub(crate) struct PairArgs {
    /// The node that sends
    #[arg(value_name = "FROM")]
    from: String,

    /// The node that receives
    #[arg(value_name = "TO")]
    to: String,

    /// The other direction too
    #[arg(long)]
    both: bool,

    #[command(flatten)]
    folder: FolderArgs,
}

impl PairArgs {
    fn directions(&self) -> Vec<(&str, &str)> {
        let there = (self.from.as_str(), self.to.as_str());
        if self.both { vec![there, (there.1, there.0)] } else { vec![there] }
    }

    fn make(
        &self,
        format: Format,
        ttl: Duration,
        kind: impl Fn(&Admin, &str, &str) -> Result<FaultKind, Failure>,
    ) -> Result<(), Failure> {
        faults::check_ttl(ttl)?;
        let mut admin = Admin::open(&self.folder.dir)?;
        let mut made = Vec::new();
        for (from, to) in self.directions() {
            let kind = kind(&admin, from, to)?;
            made.push(fault::make(&admin.folder, &mut admin.state, from, to, kind, ttl)?);
        }
        show(format, &made, "")
    }
}

fn show(format: Format, faults: &[Fault], nothing: &str) -> Result<(), Failure> {
    let json: Vec<Value> = faults.iter().map(Fault::json).collect();
    let texts: Vec<String> = faults.iter().map(Fault::text).collect();
    let text = if texts.is_empty() { nothing.to_owned() } else { texts.join("\n") };
    format.done(&text, &json!({"faults": json}))
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep cluster net block broker-0 broker-2\n  skep cluster net block gateway-0 broker-1 --both"
)]
pub(crate) struct BlockArgs {
    #[command(flatten)]
    pair: PairArgs,

    #[command(flatten)]
    life: LifeArgs,
}

/// How long a fault lasts.
#[derive(Debug, Args)]
struct LifeArgs {
    /// It ends by itself after this, at most an hour
    #[arg(long, value_name = "DURATION", default_value = faults::TTL_DEFAULT, value_parser = duration::parse)]
    ttl: Duration,
}

impl BlockArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        self.pair.make(format, self.life.ttl, |_, _, _| Ok(FaultKind::Block))
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  skep cluster net delay broker-0 broker-1 100 --both --loss 0.5"
)]
pub(crate) struct DelayArgs {
    #[command(flatten)]
    pair: PairArgs,

    /// How much later, milliseconds
    #[arg(value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=60_000))]
    delay_ms: u64,

    /// Packets that are lost, per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    loss: f64,

    #[command(flatten)]
    life: LifeArgs,
}

impl DelayArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        self.pair.make(format, self.life.ttl, |admin, from, to| {
            Ok(FaultKind::Delay {
                delay_ms: self.delay_ms,
                // The parser has checked that it is 0 to 100.
                loss_per_mille: (self.loss * 10.0).round() as u16,
                process: None,
                device: fault::wire_device(&admin.state, from, to)?,
            })
        })
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err(format!("'{text}' is not a number from 0 to 100")),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster net unblock broker-0 broker-2")]
pub(crate) struct UnblockArgs {
    #[command(flatten)]
    pair: PairArgs,
}

impl UnblockArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let mut admin = Admin::open(&self.pair.folder.dir)?;
        let mut undone = Vec::new();
        for (from, to) in self.pair.directions() {
            undone.extend(fault::undo(&admin.folder, &mut admin.state, from, to)?);
        }
        ended(format, &undone)
    }
}

fn ended(format: Format, undone: &[Fault]) -> Result<(), Failure> {
    let json: Vec<Value> = undone.iter().map(Fault::json).collect();
    let texts: Vec<String> =
        undone.iter().map(|fault| format!("No more: {}", fault.text())).collect();
    let text =
        if texts.is_empty() { "There was no such fault.".to_owned() } else { texts.join("\n") };
    format.done(&text, &json!({"undone": json}))
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster net clear")]
pub(crate) struct ClearArgs {
    #[command(flatten)]
    folder: FolderArgs,
}

impl ClearArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let mut admin = Admin::open(&self.folder.dir)?;
        let all = admin.state.faults.clone();
        let undone = fault::undo_all(&admin.folder, &mut admin.state, &all)?;
        ended(format, &undone)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster net list")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    folder: FolderArgs,
}

impl ListArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let folder = admin::full_path(&self.folder.dir)?;
        let state = admin::existing(&folder)?;
        show(format, &state.faults, "The network has no faults.")?;
        if format == Format::Table {
            for route in fault::unknown_routes(&state)? {
                print_line(&format!("Not made by `skep cluster net`: {route}"))?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  skep cluster wire sk1-broker-0 sk1-broker-1 --device w-b0-b1 --delay 100ms"
)]
pub(crate) struct WireArgs {
    /// Namespace whose packets are carried
    #[arg(value_name = "FROM")]
    from: String,

    /// Namespace that they come out in
    #[arg(value_name = "TO")]
    to: String,

    /// Name of the device in both
    #[arg(long, value_name = "NAME")]
    device: String,

    /// How long a packet is held
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    delay: Duration,

    /// Share of packets that are lost, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    loss: f64,

    /// Decides which packets are lost
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// The wire ends by itself after this, whoever forgets to end it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    ttl: Option<Duration>,
}

/// The guard of a cluster's faults.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster guard --dir skep-cluster")]
pub(crate) struct GuardArgs {
    #[command(flatten)]
    folder: FolderArgs,
}

impl GuardArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        guard::run(&admin::full_path(&self.folder.dir)?)
    }
}

/// One packet, and what becomes of it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cluster probe 10.64.1.10:9600 --limit 1s")]
pub(crate) struct ProbeArgs {
    /// Where to connect to
    #[arg(value_name = "ADDRESS")]
    target: SocketAddr,

    /// How long the answer may take
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    limit: Duration,
}

impl ProbeArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        probe::run(self.target, self.limit)
    }
}

impl WireArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let settings = WireSettings { delay: self.delay, loss: self.loss, seed: self.seed };
        wire::run(&self.from, &self.to, &self.device, settings, self.ttl)
    }
}
