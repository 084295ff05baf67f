//! `skep fail job KEY`.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::FailJobRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::{duration, variables};

#[derive(Debug, Subcommand)]
pub(crate) enum FailCommand {
    /// Fail an activated job; with no retries left it raises an incident
    Job(JobArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep fail job 2251799813685263 --retries 2 --message 'card reader offline' --backoff 30s")]
pub(crate) struct JobArgs {
    /// Job key
    #[arg(value_name = "KEY")]
    job_key: i64,

    /// Retries left from now on; 0 raises an incident
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    retries: i32,

    /// Why it failed
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,

    /// How long the job stays away from workers
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    backoff: Duration,

    /// Variables set at the job's element: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,
}

impl FailCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Job(args) = self;
        let key = args.job_key;
        let request = FailJobRequest::new(key, args.retries, args.message)
            .with_backoff(args.backoff)
            .with_variables(variables::read(args.variables.as_deref())?);
        connection.connect().await?.fail_job(request).await?;
        format.done(
            &format!("failed job {key}, {} retries left", args.retries),
            &json!({"jobKey": key.to_string(), "retries": args.retries}),
        )
    }
}
