//! `skep update retries|timeout KEY`.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::{UpdateJobRetriesRequest, UpdateJobTimeoutRequest};

use crate::connection::ConnectionArgs;
use crate::duration;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum UpdateCommand {
    /// Set the retries of a job, usually before its incident is resolved
    Retries(RetriesArgs),
    /// Give an activated job a new deadline, counted from now
    Timeout(TimeoutArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep update retries 2251799813685263 3")]
pub(crate) struct RetriesArgs {
    /// Job key
    #[arg(value_name = "KEY")]
    job_key: i64,

    /// Retries, at least 1
    #[arg(value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    retries: i32,

    /// Number (at least 1) that the records of this operation carry
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    operation_reference: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep update timeout 2251799813685263 10m")]
pub(crate) struct TimeoutArgs {
    /// Job key
    #[arg(value_name = "KEY")]
    job_key: i64,

    /// New timeout from now
    #[arg(value_name = "DURATION", value_parser = duration::parse)]
    timeout: Duration,

    /// Number (at least 1) that the records of this operation carry
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    operation_reference: Option<u64>,
}

impl UpdateCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let client = connection.connect().await?;
        match self {
            Self::Retries(args) => {
                let (key, retries) = (args.job_key, args.retries);
                let request = UpdateJobRetriesRequest {
                    operation_reference: args.operation_reference,
                    ..UpdateJobRetriesRequest::new(key, retries)
                };
                client.update_job_retries(request).await?;
                format.done(
                    &format!("job {key} has {retries} retries"),
                    &json!({"jobKey": key.to_string(), "retries": retries}),
                )
            }
            Self::Timeout(args) => {
                let key = args.job_key;
                let request = UpdateJobTimeoutRequest {
                    operation_reference: args.operation_reference,
                    ..UpdateJobTimeoutRequest::new(key, args.timeout)
                };
                let timeout_ms = request.timeout;
                client.update_job_timeout(request).await?;
                format.done(
                    &format!("job {key} has {:?} from now", args.timeout),
                    &json!({"jobKey": key.to_string(), "timeoutMs": timeout_ms}),
                )
            }
        }
    }
}
