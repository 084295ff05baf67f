//! `zbchaos lose`: messages of one kind from one leader to another are lost or late, and nothing else.
//!
//! What a cut of the network cannot do: the request arrives and its acknowledgement does not.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use skep_env::fault::{FaultKind, FaultSpec, MessageKind};

use super::context::Context;
use super::faults::Faults;
use super::network::different;
use super::select::{Role, Wanted};
use crate::cluster::faults;
use crate::duration;
use crate::failure::Failure;

/// What the fault is called, so that it can be ended.
const ID: &str = "zbchaos-lose";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep zbchaos lose --message acknowledgement --fromPartitionId 3 --toPartitionId 1 --separate
  skep zbchaos lose --message acknowledgement --delay 20s --ttl 2m
  skep zbchaos lose --end")]
pub(super) struct LoseArgs {
    /// Which: request, acknowledgement, append, vote, snapshot, client, gossip or any
    #[arg(long, value_name = "KIND", default_value = "acknowledgement", value_parser = message)]
    message: MessageKind,

    /// The leader of this partition sends them
    #[arg(long = "fromPartitionId", value_name = "N", default_value_t = 3)]
    from: u32,

    /// The leader of this partition does not get them
    #[arg(long = "toPartitionId", value_name = "N", default_value_t = 1)]
    to: u32,

    /// If one broker is both, first let leadership go where its priorities want it
    #[arg(long)]
    separate: bool,

    /// Only so many of them
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// They come, but later
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    delay: Option<Duration>,

    /// How long the fault lasts when nobody ends it
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    ttl: Duration,

    /// End it
    #[arg(long)]
    end: bool,
}

fn message(text: &str) -> Result<MessageKind, String> {
    let text: StrDeserializer<'_, Error> = text.into_deserializer();
    MessageKind::deserialize(text).map_err(|error| error.to_string())
}

impl LoseArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let points = Faults::of(context)?;
        if self.end {
            let ended = points.clear(ID)?;
            if ended.is_empty() {
                return context.say.line("Nothing was lost any more.");
            }
            return ended.iter().try_for_each(|fault| {
                let hits = fault.hits.unwrap_or(0);
                context.say.line(&format!("No more: {} ({hits} messages)", fault.text))
            });
        }
        let from = Wanted::Role(Role::Leader, self.from);
        let to = Wanted::Role(Role::Leader, self.to);
        let (from, to) = different(context, from, to, self.separate).await?;
        let kind = if self.delay.is_some() { FaultKind::Delay } else { FaultKind::Drop };
        let spec = FaultSpec {
            id: Some(ID.to_owned()),
            from: Some(from),
            to: Some(to),
            message: Some(self.message),
            count: self.count,
            delay_ms: self.delay.map(faults::millis),
            ..FaultSpec::new(kind, faults::millis(self.ttl))
        };
        points.add(&spec)?.iter().try_for_each(|fault| context.say.line(&fault.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_names_of_faults() {
        assert_eq!(message("acknowledgement"), Ok(MessageKind::Acknowledgement));
        assert!(message("letters").is_err());
    }
}
