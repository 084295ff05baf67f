//! `zbchaos publish`: a message that a given partition gets.

use std::time::Duration;

use clap::Args;
use skep_client::proto::PublishMessageRequest;
use skep_protocol::key;

use super::context::Context;
use super::target::Target;
use crate::failure::Failure;

/// How long the message waits for whom it is for.
const TIME_TO_LIVE: Duration = Duration::from_secs(3_600);

/// Correlation keys are one of these characters.
const KEYS: std::ops::RangeInclusive<u8> = b'0'..=b'~';

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos publish --partitionId 3")]
pub(super) struct PublishArgs {
    /// The partition that is to get it
    #[arg(long = "partitionId", value_name = "N", default_value_t = 1)]
    partition: u32,

    /// Name of the message
    #[arg(long = "msgName", value_name = "NAME", default_value = "msg")]
    name: String,
}

impl PublishArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client().await?;
        let partitions = partitions(context).await?;
        let correlation_key = correlation_key(self.partition, partitions).ok_or_else(|| {
            Failure::Usage(format!(
                "no correlation key leads to partition {}: messages are spread over {partitions}",
                self.partition
            ))
        })?;
        let request = PublishMessageRequest::new(context.run.name(&self.name), correlation_key)
            .with_time_to_live(TIME_TO_LIVE);
        let key = client.publish_message(request).await?.key;
        let partition = partition_of(key);
        context.say.line(&format!(
            "Message was sent and returned key {key}, which corresponds to partition: {partition}"
        ))?;
        if partition != self.partition {
            return Err(Failure::Answer(format!(
                "the message came to partition {partition}, not to {}",
                self.partition
            )));
        }
        Ok(())
    }
}

/// How many partitions messages are spread over.
async fn partitions(context: &Context) -> Result<u32, Failure> {
    let routed = match context.target {
        Target::Folder(_) => {
            let cluster = context.target.ask("GET", "/actuator/cluster", None);
            cluster
                .ok()
                .and_then(|json| json["routing"]["messageCorrelation"]["partitionCount"].as_u64())
        }
        Target::Addresses(_) => None,
    };
    match routed.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0) {
        Some(count) => Ok(count),
        None => Ok(context.topology().await?.partitions),
    }
}

/// The first key of one character that leads to a partition.
fn correlation_key(partition: u32, partitions: u32) -> Option<String> {
    if partitions == 0 {
        return None;
    }
    let mut texts = KEYS.clone().map(|code| char::from(code).to_string());
    texts.find(|text| key::partition_of_correlation_key(text, partitions) == partition)
}

/// The partition that made a key, as clients see keys.
pub(crate) fn partition_of(key: i64) -> u32 {
    key::partition_of(u64::try_from(key).unwrap_or(key::NO_KEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_where_the_original_says() {
        for count in [1, 2, 3, 4, 6, 8] {
            assert_eq!(correlation_key(1, count).as_deref(), Some("0"), "{count}");
        }
        assert_eq!(correlation_key(3, 3).as_deref(), Some("2"));
        assert_eq!(correlation_key(4, 4).as_deref(), Some("3"));
        assert_eq!(correlation_key(4, 3), None);
        assert_eq!(correlation_key(1, 0), None);
    }

    #[test]
    fn a_key_names_its_partition() {
        assert_eq!(partition_of(2_251_799_813_685_249), 1);
        assert_eq!(partition_of(3 << 51), 3);
    }
}
