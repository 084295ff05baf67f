//! JOB and JOB_BATCH.

use skep_protocol::{JobBatchRecord, JobIntent, JobRecord, Key, NO_KEY};

use crate::state::{Job, JobState, State};

pub(crate) fn apply(state: &mut State, key: Key, intent: JobIntent, value: &JobRecord) {
    match intent {
        JobIntent::Created => {
            state.jobs.insert_new(
                key,
                Job { record: value.clone(), state: JobState::Activatable as i32 },
            );
            state.insert_activatable(&value.job_type, key, true);
            state
                .element_instances
                .update(&value.element_instance_key, |instance| instance.job_key = key);
        }
        #[cfg(feature = "mutation")]
        JobIntent::Completed if crate::mutation::is("completed job is handed out again") => {
            change(state, key, JobState::Activatable, |_| {});
        }
        JobIntent::Completed | JobIntent::Canceled => remove(state, key),
        JobIntent::Failed => failed(state, key, value),
        JobIntent::TimedOut | JobIntent::RecurredAfterBackoff | JobIntent::Yielded => {
            change(state, key, JobState::Activatable, |job| {
                job.deadline_ms = 0;
                job.recurring_time_ms = 0;
                job.worker.clear();
            });
        }
        JobIntent::ErrorThrown => change(state, key, JobState::ErrorThrown, |job| {
            job.error_code.clone_from(&value.error_code);
            job.error_message.clone_from(&value.error_message);
            job.deadline_ms = 0;
        }),
        JobIntent::RetriesUpdated => {
            state.jobs.update(&key, |job| job.record.retries = value.retries)
        }
        JobIntent::TimeoutUpdated => move_deadline(state, key, value.deadline_ms),
        JobIntent::Updated => {
            if value.changes_retries {
                state.jobs.update(&key, |job| job.record.retries = value.retries);
            }
            if value.changes_timeout {
                move_deadline(state, key, value.deadline_ms);
            }
        }
        JobIntent::Complete
        | JobIntent::TimeOut
        | JobIntent::Fail
        | JobIntent::UpdateRetries
        | JobIntent::Cancel
        | JobIntent::ThrowError
        | JobIntent::RecurAfterBackoff
        | JobIntent::Yield
        | JobIntent::UpdateTimeout
        | JobIntent::Update => {}
    }
}

fn failed(state: &mut State, key: Key, value: &JobRecord) {
    let target = if value.retries > 0 && value.recurring_time_ms == 0 {
        JobState::Activatable
    } else {
        JobState::Failed
    };
    change(state, key, target, |job| {
        job.retries = value.retries;
        job.error_message.clone_from(&value.error_message);
        job.recurring_time_ms = value.recurring_time_ms;
        job.deadline_ms = 0;
        job.worker.clear();
    });
}

/// Moves a job to another state and keeps the indexes in step with it.
pub(super) fn change(
    state: &mut State,
    key: Key,
    target: JobState,
    change: impl FnOnce(&mut JobRecord),
) {
    let Some(mut job) = state.jobs.get(&key) else { return };
    leave_indexes(state, key, &job);
    change(&mut job.record);
    job.state = target as i32;
    match target {
        JobState::Activatable => {
            state.insert_activatable(&job.record.job_type, key, false);
        }
        JobState::Activated => state.job_deadlines.insert((job.record.deadline_ms, key), ()),
        JobState::Failed if job.record.recurring_time_ms > 0 => {
            state.job_back_offs.insert((job.record.recurring_time_ms, key), ());
        }
        JobState::Failed | JobState::ErrorThrown => {}
    }
    state.jobs.insert(key, job);
}

fn leave_indexes(state: &mut State, key: Key, job: &Job) {
    if job.is(JobState::Activatable) {
        state.jobs_activatable.remove(&(job.record.job_type.clone(), key));
    } else if job.is(JobState::Activated) {
        state.job_deadlines.remove(&(job.record.deadline_ms, key));
    } else if job.record.recurring_time_ms > 0 {
        state.job_back_offs.remove(&(job.record.recurring_time_ms, key));
    }
}

fn remove(state: &mut State, key: Key) {
    let Some(job) = state.jobs.get(&key) else { return };
    leave_indexes(state, key, &job);
    state.jobs.remove(&key);
    state
        .element_instances
        .update(&job.record.element_instance_key, |instance| instance.job_key = NO_KEY);
}

fn move_deadline(state: &mut State, key: Key, deadline_ms: i64) {
    change(state, key, JobState::Activated, |job| job.deadline_ms = deadline_ms);
}

pub(crate) fn apply_batch(state: &mut State, value: &JobBatchRecord) {
    for key in &value.job_keys {
        change(state, *key, JobState::Activated, |job| {
            job.worker.clone_from(&value.worker);
            job.deadline_ms = value.deadline_ms;
        });
    }
}
