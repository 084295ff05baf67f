//! INCIDENT RESOLVE: repeats exactly the step that failed (`spec/engine.md` 7.13).

use skep_protocol::{
    Command, ErrorType, IncidentIntent, IncidentRecord, NO_KEY, Payload, RejectionType,
};

use crate::context::Context;
use crate::outcome::Effect;
use crate::state::{JobState, Lifecycle};
use crate::step::Step;

pub(super) fn resolve(context: &mut Context<'_>, command: &Command) {
    let key = command.key;
    let Some(incident) = context.state.incidents.get(&key) else {
        let reason = format!(
            "Expected to resolve incident with key '{key}', but no such incident was found"
        );
        return context.reject(command, RejectionType::NotFound, reason);
    };
    if incident.job_key != NO_KEY && incident.error_type == ErrorType::JobNoRetries as i32 {
        let retries = context.state.jobs.get(&incident.job_key).map_or(0, |job| job.record.retries);
        if retries <= 0 {
            let reason = format!(
                "Expected to resolve incident with key '{key}', but job with key '{}' has no retries left. \
                 Update its retries first.",
                incident.job_key
            );
            return context.reject(command, RejectionType::InvalidState, reason);
        }
    }
    context.event(key, Payload::Incident(IncidentIntent::Resolved, incident.clone()));
    context.respond_accepted(key, Payload::Incident(IncidentIntent::Resolved, incident.clone()));
    retry(context, incident);
}

fn retry(context: &mut Context<'_>, incident: IncidentRecord) {
    if !incident.retry_step.is_empty() {
        if let Some(step) = Step::decode(incident.retry_step) {
            context.step(step);
        }
        return;
    }
    if incident.job_key != NO_KEY {
        if let Some(job) =
            context.state.jobs.get(&incident.job_key).filter(|job| job.is(JobState::Activatable))
        {
            context.effect(Effect::JobsAvailable { job_type: job.record.job_type });
        }
        return;
    }
    let key = incident.element_instance_key;
    match context.state.element_instances.get(&key) {
        Some(instance) if instance.is(Lifecycle::Activating) => {
            context.step(Step::Activate { key })
        }
        Some(instance) if instance.is(Lifecycle::Completing) => {
            context.step(Step::ResumeCompletion { key })
        }
        _ => {}
    }
}
