//! `skep throw error KEY`.

use clap::{Args, Subcommand};
use serde_json::json;
use skep_client::proto::ThrowErrorRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

#[derive(Debug, Subcommand)]
pub(crate) enum ThrowCommand {
    /// Throw a BPMN error from an activated job
    Error(ErrorArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep throw error 2251799813685263 --code OUT_OF_STOCK --message 'item 17 is gone'")]
pub(crate) struct ErrorArgs {
    /// Job key
    #[arg(value_name = "KEY")]
    job_key: i64,

    /// Error code, matched against the catching events
    #[arg(long, value_name = "CODE")]
    code: String,

    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,

    /// Variables for the catching event: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,
}

impl ThrowCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Error(args) = self;
        let key = args.job_key;
        let request = ThrowErrorRequest::new(key, &args.code)
            .with_message(args.message)
            .with_variables(variables::read(args.variables.as_deref())?);
        connection.connect().await?.throw_error(request).await?;
        format.done(
            &format!("threw error {} from job {key}", args.code),
            &json!({"jobKey": key.to_string(), "errorCode": args.code}),
        )
    }
}
