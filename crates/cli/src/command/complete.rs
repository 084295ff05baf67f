//! `skep complete job KEY`.

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::CompleteJobRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

#[derive(Debug, Subcommand)]
pub(crate) enum CompleteCommand {
    /// Complete an activated job
    Job(JobArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep complete job 2251799813685263 --variables '{\"charged\": true}'")]
pub(crate) struct JobArgs {
    /// Job key
    #[arg(value_name = "KEY")]
    job_key: i64,

    /// Result variables: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,
}

impl CompleteCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Job(args) = self;
        let key = args.job_key;
        let variables = variables::read(args.variables.as_deref())?;
        let request = CompleteJobRequest::new(key).with_variables(variables);
        connection.connect().await?.complete_job(request).await?;
        format.done(&format!("completed job {key}"), &json!({"jobKey": key.to_string()}))
    }
}
