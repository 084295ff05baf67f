//! `skep delete resource KEY`.

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::DeleteResourceRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum DeleteCommand {
    /// Delete a process definition, decision requirements graph or form
    Resource(ResourceArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep delete resource 2251799813685251")]
pub(crate) struct ResourceArgs {
    /// Key of the process definition, decision requirements graph or form
    #[arg(value_name = "KEY")]
    resource_key: i64,

    /// Number (at least 1) that the records of this operation carry
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    operation_reference: Option<u64>,
}

impl DeleteCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Resource(args) = self;
        let key = args.resource_key;
        let request = DeleteResourceRequest {
            resource_key: key,
            operation_reference: args.operation_reference,
            delete_history: None,
        };
        connection.connect().await?.delete_resource(request).await?;
        format.done(&format!("deleted resource {key}"), &json!({"resourceKey": key.to_string()}))
    }
}
