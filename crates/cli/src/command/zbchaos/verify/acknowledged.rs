//! `zbchaos verify acknowledged`: no instance that this run was told of is lost, and none is stuck.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use skep_client::Client;
use skep_client::proto::{ActivateJobsRequest, CompleteJobRequest};

use super::jobs::JOB_TIMEOUT;
use super::until_right;
use crate::command::zbchaos::context::Context;
use crate::failure::Failure;

/// Jobs that are taken at once.
const BATCH: i32 = 32;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify acknowledged --timeoutInSec 120")]
pub(crate) struct AcknowledgedArgs {
    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

impl AcknowledgedArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let job_type = context.run.name("benchmark-task");
        let remembered = context.memory()?.read();
        let (started, mut worked) = (remembered.started, remembered.worked);
        let patience = Duration::from_secs(self.timeout);
        let ended = until_right("Expected all acknowledged instances", patience, async || {
            let client = context.client().await?;
            while complete_some(&client, &job_type, &mut worked).await? {}
            Ok(missing(&started, &worked))
        })
        .await;
        context.memory()?.change(|run| {
            run.worked.append(&mut worked);
            // What was found once is not looked for again.
            let found: BTreeSet<i64> = run.started.intersection(&run.worked).copied().collect();
            run.started.retain(|key| !found.contains(key));
            run.worked.retain(|key| !found.contains(key));
        })?;
        ended?;
        context.say.line(&format!("All {} acknowledged instances were there.", started.len()))
    }
}

/// Completes jobs that are there; false: there are none.
async fn complete_some(
    client: &Client,
    job_type: &str,
    worked: &mut BTreeSet<i64>,
) -> Result<bool, Failure> {
    let request = ActivateJobsRequest::new(job_type, "zbchaos", BATCH, JOB_TIMEOUT).without_wait();
    let jobs = client.activate_jobs(request).await?.collect().await?;
    for job in &jobs {
        worked.insert(job.process_instance_key);
        client.complete_job(CompleteJobRequest::new(job.key)).await?;
    }
    Ok(!jobs.is_empty())
}

/// What was acknowledged and never had a job.
fn missing(started: &BTreeSet<i64>, worked: &BTreeSet<i64>) -> Option<String> {
    let mut missing = started.difference(worked);
    let first = missing.next()?;
    Some(format!(
        "{} of {} acknowledged instances have no job, the first is {first}",
        missing.count() + 1,
        started.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_without_a_job_is_missing() {
        let started = BTreeSet::from([1, 2, 3]);
        assert_eq!(missing(&started, &BTreeSet::from([0, 1, 2, 3, 4])), None);
        let text = missing(&started, &BTreeSet::from([1])).unwrap();
        assert_eq!(text, "2 of 3 acknowledged instances have no job, the first is 2");
    }
}
