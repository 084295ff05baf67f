//! `skep publish message NAME`.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::PublishMessageRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::{duration, variables};

#[derive(Debug, Subcommand)]
pub(crate) enum PublishCommand {
    /// Publish a message to waiting instances and message start events
    Message(MessageArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep publish message payment-received --correlation-key order-17
  skep publish message order-placed --variables '{\"items\": 3}' --ttl 1h --message-id web-4711")]
pub(crate) struct MessageArgs {
    /// Message name
    name: String,

    /// Matched against the correlation key of subscriptions; without it, it only starts processes
    #[arg(long, value_name = "TEXT", default_value = "")]
    correlation_key: String,

    /// How long the message is buffered when nobody waits for it
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    ttl: Duration,

    /// Makes the message unique while it is buffered
    #[arg(long, value_name = "ID", default_value = "")]
    message_id: String,

    /// Variables: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,

    /// Your own id for an instance that the message starts
    #[arg(long, value_name = "ID")]
    business_id: Option<String>,

    /// Tenant that the message belongs to
    #[arg(long, value_name = "ID", default_value = "")]
    tenant: String,
}

impl PublishCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Message(args) = self;
        let request = PublishMessageRequest {
            message_id: args.message_id,
            variables: variables::read(args.variables.as_deref())?,
            tenant_id: args.tenant,
            business_id: args.business_id,
            ..PublishMessageRequest::new(args.name, args.correlation_key)
                .with_time_to_live(args.ttl)
        };
        let answer = connection.connect().await?.publish_message(request).await?;
        format.record(&json!({"messageKey": answer.key.to_string(), "tenantId": answer.tenant_id}))
    }
}
