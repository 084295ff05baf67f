//! `skep activate jobs TYPE`: takes jobs and prints them.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use skep_client::proto::{ActivateJobsRequest, ActivatedJob};

use crate::connection::ConnectionArgs;
use crate::duration;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum ActivateCommand {
    /// Take jobs of a type; they stay yours until the timeout
    Jobs(JobsArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep activate jobs charge-card --max 5 --timeout 10m --wait 30s")]
pub(crate) struct JobsArgs {
    /// Job type
    #[arg(value_name = "TYPE")]
    job_type: String,

    /// Most jobs to take
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(i32).range(1..))]
    max: i32,

    /// How long the jobs are yours
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    timeout: Duration,

    /// How long to wait for a job when there is none; 0s does not wait
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    wait: Duration,

    /// Worker name, for people who look at jobs
    #[arg(long, value_name = "NAME", default_value = "skep-cli")]
    worker: String,

    /// Fetch only these variables
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fetch: Vec<String>,
}

impl ActivateCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Jobs(args) = self;
        let request = ActivateJobsRequest::new(args.job_type, args.worker, args.max, args.timeout)
            .with_fetch_variables(args.fetch);
        let request = match args.wait {
            Duration::ZERO => request.without_wait(),
            wait => request.with_wait(wait),
        };
        let poll = connection.connect().await?.activate_jobs(request).await?;
        let jobs: Vec<Value> = poll.collect().await?.iter().map(job_json).collect();
        let columns = ["jobKey", "retries", "processInstanceKey", "elementId", "variables"];
        if jobs.is_empty() && format == Format::Table {
            return format.done("no jobs", &Value::Null);
        }
        format.list(&columns, &jobs)
    }
}

/// A job as JSON, in the words of the REST v2 API.
pub(crate) fn job_json(job: &ActivatedJob) -> Value {
    json!({
        "jobKey": job.key.to_string(),
        "type": job.r#type,
        "worker": job.worker,
        "retries": job.retries,
        "deadlineMs": job.deadline,
        "processInstanceKey": job.process_instance_key.to_string(),
        "processDefinitionId": job.bpmn_process_id,
        "processDefinitionVersion": job.process_definition_version,
        "processDefinitionKey": job.process_definition_key.to_string(),
        "elementId": job.element_id,
        "elementInstanceKey": job.element_instance_key.to_string(),
        "customHeaders": parsed(&job.custom_headers),
        "variables": parsed(&job.variables),
        "tenantId": job.tenant_id,
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_strings_and_documents_are_json() {
        let job = ActivatedJob {
            key: 9_007_199_254_740_993,
            variables: r#"{"a":1}"#.into(),
            ..ActivatedJob::default()
        };
        let json = job_json(&job);
        assert_eq!(json["jobKey"], "9007199254740993");
        assert_eq!(json["variables"]["a"], 1);
        assert_eq!(json["customHeaders"], json!({}));
    }
}
