//! `skep resolve incident KEY`.

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::ResolveIncidentRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum ResolveCommand {
    /// Resolve an incident: what failed is tried again
    Incident(IncidentArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example (first repair the cause, e.g. give the job retries):
  skep update retries 2251799813685263 3
  skep resolve incident 2251799813685270")]
pub(crate) struct IncidentArgs {
    /// Incident key
    #[arg(value_name = "KEY")]
    incident_key: i64,

    /// Number (at least 1) that the records of this operation carry
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    operation_reference: Option<u64>,
}

impl ResolveCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Incident(args) = self;
        let key = args.incident_key;
        let request = ResolveIncidentRequest {
            operation_reference: args.operation_reference,
            ..ResolveIncidentRequest::new(key)
        };
        connection.connect().await?.resolve_incident(request).await?;
        format.done(&format!("resolved incident {key}"), &json!({"incidentKey": key.to_string()}))
    }
}
