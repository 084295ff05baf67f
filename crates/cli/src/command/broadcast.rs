//! `skep broadcast signal NAME`.

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::BroadcastSignalRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

#[derive(Debug, Subcommand)]
pub(crate) enum BroadcastCommand {
    /// Broadcast a signal to everything that waits for it
    Signal(SignalArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep broadcast signal prices-changed --variables '{\"list\": \"2027\"}'")]
pub(crate) struct SignalArgs {
    /// Signal name
    name: String,

    /// Variables: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,

    /// Tenant that the signal belongs to
    #[arg(long, value_name = "ID", default_value = "")]
    tenant: String,
}

impl BroadcastCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Signal(args) = self;
        let request = BroadcastSignalRequest {
            signal_name: args.name,
            variables: variables::read(args.variables.as_deref())?,
            tenant_id: args.tenant,
        };
        let answer = connection.connect().await?.broadcast_signal(request).await?;
        format.record(&json!({"signalKey": answer.key.to_string(), "tenantId": answer.tenant_id}))
    }
}
