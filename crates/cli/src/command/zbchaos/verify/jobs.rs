//! `zbchaos verify job-completion`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use skep_client::proto::{ActivateJobsRequest, CompleteJobRequest};

use super::until_right;
use crate::command::zbchaos::context::Context;
use crate::failure::Failure;

/// How long a job is this command's.
pub(super) const JOB_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  skep zbchaos verify job-completion --jobCount 5 --jobType benchmark-task"
)]
pub(crate) struct JobsArgs {
    /// How many
    #[arg(long = "jobCount", value_name = "N", default_value_t = 1)]
    count: u32,

    /// Of which type
    #[arg(long = "jobType", value_name = "TYPE", default_value = "benchmark-task")]
    job_type: String,

    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

impl JobsArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let job_type = context.run.name(&self.job_type);
        let mut done = 0;
        let mut worked = BTreeSet::new();
        let what = format!("Expected to complete {} jobs of type {job_type}", self.count);
        let ended = until_right(&what, Duration::from_secs(self.timeout), async || {
            let client = context.client().await?;
            while done < self.count {
                let request =
                    ActivateJobsRequest::new(&job_type, "zbchaos", 1, JOB_TIMEOUT).without_wait();
                let jobs = client.activate_jobs(request).await?.collect().await?;
                let Some(job) = jobs.first() else {
                    return Ok(Some(format!("{done} are completed, there is no further one")));
                };
                worked.insert(job.process_instance_key);
                client.complete_job(CompleteJobRequest::new(job.key)).await?;
                done += 1;
            }
            Ok(None)
        })
        .await;
        context.memory()?.change(|run| run.worked.append(&mut worked))?;
        ended?;
        context.say.line(&format!("Completed {done} jobs successfully."))
    }
}
