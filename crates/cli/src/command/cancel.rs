//! `skep cancel instance KEY`.

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::CancelProcessInstanceRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum CancelCommand {
    /// Cancel a running process instance and everything in it
    Instance(InstanceArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep cancel instance 2251799813685251")]
pub(crate) struct InstanceArgs {
    /// Process instance key
    #[arg(value_name = "KEY")]
    process_instance_key: i64,

    /// Number (at least 1) that the records of this operation carry
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    operation_reference: Option<u64>,
}

impl CancelCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Instance(args) = self;
        let key = args.process_instance_key;
        let request = CancelProcessInstanceRequest {
            operation_reference: args.operation_reference,
            ..CancelProcessInstanceRequest::new(key)
        };
        connection.connect().await?.cancel_process_instance(request).await?;
        format.done(
            &format!("cancelled process instance {key}"),
            &json!({"processInstanceKey": key.to_string()}),
        )
    }
}
