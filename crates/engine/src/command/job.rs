//! Commands on one job (`spec/engine.md` 7.2).

use skep_protocol::{Command, ErrorType, JobIntent, JobRecord, Payload, RejectionType};

use crate::behavior::error::unhandled;
use crate::behavior::variables;
use crate::context::Context;
use crate::document;
use crate::limits::ERROR_MESSAGE_CHARS_MAX;
use crate::outcome::Effect;
use crate::state::{Job, JobState};
use crate::step::Step;

pub(super) fn process(
    context: &mut Context<'_>,
    command: &Command,
    intent: JobIntent,
    value: &JobRecord,
) {
    let verb = match intent {
        JobIntent::Complete => "complete",
        JobIntent::Fail => "fail",
        JobIntent::ThrowError => "throw an error for",
        JobIntent::UpdateRetries | JobIntent::UpdateTimeout | JobIntent::Update => "update",
        JobIntent::TimeOut => "time out",
        JobIntent::RecurAfterBackoff => "recur",
        JobIntent::Yield => "yield",
        _ => {
            let reason = format!("Expected a job command, but JOB {} is none", intent.name());
            return context.reject(command, RejectionType::InvalidArgument, reason);
        }
    };
    let key = command.key;
    let Some(job) = context.state.jobs.get(&key) else {
        let reason = format!("Expected to {verb} job with key '{key}', but no such job was found");
        return context.reject(command, RejectionType::NotFound, reason);
    };
    if document::entries(&value.variables).is_none() {
        let reason = format!(
            "Expected to {verb} job with key '{key}', but its variables are not one MessagePack map"
        );
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    if let Some(state) = forbidden_state(intent, &job, value) {
        let reason =
            format!("Expected to {verb} job with key '{key}', but it is in state '{state}'");
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    match intent {
        JobIntent::Complete => complete(context, command, job, value),
        JobIntent::Fail => fail(context, command, job, value),
        JobIntent::ThrowError => throw_error(context, command, job, value),
        JobIntent::UpdateRetries | JobIntent::UpdateTimeout | JobIntent::Update => {
            update(context, command, intent, job, value);
        }
        _ => offer_again(context, command, intent, job),
    }
}

/// The state's name when the job is in one that does not allow the command.
fn forbidden_state(intent: JobIntent, job: &Job, value: &JobRecord) -> Option<&'static str> {
    match intent {
        // A late answer is as good as a timely one while nobody else answered.
        JobIntent::Complete | JobIntent::Fail | JobIntent::ThrowError => {
            if job.is(JobState::Failed) {
                Some("FAILED")
            } else if job.is(JobState::ErrorThrown) {
                Some("ERROR_THROWN")
            } else {
                None
            }
        }
        JobIntent::TimeOut | JobIntent::Yield if !job.is(JobState::Activated) => {
            Some("not ACTIVATED")
        }
        // A deadline says which activation is meant; a later one belongs to another worker.
        JobIntent::TimeOut | JobIntent::Yield
            if value.deadline_ms != 0 && value.deadline_ms != job.record.deadline_ms =>
        {
            Some("ACTIVATED by a later activation")
        }
        JobIntent::RecurAfterBackoff if !job.is(JobState::Failed) => Some("not FAILED"),
        _ => None,
    }
}

fn complete(context: &mut Context<'_>, command: &Command, job: Job, value: &JobRecord) {
    let element_instance_key = job.record.element_instance_key;
    context.event(command.key, Payload::Job(JobIntent::Completed, job.record.clone()));
    context.respond_accepted(command.key, Payload::Job(JobIntent::Completed, job.record));
    context.step(Step::Complete { key: element_instance_key, variables: value.variables.clone() });
}

fn fail(context: &mut Context<'_>, command: &Command, job: Job, value: &JobRecord) {
    let mut record = job.record;
    record.retries = value.retries;
    record.error_message = shorten(&value.error_message);
    record.retry_back_off_ms = value.retry_back_off_ms;
    record.recurring_time_ms = if value.retries > 0 && value.retry_back_off_ms > 0 {
        context.now_ms.saturating_add(value.retry_back_off_ms)
    } else {
        0
    };
    context.event(command.key, Payload::Job(JobIntent::Failed, record.clone()));
    context.respond_accepted(command.key, Payload::Job(JobIntent::Failed, record.clone()));
    if let Ok(entries) = variables::entries(&value.variables) {
        context.set_local_all(record.element_instance_key, entries);
    }
    if record.retries <= 0 {
        let message = if record.error_message.is_empty() {
            "No more retries left.".to_owned()
        } else {
            record.error_message.clone()
        };
        let job = Job { record, state: JobState::Failed as i32 };
        context.raise_for_job(command.key, &job, ErrorType::JobNoRetries, message);
    } else if record.recurring_time_ms == 0 {
        context.effect(Effect::JobsAvailable { job_type: record.job_type });
    }
}

fn throw_error(context: &mut Context<'_>, command: &Command, job: Job, value: &JobRecord) {
    let mut record = job.record;
    record.error_code.clone_from(&value.error_code);
    record.error_message = shorten(&value.error_message);
    let key = record.element_instance_key;
    let caught = context.find_catch(key, &record.error_code);
    context.event(command.key, Payload::Job(JobIntent::ErrorThrown, record.clone()));
    context.respond_accepted(command.key, Payload::Job(JobIntent::ErrorThrown, record.clone()));
    let throw = Step::ThrowError {
        key,
        job_key: command.key,
        code: record.error_code.clone(),
        message: record.error_message.clone(),
        variables: value.variables.clone(),
    };
    match caught {
        Ok(Err(known)) => context
            .stop_job_at(command.key, unhandled(&record.error_code, &known).retry_with(throw)),
        _ => context.step(throw),
    }
}

fn update(
    context: &mut Context<'_>,
    command: &Command,
    intent: JobIntent,
    job: Job,
    value: &JobRecord,
) {
    let key = command.key;
    let changes_retries = intent == JobIntent::UpdateRetries || value.changes_retries;
    let changes_timeout = intent == JobIntent::UpdateTimeout || value.changes_timeout;
    if changes_retries && value.retries < 1 {
        let reason = format!(
            "Expected to update retries for job with key '{key}' with a positive amount of retries, but the amount given was '{}'",
            value.retries
        );
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    if changes_timeout && !job.is(JobState::Activated) {
        let reason = format!(
            "Expected to update the timeout of job with key '{key}', but it has no deadline: it is not activated"
        );
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    let mut record = job.record;
    record.changes_retries = changes_retries;
    record.changes_timeout = changes_timeout;
    if changes_retries {
        record.retries = value.retries;
    }
    if changes_timeout {
        record.timeout_ms = value.timeout_ms;
        record.deadline_ms = context.now_ms.saturating_add(value.timeout_ms);
    }
    let done = match intent {
        JobIntent::UpdateRetries => JobIntent::RetriesUpdated,
        JobIntent::UpdateTimeout => JobIntent::TimeoutUpdated,
        _ => JobIntent::Updated,
    };
    context.event(key, Payload::Job(done, record.clone()));
    context.respond_accepted(key, Payload::Job(done, record));
}

/// The activation or back-off ended, or the job could not be delivered: anybody may have it.
fn offer_again(context: &mut Context<'_>, command: &Command, intent: JobIntent, job: Job) {
    let too_early = match intent {
        JobIntent::TimeOut => job.record.deadline_ms > context.now_ms,
        JobIntent::RecurAfterBackoff => {
            job.record.recurring_time_ms == 0 || job.record.recurring_time_ms > context.now_ms
        }
        _ => false,
    };
    if too_early {
        let reason = format!(
            "Expected the time of job with key '{}' to have come, but it has not",
            command.key
        );
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    let done = match intent {
        JobIntent::TimeOut => JobIntent::TimedOut,
        JobIntent::RecurAfterBackoff => JobIntent::RecurredAfterBackoff,
        _ => JobIntent::Yielded,
    };
    let job_type = job.record.job_type.clone();
    context.event(command.key, Payload::Job(done, job.record.clone()));
    context.respond_accepted(command.key, Payload::Job(done, job.record));
    context.effect(Effect::JobsAvailable { job_type });
}

fn shorten(message: &str) -> String {
    message.chars().take(ERROR_MESSAGE_CHARS_MAX).collect()
}
