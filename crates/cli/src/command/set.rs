//! `skep set variables KEY`.

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::SetVariablesRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

#[derive(Debug, Subcommand)]
pub(crate) enum SetCommand {
    /// Set variables, seen from a process instance or element instance
    Variables(VariablesArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep set variables 2251799813685251 '{\"approved\": true}'
  skep set variables 2251799813685251 @corrected.json --local")]
pub(crate) struct VariablesArgs {
    /// Process instance key or element instance key
    #[arg(value_name = "KEY")]
    element_instance_key: i64,

    /// Variables: JSON object, @file, or - for stdin
    #[arg(value_name = "JSON|@FILE|-")]
    variables: String,

    /// Set them in exactly this scope, instead of where each is defined
    #[arg(long)]
    local: bool,

    /// Number (at least 1) that the records of this operation carry
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    operation_reference: Option<u64>,
}

impl SetCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Variables(args) = self;
        let request = SetVariablesRequest {
            element_instance_key: args.element_instance_key,
            variables: variables::read(Some(&args.variables))?,
            local: args.local,
            operation_reference: args.operation_reference,
        };
        let answer = connection.connect().await?.set_variables(request).await?;
        let key = args.element_instance_key;
        format.done(
            &format!("set variables of {key}"),
            &json!({"elementInstanceKey": key.to_string(), "key": answer.key.to_string()}),
        )
    }
}
