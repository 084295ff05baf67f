//! JOB_BATCH ACTIVATE: hands jobs of a type to a worker.

use std::ops::ControlFlow;

use skep_protocol::{
    Command, ErrorType, JobBatchIntent, JobBatchRecord, Key, Payload, RejectionType,
};

use crate::behavior::variables;
use crate::context::Context;
use crate::limits::JOBS_RESPONSE_BYTES_MAX;
use crate::outcome::{ActivatedJob, Response};
use crate::state::Job;

/// Bytes of an activated job besides its texts, headers and variables.
const JOB_OVERHEAD_BYTES: usize = 128;

pub(super) fn activate(context: &mut Context<'_>, command: &Command, value: &JobBatchRecord) {
    if value.job_type.trim().is_empty() || value.timeout_ms < 1 || value.jobs_max < 1 {
        let reason = "Expected to activate jobs with a type, a timeout and a maximum greater than zero, but one of them is not";
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    let limit = match usize::try_from(value.response_bytes_max) {
        Ok(0) | Err(_) => JOBS_RESPONSE_BYTES_MAX,
        Ok(limit) => limit,
    };
    let batch = collect(context, value, limit);
    if batch.jobs.is_empty() && batch.too_large.is_none() {
        // Nothing happened: not worth a record, which a thousand idle workers would write each second.
        context.forget_command();
        return context.respond(Response::Jobs { jobs: Vec::new(), truncated: false });
    }
    if let Some((key, job, bytes)) = &batch.too_large {
        let message = format!(
            "The job with key '{key}' can not be activated, because with {bytes} bytes it is larger than the configured \
             message size (per default is 4 MB). Try to reduce the size by reducing the number of fetched variables \
             or modifying the variable values."
        );
        context.raise_for_job(*key, job, ErrorType::MessageSizeExceeded, message);
    }
    let record = JobBatchRecord {
        job_keys: batch.jobs.iter().map(|job| job.key).collect(),
        deadline_ms: batch.deadline_ms,
        truncated: batch.truncated,
        ..value.clone()
    };
    let key = context.next_key();
    context.event(key, Payload::JobBatch(JobBatchIntent::Activated, record));
    context.respond(Response::Jobs { jobs: batch.jobs, truncated: batch.truncated });
}

#[derive(Default)]
struct Batch {
    jobs: Vec<ActivatedJob>,
    deadline_ms: i64,
    truncated: bool,
    /// A job that no answer could hold, with its size.
    too_large: Option<(Key, Job, usize)>,
}

/// Takes jobs in the order of their keys until the batch is full.
fn collect(context: &mut Context<'_>, value: &JobBatchRecord, limit: usize) -> Batch {
    let mut batch =
        Batch { deadline_ms: context.now_ms.saturating_add(value.timeout_ms), ..Batch::default() };
    let mut bytes_left = limit;
    for key in first_activatable(context, &value.job_type, value.jobs_max as usize) {
        let Some(job) = context.state.jobs.get(&key) else { continue };
        let variables = variables::visible(
            context.state,
            job.record.element_instance_key,
            &value.fetch_variables,
        );
        let bytes = size_of(&job, variables.len());
        if bytes > bytes_left {
            batch.truncated = true;
            if bytes > limit {
                batch.too_large = Some((key, job, bytes));
            }
            break;
        }
        bytes_left -= bytes;
        let mut record = job.record;
        record.worker.clone_from(&value.worker);
        record.deadline_ms = batch.deadline_ms;
        batch.jobs.push(ActivatedJob { key, job: record, variables });
    }
    batch
}

fn size_of(job: &Job, variables_bytes: usize) -> usize {
    let headers: usize =
        job.record.headers.iter().map(|header| header.key.len() + header.value.len() + 6).sum();
    JOB_OVERHEAD_BYTES + variables_bytes + headers + job.record.job_type.len()
}

fn first_activatable(context: &mut Context<'_>, job_type: &str, jobs_max: usize) -> Vec<Key> {
    let mut keys = Vec::with_capacity(jobs_max.min(64));
    let head = context.state.activatable_head(job_type);
    let to = (job_type.to_owned(), Key::MAX);
    context.state.jobs_activatable.scan(
        &(job_type.to_owned(), head),
        Some(&to),
        &mut |(_, key), ()| {
            keys.push(*key);
            if keys.len() < jobs_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    context.state.set_activatable_head(job_type, keys.first().copied());
    keys
}
